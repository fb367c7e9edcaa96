//! `docs/middleware/scenario.py`: a scenario of Make, as a process of its own beside the stack.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use local::services::leash::{Leashed, Program};
use local::services::venv::{Requirements, Venv};
use local::services::workspace;
use serde_json::{Value, json};

use crate::system::System;

/// A running scenario, which ends when it is dropped.
#[derive(Debug)]
pub struct Scenario {
    _program: Leashed,
    pub url: String,
    log: PathBuf,
}

impl System {
    /// Starts a scenario that sends its links to `api_url`.
    pub async fn scenario(&self, api_url: &str) -> Scenario {
        let venv = Venv::of(Requirements::Middleware).await.expect("the library can be installed");
        let log = self.endpoints().logs.join("scenario.txt");
        let program = Leashed::start(Program {
            name: "scenario.py",
            path: venv.program("python"),
            args: vec![workspace::root().join("docs/middleware/scenario.py").into()],
            environment: self.environment_of_scenario(api_url).await,
            user: None,
            end_signal: "TERM",
            log: log.clone(),
        })
        .expect("the scenario starts");
        let first_line = || fs::read_to_string(&log).ok()?.split_once('\n').map(|(line, _)| line.to_owned());
        let ready = async || first_line().is_some_and(|line| line.starts_with("http://"));
        program.until_ready(Duration::from_secs(20), ready).await.expect("the scenario listens");
        Scenario { _program: program, url: first_line().unwrap_or_default(), log }
    }

    /// The endpoint `make` is this scenario from now on.
    pub async fn make_is(&self, scenario: &Scenario) {
        self.make_becomes(&json!({ "url": scenario.url })).await;
    }

    /// Changes the endpoint `make`, and waits for nobody who still has the old secret.
    pub async fn make_becomes(&self, changes: &Value) {
        self.change_endpoint("make", changes).await;
        self.restart_functions().await;
        self.register_endpoints().await;
    }

    async fn environment_of_scenario(&self, api_url: &str) -> BTreeMap<&'static str, OsString> {
        let endpoints = self.endpoints();
        let zoho = self.secret("zoho").await;
        let of_zoho = |name: &str| zoho[name].as_str().unwrap_or_default().to_owned();
        BTreeMap::from([
            ("ENDPOINT_KEYS", endpoints.webhook_endpoints["make"].clone()),
            ("SOURCE", "make".to_owned()),
            ("SOURCE_KEY", endpoints.webhook_secrets["make"].clone()),
            ("API_URL", api_url.to_owned()),
            ("ZOHO_ACCOUNTS_URL", endpoints.zoho.clone()),
            ("ZOHO_API_URL", endpoints.zoho.clone()),
            ("ZOHO_CLIENT_ID", of_zoho("client_id")),
            ("ZOHO_CLIENT_SECRET", of_zoho("client_secret")),
            ("ZOHO_REFRESH_TOKEN", of_zoho("refresh_token")),
        ])
        .into_iter()
        .map(|(name, value)| (name, OsString::from(value)))
        .collect()
    }
}

impl Scenario {
    /// Everything that it has written.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

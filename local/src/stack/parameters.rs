//! The template's parameters: the stage's, and those that only the local stack can know.

use std::collections::BTreeMap;

use anyhow::Context;

use super::database::Database;
use crate::issuer::AUDIENCE;
use crate::samconfig;
use crate::services::workspace;
use crate::template::Template;

const SAMCONFIG: &str = "samconfig.toml";

/// Reads the template as every stage of `samconfig.toml` would have it; an error has all that is wrong with it.
pub fn check_template() -> anyhow::Result<()> {
    for stage in samconfig::stages(&workspace::root().join(SAMCONFIG))? {
        Parameters::of_stage(&stage)?.sketch().with_context(|| format!("the stage {stage}"))?;
    }
    Ok(())
}

/// The values of a stage's parameters.
#[derive(Debug)]
pub(super) struct Parameters {
    stage: BTreeMap<String, String>,
}

impl Parameters {
    pub(super) fn of_stage(stage: &str) -> anyhow::Result<Parameters> {
        Ok(Parameters { stage: samconfig::parameters(&workspace::root().join(SAMCONFIG), stage)? })
    }

    /// The template before anything of it runs: good for its names, not for its values.
    pub(super) fn sketch(&self) -> anyhow::Result<Template> {
        self.read("http://127.0.0.1", "http://127.0.0.1", ("127.0.0.1", 1, "isoxp"))
    }

    /// The template, with the addresses of what runs.
    pub(super) fn template(&self, api: &str, issuer: &str, database: &Database) -> anyhow::Result<Template> {
        let server = database.server();
        self.read(api, issuer, (server.host(), server.port, database.name()))
    }

    fn read(&self, api: &str, issuer: &str, (host, port, database): (&str, u16, &str)) -> anyhow::Result<Template> {
        let mut values = self.stage.clone();
        for (name, value) in [
            ("PublicUrl", api),
            ("JwtIssuer", issuer),
            ("JwtAudiences", AUDIENCE),
            ("DatabaseHost", host),
            ("DatabasePort", &port.to_string()),
            ("DatabaseName", database),
            // The server listens on 127.0.0.1 only.
            ("DatabaseTls", "disable"),
            // So does the receiver of webhooks.
            ("AllowPrivateEndpoints", "true"),
        ] {
            values.insert(name.to_owned(), value.to_owned());
        }
        Template::read(&workspace::root().join("template.yaml"), &values).context("the template cannot be run")
    }
}

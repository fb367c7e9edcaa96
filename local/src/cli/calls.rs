//! The commands that talk to a running stack.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Which, assignment};
use crate::print::print;
use crate::services::postgres;
use crate::stack::Endpoints;

/// Longer than a function may take (Lambda: 15 minutes).
const LIMIT: Duration = Duration::from_mins(16);

#[derive(Debug, Args)]
pub(super) struct Token {
    /// The identity's number at the identity provider
    #[arg(long)]
    sub: String,
    #[arg(long)]
    email: String,
    /// The identity provider did not verify the e-mail
    #[arg(long)]
    unverified: bool,
    #[command(flatten)]
    which: Which,
}

impl Token {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let endpoints = Endpoints::read(self.which.data.as_deref())?;
        let identity = json!({ "sub": self.sub, "email": self.email, "email_verified": !self.unverified });
        print(&token(&endpoints, &identity).await?)?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub(super) struct Invoke {
    function: String,
    /// The event
    #[arg(default_value = "{}")]
    json: String,
    #[command(flatten)]
    which: Which,
}

impl Invoke {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let endpoints = Endpoints::read(self.which.data.as_deref())?;
        print(&invoke(&endpoints, &self.function, self.json).await?)?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub(super) struct Psql {
    #[command(flatten)]
    which: Which,
    /// For psql, after `--`
    #[arg(last = true)]
    args: Vec<String>,
}

impl Psql {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let endpoints = Endpoints::read(self.which.data.as_deref())?;
        let program = postgres::psql().await?;
        // It takes this process's place, and with it the terminal. A URL among the arguments is the database's.
        let error = Command::new(&program).args(&self.args).arg(&endpoints.database_url).exec();
        Err(error).with_context(|| format!("starting {}", program.display()))
    }
}

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// For instance `ENABLE_ZOHO_SYNC=true`
    #[arg(value_name = "NAME=VALUE", value_parser = assignment)]
    values: Vec<(String, String)>,
    #[command(flatten)]
    which: Which,
}

impl Flags {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let url = format!("{}/flags", Endpoints::read(self.which.data.as_deref())?.control);
        let answer = if self.values.is_empty() {
            client()?.get(&url).send().await.with_context(|| gone(&url))?.text().await?
        } else {
            let values: BTreeMap<_, _> = self.values.into_iter().collect();
            let (status, answer) = post(&url, serde_json::to_string(&values)?).await?;
            if !status.is_success() {
                bail!(message(&answer));
            }
            answer
        };
        let values: BTreeMap<String, String> =
            serde_json::from_str(&answer).context("the stack's answer is not JSON")?;
        for (name, value) in values {
            print(&format!("{name}={value}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A token for an identity.
pub(super) async fn token(endpoints: &Endpoints, identity: &Value) -> anyhow::Result<String> {
    let (_, answer) = post(&format!("{}/token", endpoints.issuer), identity.to_string()).await?;
    let answer: Value = serde_json::from_str(&answer).context("the issuer's answer is not JSON")?;
    Ok(answer["id_token"].as_str().context("the issuer gave no token")?.to_owned())
}

/// A function's answer; its failure, told by its own words, is an error.
pub(super) async fn invoke(endpoints: &Endpoints, function: &str, event: String) -> anyhow::Result<String> {
    let (status, answer) = post(&format!("{}/invoke/{function}", endpoints.control), event).await?;
    if !status.is_success() {
        bail!("{function}: {}", message(&answer));
    }
    Ok(answer)
}

async fn post(url: &str, body: String) -> anyhow::Result<(StatusCode, String)> {
    let request = client()?.post(url).header("content-type", "application/json").body(body);
    let answer = request.send().await.with_context(|| gone(url))?;
    Ok((answer.status(), answer.text().await?))
}

pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    Ok(crate::http::client().timeout(LIMIT).build()?)
}

pub(super) fn gone(url: &str) -> String {
    format!("nothing answers at {url}; was the stack killed? Start one with `cargo dev up`")
}

/// What an error answer says, in the shape of the stack's own errors or in that of Lambda's.
fn message(answer: &str) -> String {
    let error: Value = serde_json::from_str(answer).unwrap_or_default();
    match (error["message"].as_str(), error["errorType"].as_str(), error["errorMessage"].as_str()) {
        (Some(message), _, _) => message.to_owned(),
        (_, Some(kind), Some(message)) => format!("{kind}: {message}"),
        _ => answer.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_its_own_words() {
        assert_eq!(message(r#"{"message":"no such function"}"#), "no such function");
        assert_eq!(message(r#"{"errorType":"Runtime.ExitError","errorMessage":"gone"}"#), "Runtime.ExitError: gone");
        assert_eq!(message("<html>"), "<html>");
    }
}

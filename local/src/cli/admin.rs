//! `cargo dev admin`: makes an admin, and asks the running system as one.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Which;
use super::calls::{client, gone, invoke, token};
use crate::print::print;
use crate::stack::Endpoints;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Admin {
    #[command(subcommand)]
    ask: Option<Ask>,
    /// The identity's number at the identity provider
    #[arg(long, required = true)]
    sub: Option<String>,
    #[arg(long, required = true)]
    email: Option<String>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Ask {
    /// Asks for what an admin may see, like `get integrations --sub ops`.
    Get {
        #[command(flatten)]
        question: Question,
    },
    /// Has something done, like `post tasks/replay '{"kind":"sync-zoho","all":true}' --sub ops`.
    Post {
        #[command(flatten)]
        question: Question,
        #[arg(default_value = "{}")]
        json: String,
    },
}

#[derive(Debug, Args)]
struct Question {
    /// A path of the API, or what follows /api/admin/
    path: String,
    /// The admin's identity
    #[arg(long)]
    sub: String,
    #[command(flatten)]
    which: Which,
}

impl Admin {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.ask {
            Some(Ask::Get { question }) => question.ask(None).await,
            Some(Ask::Post { question, json }) => question.ask(Some(json)).await,
            None => {
                let endpoints = Endpoints::read(self.which.data.as_deref())?;
                let event = json!({ "admin": { "sub": self.sub, "email": self.email } });
                print(&invoke(&endpoints, "migrate-database", event.to_string()).await?)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Question {
    /// Prints the answer, whatever it is; a refusal is a failure all the same.
    async fn ask(&self, body: Option<String>) -> anyhow::Result<ExitCode> {
        let endpoints = Endpoints::read(self.which.data.as_deref())?;
        // An admin is known by the number alone; a token has an address all the same.
        let identity = json!({ "sub": self.sub, "email": format!("{}@example.com", self.sub), "email_verified": true });
        let token = token(&endpoints, &identity).await?;
        let url = format!("{}{}", endpoints.api, full(&self.path));
        let request = match body {
            None => client()?.get(&url),
            Some(body) => client()?.post(&url).header("content-type", "application/json").body(body),
        };
        let answer = request.bearer_auth(token).send().await.with_context(|| gone(&url))?;
        let status = answer.status();
        let text = answer.text().await?;
        let Ok(answer) = serde_json::from_str::<Value>(&text) else { bail!("{status}: {text}") };
        print(&format!("{answer:#}"))?;
        Ok(if status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn full(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/api/admin/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        admin: Admin,
    }

    fn parsed(words: &str) -> Result<Admin, clap::Error> {
        Cli::try_parse_from(words.split(' ')).map(|cli| cli.admin)
    }

    #[test]
    fn an_admin_is_made_or_asks() {
        let made = parsed("admin --sub ops --email ops@example.com").unwrap();
        let asks = parsed("admin get integrations --sub ops").unwrap();
        let posts = parsed("admin post tasks/replay {} --sub ops").unwrap();

        assert!(made.ask.is_none() && made.sub.as_deref() == Some("ops"), "{made:?}");
        assert!(matches!(asks.ask, Some(Ask::Get { .. })), "{asks:?}");
        assert!(matches!(posts.ask, Some(Ask::Post { json, .. }) if json == "{}"));
        assert!(parsed("admin --sub ops").is_err());
        assert!(parsed("admin get integrations").is_err());
    }

    #[test]
    fn a_path_may_be_short() {
        assert_eq!(full("failures?kind=sync-zoho"), "/api/admin/failures?kind=sync-zoho");
        assert_eq!(full("/api/user/context"), "/api/user/context");
    }
}

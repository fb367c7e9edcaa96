//! `cargo dev up`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::assignment;
use crate::print::{print, say};
use crate::stack::{self, Options, Stack};

#[derive(Debug, Args)]
pub(super) struct Up {
    /// The stage of samconfig.toml whose parameters it takes
    #[arg(long, default_value = "dev")]
    stage: String,
    /// Where the API listens on 127.0.0.1; 0 for any free port
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// An environment variable to override in every function that has it
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// A directory to work in, whose database is kept between runs [default: one under target/, with a new database]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Run what the release profile makes
    #[arg(long)]
    release: bool,
    /// What the functions take for Zoho, instead of the simulator
    #[arg(long, value_name = "URL")]
    zoho_url: Option<String>,
}

impl Up {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let since = Instant::now();
        let keeps = self.data.is_some();
        let options = Options {
            stage: self.stage,
            port: self.port,
            set: self.set.into_iter().collect(),
            data: self.data,
            release: self.release,
            zoho_url: self.zoho_url,
            ..Options::default()
        };
        // Whoever stops the command while it starts gets the same clean end: a start that is dropped leaves nothing.
        let stack = tokio::select! {
            stack = Stack::start(options) => stack?,
            () = told_to_end() => return Ok(ExitCode::FAILURE),
        };
        stack::remember(stack.directory().path())?;
        print(&welcome(&stack))?;
        say(&format!("Ready after {:.1} s. Ctrl-C ends it.", since.elapsed().as_secs_f64()));

        let failed = tokio::select! {
            () = told_to_end() => None,
            what = stack.ended() => Some(what),
        };
        say(&failed.as_ref().map_or("Ending.".to_owned(), |what| format!("error: {what}. Ending.")));
        let dir = stack.directory().path().display().to_string();
        // Told a second time, it ends at once.
        let ended = tokio::select! {
            ended = stack.stop() => ended,
            () = told_to_end() => return Ok(ExitCode::FAILURE),
        };
        if failed.is_some() {
            // What does not end in order then follows from it, and is said already.
            return Ok(ExitCode::FAILURE);
        }
        ended.context("not everything ended as it should")?;
        if keeps {
            say(&format!("The database is kept in {dir}."));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Ctrl-C, or SIGTERM.
async fn told_to_end() {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else {
        // Without handlers the signals end this process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

fn welcome(stack: &Stack) -> String {
    let endpoints = stack.endpoints();
    format!(
        r#"API        {api}
Database   {database}
SQS        {aws}
Zoho       {zoho}
Issuer     {issuer}
Control    {control}
Webhooks   {receiver}/received
Logs       {logs}

Try it: Sheree signs up, and the chatbot asks who she is.

TOKEN=$(cargo dev token --sub sheree --email sheree@example.com)
curl -s {api}/api/users -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
  -d '{{"role":"parent","first_name":"Sheree","last_name":"Lane","athletes":[{{"first_name":"Jordan","last_name":"Lane","dob":"2009-05-14","sport_primary":"Soccer"}}]}}'
curl -s {api}/api/user/context -H "authorization: Bearer $TOKEN"
"#,
        api = endpoints.api,
        database = endpoints.database_url,
        aws = endpoints.aws,
        zoho = endpoints.zoho,
        issuer = endpoints.issuer,
        control = endpoints.control,
        receiver = endpoints.webhook_receiver,
        logs = endpoints.logs.display(),
    )
}

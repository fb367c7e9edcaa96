//! The commands of `cargo dev`.

mod admin;
mod bench;
mod calls;
mod demo;
mod lint;
mod openapi;
mod test;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::print::say;

/// Runs ISO Photo XP's backend on this machine, as template.yaml describes it.
#[derive(Debug, Parser)]
#[command(name = "cargo dev", bin_name = "cargo dev", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Builds and starts the whole system, and runs it until Ctrl-C.
    Up(up::Up),
    /// Tells the story of the product on a system of its own, with evidence for every step.
    Demo(demo::Demo),
    /// Prints a token for an identity.
    Token(calls::Token),
    /// Invokes a function, and prints its answer.
    Invoke(calls::Invoke),
    /// Makes an admin: a user for an identity that has none yet. Or asks the API as an admin.
    Admin(admin::Admin),
    /// Opens the database, as the role that owns it.
    Psql(calls::Psql),
    /// Flips flags of the running functions, as a deployment would; without arguments, shows them.
    Flags(calls::Flags),
    /// Runs all tests, on real parts.
    Test(test::Test),
    /// Measures a release build: latency, round trips to the database, calls to Zoho.
    Bench(bench::Bench),
    /// Makes docs/openapi.yaml of its parts: shared/openapi.yaml and functions/*/openapi.yaml.
    Openapi,
    /// Checks template.yaml by SAM's transform, by the rules of cfn-lint and by ours, and docs/openapi.yaml by those of OpenAPI.
    Lint,
}

/// Which running stack a command is for.
#[derive(Debug, Args)]
struct Which {
    /// The directory of the stack [default: that of the last one started]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Runs the command that this process was started with, and says why it failed, if it did.
pub async fn run() -> ExitCode {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::WARN.into()).from_env_lossy();
    // A log without a reader is not complained of, which would be a panic.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.log_internal_errors(false).init();
    Cli::parse().command.run().await.unwrap_or_else(|error| {
        // The whole chain on one line: what was being done, and why it failed.
        say(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

impl Command {
    async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Command::Up(up) => up.run().await,
            Command::Demo(demo) => demo.run().await,
            Command::Token(token) => token.run().await,
            Command::Invoke(invoke) => invoke.run().await,
            Command::Admin(admin) => admin.run().await,
            Command::Psql(psql) => psql.run().await,
            Command::Flags(flags) => flags.run().await,
            Command::Test(test) => test.run().await,
            Command::Bench(bench) => bench.run().await,
            Command::Openapi => openapi::run(),
            Command::Lint => lint::run().await,
        }
    }
}

/// `NAME=VALUE`, as an argument.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::Seeds;
    use clap::CommandFactory;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_assignment_may_be_empty_but_not_nameless() {
        assert_eq!(assignment("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(assignment("A="), Ok(("A".to_owned(), String::new())));
        assert!(assignment("A").is_err());
        assert!(assignment("=b").is_err());
    }

    #[test]
    fn what_follows_test_goes_to_cargo() {
        let cli = Cli::try_parse_from(["dev", "test", "-p", "shared", "--", "--nocapture"]).unwrap();

        let Command::Test(test) = cli.command else { panic!("{cli:?}") };
        assert_eq!(test.args, ["-p", "shared", "--", "--nocapture"]);
    }

    #[test]
    fn a_long_run_and_a_seed_are_not_cargos_business() {
        let parsed = |args: &[&str]| match Cli::try_parse_from(["dev", "test"].iter().chain(args)).unwrap().command {
            Command::Test(test) => (test.long, test.seed, test.args),
            other => panic!("{other:?}"),
        };

        assert_eq!(parsed(&["--long", "-p", "tests"]), (true, None, vec!["-p".to_owned(), "tests".to_owned()]));
        assert_eq!(parsed(&["--seed", "17"]), (false, Some(Seeds::These(17, 17)), vec![]));
    }
}

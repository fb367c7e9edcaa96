//! `cargo dev test`: all tests, on services that they share.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use tokio::process::Command;

use crate::services::{Seeds, Shared, seeds, shared, workspace};
use crate::stack::build::cargo;
use crate::stack::{Directory, Options, build_functions, make_template_database};

/// How many tests run at once for each core, unless `--test-threads` or this variable says so: most of a test's time is
/// waiting for what other processes do.
const THREADS: &str = "RUST_TEST_THREADS";
const THREADS_PER_CORE: usize = 3;

const GO_ON: &str = "--no-fail-fast";

#[derive(Debug, Args)]
pub(super) struct Test {
    /// Two thousand stories of the convergence test instead of twenty
    #[arg(long)]
    pub(super) long: bool,
    /// One story of the convergence test again, or some (3-9), and no other test unless arguments say so
    #[arg(long, value_name = "N", conflicts_with = "long")]
    pub(super) seed: Option<Seeds>,
    /// For `cargo test --workspace`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) args: Vec<String>,
}

impl Test {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        self.refuse_packages()?;
        let directory = Directory::free("test")?;
        let options = Options::default();
        let (built, shared) = tokio::join!(build_functions(&options), Shared::start(directory.path()));
        let mut shared = shared?;
        let code = async {
            built?;
            let template = make_template_database(shared.addresses(), &directory).await?;
            let services = shared.publish(template)?.to_owned();
            tokio::select! {
                code = self.run_tests(&services) => code,
                what = shared.ended() => bail!(what),
            }
        }
        .await;
        shared.stop().await?;
        code
    }

    /// The tests themselves take as long as they take. Ctrl-C goes to cargo as well, which then ends, and so do we.
    async fn run_tests(&self, services: &Path) -> anyhow::Result<ExitCode> {
        let mut cargo = Command::new(cargo())
            .arg("test")
            .args(self.which())
            .env(shared::VARIABLE, services)
            .env(seeds::VARIABLE, self.seeds().to_string())
            .env(THREADS, workspace::variable(THREADS).unwrap_or_else(|| threads().to_string().into()))
            .current_dir(workspace::root())
            .kill_on_drop(true)
            .spawn()
            .context("starting cargo")?;
        let status = loop {
            tokio::select! {
                status = cargo.wait() => break status.context("waiting for cargo")?,
                _ = tokio::signal::ctrl_c() => {}
            }
        };
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }

    /// Cargo would take `--workspace` and `--package` and then test everything.
    fn refuse_packages(&self) -> anyhow::Result<()> {
        let arguments = self.args.iter().take_while(|arg| *arg != "--");
        for arg in arguments {
            ensure!(
                !arg.starts_with("-p") && !arg.starts_with("--package"),
                "{arg} would be ignored, since all packages are built together: name a test instead (cargo dev test NAME), \
                 or a target (cargo dev test --test it)"
            );
        }
        Ok(())
    }

    fn seeds(&self) -> Seeds {
        match self.seed {
            Some(seeds) => seeds,
            None if self.long => Seeds::Many,
            None => Seeds::Few,
        }
    }

    /// Which tests to run, as cargo is told. Always of the whole workspace: of one package it would build the dependencies
    /// anew, with fewer features.
    fn which(&self) -> Vec<&str> {
        if self.seed.is_some() && self.args.is_empty() {
            return vec!["--workspace", "--test", "it", "--", seeds::MODULE, "--nocapture"];
        }
        // A failure in one executable hides none in the others. Cargo takes the option once.
        let asked_for = self.args.iter().any(|arg| arg == GO_ON);
        let all = ["--workspace"].into_iter().chain((!asked_for).then_some(GO_ON));
        all.chain(self.args.iter().map(String::as_str)).collect()
    }
}

/// As many systems run at once, on one PostgreSQL.
const MOST_THREADS: usize = 16;

fn threads() -> usize {
    (THREADS_PER_CORE * std::thread::available_parallelism().map_or(1, usize::from)).min(MOST_THREADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(seed: Option<Seeds>, args: &[&str]) -> Test {
        Test { long: false, seed, args: args.iter().map(|arg| (*arg).to_owned()).collect() }
    }

    fn which(seed: Option<Seeds>, args: &[&str]) -> Vec<String> {
        test(seed, args).which().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn everything_is_tested_to_the_end() {
        assert_eq!(which(None, &[]), ["--workspace", "--no-fail-fast"]);
        assert_eq!(which(None, &["people::"]), ["--workspace", "--no-fail-fast", "people::"]);
        assert_eq!(which(None, &["--no-fail-fast", "--lib"]), ["--workspace", "--no-fail-fast", "--lib"]);
    }

    #[test]
    fn a_seed_alone_tells_its_story_and_runs_no_other_test() {
        let seed = Some(Seeds::These(17, 17));

        let told = which(seed, &[]);

        assert_eq!(told, ["--workspace", "--test", "it", "--", "crm::convergence", "--nocapture"]);
        assert_eq!(which(seed, &["people::"]), ["--workspace", "--no-fail-fast", "people::"]);
    }

    #[test]
    fn a_package_is_refused_and_not_ignored() {
        let refusal = |args: &[&str]| test(None, args).refuse_packages().err().map(|error| error.to_string());

        for package in [&["-p", "shared"][..], &["-pshared"], &["--package=shared"]] {
            assert!(refusal(package).is_some_and(|said| said.contains("cargo dev test NAME")), "{package:?}");
        }
        assert_eq!(refusal(&["people::", "--", "-p"]), None);
    }
}

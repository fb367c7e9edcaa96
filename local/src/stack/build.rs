//! Builds the functions' binary, and knows where cargo puts it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use crate::services::workspace;

/// A first release build of everything on a small machine stays below that.
const LIMIT: Duration = Duration::from_hours(1);

/// Builds exactly these binaries; cargo's own output goes to stderr.
pub async fn build(binaries: impl IntoIterator<Item = &str>, release: bool) -> anyhow::Result<()> {
    let mut command = Command::new(cargo());
    command.arg("build").current_dir(workspace::root()).kill_on_drop(true);
    if release {
        command.arg("--release");
    }
    for binary in binaries {
        command.args(["--bin", binary]);
    }
    let status = timeout(LIMIT, command.status())
        .await
        .context("building the functions takes longer than an hour; is another cargo holding its lock?")?
        .context("starting cargo")?;
    ensure!(status.success(), "the functions do not build; cargo's messages are above");
    Ok(())
}

/// Builds an example of `shared`: what benchmarks compare functions with.
pub async fn build_example(name: &str, release: bool) -> anyhow::Result<()> {
    let mut command = Command::new(cargo());
    command.args(["build", "--example", name]).current_dir(workspace::root());
    if release {
        command.arg("--release");
    }
    let status = timeout(LIMIT, command.kill_on_drop(true).status()).await??;
    ensure!(status.success(), "the example {name} does not build; cargo's messages are above");
    Ok(())
}

/// Where that example is.
pub fn example(name: &str, release: bool) -> anyhow::Result<PathBuf> {
    Ok(output_dir(release)?.join("examples").join(name))
}

/// The directory of the binaries.
pub(super) fn output_dir(release: bool) -> anyhow::Result<PathBuf> {
    Ok(workspace::target_dir()?.join(if release { "release" } else { "debug" }))
}

/// The cargo that started this process, if one did.
pub fn cargo() -> PathBuf {
    workspace::variable("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

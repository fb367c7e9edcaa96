//! Where things are: the workspace, cargo's target directory, and the directory for what `local` keeps.
//! The one place of this crate that reads its own environment variables.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use aws_lc_rs::digest::{SHA256, digest};

/// The directory of the workspace's `Cargo.toml`, as it was when this program was built.
pub fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Cargo's target directory, whether it is configured or the default: the ancestor of the running executable that cargo
/// tagged as its cache.
pub fn target_dir() -> anyhow::Result<PathBuf> {
    if let Some(dir) = variable("CARGO_TARGET_DIR") {
        return std::path::absolute(dir).context("reading CARGO_TARGET_DIR");
    }
    let executable = std::env::current_exe().context("looking for the running executable")?;
    Ok(executable
        .ancestors()
        .find(|dir| dir.join("CACHEDIR.TAG").is_file())
        .map_or_else(|| root().join("target"), Path::to_path_buf))
}

/// The directory that holds everything `local` keeps between runs: `target/local`; or, where this process is root
/// and nobody else can enter that (`PostgreSQL` refuses to run as root), one under the system's temporary directory.
pub fn local_dir() -> anyhow::Result<PathBuf> {
    let usual = target_dir()?.join("local");
    fs::create_dir_all(&usual).with_context(|| format!("creating {}", usual.display()))?;
    if !is_root() || is_reachable_by_others(&usual) {
        return Ok(usual);
    }

    let dir = std::env::temp_dir().join(format!("isoxp-local-{}", short_hash(usual.as_os_str().as_encoded_bytes())));
    create_own_dir(&dir)?;
    Ok(dir)
}

/// Creates a directory that others may pass through but only this user may write; refuses one that is somebody else's,
/// since anybody can create directories beside it.
pub fn create_own_dir(dir: &Path) -> anyhow::Result<()> {
    match DirBuilder::new().mode(0o755).create(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("creating {}", dir.display()));
        }
        _ => {}
    }
    let owner = fs::symlink_metadata(dir)?;
    ensure!(
        owner.is_dir() && owner.uid() == nix::unistd::geteuid().as_raw(),
        "{} belongs to somebody else; remove it and start again",
        dir.display()
    );
    Ok(())
}

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Whether a user who is neither the owner nor in the group can reach what lies in `dir`.
pub fn is_reachable_by_others(dir: &Path) -> bool {
    const OTHERS_ENTER: u32 = 0o001;
    let Ok(dir) = dir.canonicalize() else { return false };
    dir.ancestors().all(|part| fs::metadata(part).is_ok_and(|metadata| metadata.mode() & OTHERS_ENTER != 0))
}

/// Sixteen hexadecimal digits that name `content`.
pub fn short_hash(content: &[u8]) -> String {
    let digest = digest(&SHA256, content);
    let number = digest.as_ref().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:016x}")
}

/// An environment variable of this process that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the developer's tool has no shared::config; this is its one home")]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("local/Cargo.toml").is_file());
    }

    #[test]
    fn a_hash_is_the_beginning_of_the_content_s_sha_256() {
        assert_eq!(short_hash(b"abc"), "ba7816bf8f01cfea");
    }

    #[test]
    fn a_directory_below_a_closed_one_is_not_reachable_by_others() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();

        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!is_reachable_by_others(&inner));

        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert!(is_reachable_by_others(&inner));
    }
}

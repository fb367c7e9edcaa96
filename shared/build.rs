//! Rebuilds the crate when a file of `migrations/` changes, which `embed_migrations!` does not report to cargo. A file whose
//! name the macro would skip without a message stops the build.

use std::error::Error;
use std::fs;

const FOLDER: &str = "../migrations";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    for entry in fs::read_dir(FOLDER)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        // Editors and file managers leave hidden files behind.
        if !name.starts_with('.') && !is_migration(&name) {
            return Err(format!("migrations/{name}: the name of a migration is like V0025__its_subject.sql").into());
        }
    }
    Ok(())
}

fn is_migration(name: &str) -> bool {
    let parts = name.strip_prefix('V').and_then(|name| name.strip_suffix(".sql")?.split_once("__"));
    parts.is_some_and(|(version, subject)| {
        version.len() == 4
            && version.bytes().all(|byte| byte.is_ascii_digit())
            && !subject.is_empty()
            && subject.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

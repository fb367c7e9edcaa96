//! `docs/openapi.yaml`, made of its parts: `shared/openapi.yaml`, and the route of each function, which stands in the
//! function's folder.
//!
//! The parts' text is taken as it is, with its layout and comments. Every part and the result are read as well, and the
//! result has to say exactly what the parts say.

mod compose;
mod part;
mod rules;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use part::{Part, Source};

/// Where the document stands below the workspace's root.
pub const DOCUMENT: &str = "docs/openapi.yaml";
const SHARED: &str = "shared/openapi.yaml";

/// The document that the parts below `root` make.
pub fn bundle(root: &Path) -> Result<String> {
    let shared = Source::parse(SHARED, read(&root.join(SHARED))?)?;
    let mut parts = Vec::new();
    for entry in fs::read_dir(root.join("functions")).context("reading functions")? {
        let folder = entry.context("reading functions")?.path();
        let file = folder.join("openapi.yaml");
        if file.is_file() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            parts.push(Part::parse(&name, read(&file)?)?);
        }
    }
    compose::document(&shared, parts)
}

/// Makes the document anew, and returns whether that has changed it.
pub fn write(root: &Path) -> Result<bool> {
    let document = bundle(root)?;
    let file = root.join(DOCUMENT);
    let changed = !fs::read_to_string(&file).is_ok_and(|present| present == document);
    if changed {
        fs::write(&file, document).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(changed)
}

/// # Errors
/// A part is wrong, or was changed without the document, or the document breaks a rule.
pub fn check(root: &Path) -> Result<()> {
    let document = bundle(root)?;
    let fresh = read(&root.join(DOCUMENT))? == document;
    ensure!(fresh, "{DOCUMENT} is not what {SHARED} and functions/*/openapi.yaml make: run cargo dev openapi");
    let findings = rules::findings(&serde_saphyr::from_str(&document)?);
    ensure!(findings.is_empty(), "{DOCUMENT} cannot be used by generators of clients:\n{}", findings.join("\n"));
    Ok(())
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

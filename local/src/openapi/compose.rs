//! Puts the parts' text together, and refuses parts that do not fit each other.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::part::{self, Name, Part, Source};

const HEADER: &str =
    "# Made by `cargo dev openapi` from shared/openapi.yaml and functions/*/openapi.yaml: change it there.\n";

/// As wide as the lines of the document.
const WIDTH: usize = 108;

pub(super) fn document(shared: &Source, mut parts: Vec<Part>) -> Result<String> {
    // Methods of one path stand together, whatever their functions are called.
    parts.sort_by(|one, other| (&one.path, &one.method).cmp(&(&other.path, &other.method)));
    fit(shared, &parts)?;

    let mut text = format!("{HEADER}{}", without_first_comments(&shared.text));
    insert(&mut text, &["paths"], &routes(&parts)?)?;
    for part in &parts {
        for section in part.source.sections() {
            let title = format!("    # ── {} ", part.folder);
            let lines = part.source.lines(&["components", section])?;
            insert(&mut text, &["components", section], &format!("\n{title:─<WIDTH$}\n{lines}"))
                .with_context(|| format!("{}: {section} cannot be added", part.source.file))?;
        }
    }
    let read: Value = serde_saphyr::from_str(&text).context("the parts together cannot be read")?;
    ensure!(
        read == merged(shared, &parts),
        "the parts together do not say what each of them says: write them in lines, indented by two blanks a level, and \
         use an anchor in one part only"
    );
    Ok(text)
}

/// Refuses what stands twice, and what refers to a component of another function.
fn fit(shared: &Source, parts: &[Part]) -> Result<()> {
    let mut routes: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for Part { source, path, method, .. } in parts {
        if let Some(first) = routes.insert((path, method), &source.file) {
            bail!("{method} {path} stands in {first} and in {}", source.file);
        }
    }

    let sources = || [shared].into_iter().chain(parts.iter().map(|part| &part.source));
    let rule = format!("what two routes use stands in {}", shared.file);
    let mut owners: BTreeMap<Name, &str> = BTreeMap::new();
    for source in sources() {
        for name in source.components() {
            if let Some(first) = owners.insert(name.clone(), &source.file) {
                bail!("{} stands in {first} and in {}: {rule}", name.join("/"), source.file);
            }
        }
    }
    for source in sources() {
        for name in source.references() {
            match owners.get(&name) {
                Some(owner) if *owner == source.file || *owner == shared.file => {}
                Some(owner) => bail!("{} refers to {} of {owner}: {rule}", source.file, name.join("/")),
                None => bail!("{} refers to {}, which stands nowhere", source.file, name.join("/")),
            }
        }
    }
    Ok(())
}

fn routes(parts: &[Part]) -> Result<String> {
    let mut text = String::new();
    let mut path = "";
    for part in parts {
        if part.path != path {
            let separator = if path.is_empty() { "" } else { "\n" };
            path = &part.path;
            writeln!(text, "{separator}  {path}:")?;
        }
        text.push_str(part.source.lines(&["paths", path])?);
    }
    Ok(text)
}

/// Adds lines at the end of those that are below these keys.
fn insert(text: &mut String, keys: &[&str], lines: &str) -> Result<()> {
    let present =
        part::lines(text, keys).with_context(|| format!("shared/openapi.yaml has no line for {}", keys.join("/")))?;
    text.insert_str(present.end, lines);
    Ok(())
}

fn without_first_comments(text: &str) -> &str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('\n').filter(|(line, _)| line.starts_with('#')) {
        rest = after;
    }
    rest
}

/// What the parts say together.
fn merged(shared: &Source, parts: &[Part]) -> Value {
    let mut all = shared.value.clone();
    all["paths"] = json!({});
    for part in parts {
        let value = &part.source.value;
        all["paths"][&part.path][&part.method] = value["paths"][&part.path][&part.method].clone();
        for [section, name] in part.source.components() {
            all["components"][&section][&name] = value["components"][&section][&name].clone();
        }
    }
    all
}

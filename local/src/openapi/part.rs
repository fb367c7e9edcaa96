//! The files that the document is made of, each as text and as what the text says.

use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// A component's section and name: `schemas`, `Problem`.
pub(super) type Name = [String; 2];

/// A file.
#[derive(Debug)]
pub(super) struct Source {
    /// As errors name it.
    pub(super) file: String,
    pub(super) text: String,
    pub(super) value: Value,
}

/// The route of a function.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) source: Source,
    pub(super) folder: String,
    pub(super) path: String,
    pub(super) method: String,
}

impl Source {
    pub(super) fn parse(file: &str, text: String) -> Result<Self> {
        let value = serde_saphyr::from_str(&text).with_context(|| format!("{file} cannot be read"))?;
        Ok(Self { file: file.to_owned(), text, value })
    }

    /// The lines below these keys, each of which stands alone on a line, two blanks deeper than the one before.
    pub(super) fn lines(&self, keys: &[&str]) -> Result<&str> {
        let found = lines(&self.text, keys).map(|found| &self.text[found]);
        found.with_context(|| {
            let keys = keys.join("/");
            format!("{}: {keys} has to be written in lines of its own, indented by two blanks a level", self.file)
        })
    }

    pub(super) fn sections(&self) -> Vec<&str> {
        keys(&self.value["components"])
    }

    /// What it defines under `components`.
    pub(super) fn components(&self) -> Vec<Name> {
        let names = |section| keys(&self.value["components"][section]).into_iter().map(move |name| [section, name]);
        self.sections().into_iter().flat_map(names).map(|name| name.map(str::to_owned)).collect()
    }

    /// The components that it refers to, its own included.
    pub(super) fn references(&self) -> Vec<Name> {
        let mut found = Vec::new();
        references(&self.value, &mut found);
        found
    }
}

impl Part {
    pub(super) fn parse(folder: &str, text: String) -> Result<Self> {
        let source = Source::parse(&format!("functions/{folder}/openapi.yaml"), text)?;
        let file = &source.file;
        for key in keys(&source.value) {
            ensure!(
                ["paths", "components"].contains(&key),
                "{file}: only paths and components may stand here, not {key}"
            );
        }
        let paths = &source.value["paths"];
        let [path] = keys(paths)[..] else { bail!("{file}: a function has one route, so one path") };
        let [method] = keys(&paths[path])[..] else {
            bail!("{file}: a function has one route, so {path} has one method")
        };
        ensure!(
            METHODS.contains(&method),
            "{file}: {method} is no method; what concerns {path} stands in its operation"
        );
        let id = paths[path][method]["operationId"].as_str().unwrap_or_default();
        ensure!(id == folder, "{file}: operationId has to be the folder's name, {folder}, and is {id:?}");
        Ok(Self { folder: folder.to_owned(), path: path.to_owned(), method: method.to_owned(), source })
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flat_map(|fields| fields.keys()).map(String::as_str).collect()
}

fn references(value: &Value, found: &mut Vec<Name>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| references(value, found)),
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        Value::String(text) => {
            let name = text.strip_prefix("#/components/").and_then(|name| name.split_once('/'));
            found.extend(name.map(|(section, name)| [section, name].map(str::to_owned)));
        }
        _ => {}
    }
}

/// Where the lines stand that are below these keys in a text, without the blank ones at the end.
pub(super) fn lines(text: &str, keys: &[&str]) -> Option<Range<usize>> {
    let heads = keys.iter().enumerate().map(|(depth, key)| format!("{}{key}:", "  ".repeat(depth)));
    heads.into_iter().try_fold(0..text.len(), |within, head| below(text, within, &head))
}

fn below(text: &str, within: Range<usize>, head: &str) -> Option<Range<usize>> {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let mut found: Option<Range<usize>> = None;
    let mut end = within.start;
    for line in text[within].split_inclusive('\n') {
        end += line.len();
        match &mut found {
            None if line.trim_end() == head => found = Some(end..end),
            Some(_) if !line.trim().is_empty() && indentation(line) <= indentation(head) => break,
            Some(found) if !line.trim().is_empty() => found.end = end,
            _ => {}
        }
    }
    found
}

//! `docs/openapi.yaml`, read once, and its schemas as validators.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::{Draft, Registry, Validator};
use local::services::workspace;
use serde_json::{Value, json};

/// Where the document stands in the workspace.
pub const PATH: &str = "docs/openapi.yaml";

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// A name to refer to it by; nothing is ever fetched from there.
const URI: &str = "https://isophotoxp.com/openapi";

static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::read);

/// The document. All places in it are JSON pointers (RFC 6901).
#[derive(Debug)]
pub struct Document {
    pub root: Value,
    registry: Registry<'static>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// What a route does.
#[derive(Debug)]
pub struct Operation<'a> {
    /// In upper case.
    pub method: String,
    /// With its parameters' names in braces.
    pub path: String,
    pub place: String,
    pub definition: &'a Value,
}

/// The document, which all tests of a process share.
pub fn document() -> &'static Document {
    &DOCUMENT
}

impl Document {
    fn read() -> Self {
        let text = fs::read_to_string(workspace::root().join(PATH)).expect("the document is there");
        let root: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{PATH}: {error}"));
        let registry = Registry::new()
            .draft(Draft::Draft202012)
            .add(URI, root.clone())
            .and_then(jsonschema::RegistryBuilder::prepare)
            .unwrap_or_else(|error| panic!("{PATH}: {error}"));
        Self { root, registry, validators: Mutex::default() }
    }

    /// What stands at a place, after a reference has been followed, and where that is.
    pub fn at(&self, place: &str) -> Option<(&Value, String)> {
        let found = self.root.pointer(place)?;
        match found["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(other) => self.at(other),
            None => Some((found, place.to_owned())),
        }
    }

    /// The operations of all routes.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = Vec::new();
        for (path, item) in self.root["paths"].as_object().expect("the document has paths") {
            for method in METHODS {
                if let Some(definition) = item.get(method) {
                    let place = format!("/paths/{}/{method}", escaped(path));
                    operations.push(Operation { method: method.to_uppercase(), path: path.clone(), place, definition });
                }
            }
        }
        operations
    }

    /// Every answer that a route is said to give: its status, its definition, and where that stands.
    pub fn answers(&self) -> Vec<(u16, &Value, String)> {
        let mut answers = Vec::new();
        for operation in self.operations() {
            let statuses = operation.definition["responses"].as_object().expect("an operation has answers");
            for status in statuses.keys() {
                let place = format!("{}/responses/{status}", operation.place);
                let (response, place) = self.at(&place).unwrap_or_else(|| panic!("{place} refers to nothing"));
                answers.push((status.parse().expect("a route's status is a number"), response, place));
            }
        }
        answers
    }

    /// Shows `look` every object at and below a place, but for examples and what they hold.
    pub fn walk(&self, place: &str, look: &mut impl FnMut(&str, &Value)) {
        walk(self.root.pointer(place).unwrap_or_else(|| panic!("nothing stands at {place}")), place, look);
    }

    /// Everything about a value that the schema at a place does not allow.
    pub fn problems(&self, place: &str, value: &Value) -> Vec<String> {
        let validator = self.validator(place);
        let told = |error: jsonschema::ValidationError<'_>| match error.instance_path().as_str() {
            "" => error.to_string(),
            path => format!("{path}: {error}"),
        };
        validator.iter_errors(value).map(told).collect()
    }

    fn validator(&self, place: &str) -> Arc<Validator> {
        // A schema that makes no validator ends the tests that need it, and no others.
        let mut known = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let build = || {
            let reference = format!("{URI}#{}", place.replace('{', "%7B").replace('}', "%7D"));
            let options = jsonschema::options().with_draft(Draft::Draft202012).with_registry(&self.registry);
            let options = options.should_validate_formats(true).offline();
            options.build(&json!({ "$ref": reference })).unwrap_or_else(|error| panic!("{PATH}, {place}: {error}"))
        };
        known.entry(place.to_owned()).or_insert_with(|| Arc::new(build())).clone()
    }
}

fn walk(value: &Value, place: &str, look: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            look(place, value);
            for (name, value) in fields.iter().filter(|(name, _)| !["example", "examples"].contains(&&***name)) {
                walk(value, &format!("{place}/{}", escaped(name)), look);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| walk(item, &format!("{place}/{index}"), look));
        }
        _ => {}
    }
}

/// A name as a part of a pointer.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

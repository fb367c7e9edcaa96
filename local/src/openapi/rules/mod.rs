//! What generators of clients need beside OpenAPI's own rules, so that their code has names, types and cases. Each finding
//! begins with the place of what is wrong, as a JSON pointer.

#[cfg(test)]
mod tests;
mod union;

use std::collections::BTreeMap;

use serde_json::{Value, json};

const PROBLEM_TYPES: &str = "/components/schemas/ProblemType/enum";
const PROBLEMS: &str = "https://isophotoxp.com/problems/";

/// All that is wrong with a document.
pub(super) fn findings(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(document, "", &mut |place, schema| {
        let mut say = |problem: String| found.push(format!("{place}: {problem}"));
        if schema.get("$ref").is_some_and(Value::is_string) && schema.as_object().is_some_and(|all| all.len() > 1) {
            say("what stands beside a $ref is not read by all: put the $ref into an allOf".to_owned());
        }
        if is_of_type(schema, "array") && schema.get("items").is_none() {
            say("an array needs items".to_owned());
        }
        union::check(document, schema).into_iter().for_each(say);
    });
    operations(document, &mut found);
    problems(document, &mut found);
    found
}

/// Every operation has a name of its own, patches one media type and lists one envelope.
fn operations(document: &Value, found: &mut Vec<String>) {
    let mut names = BTreeMap::new();
    for section in ["paths", "webhooks"] {
        for (path, item) in document[section].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let place = format!("/{section}/{}/{method}", escaped(path));
                let name = operation["operationId"].as_str().unwrap_or_default();
                if let Some(first) = names.insert(name.to_owned(), place.clone()).filter(|_| !name.is_empty()) {
                    found.push(format!("{place}: its operationId {name:?} is that of {first}, too"));
                }
                if name.is_empty() || section == "webhooks" && name != path.replace('.', "-") {
                    found.push(format!("{place}: it needs an operationId, of a webhook its type with hyphens"));
                }
                let media_types: Vec<_> = keys(&operation["requestBody"]["content"]);
                if method == "patch" && media_types != ["application/json"] {
                    found.push(format!("{place}: a patch is sent as application/json alone, not as {media_types:?}"));
                }
                if has_pages(operation) && !is_list(document, operation) {
                    found.push(format!("{place}: a list answers an array of items, and next by the schema Next"));
                }
            }
        }
    }
}

fn has_pages(operation: &Value) -> bool {
    let cursor = json!({"$ref": "#/components/parameters/Cursor"});
    operation["parameters"].as_array().is_some_and(|parameters| parameters.contains(&cursor))
}

fn is_list(document: &Value, operation: &Value) -> bool {
    let schema = resolved(document, &operation["responses"]["200"]["content"]["application/json"]["schema"]);
    let fields = &schema["properties"];
    keys(fields) == ["items", "next"]
        && is_of_type(&fields["items"], "array")
        && fields["next"] == json!({"$ref": "#/components/schemas/Next"})
}

/// A type of a problem stands in the one list of them, from which generators make an enum.
fn problems(document: &Value, found: &mut Vec<String>) {
    let listed = document.pointer(PROBLEM_TYPES).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    walk(document, "", &mut |place, schema| {
        let named = schema.get("const").into_iter().chain(schema["enum"].as_array().into_iter().flatten());
        let problems = named.filter(|value| value.as_str().is_some_and(|text| text.starts_with(PROBLEMS)));
        found.extend(
            problems
                .filter(|value| !listed.contains(value))
                .map(|value| format!("{place}: {value} is not in {PROBLEM_TYPES}")),
        );
    });
    if document.pointer("/components/schemas/Problem").is_some() {
        let kind = document.pointer("/components/schemas/Problem/properties/type");
        if kind != Some(&json!({"$ref": "#/components/schemas/ProblemType"})) {
            found.push("/components/schemas/Problem: its type is a ProblemType".to_owned());
        }
    }
}

/// Whether a schema says that it is of this type, alone or among others.
fn is_of_type(schema: &Value, name: &str) -> bool {
    schema["type"] == name || schema["type"].as_array().is_some_and(|types| types.iter().any(|one| one == name))
}

/// A schema, after references have been followed.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    target.map_or(schema, |target| resolved(document, target))
}

/// Shows `look` every object, but for examples and what they hold.
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

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flat_map(|fields| fields.keys()).map(String::as_str).collect()
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

//! Unions of objects: a program that reads one has to see by one field which case it is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{is_of_type, resolved};

/// What is wrong with the unions of a schema.
pub(super) fn check(document: &Value, schema: &Value) -> Vec<String> {
    let unions = ["oneOf", "anyOf"].into_iter().filter_map(|kind| Some((kind, schema.get(kind)?.as_array()?)));
    let mut found = Vec::new();
    for (kind, branches) in unions {
        let objects: Vec<&Value> = branches.iter().filter(|branch| may_be_object(document, branch)).collect();
        if objects.len() < 2 {
            continue;
        }
        match schema["discriminator"]["propertyName"].as_str() {
            None => found.push(format!("{kind} of objects needs a discriminator")),
            Some(name) => found.extend(fits(document, &objects, name, &schema["discriminator"]["mapping"])),
        }
    }
    found
}

/// Each case is a schema with a name, and the mapping leads to it by the one value of the field.
fn fits(document: &Value, objects: &[&Value], field: &str, mapping: &Value) -> Option<String> {
    let cases: Option<BTreeSet<&str>> = objects.iter().map(|branch| branch["$ref"].as_str()).collect();
    let Some(cases) = cases else {
        return Some("a union with a discriminator consists of $refs".to_owned());
    };
    let mapping: Vec<(&String, &str)> =
        mapping.as_object().into_iter().flatten().filter_map(|(value, case)| Some((value, case.as_str()?))).collect();
    if mapping.iter().map(|(_, case)| *case).collect::<BTreeSet<_>>() != cases {
        return Some("the discriminator's mapping names exactly the cases of the union".to_owned());
    }
    let tells = |(value, case): &(&String, &str)| {
        let schema = resolved(document, objects.iter().find(|branch| branch["$ref"] == *case)?);
        let is_required = schema["required"].as_array().is_some_and(|required| required.contains(&json!(field)));
        let told = is_required && schema["properties"][field] == json!({ "const": value });
        (!told).then(|| format!("{case} has to require {field}, which is always {value:?} there"))
    };
    mapping.iter().find_map(tells)
}

/// Whether a value of a schema may be an object, as far as the schema says.
fn may_be_object(document: &Value, schema: &Value) -> bool {
    let schema = resolved(document, schema);
    if schema.get("type").is_some() {
        return is_of_type(schema, "object");
    }
    let values = schema.get("const").map(std::slice::from_ref).or_else(|| schema["enum"].as_array().map(Vec::as_slice));
    if let Some(values) = values {
        return values.iter().any(Value::is_object);
    }
    let parts = |kind: &str| schema[kind].as_array().cloned();
    if let Some(parts) = parts("allOf") {
        return parts.iter().all(|part| may_be_object(document, part));
    }
    match parts("oneOf").or_else(|| parts("anyOf")) {
        Some(branches) => branches.iter().any(|branch| may_be_object(document, branch)),
        None => true,
    }
}

//! The template's parameters with a stage's values, checked as `CloudFormation` checks them.

use std::collections::BTreeMap;

use super::{Finding, node::Node, scope::Value};

const KNOWN: &[&str] = &[
    "Type",
    "Default",
    "AllowedValues",
    "AllowedPattern",
    "ConstraintDescription",
    "Description",
    "NoEcho",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
];

/// All parameters' values; what is wrong with them goes to `findings`.
pub(super) fn read(
    section: Option<&Node>,
    given: &BTreeMap<String, String>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, Value> {
    let declared = section.and_then(Node::entries).unwrap_or_default();
    for name in given.keys().filter(|name| !declared.iter().any(|entry| entry.key == **name)) {
        findings.push(Finding::new(0, format!("the template has no parameter `{name}`, which the stage sets")));
    }
    let mut values = BTreeMap::new();
    for entry in declared {
        for property in entry.value.entries().unwrap_or_default() {
            if !KNOWN.contains(&&*property.key) {
                findings.push(Finding::new(property.line, format!("a parameter has no property `{}`", property.key)));
            }
        }
        let default = entry.value.get("Default");
        let written = default.map(|node| node.text().unwrap_or_default().to_owned());
        match given.get(&entry.key).cloned().or(written) {
            None => {
                let message = format!("the parameter `{}` has no default, and the stage gives it no value", entry.key);
                findings.push(Finding::new(entry.line, message));
            }
            Some(value) => match check(&entry.value, &value) {
                Ok(()) => {
                    values.insert(entry.key.clone(), typed(&entry.value, value));
                }
                Err(reason) => {
                    findings.push(Finding::new(entry.line, format!("the parameter `{}` {reason}", entry.key)));
                }
            },
        }
    }
    values
}

fn typed(parameter: &Node, value: String) -> Value {
    let kind = parameter.get("Type").and_then(Node::text).unwrap_or_default();
    if kind == "CommaDelimitedList" || kind.starts_with("List<") {
        let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
        Value::List(items.map(|item| Value::Text(item.to_owned())).collect())
    } else {
        Value::Text(value)
    }
}

/// What a value has to be that is not allowed. The value itself is not repeated: it may be a secret.
pub(super) fn check(parameter: &Node, value: &str) -> Result<(), String> {
    let property = |name| parameter.get(name).and_then(Node::text);
    let limit = |name| property(name).and_then(|text| text.parse::<f64>().ok());
    let kind = property("Type").ok_or("has no Type")?;
    if !(matches!(kind, "String" | "Number" | "CommaDelimitedList")
        || kind.starts_with("AWS::")
        || kind.starts_with("List<"))
    {
        return Err(format!("has the unknown Type `{kind}`"));
    }
    if let Some(allowed) = parameter.get("AllowedValues").and_then(Node::list)
        && !allowed.iter().any(|one| one.text() == Some(value))
    {
        let allowed: Vec<_> = allowed.iter().filter_map(Node::text).collect();
        return Err(format!("has to be one of: {}", allowed.join(", ")));
    }
    if let Some(pattern) = property("AllowedPattern") {
        let whole = regex::Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|error| format!("has an AllowedPattern that is no pattern: {error}"))?;
        if !whole.is_match(value) {
            return Err(match property("ConstraintDescription") {
                Some(description) => format!("has to be {description}"),
                None => format!("does not match its AllowedPattern `{pattern}`"),
            });
        }
    }
    if kind == "Number" {
        // Of what Rust takes for a number, `inf` and `1e3` are none to CloudFormation.
        let plain = value.strip_prefix('-').unwrap_or(value).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number: f64 = value.parse().ok().filter(|_| plain).ok_or("has to be a number")?;
        within(number, limit("MinValue"), limit("MaxValue"), "")?;
    }
    #[expect(clippy::cast_precision_loss, reason = "no parameter is that long")]
    let length = value.chars().count() as f64;
    within(length, limit("MinLength"), limit("MaxLength"), " characters long")
}

fn within(number: f64, least: Option<f64>, most: Option<f64>, unit: &str) -> Result<(), String> {
    match (least, most) {
        (Some(least), _) if number < least => Err(format!("has to be at least {least}{unit}")),
        (_, Some(most)) if number > most => Err(format!("has to be at most {most}{unit}")),
        _ => Ok(()),
    }
}

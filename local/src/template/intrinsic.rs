//! `CloudFormation`'s intrinsic functions and conditions, evaluated.

use super::{
    Finding, Resources,
    node::{Kind, Node},
    scope::{Scope, Value},
};

impl Scope {
    /// Evaluates an expression. Without `resources`, a reference to a resource stays one.
    pub(super) fn evaluate(&self, node: &Node, resources: Option<&Resources>) -> Result<Value, Finding> {
        match &node.kind {
            Kind::Null => Ok(Value::Nothing),
            Kind::Text(text) => Ok(Value::Text(text.clone())),
            Kind::List(items) => {
                let values = items.iter().map(|item| self.evaluate(item, resources)).collect::<Result<Vec<_>, _>>()?;
                Ok(Value::List(values.into_iter().filter(|value| *value != Value::Nothing).collect()))
            }
            Kind::Map(entries) => {
                let field =
                    |entry: &super::node::Entry| Ok((entry.key.clone(), self.evaluate(&entry.value, resources)?));
                let fields = entries.iter().map(field).collect::<Result<Vec<_>, Finding>>()?;
                Ok(Value::Map(fields.into_iter().filter(|(_, value)| *value != Value::Nothing).collect()))
            }
            Kind::Call(name, argument) => self.call(name, argument, node.line, resources),
        }
    }

    fn call(&self, name: &str, argument: &Node, line: usize, resources: Option<&Resources>) -> Result<Value, Finding> {
        let wrong = || Finding::new(line, format!("`{name}` does not have the arguments that it takes"));
        let text = |node: &Node| match self.evaluate(node, resources)? {
            Value::Text(text) => Ok(text),
            Value::Resource { logical_id, .. } => Err(unknown_yet(&logical_id, node.line)),
            _ => Err(wrong()),
        };
        match (name, argument.list()) {
            ("Ref", None) => {
                let name = argument.text().ok_or_else(wrong)?;
                known(self.reference(name, line)?, resources, line)
            }
            ("Fn::GetAtt", list) => {
                let (name, attribute) = match list {
                    None => argument.text().and_then(|text| text.split_once('.')).ok_or_else(wrong)?,
                    Some([name, attribute]) => (name.text().ok_or_else(wrong)?, attribute.text().ok_or_else(wrong)?),
                    Some(_) => return Err(wrong()),
                };
                known(self.resource(name, Some(attribute), line)?, resources, line)
            }
            ("Fn::Sub", None) => self.substitute(argument.text().ok_or_else(wrong)?, None, line, resources),
            ("Fn::Sub", Some([pattern, names])) => {
                self.substitute(pattern.text().ok_or_else(wrong)?, Some(names), line, resources)
            }
            ("Fn::If", Some([condition, then, otherwise])) => {
                let condition = self.named_condition(condition.text().ok_or_else(wrong)?, line)?;
                self.evaluate(if condition { then } else { otherwise }, resources)
            }
            ("Fn::Join", Some([delimiter, parts])) => {
                let delimiter = text(delimiter)?;
                let Value::List(parts) = self.evaluate(parts, resources)? else { return Err(wrong()) };
                let part = |value| match value {
                    Value::Text(text) => Ok(text),
                    Value::Resource { logical_id, .. } => Err(unknown_yet(&logical_id, line)),
                    _ => Err(wrong()),
                };
                Ok(Value::Text(parts.into_iter().map(part).collect::<Result<Vec<_>, _>>()?.join(&delimiter)))
            }
            ("Fn::Select", Some([index, list])) => {
                let index: usize = text(index)?.parse().map_err(|_| wrong())?;
                let Value::List(values) = self.evaluate(list, resources)? else { return Err(wrong()) };
                values
                    .into_iter()
                    .nth(index)
                    .ok_or_else(|| Finding::new(line, "`Fn::Select` points past the list's end"))
            }
            ("Fn::Split", Some([delimiter, whole])) => {
                let (delimiter, whole) = (text(delimiter)?, text(whole)?);
                Ok(Value::List(whole.split(&*delimiter).map(|part| Value::Text(part.to_owned())).collect()))
            }
            ("Fn::FindInMap", Some([map, first, second])) => {
                let (map, first, second) = (text(map)?, text(first)?, text(second)?);
                let found = self.mappings.as_ref().and_then(|maps| maps.get(&map)?.get(&first)?.get(&second));
                let found =
                    found.ok_or_else(|| Finding::new(line, format!("there is no mapping {map}.{first}.{second}")))?;
                self.evaluate(found, resources)
            }
            ("Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" | "Condition", _) => {
                Ok(Value::Text(self.test(name, argument, line)?.to_string()))
            }
            ("Ref" | "Fn::Sub" | "Fn::If" | "Fn::Join" | "Fn::Select" | "Fn::Split" | "Fn::FindInMap", _) => {
                Err(wrong())
            }
            _ => Err(Finding::new(line, format!("the local stack does not know the function `{name}`"))),
        }
    }

    /// `${Name}`, `${Resource.Attribute}`, and `${!Literal}`, which stays without its exclamation mark.
    fn substitute(
        &self,
        pattern: &str,
        names: Option<&Node>,
        line: usize,
        resources: Option<&Resources>,
    ) -> Result<Value, Finding> {
        let mut text = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) =
                after.split_once('}').ok_or_else(|| Finding::new(line, "a `${` of this `Fn::Sub` is not closed"))?;
            text.push_str(before);
            rest = behind;
            if let Some(literal) = name.strip_prefix('!') {
                text.extend(["${", literal, "}"]);
                continue;
            }
            let value = match (names.and_then(|names| names.get(name)), name.split_once('.')) {
                (Some(node), _) => self.evaluate(node, resources)?,
                (None, Some((resource, attribute))) => {
                    known(self.resource(resource, Some(attribute), line)?, resources, line)?
                }
                (None, None) => known(self.reference(name, line)?, resources, line)?,
            };
            match value {
                Value::Text(value) => text.push_str(&value),
                Value::Resource { logical_id, .. } => return Err(unknown_yet(&logical_id, line)),
                _ => return Err(Finding::new(line, format!("`${{{name}}}` is not a text"))),
            }
        }
        text.push_str(rest);
        Ok(Value::Text(text))
    }

    pub(super) fn named_condition(&self, name: &str, line: usize) -> Result<bool, Finding> {
        let node =
            self.conditions.get(name).ok_or_else(|| Finding::new(line, format!("there is no condition `{name}`")))?;
        self.condition(node)
    }

    fn condition(&self, node: &Node) -> Result<bool, Finding> {
        match &node.kind {
            Kind::Call(name, argument) => self.test(name, argument, node.line),
            Kind::Map(entries) => match &**entries {
                [one] if one.key == "Condition" => self.test("Condition", &one.value, node.line),
                _ => Err(Finding::new(node.line, "this is not a condition")),
            },
            _ => Err(Finding::new(node.line, "this is not a condition")),
        }
    }

    fn test(&self, name: &str, argument: &Node, line: usize) -> Result<bool, Finding> {
        match (name, argument.list()) {
            ("Fn::Equals", Some([left, right])) => Ok(self.evaluate(left, None)? == self.evaluate(right, None)?),
            ("Fn::Not", Some([one])) => self.condition(one).map(|held| !held),
            ("Fn::And", Some(all)) => all.iter().try_fold(true, |held, one| Ok(held & self.condition(one)?)),
            ("Fn::Or", Some(any)) => any.iter().try_fold(false, |held, one| Ok(held | self.condition(one)?)),
            ("Condition", None) => match argument.text() {
                Some(name) => self.named_condition(name, line),
                None => Err(Finding::new(line, "`Condition` needs a name")),
            },
            _ => Err(Finding::new(line, format!("`{name}` is no condition with these arguments"))),
        }
    }
}

fn known(value: Value, resources: Option<&Resources>, line: usize) -> Result<Value, Finding> {
    let (Value::Resource { logical_id, attribute }, Some(resources)) = (&value, resources) else { return Ok(value) };
    let resource = resources.0.get(logical_id).ok_or_else(|| {
        Finding::new(line, format!("`{logical_id}` exists only in the cloud, and a function's variable needs it here"))
    })?;
    let found = match attribute {
        None => Some(&resource.reference),
        Some(attribute) => resource.attributes.get(attribute),
    };
    found.cloned().map(Value::Text).ok_or_else(|| {
        let attribute = attribute.as_deref().unwrap_or_default();
        Finding::new(line, format!("the local `{logical_id}` has no attribute `{attribute}`"))
    })
}

fn unknown_yet(logical_id: &str, line: usize) -> Finding {
    Finding::new(line, format!("this has to be known before `{logical_id}` exists; only variables may name it"))
}

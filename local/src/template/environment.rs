//! A function's variables, once the stack knows what its resources are.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    Finding, Function, TemplateError,
    node::{Kind, Node},
    parameter,
    scope::Value,
};

/// What the stack made for each logical id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources(pub BTreeMap<String, Resource>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// What `!Ref` gives: a queue's URL, a secret's ARN.
    pub reference: String,
    /// What `!GetAtt` gives: `Arn`, `QueueName`, …
    pub attributes: BTreeMap<String, String>,
}

impl Function {
    /// The names of its variables, Globals' among them.
    pub fn variable_names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| name.as_str())
    }

    /// Whether a deployment with other parameters could give a variable this value, as far as the template says; the
    /// error says what it has to be. A variable that the function does not have may be anything.
    pub fn check_variable(&self, name: &str, value: &str) -> Result<(), String> {
        let Some((_, node)) = self.variables.iter().find(|(variable, _)| variable == name) else { return Ok(()) };
        if value.is_empty() {
            return Err("must not be empty: a function takes that for a variable that is not set".to_owned());
        }
        referred_to(node)
            .into_iter()
            .filter_map(|parameter| self.scope.declarations.get(parameter))
            .try_for_each(|declaration| parameter::check(declaration, value))
    }

    /// The variables of the function's process, as the template has them: Globals, overridden by its own.
    pub fn environment(&self, resources: &Resources) -> Result<BTreeMap<String, String>, TemplateError> {
        let mut environment = BTreeMap::new();
        let mut findings = Vec::new();
        for (name, node) in &self.variables {
            match self.scope.evaluate(node, Some(resources)) {
                Ok(Value::Text(value)) => {
                    environment.insert(name.clone(), value);
                }
                Ok(Value::Nothing) => {}
                Ok(_) => findings.push(Finding::new(node.line, format!("the variable `{name}` is not a text"))),
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() {
            Ok(environment)
        } else {
            Err(TemplateError { path: PathBuf::from("template.yaml"), findings })
        }
    }
}

/// What a variable may be a `Ref` to, in either branch of an `Fn::If`.
fn referred_to(node: &Node) -> Vec<&str> {
    match &node.kind {
        Kind::Call(function, argument) if function == "Ref" => argument.text().into_iter().collect(),
        Kind::Call(function, argument) if function == "Fn::If" => {
            argument.list().into_iter().flatten().skip(1).flat_map(referred_to).collect()
        }
        _ => Vec::new(),
    }
}

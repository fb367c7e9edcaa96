//! A function's variables, once the stack knows what its resources are.

use std::{collections::BTreeMap, path::PathBuf};

use super::{Finding, Function, TemplateError, scope::Value};

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

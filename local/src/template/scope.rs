//! What names mean in a template: parameters, pseudo parameters, mappings, conditions and the resources themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, node::Node};

#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) parameters: BTreeMap<String, Value>,
    /// As written: what values they may have.
    pub(super) declarations: BTreeMap<String, Node>,
    /// Unevaluated: most are about things that exist only in the cloud.
    pub(super) conditions: BTreeMap<String, Node>,
    pub(super) mappings: Option<Node>,
    pub(super) resources: BTreeSet<String>,
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
    /// `AWS::NoValue`: as if it had not been written.
    Nothing,
    /// A resource's `Ref`, or with an attribute its `Fn::GetAtt`, before the resource exists.
    Resource {
        logical_id: String,
        attribute: Option<String>,
    },
}

impl Scope {
    /// A parameter, a pseudo parameter or a resource.
    pub(super) fn reference(&self, name: &str, line: usize) -> Result<Value, Finding> {
        let text = |value: &str| Ok(Value::Text(value.to_owned()));
        match name {
            "AWS::Region" => text("us-east-1"),
            "AWS::AccountId" => text("000000000000"),
            "AWS::Partition" => text("aws"),
            "AWS::StackName" => text("isoxp-local"),
            "AWS::URLSuffix" => text("amazonaws.com"),
            "AWS::NoValue" => Ok(Value::Nothing),
            _ => match self.parameters.get(name) {
                Some(value) => Ok(value.clone()),
                None => self.resource(name, None, line),
            },
        }
    }

    pub(super) fn resource(&self, name: &str, attribute: Option<&str>, line: usize) -> Result<Value, Finding> {
        if !self.resources.contains(name) {
            return Err(Finding::new(line, format!("`{name}` is neither a parameter nor a resource of this template")));
        }
        Ok(Value::Resource { logical_id: name.to_owned(), attribute: attribute.map(str::to_owned) })
    }
}

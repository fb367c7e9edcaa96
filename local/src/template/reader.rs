//! Reads a whole template: parameters first, then every resource by its type.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Finding, Template, function, http_api, lint,
    node::{Entry, Node},
    parameter,
    properties::{Context, Properties},
    queue,
    scope::Scope,
};

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Transform",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Globals",
    "Resources",
    "Outputs",
    "Rules",
];

const RESOURCE: &[&str] = &[
    "Type",
    "Properties",
    "Metadata",
    "Condition",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "UpdatePolicy",
    "CreationPolicy",
];

/// What has no local counterpart, and needs none.
const CLOUD_ONLY: &[&str] = &[
    "AWS::ApiGatewayV2::",
    "AWS::Backup::",
    "AWS::Budgets::",
    "AWS::CertificateManager::",
    "AWS::CloudWatch::",
    "AWS::EC2::",
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::",
    "AWS::RDS::",
    "AWS::Route53::",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::SecretsManager::SecretTargetAttachment",
    "AWS::SNS::",
    "AWS::SQS::QueuePolicy",
    "AWS::SSM::",
    "AWS::WAFv2::",
    "AWS::XRay::",
];

/// The template, as far as it can be read, and all that is wrong with it.
pub(super) fn read(source: &str, parameters: &BTreeMap<String, String>) -> (Option<Template>, Vec<Finding>) {
    let root = match Node::parse(source) {
        Ok(root) => root,
        Err(finding) => return (None, vec![finding]),
    };
    let mut findings = Vec::new();
    let scope = Arc::new(scope(&root, parameters, &mut findings));
    // Without its parameters nearly everything else would be a finding, too.
    if !findings.is_empty() {
        return (None, findings);
    }
    let context = Context::new(&scope);
    let template = context.section(&root, "a template", &[SECTIONS]).map(|root| resources(root, &scope));
    let template = template.inspect(|template| lint::check(template, &context));
    (template, context.into_findings())
}

fn scope(root: &Node, parameters: &BTreeMap<String, String>, findings: &mut Vec<Finding>) -> Scope {
    let entries = |name| root.get(name).and_then(Node::entries).unwrap_or_default();
    let nodes = |name| entries(name).iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
    Scope {
        parameters: parameter::read(root.get("Parameters"), parameters, findings),
        declarations: nodes("Parameters"),
        conditions: nodes("Conditions"),
        mappings: root.get("Mappings").cloned(),
        resources: entries("Resources").iter().map(|entry| entry.key.clone()).collect(),
    }
}

fn resources(root: Properties<'_>, scope: &Arc<Scope>) -> Template {
    let context = root.context;
    let globals = function::Globals::read(root);
    let mut template = Template { functions: Vec::new(), queues: Vec::new(), secrets: Vec::new(), http_api: None };
    let entries = root.node("Resources").and_then(Node::entries).unwrap_or_default();
    for Entry { key: id, value, line } in entries {
        let Some(resource) = context.section(value, "a resource", &[RESOURCE]) else { continue };
        if !context.exists(resource.node("Condition")) {
            continue;
        }
        let kind = resource.required("Type", &format!("the resource `{id}`")).unwrap_or_default();
        match kind.as_str() {
            "AWS::Serverless::Function" => {
                template.functions.extend(function::read(id, *line, resource, &globals, scope));
            }
            "AWS::SQS::Queue" => template.queues.extend(queue::read(id, *line, resource)),
            "AWS::SecretsManager::Secret" => template.secrets.push(queue::read_secret(id, resource)),
            "AWS::Serverless::HttpApi" if template.http_api.is_some() => {
                context.report(*line, "the local stack serves one HTTP API, and this is the second");
            }
            "AWS::Serverless::HttpApi" => template.http_api = http_api::read(id, resource),
            "" => {}
            known if CLOUD_ONLY.iter().any(|cloud| known.starts_with(cloud)) => {}
            unknown => {
                let message = format!("the local stack neither runs `{unknown}` nor knows that it may be passed over");
                context.report(resource.line_of("Type"), message);
            }
        }
    }
    template
}

//! `AWS::Serverless::Function`, with what `Globals` say for all of them.

use std::{sync::Arc, time::Duration};

use super::{
    Function, event,
    node::{Entry, Node},
    properties::Properties,
    scope::Scope,
};

const HONOURED: &[&str] =
    &["Environment", "Timeout", "MemorySize", "ReservedConcurrentExecutions", "Events", "Runtime", "Handler"];

const GLOBAL: &[&str] = &["Environment", "Timeout", "MemorySize", "ReservedConcurrentExecutions", "Runtime"];

const CLOUD_ONLY: &[&str] = &[
    "Architectures",
    "AssumeRolePolicyDocument",
    "AutoPublishAlias",
    "CodeSigningConfigArn",
    "CodeUri",
    "DeadLetterQueue",
    "DeploymentPreference",
    "Description",
    "EphemeralStorage",
    "EventInvokeConfig",
    "FunctionName",
    "KmsKeyArn",
    "LoggingConfig",
    "PermissionsBoundary",
    "Policies",
    "PropagateTags",
    "RecursiveLoop",
    "Role",
    "RolePath",
    "RuntimeManagementConfig",
    "Tags",
    "Tracing",
    "VpcConfig",
];

/// SAM's defaults, where neither the function nor `Globals` say it.
const TIMEOUT: u64 = 3;
const MEMORY_MB: u32 = 128;
/// Lambda's limits.
const TIMEOUTS: std::ops::RangeInclusive<u64> = 1..=900;
const MEMORIES_MB: std::ops::RangeInclusive<u32> = 128..=10_240;

/// `Globals.Function`.
#[derive(Debug, Default)]
pub(super) struct Globals<'a>(Option<Properties<'a>>);

impl<'a> Globals<'a> {
    pub(super) fn read(root: Properties<'a>) -> Self {
        let globals = root.section("Globals", "Globals", &[&["Function"]]);
        Self(globals.and_then(|globals| globals.section("Function", "Globals.Function", &[GLOBAL, CLOUD_ONLY])))
    }
}

pub(super) fn read(
    id: &str,
    line: usize,
    resource: Properties<'_>,
    Globals(globals): &Globals<'_>,
    scope: &Arc<Scope>,
) -> Option<Function> {
    let context = resource.context;
    let binary = binary(resource);
    if binary.is_none() {
        context.report(
            line,
            format!("the function `{id}` needs `Metadata: BuildProperties: Binary`, which names its binary"),
        );
    }
    let own = resource.section("Properties", "a function", &[HONOURED, CLOUD_ONLY]);
    let name = own.and_then(|own| own.text("Handler"));
    if name.is_none() {
        context.report(line, format!("the function `{id}` needs a `Handler`, which names it to its binary"));
    }
    // A function's own word first.
    let sections: Vec<Properties<'_>> = own.into_iter().chain(*globals).collect();
    let said = |property: &str| sections.iter().find(|section| section.node(property).is_some());
    if !said("Runtime")
        .and_then(|section| section.text("Runtime"))
        .is_some_and(|runtime| runtime.starts_with("provided."))
    {
        context.report(line, format!("the function `{id}` needs the Runtime `provided.al2023`: it is a binary"));
    }
    let timeout = said("Timeout").and_then(|section| section.number("Timeout")).unwrap_or(TIMEOUT);
    if !TIMEOUTS.contains(&timeout) {
        context.report(line, format!("the function `{id}` has a Timeout outside Lambda's 1 to 900 seconds"));
    }
    let memory_mb = said("MemorySize").and_then(|section| section.number("MemorySize")).unwrap_or(MEMORY_MB);
    if !MEMORIES_MB.contains(&memory_mb) {
        context.report(line, format!("the function `{id}` has a MemorySize outside Lambda's 128 to 10240 MB"));
    }
    let mut function = Function {
        logical_id: id.to_owned(),
        name: name?,
        binary: binary?,
        timeout: Duration::from_secs(timeout),
        memory_mb,
        reserved_concurrency: said("ReservedConcurrentExecutions")
            .and_then(|section| section.number("ReservedConcurrentExecutions")),
        routes: Vec::new(),
        queue_mappings: Vec::new(),
        schedules: Vec::new(),
        variables: variables(&sections),
        line,
        scope: scope.clone(),
    };
    let events = own.and_then(|own| own.node("Events")).and_then(Node::entries).unwrap_or_default();
    for Entry { key, value, .. } in events {
        if let Some(value) = context.section(value, "an event", &[&["Type", "Properties"]]) {
            event::read(key, value, &mut function);
        }
    }
    Some(function)
}

fn binary(resource: Properties<'_>) -> Option<String> {
    let metadata = resource.node("Metadata")?;
    metadata.get("BuildProperties")?.get("Binary")?.text().map(str::to_owned)
}

/// One variable of a name: the function's own word first.
fn variables(sections: &[Properties<'_>]) -> Vec<(String, Node)> {
    let mut variables: Vec<(String, Node)> = Vec::new();
    for section in sections {
        let environment = section.section("Environment", "an Environment", &[&["Variables"]]);
        let entries = environment.and_then(|environment| environment.node("Variables")).and_then(Node::entries);
        for Entry { key, value, .. } in entries.unwrap_or_default() {
            if !variables.iter().any(|(name, _)| name == key) {
                variables.push((key.clone(), value.clone()));
            }
        }
    }
    variables
}

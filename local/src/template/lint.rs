//! What neither `sam validate` nor cfn-lint sees: misspelt properties of SAM's events, and queues and functions that do
//! not fit each other.

use std::{collections::BTreeMap, time::Duration};

use super::{Finding, Function, Queue, QueueMapping, Template, properties::Context, reader};

/// What SQS takes where a queue sets no visibility timeout.
const DEFAULT_VISIBILITY: Duration = Duration::from_secs(30);

/// All that is wrong with a template, with the parameters' defaults overridden by `parameters`.
pub fn lint(source: &str, parameters: &BTreeMap<String, String>) -> Vec<Finding> {
    reader::read(source, parameters).1
}

/// The rules that take more than one resource; those about one stand where it is read.
pub(super) fn check(template: &Template, context: &Context<'_>) {
    unique(context, template.functions.iter().map(|function| (function.name.as_str(), function.line)), "handler");
    unique(context, template.queues.iter().map(|queue| (queue.name.as_str(), queue.line)), "queue name");
    let routes = template.functions.iter().flat_map(|function| {
        function.routes.iter().map(move |route| (format!("{} {}", route.method, route.path), function.line))
    });
    let routes: Vec<_> = routes.collect();
    unique(context, routes.iter().map(|(key, line)| (key.as_str(), *line)), "route");
    if template.http_api.is_none()
        && let Some(function) = template.functions.iter().find(|function| !function.routes.is_empty())
    {
        context.report(function.line, "this function has a route, but the template has no AWS::Serverless::HttpApi");
    }
    for function in &template.functions {
        cors(context, template, function);
    }
    for queue in &template.queues {
        if let Some(redrive) = &queue.redrive
            && !template.queues.iter().any(|one| one.logical_id == redrive.dead_letter)
        {
            context.report(
                queue.line,
                format!("the dead letter queue `{}` is no queue of this template", redrive.dead_letter),
            );
        }
    }
    for function in &template.functions {
        for mapping in &function.queue_mappings {
            match template.queues.iter().find(|queue| queue.logical_id == mapping.queue) {
                Some(queue) => fits(context, function, queue),
                None => context.report(mapping.line, format!("`{}` is no queue of this template", mapping.queue)),
            }
            reservation(context, function, mapping);
        }
    }
}

/// A browser sends no request whose method the preflight does not allow.
fn cors(context: &Context<'_>, template: &Template, function: &Function) {
    let Some(cors) = template.http_api.as_ref().and_then(|api| api.cors.as_ref()) else { return };
    let is_allowed = |method: &str| cors.allow_methods.iter().any(|allowed| allowed == "*" || allowed == method);
    for route in function.routes.iter().filter(|route| route.method != "ANY" && !is_allowed(&route.method)) {
        let message =
            format!("browsers cannot send `{} {}`: AllowMethods lacks {}", route.method, route.path, route.method);
        context.report(function.line, message);
    }
}

fn fits(context: &Context<'_>, function: &Function, queue: &Queue) {
    let visibility = queue.attributes.get("VisibilityTimeout").and_then(|seconds| seconds.parse().ok());
    let visibility = visibility.map_or(DEFAULT_VISIBILITY, Duration::from_secs);
    let least = function.timeout * 6;
    if visibility < least {
        let message = format!(
            "the queue `{}` hides a message for {} s, but `{}` may take {} s: AWS asks for six times that, {} s",
            queue.logical_id,
            visibility.as_secs(),
            function.name,
            function.timeout.as_secs(),
            least.as_secs(),
        );
        context.report(queue.line, message);
    }
    if queue.redrive.is_none() {
        let message = format!(
            "the queue `{}` has no RedrivePolicy: a message that `{}` cannot handle would come for ever",
            queue.logical_id, function.name,
        );
        context.report(queue.line, message);
    }
}

/// More batches at once than the function may run are throttled, and count as received each time.
fn reservation(context: &Context<'_>, function: &Function, mapping: &QueueMapping) {
    if let (Some(reserved), Some(maximum)) = (function.reserved_concurrency, mapping.maximum_concurrency)
        && maximum > reserved
    {
        let message =
            format!("the MaximumConcurrency {maximum} is over the function's ReservedConcurrentExecutions {reserved}");
        context.report(mapping.line, message);
    }
}

fn unique<'n>(context: &Context<'_>, names: impl Iterator<Item = (&'n str, usize)>, what: &str) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, line) in names {
        if let Some(first) = first.get(name) {
            context.report(line, format!("the {what} `{name}` is taken already, in line {first}"));
        } else {
            first.insert(name, line);
        }
    }
}

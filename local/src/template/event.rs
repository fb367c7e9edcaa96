//! A function's `Events`: HTTP routes, queues and schedules.

use std::time::Duration;

use super::{Function, QueueMapping, Rhythm, Route, Schedule, properties::Properties};

const HTTP: &[&str] = &["Path", "Method", "ApiId", "Auth", "PayloadFormatVersion"];
const HTTP_CLOUD_ONLY: &[&str] = &["RouteSettings"];
const SQS: &[&str] =
    &["Queue", "BatchSize", "MaximumBatchingWindowInSeconds", "ScalingConfig", "FunctionResponseTypes", "Enabled"];
const SQS_CLOUD_ONLY: &[&str] = &["KmsKeyArn", "MetricsConfig"];
const SCHEDULE: &[&str] = &["ScheduleExpression", "Input", "State", "Name"];
const SCHEDULE_CLOUD_ONLY: &[&str] = &[
    "Description",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
    "OmitName",
    "PermissionsBoundary",
    "RetryPolicy",
    "RoleArn",
    "DeadLetterConfig",
];

/// Lambda's limits for a queue's batches.
const BATCH_SIZE: u32 = 10;
const BATCH_SIZES: std::ops::RangeInclusive<u32> = 1..=10_000;
const WINDOWS: std::ops::RangeInclusive<u64> = 0..=300;
const CONCURRENCIES: std::ops::RangeInclusive<u32> = 2..=1000;

/// Adds what the event asks for to the function.
pub(super) fn read(name: &str, event: Properties<'_>, function: &mut Function) {
    match event.text("Type").as_deref() {
        Some("HttpApi") => function.routes.extend(route(event)),
        Some("SQS") => function.queue_mappings.extend(mapping(event)),
        Some("ScheduleV2") => function.schedules.extend(schedule(&format!("{}{name}", function.logical_id), event)),
        Some(kind) => {
            let message = format!("the local stack has no events of type `{kind}`: it has HttpApi, SQS and ScheduleV2");
            event.context.report(event.line_of("Type"), message);
        }
        None => event.context.report(event.line, format!("the event `{name}` needs a `Type`")),
    }
}

fn route(event: Properties<'_>) -> Option<Route> {
    let properties = event.section("Properties", "an HttpApi event", &[HTTP, HTTP_CLOUD_ONLY])?;
    let context = properties.context;
    if properties.node("ApiId").is_none() {
        context.report(
            properties.line,
            "an HttpApi event needs `ApiId`: the implicit API has neither authorizer nor CORS",
        );
    }
    properties.resource("ApiId", None);
    if properties.text("PayloadFormatVersion").is_some_and(|version| version != "2.0") {
        context.report(properties.line_of("PayloadFormatVersion"), "the local stack speaks payload format 2.0 only");
    }
    let path = properties.required("Path", "an HttpApi event")?;
    if !path.starts_with('/') {
        context.report(properties.line_of("Path"), "a Path begins with `/`");
    }
    let method = properties.required("Method", "an HttpApi event")?.to_ascii_uppercase();
    let auth = properties.section("Auth", "an event's Auth", &[&["Authorizer"]]);
    let authorizer = auth.and_then(|auth| auth.text("Authorizer"));
    Some(Route { method, path, authorized: authorizer.as_deref() != Some("NONE") })
}

fn mapping(event: Properties<'_>) -> Option<QueueMapping> {
    let properties = event.section("Properties", "an SQS event", &[SQS, SQS_CLOUD_ONLY])?;
    let context = properties.context;
    let batch_size = properties.number("BatchSize").unwrap_or(BATCH_SIZE);
    let window = properties.number("MaximumBatchingWindowInSeconds").unwrap_or(0);
    if !BATCH_SIZES.contains(&batch_size) {
        context.report(properties.line_of("BatchSize"), "a BatchSize is 1 to 10000");
    } else if batch_size > BATCH_SIZE && window == 0 {
        let message = "a BatchSize over 10 needs a MaximumBatchingWindowInSeconds of at least 1";
        context.report(properties.line_of("BatchSize"), message);
    }
    if !WINDOWS.contains(&window) {
        context.report(properties.line_of("MaximumBatchingWindowInSeconds"), "a batching window is 0 to 300 seconds");
    }
    let scaling = properties.section("ScalingConfig", "a ScalingConfig", &[&["MaximumConcurrency"]]);
    let maximum_concurrency = scaling.and_then(|scaling| {
        let maximum = scaling.number("MaximumConcurrency")?;
        if !CONCURRENCIES.contains(&maximum) {
            context.report(scaling.line_of("MaximumConcurrency"), "a MaximumConcurrency is 2 to 1000");
        }
        Some(maximum)
    });
    let responses = properties.texts("FunctionResponseTypes").unwrap_or_default();
    let report_batch_item_failures = responses.iter().any(|response| response == "ReportBatchItemFailures");
    if !report_batch_item_failures {
        let message = "an SQS event needs `FunctionResponseTypes: [ReportBatchItemFailures]`, \
                       or one bad message fails its neighbours";
        context.report(properties.line_of("FunctionResponseTypes"), message);
    }
    if properties.node("Queue").is_none() {
        context.report(properties.line, "an SQS event needs `Queue`");
    }
    Some(QueueMapping {
        queue: properties.resource("Queue", Some("Arn"))?,
        batch_size,
        window: Duration::from_secs(window),
        maximum_concurrency,
        report_batch_item_failures,
        enabled: properties.boolean("Enabled").unwrap_or(true),
        line: properties.line_of("Queue"),
    })
}

fn schedule(default_name: &str, event: Properties<'_>) -> Option<Schedule> {
    let properties = event.section("Properties", "a ScheduleV2 event", &[SCHEDULE, SCHEDULE_CLOUD_ONLY])?;
    let context = properties.context;
    let expression = properties.required("ScheduleExpression", "a ScheduleV2 event")?;
    let rhythm = Rhythm::parse(&expression)
        .map_err(|message| context.report(properties.line_of("ScheduleExpression"), message))
        .ok()?;
    let input = properties.text("Input").map(|input| serde_json::from_str(&input));
    if let Some(Err(error)) = &input {
        context.report(properties.line_of("Input"), format!("an Input is JSON: {error}"));
    }
    let state = properties.text("State");
    if !matches!(state.as_deref(), None | Some("ENABLED" | "DISABLED")) {
        context.report(properties.line_of("State"), "a State is ENABLED or DISABLED");
    }
    Some(Schedule {
        name: properties.text("Name").unwrap_or_else(|| default_name.to_owned()),
        rhythm,
        enabled: state.as_deref() != Some("DISABLED"),
        input: input.and_then(Result::ok),
    })
}

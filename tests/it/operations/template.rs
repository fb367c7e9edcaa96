//! `template.yaml` as it is deployed, held against the rules that neither `sam validate` nor `cfn-lint` knows.

use std::collections::BTreeMap;
use std::fs;

use local::samconfig;
use local::services::workspace;
use local::template::{Template, lint};

fn source() -> String {
    fs::read_to_string(workspace::root().join("template.yaml")).expect("the template can be read")
}

fn parameters(stage: &str) -> BTreeMap<String, String> {
    samconfig::parameters(&workspace::root().join("samconfig.toml"), stage).expect("the stage has parameters")
}

/// What is found in a copy of the real file in which the first `from` after `anchor` has become `to`; lines keep their
/// places. With the number of the line that was changed.
fn after_change(anchor: &str, from: &str, to: &str) -> (usize, Vec<(usize, String)>) {
    let source = source();
    let start = source.find(anchor).unwrap_or_else(|| panic!("`{anchor}` is in the template"));
    let place = start + source[start..].find(from).unwrap_or_else(|| panic!("`{from}` comes after `{anchor}`"));
    let changed = format!("{}{to}{}", &source[..place], &source[place + from.len()..]);
    let findings = lint(&changed, &parameters("dev"));
    (line_at(&source, place), findings.into_iter().map(|finding| (finding.line, finding.message)).collect())
}

fn line_at(source: &str, place: usize) -> usize {
    source[..place].lines().count()
}

#[test]
fn the_template_has_no_findings_in_any_stage() {
    let stages = samconfig::stages(&workspace::root().join("samconfig.toml")).unwrap();

    for stage in &stages {
        assert_eq!(lint(&source(), &parameters(stage)), [], "{stage}");
        Template::read(&workspace::root().join("template.yaml"), &parameters(stage)).unwrap();
    }

    assert_eq!(stages, ["dev", "prod", "staging"]);
}

#[test]
fn a_misspelt_batch_size_is_refused_with_its_line() {
    let (line, findings) = after_change("  SendAlerts:", "BatchSize:", "BatchSiz:");

    let message = "an SQS event has no property `BatchSiz` that the local stack knows: did you mean `BatchSize`?";
    assert_eq!(findings, [(line, message.to_owned())]);
}

#[test]
fn a_batch_over_ten_without_a_window_is_refused_with_its_line() {
    let (line, findings) = after_change("  SyncZoho:", "BatchSize: 1", "BatchSize: 11");

    let message = "a BatchSize over 10 needs a MaximumBatchingWindowInSeconds of at least 1";
    assert_eq!(findings, [(line, message.to_owned())]);
}

#[test]
fn a_batch_of_ten_and_one_over_ten_with_a_window_are_fine() {
    let (_, ten) = after_change("  SyncZoho:", "BatchSize: 1", "BatchSize: 10");
    let window = "BatchSize: 11\n            MaximumBatchingWindowInSeconds: 1";
    let (_, with_window) = after_change("  SyncZoho:", "BatchSize: 1", window);

    assert_eq!(ten, []);
    assert_eq!(with_window, []);
}

#[test]
fn a_visibility_under_six_times_the_timeout_is_refused_with_the_line_of_its_queue() {
    let (line, findings) = after_change("  FanOutGalleryQueue:", "VisibilityTimeout: 360", "VisibilityTimeout: 359");

    let message = "the queue `FanOutGalleryQueue` hides a message for 359 s, but `fan-out-gallery` may take 60 s: \
                   AWS asks for six times that, 360 s";
    let [(found, text)] = &*findings else { panic!("{findings:?}") };
    assert_eq!(text, message);
    assert!((line - 4..=line).contains(found), "the finding stands at {found}, the queue's property at {line}");
}

#[test]
fn a_longer_timeout_is_held_against_its_queue_too() {
    let (_, findings) = after_change("  SyncZoho:", "Timeout: 90", "Timeout: 91");

    let [(_, text)] = &*findings else { panic!("{findings:?}") };
    assert!(text.contains("`SyncZohoQueue`") && text.contains("six times that, 546 s"), "{text}");
}

#[test]
fn a_maximum_concurrency_of_one_is_refused_with_its_line() {
    let (line, findings) = after_change("  SyncZoho:", "MaximumConcurrency: 2", "MaximumConcurrency: 1");

    assert_eq!(findings, [(line, "a MaximumConcurrency is 2 to 1000".to_owned())]);
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_file_and_line() {
    let changed =
        source().replace("BatchSize: 1", "BatchSiz: 1").replace("MaximumConcurrency: 5", "MaximumConcurrency: 1");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &changed).unwrap();

    let error = Template::read(file.path(), &parameters("dev")).unwrap_err().to_string();

    let wrong =
        changed.lines().zip(1..).filter(|(text, _)| text.contains("BatchSiz:") || text.contains("Concurrency: 1"));
    let expected: Vec<String> = wrong.map(|(_, line)| format!("{}:{line}", file.path().display())).collect();
    let told: Vec<String> =
        error.lines().map(|line| line.splitn(3, ':').take(2).collect::<Vec<_>>().join(":")).collect();
    assert_eq!(told, expected, "{error}");
}

/// Zoho's Standard edition takes ten calls of a client at once, and the eleventh is a 429 (v8, "API limits").
#[test]
fn no_more_calls_to_the_crm_run_at_once_than_zoho_takes() {
    /// They know the secret and do not call the CRM: one calls Campaigns, the other compares fingerprints.
    const OTHERS: [&str; 2] = ["send-alerts", "sweep-tasks"];
    let template = Template::read(&workspace::root().join("template.yaml"), &parameters("dev")).unwrap();

    let callers = template.functions.iter().filter(|function| {
        function.variable_names().any(|name| name == "ZOHO_SECRET") && !OTHERS.contains(&&*function.name)
    });
    let at_once: BTreeMap<&str, u32> = callers
        .map(|function| {
            let reserved = function.reserved_concurrency.into_iter();
            let mapped = function.queue_mappings.iter().filter_map(|mapping| mapping.maximum_concurrency);
            let most = reserved.chain(mapped).min();
            (&*function.name, most.unwrap_or_else(|| panic!("{} may run without a limit", function.name)))
        })
        .collect();

    assert!(at_once.contains_key("sync-zoho"), "{at_once:?}");
    assert!(at_once.values().sum::<u32>() <= 10, "{at_once:?}");
}

//! Runs SAM's own transform over a template, as a deployment of each stage would: `transform.py` says why.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::LIMIT;
use crate::samconfig;
use crate::services::venv::Venv;
use crate::services::workspace;

const SCRIPT: &str = "local/src/cli/lint/transform.py";
/// The script's exit code when the template has findings; any other failure is one of the script.
const FOUND: i32 = 1;

/// What stops a template from being deployed in the stages of `samconfig.toml`, a sentence each with its line and its
/// stages. A relative path is one of the workspace.
pub(super) async fn findings(venv: &Venv, template: &Path) -> anyhow::Result<Vec<String>> {
    let stages = serde_json::to_vec(&stages()?)?;
    let run = async {
        let mut python = Command::new(venv.program("python"))
            .args(["-I", SCRIPT])
            .arg(template)
            .current_dir(workspace::root())
            // The SDK within it must find neither a profile nor a region of the developer's.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut input = python.stdin.take().context("it has no standard input")?;
        input.write_all(&stages).await?;
        drop(input);
        anyhow::Ok(python.wait_with_output().await?)
    };
    let output = timeout(LIMIT, run).await.context("it did not end within two minutes").flatten();
    let output = output.with_context(|| format!("running {SCRIPT}"))?;
    let found: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    match (output.status.code(), found.is_empty()) {
        (Some(0), true) | (Some(FOUND), false) => Ok(found),
        _ => bail!("{SCRIPT} failed ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

/// The parameters of each stage.
fn stages() -> anyhow::Result<BTreeMap<String, BTreeMap<String, String>>> {
    let file = workspace::root().join("samconfig.toml");
    let stages = samconfig::stages(&file)?.into_iter();
    stages.map(|stage| samconfig::parameters(&file, &stage).map(|parameters| (stage, parameters))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::venv::Requirements;

    /// What is found in the project's template after some changes, each of a text that is there once or more; without
    /// the path of the copy.
    async fn found_after(changes: &[(&str, &str)]) -> Vec<String> {
        let mut template = std::fs::read_to_string(workspace::root().join("template.yaml")).unwrap();
        for (from, to) in changes {
            assert!(template.contains(from), "`{from}` is not in the template");
            template = template.replace(from, to);
        }
        let copy = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(copy.path(), &template).unwrap();
        let venv = Venv::of(Requirements::Lint).await.unwrap();
        let found = findings(&venv, copy.path()).await.unwrap();
        found.into_iter().map(|line| line.replace(&copy.path().display().to_string(), "template.yaml")).collect()
    }

    /// The place in the template as findings name it, of the line after `after` that holds `text`.
    fn place(after: &str, text: &str) -> String {
        let template = std::fs::read_to_string(workspace::root().join("template.yaml")).unwrap();
        let lines = template.lines().enumerate().skip_while(|(_, line)| *line != after);
        let line = lines.into_iter().find(|(_, line)| line.contains(text)).map(|(index, _)| index + 1).unwrap();
        format!("template.yaml:{line}")
    }

    #[tokio::test]
    async fn the_template_can_be_deployed_in_every_stage() {
        let stages = stages().unwrap();

        let found = found_after(&[]).await;

        assert_eq!(found, Vec::<String>::new());
        assert_eq!(stages.keys().collect::<Vec<_>>(), ["dev", "prod", "staging"]);
    }

    #[tokio::test]
    async fn yaml_that_sam_cannot_read_is_refused_with_its_line() {
        let found = found_after(&[(r#""cron(0 10 * * ? *)""#, "cron(0 10 * * ? *)")]).await;

        let [finding] = &*found else { panic!("{found:#?}") };
        let place = place("  TagSeniors:", "ScheduleExpression:");
        assert!(
            finding.starts_with(&format!("{place}: PyYAML, with which SAM reads the template, cannot:")),
            "{finding}"
        );
        assert!(finding.contains("got '?'"), "{finding}");
    }

    #[tokio::test]
    async fn an_id_that_the_transform_makes_again_is_refused_in_every_stage() {
        let changes = [("        Messages:\n          Type: SQS", "        Queue:\n          Type: SQS")];

        let found = found_after(&changes).await;

        let mapped = ["SyncZoho", "PullZoho", "FanOutGallery", "SendAlerts", "DeliverWebhook"];
        assert_eq!(found.len(), mapped.len(), "{found:#?}");
        for function in mapped {
            let place = place(&format!("  {function}:"), "        Messages:");
            let finding = found.iter().find(|finding| finding.starts_with(&format!("{place} (dev, prod, staging):")));
            assert!(finding.is_some_and(|finding| finding.contains(&format!("id [{function}Queue]"))), "{found:#?}");
        }
    }

    #[tokio::test]
    async fn two_resources_that_the_transform_makes_never_replace_each_other() {
        // A schedule `SweepTasks` + `MinuteRole` beside the role of the schedule `SweepTasks` + `Minute`.
        let schedule = "        MinuteRole:\n          Type: ScheduleV2\n          \
                        Properties: {ScheduleExpression: rate(1 hour), OmitName: true}\n        Minute:\n";

        let found = found_after(&[("        Minute:\n", schedule)]).await;

        assert!(found.iter().any(|finding| finding.contains("[SweepTasksMinuteRole]")), "{found:#?}");
    }

    #[tokio::test]
    async fn a_key_that_stands_twice_is_refused_though_sam_takes_the_last_one() {
        let found = found_after(&[("  TagSeniors:\n", "  SweepTasks:\n")]).await;

        let (place, first) = (place("  TagSeniors:", ""), place("  SweepTasks:", ""));
        let first = first.trim_start_matches("template.yaml:");
        let message = format!("{place}: the key `SweepTasks` stands here again; it is in line {first} already");
        assert!(found.contains(&message), "{found:#?}");
    }

    #[tokio::test]
    async fn a_name_that_two_stages_share_is_refused_with_its_owner() {
        let changes = [
            ("rate(1 minute), OmitName: true", "rate(1 minute)"),
            ("!Sub isoxp-${Stage}-pull-zoho\n", "isoxp-pull-zoho\n"),
            ("!Sub isoxp-${Stage}\n", "!If [IsProd, !Sub \"isoxp-${Stage}\", isoxp-trial]\n"),
            ("!Sub isoxp/${Stage}\n      MetricName: TasksFailed", "isoxp\n      MetricName: TasksFailed"),
            ("  ApiUrl:\n", "  ApiUrl:\n    Export: {Name: isoxp-api}\n"),
        ];

        let found = found_after(&changes).await;

        for (name, shared) in [
            ("`SweepTasksMinute` (AWS::Scheduler::Schedule) has the same Name", "`SweepTasksMinute`"),
            ("`PullZohoQueue` (AWS::SQS::Queue) has the same QueueName", "`isoxp-pull-zoho`"),
            ("`DatabaseProxy` (AWS::RDS::DBProxy) has the same DBProxyName", "`isoxp-trial`"),
            ("`FailedTasksAlarm` (AWS::CloudWatch::Alarm) has the same Namespace", "`isoxp`"),
            ("`ApiUrl` (an exported output) has the same Name", "`isoxp-api`"),
        ] {
            let message = format!("(dev, prod, staging): {name} in these stages, {shared}");
            assert!(found.iter().any(|finding| finding.contains(&message)), "{message}: {found:#?}");
        }
        assert_eq!(found.len(), 5, "{found:#?}");
        assert!(found[0].starts_with(&place("  PullZohoQueue:", "  PullZohoQueue:")), "{found:#?}");
    }
}

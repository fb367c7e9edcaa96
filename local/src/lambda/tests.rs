//! The local Lambda with real processes.

use std::{fs, path::Path};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{test_function::spec, *};

async fn lambda(change: impl FnOnce(&mut FunctionSpec)) -> (Lambda, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(folder.path(), "echo", "echo");
    change(&mut spec);
    (Lambda::start(vec![spec]).await.unwrap(), folder)
}

async fn invoke(lambda: &Lambda, event: Value) -> Result<Value, InvokeError> {
    let answer = lambda.invoke("echo", event.to_string().into()).await?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

fn error(outcome: Result<Value, InvokeError>) -> (String, String) {
    match outcome {
        Err(InvokeError::FunctionError { error_type, message, payload }) => {
            let payload: Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!(payload, json!({ "errorType": error_type, "errorMessage": message }));
            (error_type, message)
        }
        other => panic!("a function error was expected, not {other:?}"),
    }
}

fn is_gone(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists() && kill(Pid::from_raw(pid.try_into().unwrap()), None).is_err()
}

async fn until(mut condition: impl FnMut() -> bool) {
    let patience = tokio::time::timeout(Duration::from_secs(5), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    patience.await.expect("it did not happen within 5 s");
}

#[tokio::test]
async fn a_function_gets_lambdas_variables_and_headers_and_nothing_of_the_developers() {
    let (lambda, folder) = lambda(|spec| {
        spec.environment.insert("STAGE".into(), "dev".into());
    })
    .await;

    let answer = invoke(&lambda, json!({ "hello": "Sheree" })).await.unwrap();

    assert_eq!(answer["event"], json!({ "hello": "Sheree" }));
    let variables = &answer["variables"];
    assert_eq!(variables["STAGE"], "dev");
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_NAME"], "echo");
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_VERSION"], "$LATEST");
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
    assert_eq!(variables["AWS_LAMBDA_LOG_GROUP_NAME"], "/aws/lambda/echo");
    assert_eq!(variables["LAMBDA_TASK_ROOT"], folder.path().canonicalize().unwrap().to_str().unwrap());
    assert_eq!(variables["SSL_CERT_FILE"], "/dev/null");
    assert_eq!(variables["HOME"], Value::Null);
    assert_eq!(variables["CARGO_MANIFEST_DIR"], Value::Null);
    let headers = &answer["headers"];
    assert_eq!(headers["lambda-runtime-invoked-function-arn"], "arn:aws:lambda:us-east-1:000000000000:function:echo");
    let deadline: i64 = headers["lambda-runtime-deadline-ms"].as_str().unwrap().parse().unwrap();
    let left = deadline - host::now().timestamp_millis();
    assert!((5_000..=10_000).contains(&left), "{left} ms are left of 10 s");
    let log = fs::read_to_string(folder.path().join("echo.log")).unwrap();
    let id = headers["lambda-runtime-aws-request-id"].as_str().unwrap();
    let lines =
        ["START RequestId: ", "END RequestId: ", "REPORT RequestId: "].map(|line| log.find(&format!("{line}{id}")));
    assert!(lines.iter().all(Option::is_some) && lines.is_sorted(), "{log}");
    assert!(log.contains("\tInit Duration: ") && log.contains("event {"), "{log}");
    lambda.shutdown().await;
}

#[tokio::test]
async fn events_one_after_the_other_share_an_environment_and_events_at_once_do_not() {
    let (lambda, folder) = lambda(|_| ()).await;
    let gate = folder.path().join("gate");
    let waiting = json!({ "do": "wait", "for": gate });

    let first = invoke(&lambda, json!({})).await.unwrap();
    let second = invoke(&lambda, json!({})).await.unwrap();
    let both = async { tokio::join!(invoke(&lambda, waiting.clone()), invoke(&lambda, waiting.clone())) };
    let open = async {
        until(|| lambda.environments().iter().filter(|one| one.state == "busy").count() == 2).await;
        fs::write(&gate, "").unwrap();
    };
    let ((one, other), ()) = tokio::join!(both, open);

    assert_eq!(first["pid"], second["pid"]);
    let pids = [one.unwrap()["pid"].clone(), other.unwrap()["pid"].clone()];
    assert!(pids.contains(&first["pid"]) && pids[0] != pids[1], "{pids:?}");
    assert_eq!(lambda.environments().iter().map(|one| one.state).collect::<Vec<_>>(), ["idle", "idle"]);
    lambda.shutdown().await;
}

#[tokio::test]
async fn more_events_than_the_reserved_concurrency_are_throttled() {
    let (lambda, folder) = lambda(|spec| spec.reserved_concurrency = Some(1)).await;
    let gate = folder.path().join("gate");

    let held = invoke(&lambda, json!({ "do": "wait", "for": gate }));
    let second = async {
        until(|| lambda.environments().iter().any(|one| one.state == "busy")).await;
        let outcome = invoke(&lambda, json!({})).await;
        fs::write(&gate, "").unwrap();
        outcome
    };
    let (held, second) = tokio::join!(held, second);

    assert!(held.is_ok());
    assert!(matches!(second, Err(InvokeError::Throttled)), "{second:?}");
    assert!(invoke(&lambda, json!({})).await.is_ok());
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_function_that_hangs_is_killed_at_its_timeout() {
    let (lambda, _folder) = lambda(|spec| spec.timeout = Duration::from_millis(500)).await;
    let pid = u32::try_from(invoke(&lambda, json!({})).await.unwrap()["pid"].as_u64().unwrap()).unwrap();

    let (error_type, message) = error(invoke(&lambda, json!({ "do": "hang" })).await);

    assert_eq!(error_type, "Sandbox.Timedout");
    assert!(message.ends_with("Task timed out after 0.50 seconds"), "{message}");
    assert!(is_gone(pid));
    assert_ne!(invoke(&lambda, json!({})).await.unwrap()["pid"], pid);
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_function_that_exits_or_is_killed_ends_its_event_and_its_environment() {
    let (lambda, folder) = lambda(|_| ()).await;
    let gate = folder.path().join("never");

    let exited = error(invoke(&lambda, json!({ "do": "exit" })).await);
    let killed = async {
        until(|| lambda.environments().iter().any(|one| one.state == "busy")).await;
        let pid = lambda.environments()[0].pid;
        kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
    };
    let (outcome, ()) = tokio::join!(invoke(&lambda, json!({ "do": "wait", "for": gate })), killed);
    let killed = error(outcome);

    assert_eq!(exited.0, "Runtime.ExitError");
    assert!(exited.1.ends_with("Error: Runtime exited with error: exit status 7"), "{}", exited.1);
    assert_eq!(killed.0, "Runtime.ExitError");
    assert!(killed.1.ends_with("Error: Runtime exited with error: signal: killed"), "{}", killed.1);
    assert_eq!(lambda.environments(), []);
    lambda.shutdown().await;
}

#[tokio::test]
async fn an_environment_killed_while_idle_costs_no_event() {
    let (lambda, _folder) = lambda(|_| ()).await;
    invoke(&lambda, json!({})).await.unwrap();
    let pid = lambda.environments()[0].pid;

    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
    until(|| lambda.environments().is_empty()).await;
    let next = invoke(&lambda, json!({})).await.unwrap();

    assert_ne!(next["pid"], pid);
    lambda.shutdown().await;
}

#[tokio::test]
async fn an_error_that_the_function_reports_leaves_its_environment_alive() {
    let (lambda, _folder) = lambda(|_| ()).await;
    let before = invoke(&lambda, json!({})).await.unwrap();

    let reported = error(invoke(&lambda, json!({ "do": "error" })).await);

    assert_eq!(reported, ("Boom".to_owned(), "as asked".to_owned()));
    assert_eq!(invoke(&lambda, json!({})).await.unwrap()["pid"], before["pid"]);
    lambda.shutdown().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_in_both_directions() {
    let (lambda, _folder) = lambda(|_| ()).await;

    let (error_type, _) = error(invoke(&lambda, json!({ "do": "large" })).await);
    let event = lambda.invoke("echo", vec![b' '; PAYLOAD_LIMIT + 1].into()).await;

    assert_eq!(error_type, "Function.ResponseSizeTooLarge");
    assert!(matches!(event, Err(InvokeError::RequestTooLarge { .. })));
    lambda.shutdown().await;
}

#[tokio::test]
async fn an_initialisation_that_fails_is_tried_twice() {
    let mark = tempfile::tempdir().unwrap();
    let path = mark.path().join("mark").display().to_string();
    let (once, _folder) = lambda(|spec| drop(spec.environment.insert("INIT".into(), path))).await;
    let (always, _other) = lambda(|spec| drop(spec.environment.insert("INIT".into(), "exit".into()))).await;
    let (reported, _third) = lambda(|spec| drop(spec.environment.insert("INIT".into(), "error".into()))).await;

    assert!(invoke(&once, json!({})).await.is_ok());
    assert_eq!(error(invoke(&always, json!({})).await).0, "Runtime.ExitError");
    let said = error(invoke(&reported, json!({})).await);
    assert_eq!(said, ("Config".to_owned(), "DATABASE_HOST is missing".to_owned()));
    for lambda in [once, always, reported] {
        lambda.shutdown().await;
    }
}

#[tokio::test]
async fn after_a_redeploy_new_events_see_the_new_value_and_the_event_in_work_keeps_the_old_one() {
    let with = |value: &str| BTreeMap::from([("BEHAVIOUR".into(), "echo".into()), ("VALUE".into(), value.into())]);
    let (lambda, folder) = lambda(|spec| spec.environment = with("old")).await;
    let gate = folder.path().join("gate");
    let (held, idle) = (json!({ "do": "wait", "for": gate }), json!({}));

    let redeploy = async {
        until(|| lambda.environments().iter().any(|one| one.state == "busy")).await;
        invoke(&lambda, idle).await.unwrap();
        let idle = lambda.environments().into_iter().find(|one| one.state == "idle").unwrap();
        lambda.redeploy([("echo".to_owned(), with("new"))].into()).await.unwrap();
        let after = invoke(&lambda, json!({})).await.unwrap();
        fs::write(&gate, "").unwrap();
        (idle.pid, after)
    };
    let (held, (idle, after)) = tokio::join!(invoke(&lambda, held), redeploy);

    assert_eq!(held.unwrap()["value"], "old");
    assert_eq!(after["value"], "new");
    assert!(is_gone(idle));
    assert_eq!(lambda.environments().iter().map(|one| one.state).collect::<Vec<_>>(), ["idle"]);
    assert!(lambda.redeploy([("nobody".to_owned(), with("new"))].into()).await.is_err());
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_leaves_no_process_and_ends_what_is_in_work() {
    let (lambda, folder) = lambda(|_| ()).await;
    let never = folder.path().join("never");

    let shutdown = async {
        until(|| lambda.environments().iter().any(|one| one.state == "busy")).await;
        let pid = lambda.environments()[0].pid;
        lambda.shutdown().await;
        pid
    };
    let (outcome, pid) = tokio::join!(invoke(&lambda, json!({ "do": "wait", "for": never })), shutdown);

    assert!(matches!(outcome, Err(InvokeError::Stopped)), "{outcome:?}");
    assert!(is_gone(pid));
    assert!(matches!(invoke(&lambda, json!({})).await, Err(InvokeError::Stopped)));
}

#[tokio::test]
async fn an_invocation_goes_on_when_its_caller_stops_waiting() {
    let (lambda, folder) = lambda(|_| ()).await;
    let gate = folder.path().join("gate");

    let impatient =
        tokio::time::timeout(Duration::from_millis(300), invoke(&lambda, json!({ "do": "wait", "for": gate })));
    assert!(impatient.await.is_err());
    until(|| lambda.environments().iter().any(|one| one.state == "busy")).await;
    fs::write(&gate, "").unwrap();

    until(|| lambda.environments().iter().all(|one| one.state == "idle")).await;
    assert_eq!(lambda.environments().len(), 1);
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_function_without_a_binary_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(folder.path(), "echo", "echo");
    spec.binary = folder.path().join("nothing");

    let refused = Lambda::start(vec![spec]).await.unwrap_err().to_string();

    assert!(refused.starts_with("the function `echo` has no binary at "), "{refused}");
}

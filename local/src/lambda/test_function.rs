//! A function for tests: this very test executable, started as a Lambda binary, speaking the Runtime API over a plain
//! socket and misbehaving on demand.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::FunctionSpec;

/// A function in `folder` that is called `name` and does what `behaviour` says (see [`answer`]).
pub(crate) fn spec(folder: &Path, name: &str, behaviour: &str) -> FunctionSpec {
    let binary = folder.join(name);
    let executable = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\nexec '{}' --exact lambda::test_function::process --ignored --nocapture\n",
        executable.display()
    );
    fs::write(&binary, script).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    FunctionSpec {
        name: name.to_owned(),
        binary,
        timeout: Duration::from_secs(10),
        memory_mb: 256,
        reserved_concurrency: None,
        environment: BTreeMap::from([("BEHAVIOUR".to_owned(), behaviour.to_owned())]),
        log: folder.join(format!("{name}.log")),
    }
}

#[test]
#[ignore = "the process that other tests start as their function"]
fn process() {
    let Ok(address) = variable("AWS_LAMBDA_RUNTIME_API") else { return };
    match &*variable("INIT").unwrap_or_default() {
        "exit" => std::process::exit(3),
        "error" => {
            let body = r#"{"errorType":"Config","errorMessage":"DATABASE_HOST is missing"}"#;
            call(&address, "POST", "/2018-06-01/runtime/init/error", body);
            std::process::exit(1);
        }
        // Fails the first time, and leaves a mark.
        mark if mark.starts_with('/') && !Path::new(mark).exists() => {
            fs::write(mark, "").unwrap();
            std::process::exit(4);
        }
        _ => {}
    }
    loop {
        let (headers, event) = call(&address, "GET", "/2018-06-01/runtime/invocation/next", "");
        let id = &headers["lambda-runtime-aws-request-id"];
        let (what, body) = answer(&headers, &serde_json::from_str(&event).unwrap());
        call(&address, "POST", &format!("/2018-06-01/runtime/invocation/{id}/{what}"), &body);
    }
}

fn answer(headers: &BTreeMap<String, String>, event: &Value) -> (&'static str, String) {
    let behaviour = variable("BEHAVIOUR").unwrap();
    let event_says = event["do"].as_str().or_else(|| event["rawPath"].as_str()?.strip_prefix("/do/"));
    writeln!(std::io::stdout(), "event {event}").unwrap();
    let body = match (&*behaviour, event_says) {
        (_, Some("exit")) => std::process::exit(7),
        (_, Some("hang")) => {
            thread::sleep(Duration::from_mins(1));
            String::new()
        }
        (_, Some("wait")) => {
            let file = event["for"].as_str().unwrap();
            while !Path::new(file).exists() {
                thread::sleep(Duration::from_millis(5));
            }
            json!({ "pid": std::process::id(), "value": variable("VALUE").ok() }).to_string()
        }
        (_, Some("error")) => return ("error", r#"{"errorType":"Boom","errorMessage":"as asked"}"#.to_owned()),
        (_, Some("large")) => "x".repeat(super::PAYLOAD_LIMIT + 1),
        (_, Some("rubbish")) => "not json {".to_owned(),
        (_, Some("answer")) => event["queryStringParameters"]["with"].as_str().unwrap().to_owned(),
        ("http", _) => json!({
            "statusCode": 201,
            "headers": { "content-type": "application/json", "x-own": "yes", "access-control-allow-origin": "*" },
            "cookies": ["a=1", "b=2"],
            "body": event.to_string(),
        })
        .to_string(),
        ("batch", _) => report(event),
        _ => json!({
            "pid": std::process::id(),
            "value": variable("VALUE").ok(),
            "variables": std::env::vars().collect::<BTreeMap<_, _>>(),
            "headers": headers,
            "event": event,
        })
        .to_string(),
    };
    ("response", body)
}

/// Each message's body says what becomes of it, or of the whole batch.
fn report(event: &Value) -> String {
    let records = event["Records"].as_array().unwrap();
    let says = |text: &str| records.iter().any(|record| record["body"] == text);
    if says("crash") {
        std::process::exit(9);
    }
    if says("rubbish") {
        return "\"what?\"".to_owned();
    }
    let failed = records.iter().filter(|record| record["body"] == "fail").map(|record| record["messageId"].clone());
    let unknown = says("unknown").then(|| json!("nobody"));
    let empty = says("empty").then(|| json!(""));
    let items: Vec<_> = failed.chain(unknown).chain(empty).map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": items }).to_string()
}

#[expect(clippy::disallowed_methods, reason = "this is the process of a function")]
fn variable(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}

fn call(address: &str, method: &str, path: &str, body: &str) -> (BTreeMap<String, String>, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // An answer that is refused for its size may close the connection before it is all sent.
    let _refused = stream.write_all(body.as_bytes());
    let mut lines = BufReader::new(stream);
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap_or(0) > 2 {
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.insert(name.to_owned(), value.to_owned());
        }
        line.clear();
    }
    let mut body = String::new();
    // The length is the connection's end.
    let _cut = lines.read_to_string(&mut body);
    (headers, body)
}

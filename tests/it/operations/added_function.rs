//! The example of `docs/development.md`: its blocks are applied to a copy of the repository, which is then built and run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use local::lambda::{FunctionSpec, Lambda};
use local::services::workspace;
use local::stack::build::cargo;
use local::template::{Route, Template};
use local::{openapi, samconfig};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

/// On an idle machine it takes a minute: the dependencies are those of the tests.
const BUILD: Duration = Duration::from_mins(10);

/// A block of the page, and what the sentence before it says of it.
#[derive(Debug, PartialEq, Eq)]
struct Block<'a> {
    file: &'a str,
    /// The beginning of the line above which it goes; without one it is the whole file.
    above: Option<&'a str>,
    text: String,
}

/// Blocks that follow a sentence like "Make `file`:" or "In `file`, above `line`:".
fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut lines = page.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let mut quoted = line.split('`').skip(1).step_by(2);
        let (file, above) = (quoted.next(), quoted.next());
        let is_whole = line.starts_with("Make `") && line.ends_with("`:");
        let is_part = line.starts_with("In `") && line.contains("`, above `") && line.ends_with("`:");
        if let Some(file) = file.filter(|_| is_whole || is_part) {
            let block = lines.by_ref().skip_while(|line| !line.starts_with("```")).skip(1);
            let text = block.take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
            found.push(Block { file, above, text });
        }
    }
    found
}

impl Block<'_> {
    fn apply(&self, root: &Path) -> Result<()> {
        let file = root.join(self.file);
        let text = match self.above {
            None => self.text.clone(),
            Some(above) => {
                let present = fs::read_to_string(&file).context(self.file.to_owned())?;
                let is_place = |line: &str| line.trim_start().starts_with(above);
                let place: usize = present.split_inclusive('\n').take_while(|line| !is_place(line)).map(str::len).sum();
                ensure!(place < present.len(), "{} has no line that begins with {above}", self.file);
                format!("{}{}{}", &present[..place], self.text, &present[place..])
            }
        };
        fs::create_dir_all(file.parent().unwrap_or(root))?;
        Ok(fs::write(&file, text)?)
    }
}

/// The repository without what was built from it. Files keep their times, by which cargo knows what it has built before.
fn copied(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        if [".git", "target"].iter().any(|other| entry.file_name() == *other) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copied(&entry.path(), &copy)?;
        } else {
            fs::copy(entry.path(), &copy)?;
            File::options().write(true).open(&copy)?.set_modified(entry.metadata()?.modified()?)?;
        }
    }
    Ok(())
}

/// Builds the functions' binary of the copy, with the dependencies that are built already.
async fn built(copy: &Path) -> Result<PathBuf> {
    let output = copy.join("target");
    let build = Command::new(cargo())
        .args(["build", "--quiet", "--offline", "--bin", "bootstrap"])
        .env("CARGO_BUILD_BUILD_DIR", workspace::target_dir()?)
        .env("CARGO_TARGET_DIR", &output)
        .current_dir(copy)
        .kill_on_drop(true)
        .output();
    let build = timeout(BUILD, build).await.context("the build does not end")??;
    ensure!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    Ok(output.join("debug/bootstrap"))
}

fn request() -> Value {
    json!({
        "version": "2.0", "routeKey": "GET /api/hello", "rawPath": "/api/hello", "rawQueryString": "", "headers": {},
        "requestContext": {
            "accountId": "0", "apiId": "local", "domainName": "localhost", "domainPrefix": "localhost", "stage": "$default",
            "requestId": "a-request", "routeKey": "GET /api/hello", "time": "22/Nov/2026:14:00:00 +0000",
            "timeEpoch": 1_795_356_000_000_i64,
            "http": {
                "method": "GET", "path": "/api/hello", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "a-test",
            },
        },
        "isBase64Encoded": false,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_the_page_has_a_function_that_answers() {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("added-function");
    drop(fs::remove_dir_all(&copy));
    copied(workspace::root(), &copy).unwrap();
    let page = fs::read_to_string(workspace::root().join("docs/development.md")).unwrap();

    let blocks = blocks(&page);
    for block in &blocks {
        block.apply(&copy).unwrap();
    }
    openapi::write(&copy).unwrap();
    let parameters = samconfig::parameters(&copy.join("samconfig.toml"), "dev").unwrap();
    let template = Template::read(&copy.join("template.yaml"), &parameters).unwrap();
    let binary = built(&copy).await.unwrap();
    let function = template.functions.iter().find(|function| function.name == "say-hello").expect("it is declared");
    let spec = FunctionSpec {
        name: function.name.clone(),
        binary,
        timeout: function.timeout,
        memory_mb: function.memory_mb,
        reserved_concurrency: function.reserved_concurrency,
        environment: BTreeMap::from([("AWS_REGION".to_owned(), "us-east-1".to_owned())]),
        log: copy.join("say-hello.log"),
    };
    let lambda = Lambda::start(vec![spec]).await.unwrap();
    let answer = lambda.invoke("say-hello", request().to_string().into()).await.unwrap();
    lambda.shutdown().await;

    assert!(blocks.len() >= 7, "{blocks:#?}");
    let route = Route { method: "GET".to_owned(), path: "/api/hello".to_owned(), authorized: false };
    assert_eq!(function.routes, [route]);
    let document = fs::read_to_string(copy.join(openapi::DOCUMENT)).unwrap();
    assert!(document.contains("operationId: say-hello"), "the document has its route");
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!(r#"{"message":"Hello."}"#)));
}

//! `docs/development.md` says how a function is added. Here its blocks are applied to a copy of the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use local::gateway::{self, Keys};
use local::http::Limits;
use local::lambda::{FunctionSpec, Lambda};
use local::services::workspace;
use local::stack::build::cargo;
use local::template::{Function, Template};
use local::{openapi, samconfig};
use regex::Regex;
use serde_json::Value;
use tokio::net::TcpListener;

const GUIDE: &str = "docs/development.md";

/// A block of the guide.
#[derive(Debug)]
struct Block {
    file: PathBuf,
    /// The line above which it goes; a new file has none.
    above: Option<String>,
    text: String,
}

fn guide() -> String {
    fs::read_to_string(workspace::root().join(GUIDE)).expect("the guide can be read")
}

/// The blocks that have a line before them which says where they go.
fn blocks(guide: &str) -> Vec<Block> {
    let place = Regex::new("^(?:Make `([^`]+)`|In `([^`]+)`, above `([^`]+)`):$").expect("the expression is valid");
    let mut blocks = Vec::new();
    let mut lines = guide.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let text = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
            if let Some(named) = place.captures(before) {
                let named = |group| named.get(group).map(|found| found.as_str().to_owned());
                let file = named(1).or(named(2)).unwrap_or_default().into();
                blocks.push(Block { file, above: named(3), text });
            }
        }
        if !line.is_empty() {
            before = line;
        }
    }
    blocks
}

impl Block {
    fn apply(&self, root: &Path) -> anyhow::Result<()> {
        let file = root.join(&self.file);
        let text = match &self.above {
            None => {
                ensure!(!file.exists(), "it is there already");
                fs::create_dir_all(file.parent().unwrap_or(root))?;
                self.text.clone()
            }
            Some(above) => {
                let present = fs::read_to_string(&file)?;
                let mut places = Vec::new();
                let mut offset = 0;
                for line in present.split_inclusive('\n') {
                    places.extend(line.trim_start().starts_with(above.as_str()).then_some(offset));
                    offset += line.len();
                }
                let [place] = places[..] else { bail!("{} lines begin with {above}", places.len()) };
                format!("{}{}{}", &present[..place], self.text, &present[place..])
            }
        };
        Ok(fs::write(file, text)?)
    }
}

/// Copies the files that git tracks or would track. Files and folders keep their times, by which cargo knows what it has
/// built already.
fn copy(to: &Path) -> anyhow::Result<()> {
    let root = workspace::root();
    let mut git = Command::new("git");
    let git = git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root).output()?;
    ensure!(git.status.success(), "{}", String::from_utf8_lossy(&git.stderr));
    let listed = String::from_utf8(git.stdout)?;
    let mut copied = BTreeSet::new();
    for file in listed.split('\0').map(Path::new).filter(|file| root.join(file).is_file()) {
        fs::create_dir_all(to.join(file).parent().unwrap_or(to))?;
        fs::copy(root.join(file), to.join(file))?;
        copied.extend(file.ancestors());
    }
    for entry in copied {
        let modified = fs::metadata(root.join(entry))?.modified()?;
        File::open(to.join(entry))?.set_times(FileTimes::new().set_modified(modified))?;
    }
    Ok(())
}

/// Runs cargo in the copy. It takes what is built already from this workspace's target directory, and replaces nothing
/// there: a binary with one dependency more has a file name of its own.
fn run_cargo(copy: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(cargo())
        .args(arguments)
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("CARGO_BUILD_BUILD_DIR", workspace::target_dir()?)
        .output()?;
    let printed = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&printed));
    Ok(())
}

fn template(root: &Path) -> anyhow::Result<Template> {
    let parameters = samconfig::parameters(&root.join("samconfig.toml"), "dev")?;
    Ok(Template::read(&root.join("template.yaml"), &parameters)?)
}

/// What a function of the copy answers to a request without a token, through API Gateway.
async fn answer(copy: &Path, template: &Template, function: &Function) -> anyhow::Result<(u16, Value)> {
    let lambda = Lambda::start(vec![FunctionSpec {
        name: function.name.clone(),
        binary: copy.join("target/debug").join(&function.binary),
        timeout: function.timeout,
        memory_mb: function.memory_mb,
        reserved_concurrency: function.reserved_concurrency,
        environment: BTreeMap::from([("AWS_REGION".to_owned(), "us-east-1".to_owned())]),
        log: copy.join("target/function.log"),
    }])
    .await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let route = &function.routes[0];
    let url = format!("http://{}{}", listener.local_addr()?, route.path);
    let api = template.http_api.clone().context("the template has an API")?;
    let keys = Keys::fetched_from("http://127.0.0.1/never-asked")?;
    let gateway = gateway::serve(listener, api, &template.functions, lambda.clone(), keys, Limits::default())?;
    let client = local::http::client().build()?;

    let answer = client.request(route.method.parse()?, url).send().await?;
    let answer = (answer.status().as_u16(), answer.json().await?);
    gateway.stop().await;
    lambda.shutdown().await;
    Ok(answer)
}

#[test]
fn the_way_is_told_in_ten_lines() {
    let guide = guide();
    let (_, chapter) = guide.split_once("\n## Adding a function\n").unwrap();

    let way: Vec<&str> =
        chapter.lines().skip_while(|line| !line.starts_with("1. ")).take_while(|line| !line.is_empty()).collect();

    assert!((1..=10).contains(&way.len()), "{way:#?}");
    assert!(way.iter().zip(1..).all(|(line, n)| line.starts_with(&format!("{n}. "))), "a step is one line: {way:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocks_of_the_guide_add_a_function_that_answers_as_it_is_described() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    copy(root).unwrap();
    let known: BTreeSet<String> = template(root).unwrap().functions.into_iter().map(|known| known.name).collect();
    let blocks = blocks(&guide());

    for block in &blocks {
        block.apply(root).unwrap_or_else(|error| panic!("{}: {error:#}", block.file.display()));
    }
    run_cargo(root, &["fmt", "--all", "--check"]).unwrap();
    let template = template(root).unwrap();
    let added: Vec<&Function> = template.functions.iter().filter(|one| !known.contains(&one.name)).collect();
    let [function] = added[..] else { panic!("{added:?}") };
    run_cargo(root, &["build", "--offline", "--bin", &function.binary]).unwrap();
    let document: Value = serde_saphyr::from_str(&openapi::bundle(root).unwrap()).unwrap();
    let (status, body) = answer(root, &template, function).await.unwrap();

    let route = &function.routes[0];
    let described = &document["paths"][&route.path][route.method.to_lowercase()];
    let example = &described["responses"]["200"]["content"]["application/json"]["examples"]["hello"]["value"];
    assert_eq!((status, &body), (200, example), "the answer is the example of the description");
    for block in blocks.iter().filter(|block| block.file.extension().is_some_and(|extension| extension == "rs")) {
        let whole = fs::read_to_string(root.join(&block.file)).unwrap();
        syn::parse_file(&whole).unwrap_or_else(|error| panic!("{}: {error}", block.file.display()));
    }
    let tests = Path::new("tests/it");
    assert!(blocks.iter().any(|block| block.file.starts_with(tests) && block.above.is_none()), "a test is written");
    assert!(blocks.iter().any(|block| block.file.starts_with(tests) && block.above.is_some()), "and runs");
}

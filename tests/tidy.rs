//! Keeps the architecture true by reading the files: which layer may know which, and what belongs to a function.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use local::samconfig;
use local::services::workspace;
use local::template::Template;

/// What each layer of `shared` may know of the others. Domain knows nobody; nobody knows the HTTP and SQS of `lambda`.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &["domain"]),
    ("error", &["domain"]),
    ("aws", &["bounds", "config", "tls"]),
    ("bounds", &[]),
    ("clock", &[]),
    ("ids", &[]),
    ("config", &[]),
    ("metrics", &["config"]),
    ("entries", &[]),
    ("secrets", &["bounds", "config"]),
    ("webhooks", &["config", "domain", "entries", "error", "secrets", "webhooks"]),
    ("deliveries", &["bounds", "config", "domain", "entries", "error", "tls", "deliveries"]),
    (
        "db",
        &["bounds", "config", "deliveries", "domain", "entries", "error", "secrets", "tasks", "tls", "webhooks", "db"],
    ),
    ("tasks", &["domain"]),
    ("tls", &[]),
    ("queue", &["bounds", "config", "error", "tasks"]),
    ("zoho", &["bounds", "config", "db", "domain", "error", "tasks", "tls", "zoho"]),
    ("sync", &["bounds", "db", "domain", "error", "ids", "lambda", "secrets", "tasks", "zoho", "sync"]),
    ("lambda", &["aws", "config", "db", "domain", "error", "ids", "queue", "secrets", "tasks", "webhooks", "lambda"]),
];

/// What a pure rule has no use for: other processes, the clock, chance and the environment.
const IMPURE: &[&str] = &[
    "async ",
    ".await",
    "tokio",
    "deadpool",
    "refinery",
    "reqwest",
    "aws_",
    "lambda_",
    "std::env",
    "std::fs",
    "std::net",
    "std::time",
    "Utc::now",
    "Local::now",
    "rand::",
    "now_v7",
    "new_v4",
    "tracing",
];

fn path(below_root: &str) -> PathBuf {
    workspace::root().join(below_root)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a directory of the workspace with this ending, except what cargo made.
fn files(below_root: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![path(below_root)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
            let path = entry.expect("an entry can be read").path();
            match path.is_dir() {
                true if path.ends_with("target") => {}
                true => open.push(path),
                false if path.to_string_lossy().ends_with(ending) => found.push(path),
                false => {}
            }
        }
    }
    assert!(!found.is_empty(), "there are no {ending} files below {below_root}");
    found.sort();
    found
}

/// The lines of code, without comments, each with its place.
fn code(path: &Path) -> Vec<(String, String)> {
    let lines = text(path);
    let lines = lines.lines().zip(1..).map(|(line, n)| (line.trim().to_owned(), format!("{}:{n}", path.display())));
    lines.filter(|(line, _)| !line.starts_with("//")).collect()
}

/// Whether a line marks the function below it as a test.
fn is_test(line: &str) -> bool {
    line == "#[test]" || line.starts_with("#[tokio::test")
}

/// The binary of all functions, which is the only one that knows them.
const BINARY: &str = "bootstrap";

/// The folders of `functions/` but for that of the binary.
fn functions() -> BTreeSet<String> {
    let entries =
        fs::read_dir(path("functions")).expect("there are functions").map(|entry| entry.expect("an entry can be read"));
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("its name is text"))
        .filter(|name| name != BINARY)
        .collect()
}

fn template() -> Template {
    let parameters = samconfig::parameters(&path("samconfig.toml"), "dev").expect("the stage has parameters");
    Template::read(&path("template.yaml"), &parameters).expect("the template can be read")
}

/// The names of the crates that a manifest asks for, in any of its sections.
fn dependencies(manifest: &Path) -> BTreeSet<String> {
    let manifest: toml::Table = text(manifest).parse().expect("a manifest is TOML");
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"].iter();
    let tables = sections.filter_map(|section| manifest.get(*section)?.as_table());
    let names = tables.flat_map(|table| table.iter()).map(|(name, asked)| {
        let renamed = asked.get("package").and_then(toml::Value::as_str);
        renamed.unwrap_or(name).to_owned()
    });
    names.collect()
}

/// The crates below one of ours, each with those that it asks for, by the lock file.
fn below(top: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lock: toml::Table = text(&path("Cargo.lock")).parse().expect("the lock file is TOML");
    // A crate of which there are several versions is called by its name and version.
    let bare = |name: &str| name.split(' ').next().unwrap_or(name).to_owned();
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock["package"].as_array().expect("it lists packages") {
        let name = package["name"].as_str().expect("a package has a name").to_owned();
        let list = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
        asked.entry(name).or_default().extend(list.filter_map(toml::Value::as_str).map(bare));
    }
    let mut found = BTreeMap::new();
    let mut open = vec![top.to_owned()];
    while let Some(name) = open.pop() {
        if let Some(below) = asked.remove(&name) {
            open.extend(below.iter().cloned());
            found.insert(name, below);
        }
    }
    found
}

#[test]
fn domain_is_pure() {
    for file in files("shared/src/domain", ".rs") {
        for (line, place) in code(&file) {
            for word in IMPURE {
                assert!(!line.contains(word), "{place}: domain has no `{word}`");
            }
        }
    }
}

#[test]
fn arrows_between_the_layers_point_one_way() {
    let known: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    let mut seen = BTreeSet::new();
    for file in files("shared/src", ".rs") {
        let inside = file.strip_prefix(path("shared/src")).unwrap();
        let layer = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if layer == "lib" {
            continue;
        }
        let may = known.get(&*layer).unwrap_or_else(|| panic!("say in LAYERS what `{layer}` may know"));
        for (line, place) in code(&file) {
            for (_, rest) in line.match_indices("crate::").map(|(at, found)| line.split_at(at + found.len())) {
                let other: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                // `crate::Error` is the error's short name.
                let other = if other.is_empty() && rest.starts_with("Error") { "error".to_owned() } else { other };
                assert!(may.contains(&&*other), "{place}: `{layer}` must not know `{other}`: {line}");
            }
        }
        seen.insert(layer);
    }

    let seen: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
    assert_eq!(seen, known.keys().copied().collect(), "LAYERS names exactly the modules that there are");
}

#[test]
fn only_db_speaks_sql_and_only_zoho_and_deliveries_speak_http() {
    for file in files("functions", ".rs") {
        for (line, place) in code(&file) {
            for word in ["tokio_postgres", "deadpool", "reqwest", "aws_sdk", "std::env"] {
                assert!(!line.contains(word), "{place}: a function has no `{word}`; that is what shared is for");
            }
        }
    }
    // `aws` carries the SDK's calls, `tls` makes the clients.
    let speaks = |file: &PathBuf| {
        ["zoho", "deliveries", "aws.rs", "tls.rs"].iter().any(|layer| file.starts_with(path("shared/src").join(layer)))
    };
    for file in files("shared/src", ".rs").iter().filter(|file| !speaks(file)) {
        for (line, place) in code(file) {
            assert!(!line.contains("reqwest"), "{place}: only shared::zoho and shared::deliveries make HTTP requests");
        }
    }
}

#[test]
fn no_function_reads_the_machines_certificates() {
    for file in files("shared/src", ".rs").iter().filter(|file| **file != path("shared/src/tls.rs")) {
        for (line, place) in code(file) {
            for maker in ["Client::builder", "ClientBuilder::new", "ClientConfig::builder"] {
                assert!(!line.contains(maker), "{place}: shared::tls says what a connection trusts");
            }
        }
    }
    // The SDK's own client reads them, and aws-config looks for files as well; a second TLS stack would have its own ways.
    let shipped = below("bootstrap");
    for reader in ["aws-config", "aws-smithy-http-client", "native-tls", "openssl"] {
        assert!(!shipped.contains_key(reader), "`cargo tree -i {reader}` says who has brought it in");
    }
    // reqwest cannot be had over rustls without what reads them, but is not asked to: see shared::tls.
    let brought_by = |name: &str| {
        let by = shipped.iter().filter(|(_, below)| below.contains(name));
        by.map(|(by, _)| by.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(brought_by("rustls-platform-verifier"), ["reqwest"]);
    assert_eq!(brought_by("rustls-native-certs"), ["rustls-platform-verifier"]);
}

#[test]
fn no_function_knows_another_and_none_knows_the_laptop() {
    let functions = functions();

    for function in &functions {
        let asked = dependencies(&path(&format!("functions/{function}/Cargo.toml")));
        let forbidden: Vec<_> =
            asked.iter().filter(|name| functions.contains(*name) || ["local", "tests"].contains(&&***name)).collect();
        assert!(forbidden.is_empty(), "{function} depends on {forbidden:?}");
        assert!(asked.contains("shared"), "{function} goes its own way");
    }
}

#[test]
fn local_and_tests_know_the_functions_only_by_the_template_and_their_binary() {
    let functions = functions();

    for outside in ["local", "tests"] {
        let asked = dependencies(&path(&format!("{outside}/Cargo.toml")));
        let forbidden: Vec<_> =
            asked.iter().filter(|name| functions.contains(*name) || [BINARY, "shared"].contains(&&***name)).collect();
        assert!(forbidden.is_empty(), "{outside} depends on {forbidden:?}");
    }
    let shared = dependencies(&path("shared/Cargo.toml"));
    let forbidden: Vec<_> =
        shared.iter().filter(|name| functions.contains(*name) || ["local", "tests"].contains(&&***name)).collect();
    assert!(forbidden.is_empty(), "shared depends on {forbidden:?}");
}

#[test]
fn every_folder_is_a_function_of_the_template_under_its_own_name() {
    let template = template();
    let declared: BTreeMap<String, String> =
        template.functions.iter().map(|function| (function.name.clone(), function.logical_id.clone())).collect();

    let capitalised = |word: &str| word[..1].to_uppercase() + &word[1..];
    let pascal_case = |name: &str| name.split('-').map(capitalised).collect::<String>();
    let expected: BTreeMap<String, String> =
        functions().into_iter().map(|name| (name.clone(), pascal_case(&name))).collect();
    assert_eq!(declared, expected);
    for function in expected.keys() {
        let manifest: toml::Table = text(&path(&format!("functions/{function}/Cargo.toml"))).parse().unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some(&**function));
    }
}

#[test]
fn the_binary_knows_every_function_of_the_template_by_its_name() {
    let template = template();
    let declared: BTreeSet<(String, String)> =
        template.functions.iter().map(|function| (function.name.clone(), function.binary.clone())).collect();
    let expected: BTreeSet<(String, String)> = functions().into_iter().map(|name| (name, BINARY.to_owned())).collect();

    let main = text(&path(&format!("functions/{BINARY}/src/main.rs")));
    let mut asked = dependencies(&path(&format!("functions/{BINARY}/Cargo.toml")));
    asked.retain(|name| !["shared", "tokio"].contains(&&**name));

    assert_eq!(declared, expected);
    let names: BTreeSet<String> = expected.into_iter().map(|(name, _)| name).collect();
    assert_eq!(asked, names, "functions/{BINARY}/Cargo.toml");
    let arm = |name: &String| format!("\"{name}\" => {}::start(start).await,", name.replace('-', "_"));
    let arms: BTreeSet<&str> = main.lines().map(str::trim).filter(|line| line.contains("::start(start)")).collect();
    assert_eq!(arms, names.iter().map(arm).collect::<Vec<_>>().iter().map(String::as_str).collect());
}

#[test]
fn a_functions_log_group_stands_below_the_function() {
    let template = text(&path("template.yaml"));
    let is_resource = |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
    let resources: Vec<&str> =
        template.lines().filter(is_resource).map(|line| line.trim().trim_end_matches(':')).collect();

    for function in self::template().functions {
        let place = resources.iter().position(|resource| *resource == function.logical_id).unwrap();
        assert_eq!(resources.get(place + 1), Some(&&*format!("{}Logs", function.logical_id)));
    }
}

#[test]
fn a_function_is_one_public_handle_and_a_short_start() {
    for function in functions() {
        let library = code(&path(&format!("functions/{function}/src/lib.rs")));

        let is_public = |line: &str| line.starts_with("pub async fn ") || line.starts_with("pub fn ");
        let public: Vec<_> = library.iter().filter(|(line, _)| is_public(line)).collect();
        let names: Vec<_> = public.iter().map(|(line, _)| line.split('(').next().unwrap_or(line)).collect();
        let start = library.iter().skip_while(|(line, _)| !line.starts_with("pub async fn start"));
        let lines = start.take_while(|(line, _)| !line.starts_with("pub async fn handle")).count();

        assert_eq!(names, ["pub async fn start", "pub async fn handle"], "{function}");
        assert!(lines <= 25, "{function}: its start has {lines} lines");
    }
}

#[test]
fn every_function_has_a_file_of_tests_under_its_name() {
    let files = files("tests/it", ".rs");
    let names: BTreeSet<&str> = files.iter().filter_map(|file| file.file_stem()?.to_str()).collect();

    let functions = functions();
    let untested: Vec<_> = functions.iter().filter(|name| !names.contains(&*name.replace('-', "_"))).collect();

    assert!(untested.is_empty(), "tests/it has no file for {untested:?}");
}

#[test]
fn a_function_that_anyone_can_call_connects_at_its_first_use_and_every_other_one_in_init() {
    for function in template().functions {
        let start = text(&path(&format!("functions/{}/src/lib.rs", function.name)));
        let is_public = function.routes.iter().any(|route| !route.authorized);
        let (allowed, forbidden) =
            if is_public { (".lazy_database(", ".database(") } else { (".database(", ".lazy_database(") };

        assert!(!start.contains(forbidden), "{}: {allowed}…) is the one for it", function.name);
    }
}

#[test]
fn every_test_file_is_compiled() {
    let (tests, it) = (path("tests"), path("tests/it"));

    for file in files("tests", ".rs") {
        let place = file.display();
        if file == it.join("main.rs") || file == tests.join("tidy.rs") || file.starts_with(tests.join("src")) {
            continue;
        }
        assert!(file.starts_with(&it), "{place} belongs to no target: tests live in tests/it/<area>");
        let module = if file.ends_with("mod.rs") { file.parent().unwrap() } else { &file };
        let folder = module.parent().unwrap();
        let owner = folder.join(if folder == it { "main.rs" } else { "mod.rs" });
        let declaration = format!("mod {};", module.file_stem().unwrap().to_str().unwrap());
        let declared = code(&owner).iter().any(|(line, _)| *line == declaration);
        assert!(declared, "{place} is never run: {} lacks `{declaration}`", owner.display());
    }
}

#[test]
fn only_what_has_unit_tests_is_built_as_a_test_executable() {
    let manifests = ["functions", "shared", "local", "tests"].iter().flat_map(|part| files(part, "Cargo.toml"));
    for file in manifests {
        let (package, place) = (file.parent().unwrap(), file.display());
        let manifest: toml::Table = text(&file).parse().unwrap();
        let is_tested = |target: &toml::Value| target.get("test").and_then(toml::Value::as_bool).unwrap_or(true);
        if package.join("src/lib.rs").exists() {
            let sources = files(package.strip_prefix(workspace::root()).unwrap().to_str().unwrap(), ".rs");
            let library = sources.iter().filter(|file| file.starts_with(package.join("src")));
            let has_tests = library.flat_map(|file| code(file)).any(|(line, _)| is_test(&line));
            let tested = manifest.get("lib").is_none_or(is_tested);
            assert_eq!(tested, has_tests, "{place}: [lib] has `test = false` exactly where there are no unit tests");
        }
        for binary in manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten() {
            assert!(!is_tested(binary), "{place}: what is tested stands in the library; [[bin]] needs `test = false`");
        }
    }
}

#[test]
fn no_lint_is_switched_off_without_a_reason() {
    let tree = ["functions", "shared", "local", "tests"].iter().flat_map(|part| files(part, ".rs"));
    for file in tree {
        for (line, place) in code(&file) {
            let allowed = line.starts_with(concat!("#[", "allow(")) || line.starts_with(concat!("#![", "allow("));
            assert!(!allowed, "{place}: use #[expect(…, reason = …)] instead");
            assert!(line != concat!("#[", "ignore]"), "{place}: say why this test does not run by itself");
        }
    }
}

#[test]
fn every_crate_takes_the_workspaces_lints_and_versions() {
    let manifests = ["functions", "shared", "local", "tests"].iter().flat_map(|part| files(part, "Cargo.toml"));
    for file in manifests {
        let manifest: toml::Table = text(&file).parse().unwrap();
        let place = file.display();
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{place}");
        for section in ["dependencies", "dev-dependencies"] {
            for (name, asked) in manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten() {
                let inherited = asked.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                // A function has no version to share: nothing but the binary asks for it.
                let is_a_function = file.ends_with("bootstrap/Cargo.toml") && asked.get("path").is_some();
                assert!(inherited || is_a_function, "{place}: {name} has a version of its own");
            }
        }
    }
}

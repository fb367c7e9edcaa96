//! `docs/openapi.yaml` says what is true: its routes are the template's, its examples fit, its problems are those of
//! the code. That answers are as it says, every test sees to that sends a request (`tests::openapi`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use local::samconfig;
use local::services::workspace;
use local::template::Template;
use regex::Regex;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde_json::{Value, json};
use tests::openapi::{Exchange, Operation, document, escaped, problems_of_our_webhook};

const PROBLEMS: &str = "https://isophotoxp.com/problems/";

fn path(below_root: &str) -> PathBuf {
    workspace::root().join(below_root)
}

fn template() -> Template {
    let parameters = samconfig::parameters(&path("samconfig.toml"), "dev").expect("the stage has parameters");
    Template::read(&path("template.yaml"), &parameters).expect("the template can be read")
}

#[test]
fn the_routes_of_the_document_are_those_of_the_template() {
    let described: BTreeSet<_> = document()
        .operations()
        .into_iter()
        .map(|Operation { method, path, definition, .. }| {
            let security = definition.get("security").unwrap_or(&document().root["security"]);
            let id = definition["operationId"].as_str().unwrap_or_default();
            (method, path, *security != json!([]), id.to_owned())
        })
        .collect();

    let template = template();
    let declared: BTreeSet<_> = template
        .functions
        .iter()
        .flat_map(|function| {
            let key = |route: &local::template::Route| {
                (route.method.clone(), route.path.clone(), route.authorized, function.name.clone())
            };
            function.routes.iter().map(key).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(described, declared, "method, path, whether a token is asked for, operationId and function");
}

#[test]
fn every_schema_is_valid_and_refers_to_what_is_there() {
    let mut schemas = Vec::new();
    document().walk("", &mut |place, value| {
        let named = place.strip_prefix("/components/schemas/").is_some_and(|name| !name.contains('/'));
        if named || place.ends_with("/schema") {
            schemas.push((place.to_owned(), value.clone()));
        }
        if let Some(reference) = value["$ref"].as_str() {
            let target = reference.strip_prefix('#').and_then(|pointer| document().root.pointer(pointer));
            assert!(target.is_some(), "{place} refers to {reference}, which is not there");
        }
    });

    assert!(schemas.len() > 50, "only {} schemas were found", schemas.len());
    for (place, schema) in schemas {
        // Without a dialect of its own a schema is one of JSON Schema 2020-12, as the document says.
        assert!(jsonschema::draft202012::meta::validate(&schema).is_ok(), "{place} is no schema");
    }
}

#[test]
fn every_example_fits_its_schema() {
    let mut problems = Vec::new();
    let mut examples = 0;
    let mut check = |schema: &str, place: &str, example: &Value| {
        examples += 1;
        problems.extend(document().problems(schema, example).into_iter().map(|problem| format!("{place}: {problem}")));
    };
    document().walk("", &mut |place, value| {
        let schema = format!("{place}/schema");
        if value.get("schema").is_some() {
            value.get("example").into_iter().for_each(|example| check(&schema, place, example));
            for (name, example) in value["examples"].as_object().into_iter().flatten() {
                check(&schema, &format!("{place}, {name}"), &example["value"]);
            }
        } else if let Some(list) = value["examples"].as_array() {
            for example in list {
                check(place, place, example);
            }
        }
    });

    assert_eq!(problems, [""; 0]);
    assert!(examples > 30, "only {examples} examples were found");
}

#[test]
fn an_event_that_comes_in_fits_the_schema_of_its_type() {
    let requests = "/paths/~1api~1webhooks~1incoming/post/requestBody/content/application~1json/examples";
    let examples = document().root.pointer(requests).and_then(Value::as_object).expect("there are examples");

    // The whole body may be anything that a mapping understands, so that alone would prove nothing.
    for (kind, example) in examples {
        assert_eq!(example["value"]["type"], json!(kind));
        let problems = document().problems("/components/schemas/CanonicalEvent", &example["value"]);
        assert_eq!(problems, [""; 0], "{kind}");
    }
}

/// The status and the code of every problem that a route is said to answer with.
fn described_problems() -> BTreeSet<(u16, String)> {
    let mut found = BTreeSet::new();
    for (status, response, place) in document().answers() {
        let Some(schema) = response["content"].get("application/problem+json").map(|content| &content["schema"]) else {
            continue;
        };
        // A problem, and what is always so in this answer.
        let kinds = schema.pointer("/allOf/1/properties/type/enum").and_then(Value::as_array);
        for kind in kinds.unwrap_or_else(|| panic!("{place} says nothing about the type")) {
            let kind = kind.as_str().expect("a type is a text");
            let code = kind.strip_prefix(PROBLEMS).unwrap_or_else(|| panic!("{place}: {kind} is no problem of ours"));
            found.insert((status, code.to_owned()));
        }
    }
    found
}

/// The Rust files of `shared` and of the functions that answer HTTP requests.
fn code_behind_the_routes() -> Vec<(PathBuf, String)> {
    let template = template();
    let functions = template.functions.iter().filter(|function| !function.routes.is_empty());
    let mut open: Vec<PathBuf> = functions.map(|function| path(&format!("functions/{}/src", function.name))).collect();
    open.push(path("shared/src"));
    let mut files = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).expect("a source directory can be read") {
            match entry.expect("an entry can be read").path() {
                path if path.is_dir() => open.push(path),
                path => files.push((path.clone(), fs::read_to_string(path).expect("a source file is text"))),
            }
        }
    }
    files
}

/// The status and the code of every problem that the code can answer with.
fn problems_of_the_code() -> BTreeSet<(u16, String)> {
    let statuses: BTreeMap<String, u16> = (400..600)
        .filter_map(|status| {
            let reason = StatusCode::from_u16(status).ok()?.canonical_reason()?;
            Some((reason.to_uppercase().replace(' ', "_"), status))
        })
        .collect();
    let by_variant = BTreeMap::from([
        ("Unauthenticated", 401),
        ("Forbidden", 403),
        // In the table of access.
        ("Refusal", 403),
        ("NotFound", 404),
        ("Conflict", 409),
        ("TooMany", 429),
    ]);
    let raised = Regex::new(
        r"(?:Error::|: Refusal =\s+)(Unauthenticated|Forbidden|Refusal|NotFound|Conflict|TooMany)\s*\{\s*code:\s*([^,]+),",
    );
    let raised = raised.expect("the expression is valid");
    let translated = Regex::new(r#"\(StatusCode::([A-Z_]+), "([a-z-]+)","#).expect("the expression is valid");
    let mut found = BTreeSet::new();
    for (file, text) in code_behind_the_routes() {
        for (_, [variant, code]) in raised.captures_iter(&text).map(|found| found.extract()) {
            // A pattern may name several.
            for code in code.split('|').map(str::trim) {
                let code = code.strip_prefix('"').and_then(|code| code.strip_suffix('"'));
                let code = code.unwrap_or_else(|| panic!("{}: write the code of {variant} out", file.display()));
                found.insert((by_variant[variant], code.to_owned()));
            }
        }
        if file.ends_with("lambda/http.rs") {
            let fixed = translated.captures_iter(&text).map(|found| found.extract());
            found.extend(fixed.map(|(_, [status, code])| (statuses[status], code.to_owned())));
        }
    }
    found
}

#[test]
fn the_problems_of_the_document_are_those_of_the_code() {
    let in_code = problems_of_the_code();

    assert!(in_code.contains(&(400, "malformed".to_owned())) && in_code.contains(&(409, "email-taken".to_owned())));
    assert_eq!(described_problems(), in_code);
}

/// From this list generators make the enum of all codes.
#[test]
fn the_codes_of_problems_are_listed_once_as_the_code_has_them() {
    let listed = document().root["components"]["schemas"]["ProblemType"]["enum"].as_array().expect("there is a list");
    let listed: Vec<&str> = listed.iter().filter_map(|kind| kind.as_str()?.strip_prefix(PROBLEMS)).collect();

    let in_code: BTreeSet<String> = problems_of_the_code().into_iter().map(|(_, code)| code).collect();
    assert_eq!(listed, in_code.iter().map(String::as_str).collect::<Vec<_>>(), "in the order of the alphabet");
}

#[test]
fn the_labels_are_those_of_the_database() {
    let migrations: String = fs::read_dir(path("migrations"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();

    let named = [
        ("user_role", "Role"),
        ("org_type", "OrgType"),
        ("certification_level", "CertificationLevel"),
        ("paywall_tier", "PaywallTier"),
        ("gallery_status", "GalleryStatus"),
        ("referral_action", "ReferralAction"),
        ("commission_status", "CommissionStatus"),
    ];
    for (in_database, in_document) in named {
        let (_, rest) = migrations.split_once(&format!("create type {in_database} as enum (")).expect(in_database);
        let (labels, _) = rest.split_once(");").expect(in_database);
        let labels: Vec<&str> = labels.split(',').map(|label| label.trim().trim_matches('\'')).collect();

        assert_eq!(document().root["components"]["schemas"][in_document]["enum"], json!(labels), "{in_document}");
    }
}

/// Whatever a client may read is closed and complete: an answer with a field more, or with one less, is a mistake.
#[test]
fn what_we_say_is_described_to_the_last_field() {
    let mut open = Vec::new();
    for (_, response, place) in document().answers() {
        for media_type in response["content"].as_object().into_iter().flat_map(|content| content.keys()) {
            open.push(format!("{place}/content/{}/schema", escaped(media_type)));
        }
    }
    for kind in document().root["webhooks"].as_object().unwrap().keys() {
        open.push(format!("/webhooks/{}/post/requestBody/content/application~1json/schema", escaped(kind)));
    }

    let mut seen = BTreeSet::new();
    while let Some(place) = open.pop() {
        document().walk(&place, &mut |place, schema| {
            if let Some(target) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
                open.extend(seen.insert(target.to_owned()).then(|| target.to_owned()));
            } else if let Some(fields) = schema["properties"].as_object().filter(|_| schema.get("type").is_some()) {
                assert_eq!(schema["additionalProperties"], json!(false), "{place} is open");
                let named: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                assert_eq!(named, required, "{place}: what is named is always there");
            } else {
                let whatever = schema["type"] == "object" && schema.get("additionalProperties").is_none();
                assert!(!whatever, "{place} says nothing about its fields");
            }
        });
    }
    assert!(seen.len() > 20, "only {seen:?} were looked at");
}

/// What is wrong with an answer to somebody who asks who is logged in.
fn told(path: &str, status: u16, content_type: &'static str, answered: &Value) -> String {
    let headers = [("content-type", content_type), ("x-request-id", "1")];
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let (headers, answered) = (HeaderMap::from_iter(headers), answered.to_string());
    let exchange = Exchange { method: "GET", path, asked: b"", status, headers: &headers, answered: &answered };
    exchange.check().err().unwrap_or_default()
}

#[test]
fn an_answer_that_is_not_described_is_told_with_what_is_wrong() {
    let nobody = "01978f2e-7b3c-7d10-9a51-3f6f2f1a0c05";
    let good = json!({"user": {"id": nobody, "role": "admin", "first_name": null}, "summary": "Admin of ISO Photo XP",
        "athletes": [], "organizations": [], "galleries": [], "photographer": null, "organization": null});
    let mut talkative = good.clone();
    talkative["user"]["email"] = json!("ops@isophotoxp.example");
    let problem = |code: &str| json!({"type": format!("{PROBLEMS}{code}"), "title": "Not Found", "status": 404, "detail": "Register first."});
    let (route, elsewhere) = ("/api/user/context", "/api/elsewhere");
    let (json, problem_json) = ("application/json", "application/problem+json");
    let message = json!({"message": "Not Found"});

    let described = [
        told(route, 200, "application/json; charset=utf-8", &good),
        told(route, 404, problem_json, &problem("not-registered")),
        told(elsewhere, 404, json, &message),
    ];
    let others = [
        (told(route, 200, json, &talkative), "/user: Additional properties are not allowed ('email' was unexpected)"),
        (told(route, 418, json, &good), "a status that docs/openapi.yaml does not describe"),
        (told(route, 200, "text/plain", &good), "a content type that docs/openapi.yaml does not describe"),
        (told(route, 404, problem_json, &problem("unknown-join-code")), "/type: "),
        (told(route, 404, json, &message), "a content type that docs/openapi.yaml does not describe"),
        (told(elsewhere, 200, json, &good), "no route of docs/openapi.yaml"),
        (told(elsewhere, 404, problem_json, &problem("not-registered")), "Additional properties"),
    ];

    assert_eq!(described, [""; 3]);
    for (told, expected) in others {
        assert!(told.contains(expected), "{expected:?} is not in {told:?}");
    }
}

#[test]
fn what_is_accepted_is_what_the_document_tells_people_to_send() {
    let place = "/paths/~1api~1galleries/post/responses/201/content/application~1json/examples/pre-registered/value";
    let answered = document().root.pointer(place).expect("there is an example").to_string();
    let headers =
        [(LOCATION, "/api/galleries/01978f2e-7b3c-7d10-9a51-3f6f2f1a0c04"), (CONTENT_TYPE, "application/json")];
    let headers = HeaderMap::from_iter(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    let mut named = headers.clone();
    named.insert("x-request-id", HeaderValue::from_static("1"));
    let asked =
        json!({"host": "photoday", "external_host_id": "PD-1", "title": "Fall Soccer", "event_date": "2026-10-03"});
    let mut more = asked.clone();
    more["access_code"] = json!("1234");
    let told = |headers: &HeaderMap, asked: &Value| {
        let (method, path, asked) = ("POST", "/api/galleries", asked.to_string());
        let exchange = Exchange { method, path, asked: asked.as_bytes(), status: 201, headers, answered: &answered };
        exchange.check().err().unwrap_or_default()
    };

    assert_eq!(told(&named, &asked), "");
    assert!(told(&named, &more).contains("to a body that docs/openapi.yaml does not allow"));
    assert!(told(&headers, &asked).contains("without the header x-request-id"));
}

#[test]
fn a_webhook_that_says_too_much_is_found() {
    let place = "/webhooks/user.created/post/requestBody/content/application~1json/examples/parent/value";
    let mut body = document().root.pointer(place).expect("there is an example").clone();
    let good = problems_of_our_webhook(&body);

    body["data"]["athletes"] = json!([{"first_name": "Jordan"}]);

    assert_eq!(good, [""; 0]);
    assert_eq!(problems_of_our_webhook(&body).len(), 1);
    assert_eq!(problems_of_our_webhook(&json!({"type": "athlete.created"})).len(), 1);
}

//! The rules, each broken once, and the shapes that Zoho's pages show, which must pass.

mod breaks;
mod examples;
mod time;

use axum::{body::Body, extract::Request, http::HeaderName};
use serde_json::Value;

use super::inspect;
use crate::zoho::{Options, call::Call, world::World};

/// A request as a client that knows its manners sends it, until the test says otherwise.
struct Asking {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    json: Option<Value>,
    form: String,
}

fn asking(method: &'static str, path: &str) -> Asking {
    let headers = vec![("authorization", "Zoho-oauthtoken 1000.token".to_owned())];
    Asking { method, path: path.to_owned(), headers, json: None, form: String::new() }
}

fn get(path: &str) -> Asking {
    asking("GET", path)
}

fn post(path: &str, body: Value) -> Asking {
    asking("POST", path).json(body)
}

fn put(path: &str, body: Value) -> Asking {
    asking("PUT", path).json(body)
}

impl Asking {
    fn json(self, body: Value) -> Self {
        Self { json: Some(body), ..self.with("content-type", "application/json") }
    }

    fn form(self, fields: &[(&str, &str)]) -> Self {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { form, ..self.without("authorization").with("content-type", "application/x-www-form-urlencoded") }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }

    async fn call(self) -> Call {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name.parse::<HeaderName>().unwrap(), value);
        }
        let body = self.json.map_or(self.form, |json| json.to_string());
        Call::read(request.body(Body::from(body)).unwrap()).await.unwrap()
    }
}

fn world() -> World {
    World::new(Options::default(), "http://127.0.0.1:1".to_owned())
}

/// The rules of this severity that a request breaks.
async fn broken(asking: Asking, severity: &str) -> Vec<String> {
    let mut world = world();
    let call = asking.call().await;
    inspect(&mut world, &call, 1);
    told(&world, severity)
}

fn told(world: &World, severity: &str) -> Vec<String> {
    let listed = world.traffic.listed();
    let of_severity = listed["violations"].as_array().unwrap().iter().filter(|told| told["severity"] == severity);
    of_severity.map(|told| told["rule"].as_str().unwrap().to_owned()).collect()
}

//! Which function answers a method and a path: API Gateway's order is full matches, then `{parameters}`, then
//! `{greedy+}` ones, and a named method before `ANY`.

use std::{cmp::Reverse, collections::BTreeMap};

use axum::http::Method;

use super::event::percent_decoded;
use crate::template::Function;

#[derive(Debug)]
pub(super) struct Routes(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    key: String,
    method: String,
    segments: Vec<Segment>,
    authorized: bool,
    function: String,
}

/// In the order in which API Gateway prefers them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

/// The route of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match<'a> {
    /// `POST /api/users`
    pub(super) key: &'a str,
    pub(super) function: &'a str,
    pub(super) authorized: bool,
    /// Decoded.
    pub(super) parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(super) fn new(functions: &[Function]) -> Self {
        let entry = |function: &Function, route: &crate::template::Route| Entry {
            key: format!("{} {}", route.method, route.path),
            method: route.method.clone(),
            segments: segments(&route.path).map(Segment::parse).collect(),
            authorized: route.authorized,
            function: function.name.clone(),
        };
        let of = |function: &Function| function.routes.iter().map(|route| entry(function, route)).collect::<Vec<_>>();
        Self(functions.iter().flat_map(of).collect())
    }

    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Match<'_>> {
        let candidates = self.0.iter().filter(|entry| entry.method == "ANY" || entry.method == method.as_str());
        let matches = candidates.filter_map(|entry| Some((entry, entry.parameters(path)?)));
        let (entry, parameters) = matches.min_by_key(|(entry, _)| (entry.ranks(), Reverse(entry.method != "ANY")))?;
        Some(Match { key: &entry.key, function: &entry.function, authorized: entry.authorized, parameters })
    }
}

impl Entry {
    /// What the path says for the parameters, if it fits.
    fn parameters(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let mut given = segments(path);
        for segment in &self.segments {
            match segment {
                Segment::Greedy(name) => {
                    let rest = given.map(percent_decoded).collect::<Vec<_>>().join("/");
                    return (!rest.is_empty()).then(|| {
                        parameters.insert(name.clone(), rest);
                        parameters
                    });
                }
                Segment::Parameter(name) => {
                    let value = given.next().filter(|value| !value.is_empty())?;
                    parameters.insert(name.clone(), percent_decoded(value));
                }
                Segment::Literal(text) if percent_decoded(given.next()?) == *text => {}
                Segment::Literal(_) => return None,
            }
        }
        given.next().is_none().then_some(parameters)
    }

    fn ranks(&self) -> Vec<u8> {
        let rank = |segment: &Segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Parameter(_) => 1,
            Segment::Greedy(_) => 2,
        };
        self.segments.iter().map(rank).collect()
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => name
                .strip_suffix('+')
                .map_or_else(|| Self::Parameter(name.to_owned()), |name| Self::Greedy(name.to_owned())),
            None => Self::Literal(text.to_owned()),
        }
    }
}

fn segments(path: &str) -> std::str::Split<'_, char> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Routes {
        let entry = |key: &&str| {
            let (method, path) = key.split_once(' ').unwrap();
            Entry {
                key: (*key).to_owned(),
                method: method.to_owned(),
                segments: segments(path).map(Segment::parse).collect(),
                authorized: true,
                function: "f".to_owned(),
            }
        };
        Routes(keys.iter().map(entry).collect())
    }

    #[test]
    fn the_most_specific_route_wins_whatever_the_order() {
        let routes = routes(&[
            "ANY /{rest+}",
            "GET /api/rosters/{id}",
            "ANY /api/rosters/mine",
            "GET /api/rosters/mine",
            "DELETE /api/rosters/{organization_id}/{athlete_id}",
        ]);
        let key = |method: Method, path| routes.find(&method, path).map(|found| found.key.to_owned());

        assert_eq!(key(Method::GET, "/api/rosters/mine").as_deref(), Some("GET /api/rosters/mine"));
        assert_eq!(key(Method::POST, "/api/rosters/mine").as_deref(), Some("ANY /api/rosters/mine"));
        assert_eq!(key(Method::GET, "/api/rosters/7").as_deref(), Some("GET /api/rosters/{id}"));
        assert_eq!(key(Method::GET, "/elsewhere").as_deref(), Some("ANY /{rest+}"));
    }

    #[test]
    fn parameters_are_decoded_and_never_empty() {
        let routes = routes(&["DELETE /r/{organization_id}/{athlete_id}", "GET /files/{path+}"]);

        let two = routes.find(&Method::DELETE, "/r/a%2Fb/c%20d").unwrap();
        let greedy = routes.find(&Method::GET, "/files/2026/fall.jpg").unwrap();

        assert_eq!(two.parameters, [("athlete_id", "c d"), ("organization_id", "a/b")].map(owned).into());
        assert_eq!(greedy.parameters, [("path", "2026/fall.jpg")].map(owned).into());
        assert_eq!(routes.find(&Method::DELETE, "/r/a/"), None);
        assert_eq!(routes.find(&Method::DELETE, "/r/a/b/"), None);
        assert_eq!(routes.find(&Method::GET, "/files/"), None);
        assert_eq!(routes.find(&Method::POST, "/files/x"), None);
    }

    fn owned((name, value): (&str, &str)) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }
}

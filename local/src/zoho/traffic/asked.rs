//! What a request asks for, read from method and path alone, apart from what the simulator can answer: a call may be right
//! that nobody simulates.

use super::endpoint::Endpoint;

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) module: Option<&'a str>,
    /// The record that the path names.
    pub(super) id: Option<&'a str>,
}

/// Why a request is none of the documented ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// A version of an API that is not the one we talk to.
    Version,
    Path,
}

impl<'a> Asked<'a> {
    pub(super) fn of(method: &str, path: &'a str) -> Result<Self, Unknown> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match segments.as_slice() {
            ["oauth", "v2", "token"] if method == "POST" => Ok(Self::whole(Endpoint::Token)),
            ["crm", "v8", rest @ ..] => Self::crm(method, rest),
            ["emailapi", "v1", rest @ ..] => Self::campaigns(method, rest),
            ["crm" | "emailapi" | "oauth", version, ..] if !["v8", "v1", "v2"].contains(version) => {
                Err(Unknown::Version)
            }
            ["crm" | "emailapi", ..] => Err(Unknown::Version),
            _ => Err(Unknown::Path),
        }
    }

    fn crm(method: &str, path: &[&'a str]) -> Result<Self, Unknown> {
        use Endpoint::{AddTags, Coql, Delete, Deleted, Insert, List, One, RemoveTags, Search, Update, Upsert, Watch};
        let (endpoint, module, id) = match (method, path) {
            ("POST", ["coql"]) => return Ok(Self::whole(Coql)),
            ("GET" | "POST" | "PUT" | "PATCH" | "DELETE", ["actions", "watch"]) => return Ok(Self::whole(Watch)),
            ("GET", [module, "search"]) => (Search, *module, None),
            ("GET", [module, "deleted"]) => (Deleted, *module, None),
            ("POST", [module, "upsert"]) => (Upsert, *module, None),
            ("POST", [module, "actions", "add_tags"]) => (AddTags, *module, None),
            ("POST", [module, "actions", "remove_tags"]) => (RemoveTags, *module, None),
            ("POST", [module, id, "actions", "add_tags"]) => (AddTags, *module, Some(*id)),
            ("POST", [module, id, "actions", "remove_tags"]) => (RemoveTags, *module, Some(*id)),
            ("GET", [module]) => (List, *module, None),
            ("POST", [module]) => (Insert, *module, None),
            ("PUT", [module]) => (Update, *module, None),
            ("DELETE", [module]) => (Delete, *module, None),
            ("GET", [module, id]) => (One, *module, Some(*id)),
            ("PUT", [module, id]) => (Update, *module, Some(*id)),
            ("DELETE", [module, id]) => (Delete, *module, Some(*id)),
            _ => return Err(Unknown::Path),
        };
        Ok(Self { endpoint, module: Some(module), id })
    }

    fn campaigns(method: &str, path: &[&str]) -> Result<Self, Unknown> {
        match (method, path) {
            ("POST", ["transmission"]) => Ok(Self::whole(Endpoint::Transmission)),
            ("GET", ["transmission", _])
            | ("GET" | "POST" | "DELETE", ["recipients", "suppression"])
            | ("POST", ["settings", "webhook"]) => Ok(Self::whole(Endpoint::Campaigns)),
            _ => Err(Unknown::Path),
        }
    }

    fn whole(endpoint: Endpoint) -> Self {
        Self { endpoint, module: None, id: None }
    }
}

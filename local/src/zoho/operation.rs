//! The operations of Zoho that are simulated, and the paths by which they are asked for.

use std::{fmt, str::FromStr};

use axum::http::Method;
use serde::{Serialize, Serializer};

/// What faults, counters and the request log call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Token,
    Upsert,
    Create,
    Update,
    GetRecords,
    Search,
    Coql,
    Delete,
    Deleted,
    AddTags,
    RemoveTags,
    EnableWatch,
    GetWatch,
    ReplaceWatch,
    PatchWatch,
    DeleteWatch,
    Transmission,
    GetTransmission,
    Suppression,
    WebhookSettings,
    /// A path that is not Zoho's, or not one that we simulate.
    Unknown,
}

impl Operation {
    pub(super) const ALL: [Self; 21] = [
        Self::Token,
        Self::Upsert,
        Self::Create,
        Self::Update,
        Self::GetRecords,
        Self::Search,
        Self::Coql,
        Self::Delete,
        Self::Deleted,
        Self::AddTags,
        Self::RemoveTags,
        Self::EnableWatch,
        Self::GetWatch,
        Self::ReplaceWatch,
        Self::PatchWatch,
        Self::DeleteWatch,
        Self::Transmission,
        Self::GetTransmission,
        Self::Suppression,
        Self::WebhookSettings,
        Self::Unknown,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Upsert => "upsert",
            Self::Create => "create",
            Self::Update => "update",
            Self::GetRecords => "get-records",
            Self::Search => "search",
            Self::Coql => "coql",
            Self::Delete => "delete",
            Self::Deleted => "deleted",
            Self::AddTags => "add-tags",
            Self::RemoveTags => "remove-tags",
            Self::EnableWatch => "watch",
            Self::GetWatch => "get-watch",
            Self::ReplaceWatch => "replace-watch",
            Self::PatchWatch => "patch-watch",
            Self::DeleteWatch => "delete-watch",
            Self::Transmission => "transmission",
            Self::GetTransmission => "get-transmission",
            Self::Suppression => "suppression",
            Self::WebhookSettings => "webhook-settings",
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn is_crm(self) -> bool {
        !self.is_campaigns() && !matches!(self, Self::Token | Self::Unknown)
    }

    /// The calls on notification channels.
    pub(super) fn is_watch(self) -> bool {
        use Operation::{DeleteWatch, EnableWatch, GetWatch, PatchWatch, ReplaceWatch};
        matches!(self, EnableWatch | GetWatch | ReplaceWatch | PatchWatch | DeleteWatch)
    }

    pub(super) fn is_campaigns(self) -> bool {
        matches!(self, Self::Transmission | Self::GetTransmission | Self::Suppression | Self::WebhookSettings)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|operation| operation.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.into_iter().map(Self::name).collect();
            format!("{text:?} is no operation. Use one of {}, or \"*\" for all.", known.join(", "))
        })
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Which operation a path asks for. CRM paths carry the version; everything of v8 that we do not simulate is `Unknown`.
pub(super) fn route(method: &Method, path: &str) -> (Operation, Option<String>, Option<String>) {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let of = |operation| (operation, None, None);
    let on = |operation, module: &str| (operation, Some(module.to_owned()), None);
    let at = |operation, module: &str, id: &str| (operation, Some(module.to_owned()), Some(id.to_owned()));
    match (method.as_str(), segments.as_slice()) {
        ("POST", ["oauth", "v2", "token"]) => of(Operation::Token),
        ("POST", ["crm", "v8", "coql"]) => of(Operation::Coql),
        ("POST", ["crm", "v8", "actions", "watch"]) => of(Operation::EnableWatch),
        ("GET", ["crm", "v8", "actions", "watch"]) => of(Operation::GetWatch),
        ("PUT", ["crm", "v8", "actions", "watch"]) => of(Operation::ReplaceWatch),
        ("PATCH", ["crm", "v8", "actions", "watch"]) => of(Operation::PatchWatch),
        ("DELETE", ["crm", "v8", "actions", "watch"]) => of(Operation::DeleteWatch),
        ("POST", ["crm", "v8", module, "upsert"]) => on(Operation::Upsert, module),
        ("GET", ["crm", "v8", module, "search"]) => on(Operation::Search, module),
        ("GET", ["crm", "v8", module, "deleted"]) => on(Operation::Deleted, module),
        ("POST", ["crm", "v8", module, "actions", "add_tags"]) => on(Operation::AddTags, module),
        ("POST", ["crm", "v8", module, "actions", "remove_tags"]) => on(Operation::RemoveTags, module),
        ("POST", ["crm", "v8", module, id, "actions", "add_tags"]) => at(Operation::AddTags, module, id),
        ("POST", ["crm", "v8", module, id, "actions", "remove_tags"]) => at(Operation::RemoveTags, module, id),
        ("POST", ["crm", "v8", module]) => on(Operation::Create, module),
        ("PUT", ["crm", "v8", module]) => on(Operation::Update, module),
        ("GET", ["crm", "v8", module]) => on(Operation::GetRecords, module),
        ("DELETE", ["crm", "v8", module]) => on(Operation::Delete, module),
        ("PUT", ["crm", "v8", module, id]) => at(Operation::Update, module, id),
        ("GET", ["crm", "v8", module, id]) => at(Operation::GetRecords, module, id),
        ("DELETE", ["crm", "v8", module, id]) => at(Operation::Delete, module, id),
        ("POST", ["emailapi", "v1", "transmission"]) => of(Operation::Transmission),
        ("GET", ["emailapi", "v1", "transmission", id]) => (Operation::GetTransmission, None, Some((*id).to_owned())),
        ("GET" | "POST" | "DELETE", ["emailapi", "v1", "recipients", "suppression"]) => of(Operation::Suppression),
        ("POST", ["emailapi", "v1", "settings", "webhook"]) => of(Operation::WebhookSettings),
        _ => of(Operation::Unknown),
    }
}

//! The operations that Zoho's pages describe and the rules know, with their parameters.

use super::pages;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Token,
    List,
    One,
    Search,
    Deleted,
    Insert,
    Update,
    Upsert,
    Delete,
    AddTags,
    RemoveTags,
    Coql,
    Watch,
    Transmission,
    /// The rest of the Campaigns Email API, whose bodies are not published in full.
    Campaigns,
}

impl Endpoint {
    pub(super) fn page(self) -> &'static str {
        match self {
            Self::Token => pages::REFRESH,
            Self::List | Self::One => pages::GET_RECORDS,
            Self::Search => pages::SEARCH,
            Self::Deleted => pages::DELETED,
            Self::Insert => pages::INSERT,
            Self::Update => pages::UPDATE,
            Self::Upsert => pages::UPSERT,
            Self::Delete => pages::DELETE,
            Self::AddTags => pages::ADD_TAGS,
            Self::RemoveTags => pages::REMOVE_TAGS,
            Self::Coql => pages::COQL,
            Self::Watch => pages::WATCH,
            Self::Transmission => pages::TRANSMISSION,
            Self::Campaigns => pages::CAMPAIGNS,
        }
    }

    /// The query parameters that it has with this method.
    pub(super) fn parameters(self, method: &str) -> &'static [&'static str] {
        match (self, method) {
            (Self::List, _) => &[
                "approved",
                "converted",
                "cvid",
                "ids",
                "uid",
                "fields",
                "sort_by",
                "sort_order",
                "page",
                "per_page",
                "page_token",
                "startDateTime",
                "endDateTime",
                "territory_id",
                "include_child",
            ],
            (Self::One, _) => &[
                "approved",
                "converted",
                "cvid",
                "uid",
                "fields",
                "startDateTime",
                "endDateTime",
                "territory_id",
                "include_child",
            ],
            (Self::Search, _) => &[
                "criteria",
                "email",
                "phone",
                "word",
                "converted",
                "approved",
                "approval_state",
                "page",
                "per_page",
                "fields",
                "cvid",
                "type",
            ],
            (Self::Deleted, _) => &["type", "page", "per_page"],
            (Self::Delete, _) => &["ids", "wf_trigger"],
            (Self::Watch, "GET") => &["channel_id", "module", "page", "per_page"],
            (Self::Watch, "DELETE") => &["channel_ids"],
            _ => &[],
        }
    }

    /// Whether the body, where there is one, is a form and not JSON.
    pub(super) fn takes_a_form(self) -> bool {
        self == Self::Token
    }

    pub(super) fn may_ask_if_modified_since(self) -> bool {
        matches!(self, Self::List | Self::One | Self::Deleted)
    }

    pub(super) fn may_ask_if_unmodified_since(self) -> bool {
        matches!(self, Self::Update | Self::Upsert)
    }
}

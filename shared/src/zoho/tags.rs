//! Tags by name, each on many records in one call. Other people's tags are left alone.

use serde_json::json;

use super::error::{RecordError, ZohoError};
use super::records::Crm;
use super::request::Request;
use super::writes::changed;
use crate::domain::CrmId;

/// How many records one call tags (v8, "Add tags to records").
pub const MOST_TAGGED: usize = 500;

impl Crm<'_> {
    /// Puts one tag on Contacts, beside those that are there. Answers in the order of the request.
    pub async fn add_tag(&self, tag: &str, contacts: &[CrmId]) -> Result<Vec<Result<CrmId, RecordError>>, ZohoError> {
        let ids: Vec<&str> = contacts.iter().map(CrmId::as_str).collect();
        let body = json!({ "tags": [{ "name": tag }], "ids": ids, "over_write": false });
        self.write(&Request::post("/Contacts/actions/add_tags", body), ids.len(), changed).await
    }

    /// Takes one tag off Contacts; who has it not counts as done. Answers in the order of the request.
    pub async fn remove_tag(
        &self,
        tag: &str,
        contacts: &[CrmId],
    ) -> Result<Vec<Result<CrmId, RecordError>>, ZohoError> {
        let ids: Vec<&str> = contacts.iter().map(CrmId::as_str).collect();
        let body = json!({ "tags": [{ "name": tag }], "ids": ids });
        self.write(&Request::post("/Contacts/actions/remove_tags", body), ids.len(), changed).await
    }
}

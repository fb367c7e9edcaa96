//! Records of the CRM that are made, changed and deleted. Answers are read record by record, whatever their status:
//! 200 and 207, and 400, 404 and 412 where every record was refused.

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::{ErrorBody, RecordError, ZohoError};
use super::query::name;
use super::records::Crm;
use super::request::Request;
use super::values::{id, joined, time};
use crate::domain::event::CrmModule;
use crate::domain::record::Changes;
use crate::domain::{CrmId, UserId};

/// What to write on one record.
#[derive(Clone, Debug)]
pub struct Write {
    /// `None`: there is none yet.
    pub record: Option<CrmId>,
    pub user: UserId,
    pub changes: Changes,
    /// Of a Contact: the Account that it is to belong to; `None` leaves it where it is.
    pub account: Option<CrmId>,
    pub key: Key,
}

/// What becomes of our id on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Put,
    Keep,
    Clear,
}

/// A record that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub id: CrmId,
    pub modified_at: Option<DateTime<Utc>>,
}

impl Crm<'_> {
    /// Makes records, each with our id on it. One that carries the id already is written over, so a call that is made
    /// twice makes one record. Answers in the order of the request.
    pub async fn upsert(
        &self,
        module: CrmModule,
        new: &[Write],
    ) -> Result<Vec<Result<Written, RecordError>>, ZohoError> {
        let body = json!({ "data": self.data(module, new), "duplicate_check_fields": [self.zoho.settings.fields.key(module)] });
        let request = Request::post(format!("/{}/upsert", name(module)), body).writing(new.len());
        self.write(&request, new.len(), written).await
    }

    /// Writes fields of records that are there. With `unmodified_since`, whoever was changed after that is refused
    /// ([`RecordError::is_stale`]). Answers in the order of the request.
    pub async fn update(
        &self,
        module: CrmModule,
        changed: &[Write],
        unmodified_since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Result<Written, RecordError>>, ZohoError> {
        let request = Request::new(Method::PUT, format!("/{}", name(module)))
            .body(json!({ "data": self.data(module, changed) }))
            .unmodified_since(unmodified_since)
            .writing(changed.len());
        self.write(&request, changed.len(), written).await
    }

    /// Deletes records. One that is gone already counts as deleted. Answers in the order of the request.
    pub async fn delete(&self, module: CrmModule, ids: &[CrmId]) -> Result<Vec<Result<CrmId, RecordError>>, ZohoError> {
        let request = Request::new(Method::DELETE, format!("/{}", name(module))).query("ids", joined(ids));
        let results = self.write(&request, ids.len(), |_| Ok(())).await?;
        let deleted = results.into_iter().zip(ids).map(|(result, id)| match result {
            Err(error) if !error.is_gone() => Err(error),
            _ => Ok(id.clone()),
        });
        Ok(deleted.collect())
    }

    /// The results of a call about so many records, one by one, whatever its status.
    pub(super) async fn write<T>(
        &self,
        request: &Request,
        sent: usize,
        read: impl Fn(&Value) -> Result<T, RecordError>,
    ) -> Result<Vec<Result<T, RecordError>>, ZohoError> {
        if sent == 0 {
            return Ok(Vec::new());
        }
        let answer = self.zoho.crm(self.connection, request).await?;
        let results = answer.body["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        if results.len() != sent {
            // Whose result is whose cannot be told: all of them are looked up again.
            return Err(ZohoError::Broken { status: answer.status.as_u16() });
        }
        Ok(results
            .iter()
            .map(|item| if item["status"] == "success" { read(item) } else { Err(refused(item)) })
            .collect())
    }

    fn data(&self, module: CrmModule, writes: &[Write]) -> Vec<Value> {
        let fields = &self.zoho.settings.fields;
        let one = |write: &Write| {
            let changes = write.changes.iter().filter_map(|(field, value)| Some((fields.name(*field)?, json!(value))));
            let key = match write.key {
                Key::Put => Some(json!(write.user.to_string())),
                Key::Keep => None,
                Key::Clear => Some(Value::Null),
            };
            let account = write.account.as_ref().map(|id| ("Account_Name", json!({ "id": id.as_str() })));
            let record = write.record.as_ref().map(|id| ("id", json!(id.as_str())));
            let own = [record, key.map(|key| (fields.key(module), key)), account];
            let named = own.into_iter().flatten().chain(changes);
            Value::Object(named.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
        };
        writes.iter().map(one).collect()
    }
}

/// The id of a record that was changed. Without one, its record has to be looked up again.
pub(super) fn changed(item: &Value) -> Result<CrmId, RecordError> {
    id(&item["details"]["id"]).ok_or_else(|| refused(&json!({ "code": "INTERNAL_ERROR", "message": "no id came" })))
}

fn written(item: &Value) -> Result<Written, RecordError> {
    Ok(Written { id: changed(item)?, modified_at: time(&item["details"]["Modified_Time"]) })
}

fn refused(item: &Value) -> RecordError {
    ErrorBody::deserialize(item).unwrap_or_default().into()
}

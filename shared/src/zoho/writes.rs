//! Records of the CRM that are made, changed and deleted. Answers are read record by record, whatever their status:
//! 200 and 207, and 400, 404 and 412 where every record was refused.

use chrono::{DateTime, Utc};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::{ErrorBody, RecordError, STALE, ZohoError};
use super::fields::FieldNames;
use super::http::Answer;
use super::query::name;
use super::records::Crm;
use super::request::Request;
use super::values::{id, joined, time};
use crate::domain::event::CrmModule;
use crate::domain::record::Changes;
use crate::domain::{CrmId, UserId};

/// The year 2000, in seconds since 1970: Zoho CRM is younger.
const BEFORE_ANY_RECORD: i64 = 946_684_800;

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
    /// Makes records, each with our id on it, and writes over none: an upsert takes every unique field of the module for
    /// a sign that a record is there already, and would write over whose phone number or address it is (v8, "Upsert
    /// Records"). No record is as old as the header asks for, so that is refused. A call that is made twice makes one
    /// record. Answers in the order of the request; whoever is there already is a duplicate, of a field that Zoho does
    /// not tell.
    pub async fn upsert(
        &self,
        module: CrmModule,
        new: &[Write],
    ) -> Result<Vec<Result<Written, RecordError>>, ZohoError> {
        let fields = &self.zoho.settings.fields;
        let body = json!({ "data": data(fields, module, new), "duplicate_check_fields": [fields.key(module)] });
        let request = Request::post(format!("/{}/upsert", name(module)), body)
            .unmodified_since(DateTime::from_timestamp(BEFORE_ANY_RECORD, 0))
            .writing(new.len());
        let results = self.write(&request, new.len(), written).await?;
        let is_nobodys = |error: &RecordError| error.is_stale() && error.duplicate_of.is_none();
        if new.len() > 1 && results.iter().all(|result| result.as_ref().is_err_and(is_nobodys)) {
            // One word for all of them, and somebody among them may be new: asked for in halves, each has its own.
            return Err(ZohoError::bad_request(STALE, None, "records are there already"));
        }
        let there = |error: RecordError| if error.is_stale() { error.there_already() } else { error };
        Ok(results.into_iter().map(|result| result.map_err(there)).collect())
    }

    /// Makes records, each with our id on it, and nothing else: where a value that must be unique is another record's, an
    /// upsert would take that one for this and write over it. Answers in the order of the request.
    pub async fn insert(
        &self,
        module: CrmModule,
        new: &[Write],
    ) -> Result<Vec<Result<Written, RecordError>>, ZohoError> {
        let body = json!({ "data": data(&self.zoho.settings.fields, module, new) });
        let request = Request::post(format!("/{}", name(module)), body).writing(new.len());
        self.write(&request, new.len(), written).await
    }

    /// Whether a record was refused because another one carries its id of ours: it has been made already.
    pub fn is_made_already(&self, module: CrmModule, error: &RecordError) -> bool {
        error.is_duplicate() && error.field.as_deref() == Some(self.zoho.settings.fields.key(module))
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
            .body(json!({ "data": data(&self.zoho.settings.fields, module, changed) }))
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
        results(&self.zoho.crm(self.connection, request).await?, sent, read)
    }
}

fn data(fields: &FieldNames, module: CrmModule, writes: &[Write]) -> Vec<Value> {
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

/// The results of a call about so many records.
fn results<T>(
    answer: &Answer,
    sent: usize,
    read: impl Fn(&Value) -> Result<T, RecordError>,
) -> Result<Vec<Result<T, RecordError>>, ZohoError> {
    let results = answer.body["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if results.len() == sent {
        let one = |item: &Value| if item["status"] == "success" { read(item) } else { Err(refused(item)) };
        return Ok(results.iter().map(one).collect());
    }
    match (answer.status, results) {
        // One word for all of them: nothing was written. The record that it names is one of them, and nobody says which.
        (StatusCode::PRECONDITION_FAILED, [stale]) => {
            let stale = RecordError { duplicate_of: None, ..refused(stale) };
            Ok((0..sent).map(|_| Err(stale.clone())).collect())
        }
        // Whose result is whose cannot be told: all of them are looked up again.
        (status, _) => Err(ZohoError::Broken { status: status.as_u16() }),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::Field;

    fn write(record: Option<&str>, key: Key) -> Write {
        let changes = [(Field::Phone, None), (Field::Role, Some("parent".to_owned()))];
        Write {
            record: record.map(|id| id.parse().unwrap()),
            user: UserId("01970000-0000-7000-8000-000000000001".parse().unwrap()),
            changes: changes.into(),
            account: None,
            key,
        }
    }

    fn answer(status: u16, data: &Value) -> Answer {
        Answer { status: StatusCode::from_u16(status).unwrap(), body: json!({ "data": data }) }
    }

    fn done(id: &str) -> Value {
        json!({"code": "SUCCESS", "status": "success", "details": {"id": id, "Modified_Time": "2026-11-22T08:00:00-06:00"}})
    }

    #[test]
    fn a_write_names_the_record_and_our_id_as_it_is_told_to() {
        let fields = FieldNames::default();
        let writes = [write(None, Key::Put), write(Some("7"), Key::Keep), write(Some("8"), Key::Clear)];

        let data = data(&fields, CrmModule::Contacts, &writes);

        let expected = json!([
            {"ISO_User_ID": "01970000-0000-7000-8000-000000000001", "Phone": null, "ISO_Role": "parent"},
            {"id": "7", "Phone": null, "ISO_Role": "parent"},
            {"id": "8", "ISO_User_ID": null, "Phone": null, "ISO_Role": "parent"},
        ]);
        assert_eq!(json!(data), expected);
    }

    #[test]
    fn what_the_crm_has_no_field_for_is_not_written() {
        let fields: FieldNames = serde_json::from_value(json!({ "role_field": "" })).unwrap();
        let account = Write { account: "9".parse().ok(), ..write(Some("7"), Key::Keep) };

        let data = data(&fields, CrmModule::Contacts, &[account]);

        assert_eq!(json!(data), json!([{"id": "7", "Account_Name": {"id": "9"}, "Phone": null}]));
    }

    #[test]
    fn results_are_read_record_by_record_whatever_the_status() {
        let refused = json!({"code": "INVALID_DATA", "status": "error", "details": {"api_name": "Phone"}, "message": "invalid data"});
        for status in [200, 207, 400, 404] {
            let results = results(&answer(status, &json!([done("7"), refused])), 2, written).unwrap();

            assert_eq!(results[0].as_ref().unwrap().id.as_str(), "7");
            assert_eq!(results[1].as_ref().unwrap_err().field.as_deref(), Some("Phone"));
        }
    }

    #[test]
    fn one_word_about_all_of_them_is_taken_only_where_nothing_was_written() {
        let stale = json!([{"code": "ALREADY_MODIFIED", "status": "error", "details": {"id": "7"}}]);

        let all = results(&answer(412, &stale), 3, written).unwrap();

        let nobodys = |error: &RecordError| error.is_stale() && error.duplicate_of.is_none();
        assert!(all.len() == 3 && all.iter().all(|result| result.as_ref().is_err_and(nobodys)));
        let one = results(&answer(412, &stale), 1, written).unwrap();
        assert!(one[0].as_ref().is_err_and(|error| error.duplicate_of.is_some()));
        assert!(matches!(results(&answer(400, &stale), 3, written), Err(ZohoError::Broken { status: 400 })));
        assert!(results(&answer(200, &Value::Null), 1, written).is_err());
    }

    #[test]
    fn a_success_without_an_id_is_looked_up_again() {
        let nameless = json!([{"code": "SUCCESS", "status": "success", "details": {}}]);

        let results = results(&answer(200, &nameless), 1, written).unwrap();

        assert!(results[0].as_ref().is_err_and(RecordError::is_transient));
    }
}

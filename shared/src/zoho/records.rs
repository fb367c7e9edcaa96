//! Records of the CRM, Contacts and Accounts alike, as they stand there: read by their ids, or looked for.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::error::ZohoError;
use super::fields::FieldNames;
use super::http::Zoho;
use super::query::{self, Query, name};
use super::refusal;
use super::request::Request;
use super::values::{id, joined, text, time};
use crate::db::Connection;
use crate::domain::event::CrmModule;
use crate::domain::record::{Field, Fields};
use crate::domain::{CrmId, Email, UserId};

/// How many records a call takes (v8: get by ids, insert, update, upsert, delete).
pub const MOST_RECORDS: usize = 100;

/// The CRM, through one connection to the database (where the token is).
#[derive(Clone, Copy, Debug)]
pub struct Crm<'a> {
    pub zoho: &'a Zoho,
    pub connection: &'a Connection,
}

/// A record as it stands in the CRM.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: CrmId,
    /// Our id on it, as it stands there: it may be anything that somebody typed.
    pub our_id: Option<String>,
    pub fields: Fields,
    /// Of a Contact: the Account that it belongs to.
    pub account: Option<CrmId>,
    pub tags: Vec<String>,
    pub modified_at: DateTime<Utc>,
    /// When the newest of those that were read with it was changed: whatever changes after that was not read.
    pub newest_at: DateTime<Utc>,
}

/// A record that carries an id or an address which somebody looked for.
#[derive(Clone)]
pub struct Found {
    pub id: CrmId,
    pub our_id: Option<String>,
    pub email: Option<String>,
}

/// Without the address.
impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Record {
    /// Whether it carries this user's id.
    pub fn is_of(&self, user: UserId) -> bool {
        is(self.our_id.as_deref(), user)
    }
}

impl Found {
    /// Whether it carries this user's id.
    pub fn is_of(&self, user: UserId) -> bool {
        is(self.our_id.as_deref(), user)
    }
}

impl Crm<'_> {
    /// Whether this CRM has the field at all: by the secret it may not. What it has not is not to be kept equal.
    pub fn has(&self, field: Field) -> bool {
        self.zoho.settings.fields.name(field).is_some()
    }

    /// Those of these records that exist, at most [`MOST_RECORDS`], in no order. Who is not in the answer is deleted.
    pub async fn by_ids(&self, module: CrmModule, ids: &[CrmId]) -> Result<Vec<Record>, ZohoError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let fields = &self.zoho.settings.fields;
        let request = Request::get(format!("/{}", name(module)))
            .query("ids", joined(ids))
            // By default Zoho leaves out what waits for an approval, and that would pass for deleted.
            .query("approved", "both")
            .query("fields", columns(fields, module).join(","));
        let answer = self.zoho.crm(self.connection, &request).await?;
        let rows = query::rows(&answer)?.iter().map(|row| record(fields, module, row, answer.status.as_u16()));
        let mut records = rows.collect::<Result<Vec<Record>, _>>()?;
        if let Some(newest) = records.iter().map(|record| record.modified_at).max() {
            for record in &mut records {
                record.newest_at = newest;
            }
        }
        Ok(records)
    }

    /// Every record that carries one of these ids or (a Contact) one of these addresses, in one call; more only where
    /// more than two hundred records do.
    pub async fn find(&self, module: CrmModule, users: &[UserId], emails: &[&Email]) -> Result<Vec<Found>, ZohoError> {
        let key = self.zoho.settings.fields.key(module);
        let users: Vec<String> = users.iter().map(ToString::to_string).collect();
        let mut wanted = vec![(key, users.iter().map(String::as_str).collect())];
        let mut columns = vec!["id", key];
        if module == CrmModule::Contacts {
            wanted.push(("Email", emails.iter().map(|email| email.as_str()).collect()));
            columns.push("Email");
        }
        let Some(query) = Query::any_of(module, &columns, &wanted) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        loop {
            let answer = self.zoho.crm(self.connection, &query.page(found.len())).await?;
            let rows = query::rows(&answer)?;
            for row in rows {
                let id = id(&row["id"]).ok_or(ZohoError::Broken { status: answer.status.as_u16() })?;
                found.push(Found { id, our_id: text(&row[key]), email: text(&row["Email"]) });
            }
            if !query::has_more(&answer.body, rows.len()) {
                return Ok(found);
            }
        }
    }
}

fn columns(fields: &FieldNames, module: CrmModule) -> Vec<&str> {
    let mut columns = vec!["id", "Modified_Time", "Tag", fields.key(module)];
    columns.extend(fields.of(module).map(|(_, name)| name));
    if module == CrmModule::Contacts {
        columns.push("Account_Name");
    }
    columns
}

fn record(fields: &FieldNames, module: CrmModule, row: &Value, status: u16) -> Result<Record, ZohoError> {
    // A blank field comes as null. One that is not there at all is none of this CRM, or hidden from our user: taken for
    // blank, it would be written again and again, or its value taken from the person.
    let mut wanted = fields.of(module).map(|(_, name)| name).chain([fields.key(module)]);
    if let Some(missing) = wanted.find(|column| row.get(column).is_none()) {
        return Err(refusal::field_missing(name(module), missing));
    }
    let account = if module == CrmModule::Contacts { id(&row["Account_Name"]["id"]) } else { None };
    let tags = row["Tag"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = || {
        let modified_at = time(&row["Modified_Time"])?;
        Some(Record {
            id: id(&row["id"])?,
            our_id: text(&row[fields.key(module)]),
            fields: fields.of(module).map(|(field, name)| (field, text(&row[name]))).collect(),
            account,
            tags: tags.iter().filter_map(|tag| text(&tag["name"])).collect(),
            modified_at,
            newest_at: modified_at,
        })
    };
    read().ok_or(ZohoError::Broken { status })
}

fn is(our_id: Option<&str>, user: UserId) -> bool {
    our_id.and_then(|id| Uuid::try_parse(id.trim()).ok()) == Some(user.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::CrmModule::{Accounts, Contacts};
    use serde_json::json;

    /// Every field that we ask for, blank.
    fn blank(module: CrmModule) -> Value {
        let fields = FieldNames::default();
        let columns = columns(&fields, module).into_iter().map(|name| (name.to_owned(), Value::Null));
        let mut row = Value::Object(columns.collect());
        row["id"] = json!("4150868000000376008");
        row["Modified_Time"] = json!("2026-11-22T08:00:00-06:00");
        row
    }

    fn read(module: CrmModule, row: &Value) -> Result<Record, ZohoError> {
        record(&FieldNames::default(), module, row, 200)
    }

    #[test]
    fn a_contact_is_read_with_its_account_its_tags_and_its_time() {
        let mut row = blank(Contacts);
        row["Last_Name"] = json!("Reed");
        row["Account_Name"] = json!({"name": "Lincoln High", "id": "4150868000000376009"});
        row["Tag"] = json!([{"name": "VIP", "id": "1", "color_code": null}, {"name": "Soccer"}]);

        let contact = read(Contacts, &row).unwrap();

        assert_eq!(contact.account.as_ref().map(CrmId::as_str), Some("4150868000000376009"));
        assert_eq!(contact.tags, ["VIP", "Soccer"]);
        assert_eq!(contact.modified_at.to_rfc3339(), "2026-11-22T14:00:00+00:00");
        assert_eq!(contact.fields.iter().collect::<Vec<_>>(), [(Field::LastName, "Reed")]);
    }

    #[test]
    fn a_blank_contact_has_no_account_no_tags_and_no_fields() {
        let contact = read(Contacts, &blank(Contacts)).unwrap();

        assert!(contact.account.is_none() && contact.tags.is_empty() && contact.fields.is_empty());
        assert_eq!(contact.our_id, None);
    }

    #[test]
    fn an_accounts_name_is_its_own_and_no_other_records() {
        let mut row = blank(Accounts);
        row["Account_Name"] = json!("Lincoln High");

        let account = read(Accounts, &row).unwrap();

        assert_eq!((account.fields.get(Field::OrgName), account.account), (Some("Lincoln High"), None));
    }

    #[test]
    fn a_field_that_is_not_there_is_not_blank() {
        let mut row = blank(Contacts);
        row.as_object_mut().unwrap().remove("ISO_Role");

        let error = read(Contacts, &row).unwrap_err();

        assert!(
            matches!(error, ZohoError::Refused { code, message } if code == "field-missing" && message.contains("ISO_Role"))
        );
    }

    #[test]
    fn a_record_without_id_or_time_is_no_record() {
        for column in ["id", "Modified_Time"] {
            let mut row = blank(Accounts);
            row[column] = Value::Null;
            assert!(matches!(read(Accounts, &row), Err(ZohoError::Broken { status: 200 })), "{column}");
        }
    }

    #[test]
    fn our_id_is_known_however_it_is_written() {
        let user = UserId("01970000-0000-7000-8000-00000000000a".parse().unwrap());

        assert!(is(Some(" 01970000-0000-7000-8000-00000000000A "), user));
        assert!(!is(Some("Sheree"), user) && !is(None, user));
    }
}

//! Zoho CRM's Contacts: found, written, tagged, up to a hundred in a call.

use std::fmt::Write as _;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error::{ErrorBody, RecordError, ZohoError};
use super::http::Zoho;
use super::request::Request;
use crate::db::Connection;
use crate::domain::event::CrmModule;
use crate::domain::record::{Field, Fields};
use crate::domain::{Email, UserId};

/// How many values COQL takes in one `in (…)`: 50 in the oldest documents, 100 in the newest.
const IN_LIST: usize = 50;
/// How many rows a page of COQL holds at least.
const PAGE: usize = 200;

/// A Contact as it stands in the CRM.
#[derive(Clone, Debug)]
pub struct Contact {
    pub id: String,
    /// Our id on it, as it stands there: it may be anything that somebody typed.
    pub user_id: Option<String>,
    pub fields: Fields,
}

/// What to write on one Contact.
#[derive(Clone, Debug)]
pub struct ContactWrite {
    /// `None`: there is none yet.
    pub contact_id: Option<String>,
    pub user: UserId,
    pub fields: Fields,
}

/// The module Contacts, through one connection to the database (where the token is).
#[derive(Debug)]
pub struct Contacts<'a> {
    pub zoho: &'a Zoho,
    pub connection: &'a Connection,
}

impl Contacts<'_> {
    /// Every Contact that carries one of these ids or addresses, in one call (more only where more than two
    /// hundred Contacts do). By COQL, which sees what was just written, unlike search.
    pub async fn find(&self, users: &[UserId], emails: &[&Email]) -> Result<Vec<Contact>, ZohoError> {
        let ids: Vec<String> = users.iter().map(ToString::to_string).collect();
        let emails: Vec<&str> = emails.iter().map(|email| email.as_str()).collect();
        let mut conditions = any_of(self.zoho.settings.fields.key(CrmModule::Contacts), &ids);
        conditions.extend(any_of("Email", &emails));
        let select = format!("select {} from Contacts where {}", self.columns(), nested(&conditions));
        let mut found = Vec::new();
        loop {
            let query = format!("{select} order by id asc limit {}, {PAGE}", found.len());
            let request = Request::post("/coql", json!({ "select_query": query }));
            let answer = self.zoho.crm(self.connection, &request).await?;
            // Anything but rows or a clear "none" must not read as "nobody": a second Contact would be made.
            let broken = || ZohoError::Broken { status: answer.status.as_u16() };
            let rows = match (answer.status, answer.body["data"].as_array()) {
                (StatusCode::NO_CONTENT, _) => return Ok(found),
                (status, Some(rows)) if status.is_success() => rows,
                _ => return Err(broken()),
            };
            for row in rows {
                found.push(self.contact(row).ok_or_else(broken)?);
            }
            if rows.is_empty() || answer.body["info"]["more_records"] != json!(true) {
                return Ok(found);
            }
        }
    }

    /// Makes Contacts, each with our user's id on it. A Contact that carries the id already is written over,
    /// so a call that is made twice makes one Contact. Answers in the order of the request.
    pub async fn upsert(&self, new: &[ContactWrite]) -> Result<Vec<Result<String, RecordError>>, ZohoError> {
        let data: Vec<Value> = new.iter().map(|write| self.record(write)).collect();
        let body =
            json!({ "data": data, "duplicate_check_fields": [self.zoho.settings.fields.key(CrmModule::Contacts)] });
        self.write(Method::POST, "/Contacts/upsert", &body, new.len()).await
    }

    /// Writes fields of Contacts that are there. Answers in the order of the request.
    pub async fn update(&self, changed: &[ContactWrite]) -> Result<Vec<Result<String, RecordError>>, ZohoError> {
        let data: Vec<Value> = changed.iter().map(|write| self.record(write)).collect();
        self.write(Method::PUT, "/Contacts", &json!({ "data": data }), changed.len()).await
    }

    /// Puts one tag on Contacts, beside those that are there, and returns the Contacts that have it now.
    pub async fn add_tag(&self, tag: &str, contacts: &[&str]) -> Result<Vec<String>, ZohoError> {
        let body = json!({ "tags": [{ "name": tag }], "ids": contacts, "over_write": false });
        let results = self.write(Method::POST, "/Contacts/actions/add_tags", &body, contacts.len()).await?;
        Ok(results.into_iter().filter_map(Result::ok).collect())
    }

    async fn write(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        sent: usize,
    ) -> Result<Vec<Result<String, RecordError>>, ZohoError> {
        let request = Request::new(method, path).body(body.clone());
        let answer = self.zoho.crm(self.connection, &request.writing(sent)).await?;
        let results = answer.body["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        if results.len() != sent {
            // Whose result is whose cannot be told: all of them are looked up again.
            return Err(ZohoError::Broken { status: answer.status.as_u16() });
        }
        Ok(results.iter().map(result).collect())
    }

    fn columns(&self) -> String {
        let mut columns = format!("id, {}", self.zoho.settings.fields.key(CrmModule::Contacts));
        for field in Field::STANDARD {
            let _ = write!(columns, ", {}", api_name(field));
        }
        columns
    }

    fn contact(&self, row: &Value) -> Option<Contact> {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        Some(Contact {
            id: text("id")?,
            user_id: text(self.zoho.settings.fields.key(CrmModule::Contacts)).filter(|id| !id.trim().is_empty()),
            fields: Field::STANDARD.into_iter().map(|field| (field, text(api_name(field)))).collect(),
        })
    }

    fn record(&self, write: &ContactWrite) -> Value {
        let mut record: Map<String, Value> =
            write.fields.iter().map(|(field, value)| (api_name(field).to_owned(), json!(value))).collect();
        record.insert(self.zoho.settings.fields.key(CrmModule::Contacts).to_owned(), json!(write.user.to_string()));
        if let Some(id) = &write.contact_id {
            record.insert("id".to_owned(), json!(id));
        }
        Value::Object(record)
    }
}

impl Contact {
    /// Whether it carries this user's id.
    pub fn is_of(&self, user: UserId) -> bool {
        self.user_id.as_deref().and_then(|id| Uuid::try_parse(id.trim()).ok()) == Some(user.0)
    }
}

fn result(item: &Value) -> Result<String, RecordError> {
    if item["status"] == "success"
        && let Some(id) = item["details"]["id"].as_str()
    {
        return Ok(id.to_owned());
    }
    Err(ErrorBody::deserialize(item).unwrap_or_default().into())
}

/// Zoho's API names of the fields (CRM, Settings → Developer Hub → APIs).
fn api_name(field: Field) -> &'static str {
    match field {
        Field::FirstName => "First_Name",
        Field::LastName => "Last_Name",
        Field::Email => "Email",
        Field::Phone => "Phone",
        Field::Street => "Mailing_Street",
        Field::City => "Mailing_City",
        Field::State => "Mailing_State",
        Field::PostalCode => "Mailing_Zip",
        Field::Country => "Mailing_Country",
        Field::Role => "ISO_Role",
        Field::ReferredByCode => "ISO_Referred_By_Code",
        Field::ReferralCode => "ISO_Referral_Code",
        Field::CertificationLevel => "ISO_Certification_Level",
        Field::OrgName => "Account_Name",
        Field::OrgType => "ISO_Organization_Type",
    }
}

fn any_of(column: &str, values: &[impl AsRef<str>]) -> Vec<String> {
    values
        .chunks(IN_LIST)
        .map(|values| {
            let list: Vec<String> = values.iter().map(|value| quoted(value.as_ref())).collect();
            format!("{column} in ({})", list.join(", "))
        })
        .collect()
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// COQL takes two conditions at a time, so more are put into brackets pair by pair.
fn nested(conditions: &[String]) -> String {
    match conditions {
        [] => "id is null".to_owned(),
        [one] => format!("({one})"),
        [rest @ .., last] => format!("({} or {last})", nested(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_bracketed_pair_by_pair() {
        assert_eq!(nested(&["a".to_owned(), "b".to_owned(), "c".to_owned()]), "(((a) or b) or c)");
    }

    #[test]
    fn a_quote_in_an_address_stays_inside_its_literal() {
        assert_eq!(any_of("Email", &["o'hara@example.com"]), ["Email in ('o\\'hara@example.com')"]);
    }
}

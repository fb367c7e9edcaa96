//! Records of the CRM, Contacts and Accounts alike, as they stand there: read by their ids, or looked for.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::error::ZohoError;
use super::http::{Answer, Zoho};
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
}

/// A record that carries an id or an address which somebody looked for.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: CrmId,
    pub our_id: Option<String>,
    pub email: Option<String>,
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
        let request = Request::get(format!("/{}", name(module)))
            .query("ids", joined(ids))
            .query("fields", self.columns(module).join(","));
        let answer = self.zoho.crm(self.connection, &request).await?;
        query::rows(&answer)?.iter().map(|row| self.record(module, row, &answer)).collect()
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

    fn columns(&self, module: CrmModule) -> Vec<&str> {
        let fields = &self.zoho.settings.fields;
        let mut columns = vec!["id", "Modified_Time", "Tag", fields.key(module)];
        columns.extend(fields.of(module).map(|(_, name)| name));
        if module == CrmModule::Contacts {
            columns.push("Account_Name");
        }
        columns
    }

    fn record(&self, module: CrmModule, row: &Value, answer: &Answer) -> Result<Record, ZohoError> {
        let fields = &self.zoho.settings.fields;
        // A blank field comes as null. One that is not there at all is none of this CRM, or hidden from our user: taken
        // for blank, it would be written again and again, or its value taken from the person.
        let columns = fields.of(module).map(|(_, name)| name).chain([fields.key(module)]);
        if let Some(missing) = columns.into_iter().find(|column| row.get(column).is_none()) {
            return Err(refusal::field_missing(name(module), missing));
        }
        let account = if module == CrmModule::Contacts { id(&row["Account_Name"]["id"]) } else { None };
        let tags = row["Tag"].as_array().map(Vec::as_slice).unwrap_or_default();
        let read = || {
            Some(Record {
                id: id(&row["id"])?,
                our_id: text(&row[fields.key(module)]),
                fields: fields.of(module).map(|(field, name)| (field, text(&row[name]))).collect(),
                account,
                tags: tags.iter().filter_map(|tag| text(&tag["name"])).collect(),
                modified_at: time(&row["Modified_Time"])?,
            })
        };
        read().ok_or(ZohoError::Broken { status: answer.status.as_u16() })
    }
}

fn is(our_id: Option<&str>, user: UserId) -> bool {
    our_id.and_then(|id| Uuid::try_parse(id.trim()).ok()) == Some(user.0)
}

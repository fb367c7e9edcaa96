//! How a story has ended: what stands on both sides.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use uuid::Uuid;

use super::unit::{ACCOUNTS, CONTACTS, Unit};
use crate::system::System;

/// Both sides, as they stand.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) users: BTreeMap<Uuid, User>,
    pub(super) contacts: Vec<Value>,
    pub(super) accounts: Vec<Value>,
    pub(super) conflicts: Vec<Conflict>,
    /// Users who are gone here, and whether they are known to be gone over there.
    pub(super) erasures: BTreeMap<Uuid, bool>,
    /// Our writes on records: bodies with Zoho's milliseconds.
    updates: Vec<(i64, Value)>,
}

/// A user as our side has her.
#[derive(Debug)]
pub(super) struct User {
    pub(super) values: BTreeMap<Unit, String>,
    pub(super) contact: Option<String>,
    pub(super) account: Option<String>,
    /// Another one whenever her profile has been written.
    pub(super) version: String,
}

/// What an admin can read about a unit of which one value was lost.
#[derive(Debug)]
pub(super) struct Conflict {
    pub(super) user: Uuid,
    pub(super) unit: String,
    pub(super) ours: Option<String>,
    pub(super) theirs: Option<String>,
    pub(super) kept: String,
}

const USERS: &str = "select users.id, users.zoho_contact_id, o.zoho_account_id, users.email, users.role::text as role,
        coalesce(p.first_name, o.first_name, f.first_name) as first_name,
        coalesce(p.last_name, o.last_name, f.last_name) as last_name, p.phone_number as phone,
        nullif(concat_ws(', ', nullif(p.mailing_address->>'street', ''), nullif(p.mailing_address->>'city', ''),
            nullif(p.mailing_address->>'state', ''), nullif(p.mailing_address->>'postal_code', ''),
            nullif(p.mailing_address->>'country', '')), '') as address,
        coalesce(p.referred_by_code, o.referred_by_code) as referred_by_code, f.referral_code,
        f.certification_level::text as certification_level, o.org_name, o.org_type::text as org_type,
        coalesce(p.xmin, o.xmin, f.xmin)::text as version
    from users
        left join profiles_parents as p on p.user_id = users.id
        left join profiles_organizations as o on o.user_id = users.id
        left join profiles_photographers as f on f.user_id = users.id
    where users.role <> 'admin'";

impl Ending {
    pub(super) async fn of(system: &System) -> Self {
        let state = system.zoho().await;
        let list = |name: &str| state[name].as_array().cloned().unwrap_or_default();
        let users = system.rows(USERS, &[]).await;
        let conflicts = system.rows("select user_id, field, ours, theirs, kept from sync_conflicts", &[]).await;
        let erasures = system.rows("select user_id, erased_at is not null from erasures", &[]).await;
        let requests = system.zoho_get("requests").await["requests"].as_array().cloned().unwrap_or_default();
        let updates = requests.iter().filter(|request| request["operation"] == "update");
        Self {
            updates: updates
                .map(|update| (update["time"].as_i64().unwrap_or_default(), update["body"].clone()))
                .collect(),
            users: users.iter().map(|row| (row.get("id"), User::from_row(row))).collect(),
            contacts: list("contacts"),
            accounts: list("accounts"),
            conflicts: conflicts
                .iter()
                .map(|row| Conflict {
                    user: row.get("user_id"),
                    unit: row.get("field"),
                    ours: row.get("ours"),
                    theirs: row.get("theirs"),
                    kept: row.get("kept"),
                })
                .collect(),
            erasures: erasures.iter().map(|row| (row.get(0), row.get(1))).collect(),
        }
    }

    /// The records of a module that carry the id of a user.
    pub(super) fn carrying(&self, module: &str, user: Uuid) -> Vec<&Value> {
        let field = if module == CONTACTS { "ISO_User_ID" } else { "ISO_Organization_ID" };
        let id = Value::from(user.to_string());
        self.records(module).iter().filter(|record| record[field] == id).collect()
    }

    pub(super) fn record(&self, module: &str, id: &str) -> Option<&Value> {
        self.records(module).iter().find(|record| record["id"] == id)
    }

    fn records(&self, module: &str) -> &[Value] {
        if module == ACCOUNTS { &self.accounts } else { &self.contacts }
    }

    /// Whether a unit of a record was written over at this time: Zoho's times are whole seconds, and so what came between
    /// our read and our write cannot be told from what was there.
    pub(super) fn in_the_window(&self, record: &str, unit: Unit, window: &Range<i64>) -> bool {
        self.updates.iter().filter(|(time, _)| window.contains(time)).any(|(_, body)| {
            let data = body["data"].as_array().into_iter().flatten();
            data.into_iter().any(|written| {
                written["id"] == record && unit.fields().iter().any(|field| written.get(*field).is_some())
            })
        })
    }

    /// Whether an admin is told that this value of ours (or of theirs) did not stand.
    pub(super) fn tells(&self, user: Uuid, unit: Unit, ours: bool, value: Option<&str>) -> bool {
        self.conflicts.iter().any(|conflict| {
            let told = if ours { &conflict.ours } else { &conflict.theirs };
            conflict.user == user && conflict.unit == unit.name() && unit.same(told.as_deref(), value)
        })
    }

    /// Whether it is noted that theirs cannot be held here and stays over there.
    pub(super) fn leaves(&self, user: Uuid, unit: Unit, theirs: Option<&str>) -> bool {
        self.conflicts.iter().any(|conflict| {
            conflict.user == user
                && conflict.unit == unit.name()
                && conflict.kept == "both"
                && conflict.theirs.as_deref() == theirs
        })
    }
}

impl User {
    /// As she stands just now.
    pub(super) async fn of(system: &System, id: Uuid) -> Option<Self> {
        let rows = system.rows(&format!("{USERS} and users.id = $1"), &[&id]).await;
        rows.first().map(Self::from_row)
    }

    fn from_row(row: &tokio_postgres::Row) -> Self {
        let value = |unit: Unit| Some((unit, row.get::<_, Option<String>>(unit.name())?));
        Self {
            values: Unit::ALL.into_iter().filter_map(value).collect(),
            contact: row.get("zoho_contact_id"),
            account: row.get("zoho_account_id"),
            version: row.get("version"),
        }
    }

    pub(super) fn value(&self, unit: Unit) -> Option<&str> {
        self.values.get(&unit).map(String::as_str)
    }

    pub(super) fn link(&self, module: &str) -> Option<&str> {
        if module == CONTACTS { self.contact.as_deref() } else { self.account.as_deref() }
    }
}

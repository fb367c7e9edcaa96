//! Admins, and what they look at.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Answer;
use crate::system::System;

impl System {
    /// Makes an admin of an identity.
    pub async fn make_admin(&self, sub: &str) {
        let admin = json!({ "admin": { "sub": sub, "email": format!("{sub}@isophotoxp.example") } });
        let made = self.invoke("migrate-database", &admin).await;
        assert!(made["admin"].is_string(), "{sub} cannot be made an admin: {made}");
    }

    /// So many tasks of a kind that failed at one moment, so many minutes ago; or that wait for their next attempt.
    pub async fn fill_failures(&self, kind: &str, state: &str, minutes_ago: i32, number: i32) {
        self.rows(
            "insert into tasks (kind, key, attempts, not_before, dispatch_at, failed_at, failure)
             select $1, gen_random_uuid(), 3, moment, moment, case when $2 = 'failed' then moment end,
                 jsonb_build_object('code', 'INVALID_DATA', 'message', 'invalid data', 'field', 'Phone')
             from generate_series(1, $4), (select date_trunc('day', now()) + interval '12 hours' - make_interval(mins => $3)) as at (moment)",
            &[&kind, &state, &minutes_ago, &number],
        )
        .await;
    }

    /// Every page of a list, one after the other, with so many rows each.
    pub async fn pages(&self, path: &str, limit: usize) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}limit={limit}{cursor}"), "ops").await;
            assert_eq!(page.status, 200, "{}", page.body);
            let found = page.body["items"].as_array().expect("a list").clone();
            assert!(found.len() <= limit, "a page has {} rows", found.len());
            rows.extend(found);
            match page.body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// An endpoint that is told of these types of events.
    pub async fn endpoint(&self, name: &str, events: &[&str]) {
        self.rows(
            "insert into webhook_endpoints (name, events, url_sha256) values ($1, $2, sha256('https://hook.example'))",
            &[&name, &events],
        )
        .await;
    }

    /// Something that happened to a user, so many minutes ago, and that nobody has been told of.
    pub async fn event(&self, kind: &str, user: Uuid, minutes_ago: i32) -> Uuid {
        self.value(
            "insert into webhook_events (id, type, user_id, occurred_at)
             values (new_uuid_v7(), $1, $2, now() - make_interval(mins => $3)) returning id",
            &[&kind, &user, &minutes_ago],
        )
        .await
    }

    /// A delivery of an event that stands like this.
    pub async fn delivery(&self, event: Uuid, endpoint: &str, status: &str, attempts: i32) -> Uuid {
        self.value(
            "insert into webhook_deliveries (id, event_id, endpoint, status, attempts, delivered_at)
             values (new_uuid_v7(), $1, $2, $3::text::delivery_status, $4, case when $3 = 'delivered' then now() end)
             returning id",
            &[&event, &endpoint, &status, &attempts],
        )
        .await
    }
}

impl Answer {
    /// The places of the fields that have to be corrected.
    pub fn wrong_fields(&self) -> Vec<&str> {
        self.of_wrong_fields("pointer")
    }

    /// The codes of what is wrong with them.
    pub fn field_codes(&self) -> Vec<&str> {
        self.of_wrong_fields("code")
    }

    fn of_wrong_fields(&self, name: &str) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error[name].as_str()).collect()
    }
}

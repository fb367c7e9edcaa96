//! Alerts, as the database has them and as Zoho got them.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{Answer, sent};
use crate::system::{System, eventually};

impl System {
    /// How the alerts stand, one status each, sorted.
    pub async fn alerts(&self) -> Vec<String> {
        self.statuses("gallery_alerts").await
    }

    /// How the batches stand, one status each, sorted.
    pub async fn batches(&self) -> Vec<String> {
        self.statuses("alert_batches").await
    }

    /// Waits until the alerts stand like this.
    pub async fn alerts_become(&self, statuses: &[&str]) {
        eventually(&format!("the alerts are {statuses:?}"), || async {
            (self.alerts().await == statuses).then_some(())
        })
        .await;
    }

    /// The only batch there is.
    pub async fn batch(&self) -> Uuid {
        self.value("select id from alert_batches", &[]).await
    }

    /// Everybody to whom Zoho Campaigns has sent an e-mail, in the order in which it was asked to.
    pub async fn recipients(&self) -> Vec<Value> {
        let transmissions = self.transmissions().await;
        transmissions.iter().flat_map(|sent| sent["recipients"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// Their addresses, sorted.
    pub async fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> =
            self.recipients().await.iter().filter_map(|one| one["address"].as_str().map(str::to_owned)).collect();
        addresses.sort_unstable();
        addresses
    }

    /// Zoho keeps to itself what becomes of e-mails, until a test lets it tell.
    pub async fn keep_receipts(&self) {
        let url = format!("{}/api/webhooks/incoming?source=zoho-campaigns", self.endpoints().api);
        let token = self.receipt_token().await;
        self.zoho_post("webhook", &json!({ "url": url, "header": "authorization", "token": token })).await;
    }

    /// A receipt as Zoho Campaigns sends it, about a batch and nobody in particular, with the right token.
    pub async fn send_receipt(&self, action: &str, batch: Uuid) -> Answer {
        let token = self.receipt_token().await;
        self.send_receipt_with(&token, &json!({ "action": action, "data": [{ "transmission_name": batch }] })).await
    }

    /// A receipt with this token, right or wrong.
    pub async fn send_receipt_with(&self, token: &str, body: &Value) -> Answer {
        let request = self.request("POST", "/api/webhooks/incoming?source=zoho-campaigns");
        sent(request.header("authorization", token).json(body)).await
    }

    /// What proves that a receipt comes from Zoho Campaigns.
    pub async fn receipt_token(&self) -> String {
        let sources = self.secret("webhook-sources").await;
        sources["zoho-campaigns"]["keys"][0].as_str().expect("the source has a token").to_owned()
    }

    /// Gives the workers an access token that they take for good: one that was got with the credentials they have. The
    /// hash is over the length and the text of each.
    pub async fn have_a_token(&self, token: &str) {
        let secret = self.secret("zoho").await;
        let part = |name: &str| secret[name].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
        let credentials = ["base_url", "client_id", "client_secret", "refresh_token"].map(part).to_vec();
        let have = "update zoho_token set
                        access_token = $1,
                        expires_at = now() + interval '1 hour',
                        version = 1,
                        credentials_sha256 = (
                            select sha256(string_agg(int8send(octet_length(part)::bigint) || convert_to(part, 'UTF8'), '' order by place))
                            from unnest($2::text[]) with ordinality as credential (part, place)
                        )";
        self.rows(have, &[&token, &credentials]).await;
    }

    /// Stops a kind of task for an hour, as throttling does.
    pub async fn pause(&self, kind: &str) {
        let pause = "update task_kinds set paused_until = now() + interval '1 hour', reason = 'a test' where kind = $1";
        self.rows(pause, &[&kind]).await;
    }

    /// Puts so many more parents of one athlete each on the roster of every organisation.
    pub async fn add_parents(&self, number: i32) {
        self.database
            .execute(
                "with person as (select new_uuid_v7() as id, n from generate_series(1, $1) as n),
                 new_user as (
                     insert into users (id, email, auth_provider_id, role)
                     select id, 'parent-' || n || '@example.com', 'parent-' || n, 'parent' from person
                     returning id
                 ),
                 profile as (
                     insert into profiles_parents (user_id, first_name, last_name)
                     select id, 'Parent', 'Many' from new_user
                     returning user_id
                 ),
                 athlete as (
                     insert into athletes (id, parent_id, first_name, last_name)
                     select new_uuid_v7(), user_id, 'Child', 'Many' from profile
                     returning id
                 )
                 insert into roster_entries (organization_id, athlete_id)
                 select organization.user_id, athlete.id from athlete cross join profiles_organizations as organization",
                &[&number],
            )
            .await
            .expect("the parents can be added");
    }

    async fn statuses(&self, table: &str) -> Vec<String> {
        let rows = self.rows(&format!("select status::text from {table} order by status::text"), &[]).await;
        rows.iter().map(|row| row.get(0)).collect()
    }
}

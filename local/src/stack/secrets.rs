//! What stands in each secret that the template declares.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::services::postgres::Passwords;
use crate::services::random;

/// The sources of signed webhooks, what each may send, and the other gallery hosts that it may speak for.
const WEBHOOK_SOURCES: [(&str, &[&str], &[&str]); 4] = [
    ("photoday", HOST_EVENTS, &[]),
    ("gotphoto", HOST_EVENTS, &[]),
    ("make", MIDDLEWARE_EVENTS, HOSTS),
    ("zapier", MIDDLEWARE_EVENTS, HOSTS),
];
const HOST_EVENTS: &[&str] = &["gallery.published", "gallery.archived", "order.created", "booking.created"];
const MIDDLEWARE_EVENTS: &[&str] =
    &["gallery.published", "gallery.archived", "order.created", "booking.created", "crm.contact.linked"];
/// A gallery host that signs in its own way and speaks in its own words.
const HOST_WITH_ITS_OWN_HABIT: &str = "shootproof";
/// The gallery hosts that middleware may speak for.
const HOSTS: &[&str] = &["photoday", "gotphoto"];

/// Who is told of events, and of which.
const WEBHOOK_ENDPOINTS: [(&str, &[&str]); 2] =
    [("make", &["user.created", "user.updated"]), ("zapier", &["gallery.live", "referral.earned"])];

/// The keys and tokens of one stack.
#[derive(Debug)]
pub(super) struct Keys {
    /// By source, as Standard Webhooks writes them.
    pub(super) webhooks: BTreeMap<String, String>,
    /// By endpoint, likewise: what our own webhooks are signed with.
    pub(super) endpoints: BTreeMap<String, String>,
    /// The tokens by which their integrators test, by source.
    test_tokens: BTreeMap<String, String>,
    /// What the host with its own habit signs with.
    host: String,
    /// What Zoho Campaigns sends with its receipts.
    pub(super) receipts: String,
    /// What Zoho CRM sends with its notifications.
    notifications: String,
    pub(super) zoho_client: String,
}

impl Keys {
    pub(super) fn new() -> anyhow::Result<Keys> {
        let sources = || WEBHOOK_SOURCES.iter().map(|(source, ..)| *source);
        let tested = sources().chain([HOST_WITH_ITS_OWN_HABIT]);
        Ok(Keys {
            webhooks: keys(sources())?,
            endpoints: keys(WEBHOOK_ENDPOINTS.iter().map(|(endpoint, _)| *endpoint))?,
            test_tokens: tested
                .map(|source| Ok((source.to_owned(), random::password(32)?)))
                .collect::<anyhow::Result<_>>()?,
            host: random::password(32)?,
            receipts: random::password(32)?,
            notifications: random::password(32)?,
            zoho_client: random::password(32)?,
        })
    }
}

fn keys<'a>(names: impl Iterator<Item = &'a str>) -> anyhow::Result<BTreeMap<String, String>> {
    names.map(|name| Ok((name.to_owned(), format!("whsec_{}", STANDARD.encode(random::key::<32>()?))))).collect()
}

/// What the content of the secrets is made of.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    pub(super) passwords: &'a Passwords,
    pub(super) keys: &'a Keys,
    pub(super) zoho_url: &'a str,
    /// Where endpoints are.
    pub(super) receiver_url: &'a str,
}

impl Contents<'_> {
    /// The content of the secret with this logical id; a secret that nobody thought of stops the stack.
    pub(super) fn of(&self, logical_id: &str) -> anyhow::Result<Value> {
        let login = |role: &str, password: &str| json!({ "username": role, "password": password });
        Ok(match logical_id {
            "MigratorDatabaseSecret" => login("isoxp_migrator", &self.passwords.migrator),
            "ApiDatabaseSecret" => login("isoxp_api", &self.passwords.api),
            "WorkerDatabaseSecret" => login("isoxp_worker", &self.passwords.worker),
            "ZohoSecret" => self.zoho(),
            "WebhookSourcesSecret" => self.webhook_sources()?,
            "WebhookEndpointsSecret" => self.webhook_endpoints()?,
            other => bail!("the template declares the secret {other}; give it a content in local/src/stack/secrets.rs"),
        })
    }

    fn zoho(&self) -> Value {
        json!({
            "base_url": self.zoho_url,
            "client_id": "1000.LOCAL",
            "client_secret": self.keys.zoho_client,
            "refresh_token": "1000.local.refresh",
            "campaigns": {
                "gallery_live_template_id": "1093639000412559078",
                "from_address": "hello@isophotoxp.example",
                "from_name": "ISO Photo XP",
            },
        })
    }

    fn webhook_sources(&self) -> anyhow::Result<Value> {
        let mut sources = json!({
            "zoho-campaigns": {
                "scheme": "token",
                "header": "authorization",
                "keys": [self.keys.receipts],
                "events": ["email.receipt"],
            },
            "zoho-crm": {
                "scheme": "token",
                "body": "/token",
                "keys": [self.keys.notifications],
                "events": ["crm.records.changed"],
            },
        });
        sources[HOST_WITH_ITS_OWN_HABIT] = self.host_with_its_own_habit();
        for (source, events, hosts) in WEBHOOK_SOURCES {
            let key = self.keys.webhooks.get(source).with_context(|| format!("no key was made for {source}"))?;
            sources[source] = json!({ "scheme": "standard", "keys": [key], "events": events, "hosts": hosts });
        }
        for (source, token) in &self.keys.test_tokens {
            sources[source]["test_token"] = json!(token);
        }
        Ok(sources)
    }

    fn webhook_endpoints(&self) -> anyhow::Result<Value> {
        let mut endpoints = json!({});
        for (endpoint, events) in WEBHOOK_ENDPOINTS {
            let key = self.keys.endpoints.get(endpoint).with_context(|| format!("no key was made for {endpoint}"))?;
            let url = format!("{}/hooks/{endpoint}", self.receiver_url);
            endpoints[endpoint] = json!({ "url": url, "keys": [key], "events": events });
        }
        Ok(endpoints)
    }

    /// Nobody publishes how; this is a usual way.
    fn host_with_its_own_habit(&self) -> Value {
        json!({
            "scheme": "hmac",
            "header": "x-host-signature",
            "prefix": "sha256=",
            "encoding": "hex",
            "signs": "timestamp.body",
            "timestamp_header": "x-host-timestamp",
            "event_id": "/id",
            "keys": [self.keys.host],
            "events": HOST_EVENTS,
            "mapping": {
                "type": {
                    "pointer": "/status",
                    "values": {
                        "Published": "gallery.published",
                        "Selling": "gallery.published",
                        "Archived": "gallery.archived",
                        "Paid": "order.created",
                    },
                },
                "timestamp": "/changed_at",
                "data": {
                    "external_host_id": "/job/id",
                    "public_url": "/job/link",
                    "order_id": "/order/number",
                    "buyer_email": "/order/customer/email",
                    "total": "/order/total",
                    "currency": { "constant": "USD" },
                },
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_contents(check: impl FnOnce(&Keys, &Contents<'_>)) {
        let password = || "secret".to_owned();
        let passwords = Passwords { superuser: password(), migrator: password(), api: password(), worker: password() };
        let keys = Keys::new().unwrap();
        check(
            &keys,
            &Contents { passwords: &passwords, keys: &keys, zoho_url: "http://zoho", receiver_url: "http://receiver" },
        );
    }

    #[test]
    fn every_source_has_a_key_of_its_own() {
        with_contents(|keys, contents| {
            let sources = contents.of("WebhookSourcesSecret").unwrap();

            let mut all: Vec<_> = keys.webhooks.values().collect();
            all.dedup();
            assert_eq!(all.len(), 4);
            assert_eq!(sources["photoday"]["keys"][0], keys.webhooks["photoday"].as_str());
            assert_eq!(sources["zapier"]["hosts"], json!(["photoday", "gotphoto"]));
        });
    }

    #[test]
    fn an_endpoint_is_where_the_receiver_listens() {
        with_contents(|keys, contents| {
            let endpoints = contents.of("WebhookEndpointsSecret").unwrap();

            assert_eq!(endpoints["make"]["url"], "http://receiver/hooks/make");
            assert_eq!(endpoints["zapier"]["keys"][0], keys.endpoints["zapier"].as_str());
        });
    }

    #[test]
    fn a_secret_that_nobody_thought_of_is_refused_by_name() {
        with_contents(|_, contents| {
            let error = contents.of("StripeSecret").unwrap_err().to_string();

            assert!(error.contains("StripeSecret"), "{error}");
        });
    }
}

//! Our own webhooks: as they arrive at their endpoints, and as the database has them.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use standardwebhooks::Webhook as Verifier;
use uuid::Uuid;

use crate::system::{System, eventually};

/// A webhook that has arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub endpoint: String,
    headers: Value,
    /// To the letter.
    pub body: String,
}

impl Arrived {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].as_str().unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a webhook is JSON")
    }

    /// Whether the Standard Webhooks project's library takes it for a holder of this key.
    pub fn is_signed_with(&self, key: &str) -> bool {
        let headers = self.headers.as_object().into_iter().flatten().filter_map(|(name, value)| {
            Some((name.parse::<HeaderName>().ok()?, value.as_str()?.parse::<HeaderValue>().ok()?))
        });
        let verifier = Verifier::new(key).expect("the key is valid");
        verifier.verify(self.body.as_bytes(), &headers.collect::<HeaderMap>()).is_ok()
    }
}

/// A delivery as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: Uuid,
    pub event: Uuid,
    pub status: String,
    pub attempts: i32,
    pub last_status: Option<i32>,
    /// Empty if there was none.
    pub error: String,
    pub answer: String,
}

impl System {
    /// With endpoints that hear of everything from now on, and queues that wake nobody: calls are made when the test
    /// says so.
    pub async fn with_endpoints(flags: &[&str]) -> Self {
        let system = Self::with(flags).await;
        system.register_endpoints().await;
        system.stack().set_mappings_enabled(false).await;
        system
    }

    /// The endpoints of the secret are those that hear of events; returns how many were new, changed or gone.
    pub async fn register_endpoints(&self) -> u64 {
        let swept = self.sweep().await;
        swept["endpoints"].as_u64().unwrap_or_else(|| panic!("the sweep failed: {swept}"))
    }

    /// Changes an endpoint in the secret, or adds it; functions know it after the next sweep.
    pub async fn change_endpoint(&self, name: &str, changes: &Value) {
        let mut endpoints = self.secret("webhook-endpoints").await;
        for (field, value) in changes.as_object().into_iter().flatten() {
            endpoints[name][field] = value.clone();
        }
        self.change_secret("webhook-endpoints", &endpoints).await;
    }

    /// Takes an endpoint out of the secret; returns what it was.
    pub async fn remove_endpoint(&self, name: &str) -> Value {
        let mut endpoints = self.secret("webhook-endpoints").await;
        let removed = endpoints.as_object_mut().and_then(|all| all.remove(name)).expect("the endpoint is there");
        self.change_secret("webhook-endpoints", &endpoints).await;
        removed
    }

    /// The address of an endpoint of this name at the stack's receiver.
    pub fn receiver_url(&self, endpoint: &str) -> String {
        format!("{}/hooks/{endpoint}", self.endpoints().webhook_receiver)
    }

    /// What has arrived at an endpoint, in its order.
    pub async fn arrived(&self, endpoint: &str) -> Vec<Arrived> {
        let requests = self.received().await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        requests
            .iter()
            .filter(|request| request["endpoint"] == endpoint)
            .map(|request| Arrived {
                endpoint: text(&request["endpoint"]),
                headers: request["headers"].clone(),
                body: text(&request["body"]),
            })
            .collect()
    }

    /// What an endpoint answers from now on: `{"status":503,"headers":{"retry-after":"5"},"body":"…","hang":true,"times":1}`.
    pub async fn endpoint_answers(&self, endpoint: &str, answer: &Value) {
        let mut answer = answer.clone();
        answer["endpoint"] = json!(endpoint);
        let url = format!("{}/answers", self.endpoints().webhook_receiver);
        let taken = self.http.post(url).json(&answer).send().await.expect("the receiver answers");
        assert!(taken.status().is_success(), "the receiver does not understand {answer}");
    }

    /// All endpoints are well again, and answers that are held back go out.
    pub async fn mend_endpoints(&self) {
        let url = format!("{}/answers", self.endpoints().webhook_receiver);
        self.http.delete(url).send().await.expect("the receiver answers");
    }

    /// Waits until an endpoint holds an answer back.
    pub async fn held_by(&self, endpoint: &str) {
        eventually("the endpoint holds its answer back", || async {
            let requests = self.received().await;
            requests.iter().any(|request| request["endpoint"] == endpoint && request["held"] == true).then_some(())
        })
        .await;
    }

    /// The deliveries to an endpoint, oldest first.
    pub async fn deliveries(&self, endpoint: &str) -> Vec<Delivery> {
        let deliveries = "select id, event_id, status::text, attempts, last_status, coalesce(last_error, '') as error,
                              coalesce(last_answer, '') as answer
                          from webhook_deliveries where endpoint = $1 order by id";
        let rows = self.rows(deliveries, &[&endpoint]).await;
        rows.iter()
            .map(|row| Delivery {
                id: row.get("id"),
                event: row.get("event_id"),
                status: row.get("status"),
                attempts: row.get("attempts"),
                last_status: row.get("last_status"),
                error: row.get("error"),
                answer: row.get("answer"),
            })
            .collect()
    }

    /// Works on everything of this kind that is due.
    pub async fn deliver(&self, kind: &str) {
        self.wake(kind, &[]).await;
    }

    /// The waiting time of every delivery is over.
    pub async fn deliveries_are_due(&self) {
        self.rows(
            "update tasks set not_before = now(), dispatch_at = now() where kind like 'deliver%' and lease is null",
            &[],
        )
        .await;
    }

    async fn received(&self) -> Vec<Value> {
        let url = format!("{}/received", self.endpoints().webhook_receiver);
        self.http.get(url).send().await.expect("the receiver answers").json().await.expect("as JSON")
    }
}

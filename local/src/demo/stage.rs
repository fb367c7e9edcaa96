//! Where the story happens: a stack, and what its actors do and what an onlooker sees.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use reqwest::StatusCode;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::time::Instant;
use tokio_postgres::NoTls;

use crate::stack::{Endpoints, Stack};

/// How long the story waits for something that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running system with an audience.
#[derive(Debug)]
pub struct Stage {
    stack: Stack,
    database: tokio_postgres::Client,
    http: reqwest::Client,
}

impl Stage {
    pub async fn new(stack: Stack) -> Result<Stage> {
        let (database, connection) = tokio_postgres::connect(&stack.endpoints().database_url, NoTls).await?;
        tokio::spawn(connection);
        let http = crate::http::client().timeout(PATIENCE * 2).build()?;
        Ok(Stage { stack, database, http })
    }

    pub async fn leave(self) -> Result<()> {
        drop(self.database);
        self.stack.stop().await
    }

    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Changes the database behind everybody's back.
    pub async fn execute(&self, sql: &str) -> Result<()> {
        self.database.batch_execute(sql).await.with_context(|| format!("changing the database: {sql}"))
    }

    fn endpoints(&self) -> &Endpoints {
        self.stack.endpoints()
    }

    /// A request of somebody who is signed in.
    pub async fn request(
        &self,
        who: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value)> {
        let identity = json!({ "sub": who, "email": format!("{who}@example.com"), "email_verified": true });
        let token: Value =
            self.http.post(format!("{}/token", self.endpoints().issuer)).json(&identity).send().await?.json().await?;
        let token = token["id_token"].as_str().context("the issuer gave no token")?;
        let request = self.http.request(method.parse()?, format!("{}{path}", self.endpoints().api)).bearer_auth(token);
        let request = if let Some(body) = body { request.json(body) } else { request };
        answered(request).await
    }

    /// A request that has to succeed.
    pub async fn must(&self, who: &str, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, answer) = self.request(who, method, path, body).await?;
        if !status.is_success() {
            bail!("{who}'s {method} {path} was answered with {status}: {answer}");
        }
        Ok(answer)
    }

    /// A webhook of PhotoDay; `None` signs it with a key that it does not have.
    pub async fn webhook(&self, id: &str, body: &Value, signed: bool) -> Result<StatusCode> {
        let key = if signed {
            &self.endpoints().webhook_secrets["photoday"]
        } else {
            "whsec_bm90LXRoZS1rZXktb2YtYW55LXNvdXJjZQ=="
        };
        let text = body.to_string();
        let timestamp = now().timestamp();
        let signature = Webhook::new(key)?.sign(id, timestamp, text.as_bytes())?;
        let url = format!("{}/api/webhooks/incoming?source=photoday", self.endpoints().api);
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(text);
        Ok(answered(request).await?.0)
    }

    /// Flips a flag, as a redeploy would.
    pub async fn flip(&self, flag: &str, on: bool) -> Result<()> {
        self.stack.flags().set(&BTreeMap::from([(flag.to_owned(), on.to_string())])).await?;
        Ok(())
    }

    /// The sweep, which the schedule runs every minute, runs now.
    pub async fn sweep(&self) -> Result<Value> {
        // The grace that it leaves to those who enqueue has passed.
        self.database.execute("update tasks set dispatch_at = now() where dispatch_at > now()", &[]).await?;
        self.invoke("sweep-tasks").await
    }

    /// Sends a message to a queue once more, as SQS does when it delivers twice.
    pub async fn deliver_again(&self, queue: &str, message: &Value) -> Result<()> {
        let url = self.stack.queue_url(queue).with_context(|| format!("the template has no {queue}"))?;
        self.stack.sqs().send_message().queue_url(url).message_body(message.to_string()).send().await?;
        Ok(())
    }

    /// Waits until a queue has nothing left, neither waiting nor in work; returns how much it has.
    pub async fn queue_empties(&self, queue: &str) -> Result<i64> {
        let url = self.stack.queue_url(queue).with_context(|| format!("the template has no {queue}"))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asked = self.stack.sqs().get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
            let attributes = asked.send().await?.attributes.unwrap_or_default();
            let number = |name: QueueAttributeName| {
                attributes.get(&name).and_then(|text| text.parse::<i64>().ok()).unwrap_or(i64::MAX / 2)
            };
            let left = number(QueueAttributeName::ApproximateNumberOfMessages)
                + number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
            if left == 0 || Instant::now() > deadline {
                return Ok(left);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One value out of the database, as text.
    pub async fn value(&self, sql: &str) -> Result<String> {
        let row = self.database.query_opt(sql, &[]).await.with_context(|| format!("asking the database: {sql}"))?;
        Ok(row.and_then(|row| row.get::<_, Option<String>>(0)).unwrap_or_default())
    }

    /// Waits until the database gives this answer, or gives its last one.
    pub async fn value_becomes(&self, sql: &str, expected: &str) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.value(sql).await?;
            if value == expected || Instant::now() > deadline {
                return Ok(value);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A direct invocation of a function that takes nothing.
    pub async fn invoke(&self, function: &str) -> Result<Value> {
        let url = format!("{}/invoke/{function}", self.endpoints().control);
        Ok(self.http.post(url).send().await?.error_for_status()?.json().await?)
    }

    /// Makes an admin of an identity, as an operator does.
    pub async fn make_admin(&self, who: &str) -> Result<()> {
        let url = format!("{}/invoke/migrate-database", self.endpoints().control);
        let admin = json!({ "admin": { "sub": who, "email": format!("{who}@isophotoxp.example") } });
        let made: Value = self.http.post(url).json(&admin).send().await?.error_for_status()?.json().await?;
        ensure!(made["admin"].is_string(), "{who} cannot be made an admin: {made}");
        Ok(())
    }

    /// An admin verifies an organisation.
    pub async fn verify(&self, organization: &Value) -> Result<Value> {
        self.make_admin("ada").await?;
        let id = organization["user"]["id"].as_str().context("the organisation has no id")?;
        self.must("ada", "PUT", &format!("/api/admin/organizations/{id}/verification"), None).await
    }

    /// A call of the simulator's own control.
    pub async fn control(&self, what: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/_control/{what}", self.endpoints().zoho);
        Ok(self.http.post(url).json(body).send().await?.error_for_status()?.json().await?)
    }

    /// Everything that Zoho knows.
    pub async fn zoho(&self) -> Result<Value> {
        Ok(self.http.get(format!("{}/_control/state", self.endpoints().zoho)).send().await?.json().await?)
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Result<(StatusCode, Value)> {
    let answer = request.send().await?;
    let status = answer.status();
    Ok((status, answer.json().await.unwrap_or_default()))
}

#[expect(clippy::disallowed_methods, reason = "PhotoDay has a clock of its own")]
pub(crate) fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

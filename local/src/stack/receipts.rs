//! Tells the simulator where its receipts of delivered e-mails go, as somebody once told Zoho Campaigns.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::secrets::Keys;
use crate::template::Template;
use crate::zoho::Simulator;

/// The secret that lists whom the receiver trusts; without it there is no receiver yet.
const SOURCES: &str = "WebhookSourcesSecret";
const LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn point(zoho: &Simulator, template: &Template, api: &str, keys: &Keys) -> Result<()> {
    if !template.secrets.iter().any(|secret| secret.logical_id == SOURCES) {
        return Ok(());
    }
    let webhook = json!({
        "url": format!("{api}/api/webhooks/incoming?source=zoho-campaigns"),
        "header": "authorization",
        "token": keys.receipts,
        "automatic": true,
    });
    let client = crate::http::client().timeout(LIMIT).build()?;
    let answer = client.post(format!("{}/_control/webhook", zoho.url())).json(&webhook).send().await;
    answer.and_then(reqwest::Response::error_for_status).context("telling the Zoho simulator where receipts go")?;
    Ok(())
}

//! Every hour: keeps the channel open by which Zoho tells us of changes. It lasts for a week at most, and Zoho may lose
//! it; what is missed meanwhile, `reconcile-zoho` finds.

mod step;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::bounds;
use shared::db::zoho_watch::{self, Channel};
use shared::db::{Connection, Database, zoho_budget, zoho_token};
use shared::lambda::sqs::TimeLeft;
use shared::lambda::{Start, StartError, schedule};
use shared::metrics::Metrics;
use shared::secrets::Secret;
use shared::webhooks::{CrmSource, Sources, SourcesSettings};
use shared::zoho::{Crm, Wish, Zoho, ZohoSettings};
use shared::{Error, clock, ids};

use crate::step::{ASKED, LEAST_GIVEN, Step};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    /// The secrets are read by each run: there are few of them, and what somebody has just changed counts.
    pub zoho: Secret,
    pub sources: Secret,
    /// Where others reach our API.
    pub public_url: String,
    pub metrics: Metrics,
    /// `ENABLE_ZOHO_SYNC`, on the native route.
    pub enabled: bool,
}

/// What was done, and until when the channel lasts.
#[derive(Debug, Serialize)]
pub struct Renewed {
    step: Step,
    expires_at: Option<DateTime<Utc>>,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        database: start.database(&[zoho_watch::HOT, zoho_token::HOT, zoho_budget::HOT]).await?,
        zoho: start.secrets().named("ZOHO_SECRET")?,
        sources: start.secrets().named("WEBHOOK_SOURCES_SECRET")?,
        public_url: start.environment.required("PUBLIC_URL")?.to_owned(),
        metrics: Metrics::read(&start.environment)?,
        enabled: start.reads_crm()?,
    };
    schedule::run(app, handle).await
}

/// The event says nothing that matters: the schedule's, or an operator's. Two runs at once do no harm, since both ask
/// for the same channel.
pub async fn handle(app: &App, _: serde_json::Value, time: TimeLeft) -> Result<Renewed, Error> {
    if !app.enabled || !time.fits(2 * bounds::ZOHO_CALL) {
        return Ok(Renewed { step: Step::Nothing, expires_at: None });
    }
    let source = source(app).await?;
    let zoho = zoho(app).await?;
    let connection = app.database.connection().await?;
    let now = clock::now();
    let notify_url = format!("{}/api/webhooks/incoming?source={}", app.public_url.trim_end_matches('/'), source.name);
    let new = Channel { id: new_channel(), token_sha256: source.token_sha256(), notify_url, expires_at: now };
    let known = zoho_watch::channel(&connection, &new).await?;

    let wanted = Channel { id: known.id, expires_at: now + ASKED, ..new };
    let (step, expires_at) = renew(&zoho, &connection, &known, &wanted, &source, now).await?;

    zoho_watch::checked(&connection, &Channel { expires_at, ..wanted }).await?;
    if step == Step::Reopened {
        tracing::warn!(channel = known.id, known.expires_at = %known.expires_at, "Zoho had lost the channel of its notifications");
        app.metrics.put(now, "zoho-watch", &[("WatchLost", 1)]);
    }
    Ok(Renewed { step, expires_at: Some(expires_at) })
}

async fn renew(
    zoho: &Zoho,
    connection: &Connection,
    known: &Channel,
    wanted: &Channel,
    source: &CrmSource,
    now: DateTime<Utc>,
) -> Result<(Step, DateTime<Utc>), Error> {
    let crm = Crm { zoho, connection };
    let wish = Wish {
        channel: wanted.id,
        token: source.token.clone(),
        notify_url: wanted.notify_url.clone(),
        expires_at: wanted.expires_at,
    };
    let there = crm.watch(&wish).await?;
    let same = known.token_sha256 == wanted.token_sha256 && known.notify_url == wanted.notify_url;
    let step = Step::of(there.as_ref(), same, known.expires_at, now);
    let given = match (step, there) {
        (Step::Nothing | Step::Kept, Some(there)) => return Ok((step, there.expires_at)),
        (Step::Changed, _) => crm.change_watch(&wish).await?,
        _ => crm.open_watch(&wish).await?,
    };
    let Some(given) = given else {
        tracing::error!(
            channel = wanted.id,
            "Zoho opens the channel of its notifications for one of its modules alone"
        );
        // As if there were none: the next run asks again.
        return Ok((step, now));
    };
    if given < now + LEAST_GIVEN {
        tracing::error!(
            asked = %wish.expires_at,
            given = %given,
            "Zoho closes the channel of its notifications earlier than it was asked to"
        );
    }
    Ok((step, given))
}

/// As whom Zoho notifies us. Who lets the notifications in reads the same secret.
async fn source(app: &App) -> Result<CrmSource, Error> {
    let settings = app.sources.json::<SourcesSettings>().await;
    let sources = settings.map(Sources::of).map_err(|error| Error::unavailable("the secret of the sources", error))?;
    sources.of_the_crm().map_err(|error| Error::internal("Zoho cannot be told whom to notify", error))
}

async fn zoho(app: &App) -> Result<Zoho, Error> {
    let zoho = app.zoho.checked::<ZohoSettings, Zoho>().await;
    zoho.map_err(|error| Error::unavailable("the secret of Zoho", error))
}

/// A number that no other stage has in the same CRM; below 2^53, for readers that take it for a float.
fn new_channel() -> i64 {
    let (_, random) = ids::new().as_u64_pair();
    i64::try_from(random & ((1 << 52) - 1) | 1 << 52).unwrap_or(1)
}

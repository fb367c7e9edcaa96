//! `GET /api/admin/integrations`: an admin sees how the traffic with others is doing, and what waits for him.

mod shown;

use futures_util::future::join3;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use shared::config::Route;
use shared::db::operations::{self, HeldAlerts, Inbox, UncertainBatch, ZohoTraffic};
use shared::db::{self, Database};
use shared::deliveries::{Endpoints, EndpointsSettings, Guard};
use shared::lambda::{Start, StartError, http, identity};
use shared::secrets::FollowedSecret;
use shared::webhooks::{Source, Sources, SourcesSettings};
use shared::{Error, clock};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub sources: FollowedSecret<SourcesSettings, Sources>,
    pub endpoints: FollowedSecret<EndpointsSettings, Endpoints>,
    pub flags: Flags,
}

/// The flags that are in force.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct Flags {
    pub enable_zoho_sync: bool,
    pub enable_email_alerts: bool,
    pub zoho_sync_route: Route,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let flags = Flags {
        enable_zoho_sync: start.environment.flag("ENABLE_ZOHO_SYNC")?,
        enable_email_alerts: start.environment.flag("ENABLE_EMAIL_ALERTS")?,
        zoho_sync_route: start.environment.parsed("ZOHO_SYNC_ROUTE")?,
    };
    let (secrets, now, guard) = (start.secrets(), clock::now(), Guard::read(&start.environment)?);
    let endpoints = move |settings| Endpoints::of(settings, guard);
    // At once: one after the other they may take longer than Lambda gives a start.
    let (database, sources, endpoints) = join3(
        start.database(&[db::users::HOT, db::tasks::HOT_BACKLOG, operations::HOT]),
        secrets.followed_or("WEBHOOK_SOURCES_SECRET", now, Sources::of, Sources::unusable),
        secrets.followed_or("WEBHOOK_ENDPOINTS_SECRET", now, endpoints, Endpoints::unusable),
    )
    .await;
    let app = App { database: database?, sources: sources?, endpoints: endpoints?, flags };
    http::run(&start, app, handle).await
}

/// 200 with all of it.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let connection = app.database.connection().await?;
    db::users::caller(&connection, &caller).await?;

    let now = clock::now();
    let ((sources, sources_problem), (registered, endpoints_problem)) =
        tokio::join!(app.sources.inspected(now), app.endpoints.inspected(now));
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    // One after the other without waiting for answers: all in one round trip.
    let (kinds, last_events, endpoints, inbox, held, uncertain, zoho) = tokio::try_join!(
        db::tasks::backlog(&connection),
        operations::last_events(&connection, &names),
        operations::endpoints(&connection),
        operations::inbox(&connection),
        operations::held(&connection),
        operations::uncertain(&connection),
        operations::zoho(&connection),
    )?;

    let last_event_at = |source: &Source| last_events.get(source.name.as_str()).copied().flatten();
    let answer = Answer {
        flags: app.flags,
        kinds: kinds.into_iter().map(shown::Work::from).collect(),
        sources: sources.iter().map(|source| shown::Source::of(source, last_event_at(source))).collect(),
        endpoints: endpoints.into_iter().map(|endpoint| shown::Endpoint::of(endpoint, &registered)).collect(),
        wrong_entries: [
            shown::wrong("webhook-sources", sources_problem, sources.wrong()),
            shown::wrong("webhook-endpoints", endpoints_problem, registered.wrong()),
        ]
        .concat(),
        inbox,
        alerts: Alerts { held, uncertain },
        zoho,
    };
    http::reply(StatusCode::OK, &answer)
}

#[derive(Serialize)]
struct Answer<'a> {
    flags: Flags,
    kinds: Vec<shown::Work>,
    sources: Vec<shown::Source<'a>>,
    endpoints: Vec<shown::Endpoint>,
    wrong_entries: Vec<shown::Wrong>,
    inbox: Inbox,
    alerts: Alerts,
    zoho: ZohoTraffic,
}

#[derive(Serialize)]
struct Alerts {
    held: Vec<HeldAlerts>,
    uncertain: Vec<UncertainBatch>,
}

//! `PATCH /api/user/profile`: a user changes what her role may change about herself. Others are told, and the CRM
//! follows.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::Value;
use shared::db::referrals::Referral;
use shared::db::users::User;
use shared::db::webhook_events::{self, Happening};
use shared::db::{self, Database, Transaction};
use shared::domain::ReferralId;
use shared::domain::access::Caller;
use shared::domain::profile::{ProfileChanges, unknown_referral_code};
use shared::domain::referral::Correction;
use shared::lambda::etag::{Etag, IfMatch};
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind, Priority};
use shared::{Error, clock, ids};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub queues: Queues,
    /// Where her task for the CRM stands in line.
    pub priority: Priority,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        database: start.database(&[db::users::HOT, db::profiles::HOT, db::referrals::HOT, webhook_events::HOT]).await?,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(&start, app, handle).await
}

/// 200 with the user and her profile as they are now.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let patch = http::optional_json_body(&request)?;
    let if_match = IfMatch::of(&request);

    let (updated, follow_up) = db::once_more(|| update(app, &caller, &if_match, &patch)).await?;

    app.queues.wake(&follow_up).await;
    Ok(Etag::of(&updated.profile).on(http::reply(StatusCode::OK, &updated)?))
}

#[derive(Serialize)]
struct Updated {
    user: User,
    profile: Value,
}

async fn update(app: &App, caller: &Caller, if_match: &IfMatch, patch: &Value) -> Result<(Updated, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let user = db::users::lock_caller(&tx, caller).await?;
    let current = db::profiles::shown(&tx, user.id).await?.unwrap_or_default();
    let correction = correction(&tx, &user, patch).await?;
    let changes = ProfileChanges::read(user.role, patch, &current, correction).map_err(Error::Invalid)?;
    if_match.check(&Etag::of(&current))?;
    let mut follow_up = credit(&tx, &user, &changes).await?;
    if !changes.is_empty() {
        db::profiles::update(&tx, user.id, &changes).await?;
        if changes.end_verification() {
            db::verification::withdraw(&tx, user.id).await?;
        }
        if changes.end_alerts() {
            db::alerts::drop_all_unsent(&tx, user.id).await?;
        }
    }
    if changes.concern_others() {
        follow_up.and(webhook_events::emit(&tx, Happening::UserUpdated(user.id)).await?);
        follow_up.and(db::tasks::enqueue_at(&tx, Kind::SyncZoho, &[user.id.0], app.priority).await?);
    }
    tx.commit().await?;
    Ok((Updated { user, profile: changes.applied_to(current) }, follow_up))
}

/// Looked up only where the patch asks for it.
async fn correction(tx: &Transaction<'_>, user: &User, patch: &Value) -> Result<Correction, Error> {
    let credited = ProfileChanges::name_a_referral(patch) && db::referrals::is_credited(tx, user.id).await?;
    Ok(Correction::of(credited, user.created_at, clock::now()))
}

/// Credits the sign-up to the photographer whose code the user has corrected or repeated. Orders from then on earn; those
/// before have found no photographer and stay as they are.
async fn credit(tx: &Transaction<'_>, user: &User, changes: &ProfileChanges) -> Result<FollowUp, Error> {
    let id = ReferralId(ids::new());
    match db::referrals::credit_sign_up(tx, id, user, changes.referred_by()).await? {
        Referral::Credited => webhook_events::emit(tx, Happening::ReferralsEarned(&[id])).await,
        // Unlike at the sign-up, a wrong code is what the request is about.
        Referral::UnknownCode if changes.correct_the_referral() => Err(Error::Invalid(vec![unknown_referral_code()])),
        Referral::UnknownCode | Referral::None => Ok(FollowUp::default()),
    }
}

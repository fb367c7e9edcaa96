//! `POST /api/users`: somebody who is signed in becomes a user, with her profile, her first athletes and the
//! referral that brought her, in one transaction. Asking again returns the same user.

use chrono::NaiveDate;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use serde_json::Value;
use shared::db::athletes::Athlete;
use shared::db::referrals::Referral;
use shared::db::users::User;
use shared::db::webhook_events::{self, Happening};
use shared::db::{self, Database, Transaction};
use shared::domain::access::Caller;
use shared::domain::registration::{Enrolment, Registration};
use shared::domain::{AthleteId, Email, ReferralId, Subject, UserId};
use shared::lambda::identity::EmailClaim;
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind, Priority};
use shared::{Error, clock, ids};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub email_claim: EmailClaim,
    pub queues: Queues,
    /// Where her task for the CRM stands in line: behind those of whoever signs up once the CRM is on.
    pub priority: Priority,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        database: start
            .database(&[
                db::users::HOT,
                db::users::HOT_SIGN_UP,
                db::hand_overs::HOT_SIGN_UP,
                db::profiles::HOT,
                db::athletes::HOT,
                db::join_codes::HOT,
                db::rosters::HOT,
                db::referrals::HOT,
                db::inbox::HOT,
                webhook_events::HOT,
            ])
            .await?,
        email_claim: EmailClaim::read(&start.environment)?,
        queues: start.queues(&[Kind::SyncZoho, Kind::DeliverWebhook, Kind::DeliverUserWebhook])?,
        priority: start.priority(Kind::SyncZoho)?,
    };
    http::run(&start, app, handle).await
}

/// 201 with the new user, or 200 with the one that this identity has already.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let Caller { subject, .. } = identity::caller(&request)?;
    let email = identity::verified_email(&request, &app.email_claim)?;
    let registration = read(&request, clock::now().date_naive())?;

    let (status, registered, follow_up) = db::once_more(|| register(app, &subject, &email, &registration)).await?;

    app.queues.wake(&follow_up).await;
    match status {
        StatusCode::CREATED => http::created("/api/user", &registered),
        _ => http::reply(status, &registered),
    }
}

#[derive(Serialize)]
struct Registered {
    user: User,
    profile: Value,
    athletes: Vec<Athlete>,
    referral: Referral,
    unknown_join_codes: Vec<String>,
}

fn read(request: &Request, today: NaiveDate) -> Result<Registration, Error> {
    Registration::read(&http::json_body(request)?, today).map_err(Error::Invalid)
}

async fn register(
    app: &App,
    subject: &Subject,
    email: &Email,
    registration: &Registration,
) -> Result<(StatusCode, Registered, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let handed_over = take_over(&tx, subject, email, registration).await?;
    let inserted = if handed_over.is_some() {
        None
    } else {
        db::users::insert(&tx, UserId(ids::new()), email, subject, registration.role()).await?
    };
    let mut unknown_join_codes = Vec::new();
    let (status, user, referral, follow_up) = if let Some(user) = handed_over {
        let follow_up = db::addresses::changed(&tx, &user, app.priority).await?;
        (StatusCode::OK, user, Referral::None, follow_up)
    } else if let Some(user) = inserted {
        unknown_join_codes = fill(&tx, subject, &user, registration).await?;
        let (referral, mut follow_up) = credit(&tx, &user, registration).await?;
        follow_up.and(sync(app, &tx, &user).await?);
        (StatusCode::CREATED, user, referral, follow_up)
    } else {
        // No code is tried: a user has other routes for that, where wrong ones are counted.
        let (user, follow_up) = again(app, &tx, subject, email, registration).await?;
        let referral = db::referrals::of_sign_up(&tx, &user).await?;
        (StatusCode::OK, user, referral, follow_up)
    };
    let registered = Registered {
        profile: db::profiles::shown(&tx, user.id).await?.unwrap_or_default(),
        athletes: db::athletes::of_parent(&tx, user.id).await?,
        unknown_join_codes,
        user,
        referral,
    };
    tx.commit().await?;
    Ok((status, registered, follow_up))
}

/// The organisation that an admin has handed over to this address, which an identity without a user takes over.
async fn take_over(
    tx: &Transaction<'_>,
    subject: &Subject,
    email: &Email,
    registration: &Registration,
) -> Result<Option<User>, Error> {
    let Registration::Org(org) = registration else { return Ok(None) };
    if db::users::by_subject(tx, subject).await?.is_some() {
        return Ok(None);
    }
    let taken = db::hand_overs::take(tx, subject, email, [&org.first_name, &org.last_name]).await?;
    if let Some(organization) = &taken {
        tracing::info!(organization = %organization.id, "an organisation has another login");
    }
    Ok(taken)
}

/// The profile, and a parent's athletes with their rosters. Returns the join codes that no organisation has.
async fn fill(
    tx: &Transaction<'_>,
    subject: &Subject,
    user: &User,
    registration: &Registration,
) -> Result<Vec<String>, Error> {
    match registration {
        Registration::Parent(parent, enrolment) => {
            db::profiles::insert_parent(tx, user.id, parent).await?;
            return enrol(tx, subject, user.id, enrolment).await;
        }
        Registration::Org(org) => db::profiles::insert_org(tx, user.id, org, &mut ids::random_byte).await?,
        Registration::Photographer(photographer) => {
            db::profiles::insert_photographer(tx, user.id, photographer, &mut ids::random_byte).await?;
        }
    }
    Ok(Vec::new())
}

/// The referral that brought a new user, and what others have said about the user before the sign-up.
async fn credit(tx: &Transaction<'_>, user: &User, registration: &Registration) -> Result<(Referral, FollowUp), Error> {
    let id = ReferralId(ids::new());
    let referral = db::referrals::credit_sign_up(tx, id, user, registration.referred_by()).await?;
    let mut follow_up = db::addresses::purchases(tx, user).await?;
    if referral == Referral::Credited {
        follow_up.and(webhook_events::emit(tx, Happening::ReferralsEarned(&[id])).await?);
    }
    follow_up.and(webhook_events::emit(tx, Happening::UsersCreated(&[user.id])).await?);
    Ok((referral, follow_up))
}

/// Her Contact in the CRM is made, or changed.
async fn sync(app: &App, tx: &Transaction<'_>, user: &User) -> Result<FollowUp, Error> {
    db::tasks::enqueue_at(tx, Kind::SyncZoho, &[user.id.0], app.priority).await
}

async fn enrol(
    tx: &Transaction<'_>,
    subject: &Subject,
    parent: UserId,
    enrolment: &Enrolment,
) -> Result<Vec<String>, Error> {
    let athletes: Vec<_> = enrolment.athletes.iter().map(|athlete| (AthleteId(ids::new()), athlete)).collect();
    db::athletes::insert(tx, parent, &athletes).await?;
    let ids: Vec<AthleteId> = athletes.iter().map(|(id, _)| *id).collect();
    let codes = db::join_codes::sort(tx, subject, &enrolment.join_codes).await?;
    db::rosters::join(tx, &codes.known, &ids).await?;
    Ok(codes.unknown)
}

/// The user whom this identity has already; an address that was verified anew is taken over.
async fn again(
    app: &App,
    tx: &Transaction<'_>,
    subject: &Subject,
    email: &Email,
    registration: &Registration,
) -> Result<(User, FollowUp), Error> {
    let known = db::users::by_subject(tx, subject).await?;
    // Nobody with this identity, and yet the insert made way: somebody else has the address.
    let mut user = known.ok_or_else(db::users::email_taken)?;
    if user.role != registration.role() {
        return Err(db::users::role_is_fixed());
    }
    let follow_up = db::addresses::take_over(tx, &mut user, email, app.priority).await?;
    Ok((user, follow_up))
}

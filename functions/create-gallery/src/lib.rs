//! `POST /api/galleries`: a verified organisation registers a gallery of its own, a photographer one for an organisation that
//! gave an assignment, an admin one for any. What the host has said about it already is applied at once.

use std::slice;

use chrono::NaiveDate;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};
use shared::db::galleries::{Gallery, NewGallery};
use shared::db::users::User;
use shared::db::{self, Database, Transaction};
use shared::domain::access::Caller;
use shared::domain::event::EventSubject;
use shared::domain::gallery::GallerySubject;
use shared::domain::hosts::GalleryHosts;
use shared::domain::{
    EventDate, ExternalId, FieldCode, FieldError, Form, GalleryId, HostName, Role, Title, Typed, UserId,
};
use shared::lambda::{Start, StartError, http, identity};
use shared::queue::Queues;
use shared::tasks::{FollowUp, Kind};
use shared::{Error, clock, ids};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub queues: Queues,
    /// `GALLERY_HOSTS`.
    pub hosts: GalleryHosts,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let app = App {
        queues: start.queues(&[Kind::FanOutGallery, Kind::DeliverWebhook])?,
        hosts: start.environment.parsed("GALLERY_HOSTS")?,
        database: start.database(&[db::users::HOT, db::galleries::HOT, db::inbox::HOT, db::audit::HOT]).await?,
    };
    http::run(&start, app, handle).await
}

/// 201 with the gallery: `Pre-Reg`, or already `Live` if its host was faster.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let body = http::json_body(&request)?;

    let (gallery, follow_up) = db::once_more(|| create(app, &caller, &body)).await?;

    app.queues.wake(&follow_up).await;
    http::created(&format!("/api/galleries/{}", gallery.id), &gallery)
}

#[derive(Debug)]
struct Wanted {
    key: GallerySubject,
    title: Title,
    event_date: NaiveDate,
    organization_id: UserId,
    photographer_id: Option<UserId>,
}

impl Wanted {
    fn read(body: &Value, user: &User, hosts: &GalleryHosts, today: NaiveDate) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::filled_in(body).map_err(|error| vec![error])?;
        let host = form.required::<HostName>("host");
        if host.as_ref().is_some_and(|host| hosts.get(host).is_none()) {
            form.reject::<()>(
                "host",
                FieldCode::UnknownValue,
                "is no gallery host that is known here: GET /api/hosts lists them",
            );
        }
        let external_host_id = external_host_id(&mut form, host.as_ref());
        let title = form.required::<Typed<Title>>("title");
        let event_date = form.required::<EventDate>("event_date");
        if event_date.is_some_and(|day| !day.is_near(today)) {
            form.reject::<()>("event_date", FieldCode::OutOfRange, "must be a day within five years of today");
        }
        let (organization_id, photographer_id) = owners(&mut form, user);
        let wanted = (|| {
            Some(Self {
                key: GallerySubject { host: host?, external_host_id: external_host_id? },
                title: title?.0,
                event_date: event_date?.date(),
                organization_id: organization_id?,
                photographer_id,
            })
        })();
        form.finish(wanted)
    }
}

/// A gallery that no host has needs no id of one: it is given one here.
fn external_host_id(form: &mut Form<'_>, host: Option<&HostName>) -> Option<ExternalId> {
    if host.is_some_and(|host| host.as_str() == "manual") {
        let given = form.optional::<Typed<ExternalId>>("external_host_id").map(|typed| typed.0);
        return given.or_else(|| ids::new().to_string().parse().ok());
    }
    form.required::<Typed<ExternalId>>("external_host_id").map(|typed| typed.0)
}

/// Whose gallery it is, and who took the pictures.
fn owners(form: &mut Form<'_>, user: &User) -> (Option<UserId>, Option<UserId>) {
    let organization = match user.role {
        Role::Org => match form.optional::<UserId>("organization_id") {
            Some(other) if other != user.id => {
                form.reject("organization_id", FieldCode::NotYours, "is not your organisation: leave it out")
            }
            _ => Some(user.id),
        },
        _ => form.required("organization_id"),
    };
    let photographer = match user.role {
        Role::Photographer => Some(user.id),
        Role::Admin => form.optional("photographer_id"),
        Role::Org | Role::Parent => None,
    };
    (organization, photographer)
}

async fn create(app: &App, caller: &Caller, body: &Value) -> Result<(Gallery, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let user = db::users::caller(&tx, caller).await?;
    let wanted = Wanted::read(body, &user, &app.hosts, clock::now().date_naive()).map_err(Error::Invalid)?;
    insist_on_a_right(&tx, &user, wanted.organization_id).await?;
    let subject = EventSubject::Gallery(wanted.key.clone());
    db::inbox::lock_subjects(&tx, slice::from_ref(&subject)).await?;
    let new = NewGallery {
        id: GalleryId(ids::new()),
        subject: wanted.key,
        organization_id: wanted.organization_id,
        photographer_id: wanted.photographer_id,
        title: wanted.title,
        event_date: wanted.event_date,
    };
    let Some(mut gallery) = db::galleries::insert(&tx, &new).await? else {
        return Err(Error::GalleryExists(visible(&tx, &user, &new.subject).await?));
    };
    let applied = db::effects::apply_to_gallery(&tx, &subject, &mut gallery).await?;
    let details = json!({ "organization_id": gallery.organization_id });
    db::audit::record(&tx, caller, &user, Some(gallery.id.0), &details).await?;
    tx.commit().await?;
    Ok((gallery, applied.follow_up))
}

/// The id of the gallery that is there already, for those whose it is.
async fn visible(tx: &Transaction<'_>, user: &User, key: &GallerySubject) -> Result<Option<GalleryId>, Error> {
    let there = db::galleries::lock(tx, key).await?;
    let is_theirs = |gallery: &Gallery| match user.role {
        Role::Admin => true,
        Role::Org => gallery.organization_id == user.id,
        Role::Photographer => gallery.photographer_id == Some(user.id),
        Role::Parent => false,
    };
    Ok(there.filter(is_theirs).map(|gallery| gallery.id))
}

/// # Errors
/// `no-assignment-there` (403), the same for an organisation that does not exist; `organization-not-verified` (403); 422 for
/// an admin who names no organisation.
async fn insist_on_a_right(tx: &Transaction<'_>, user: &User, organization: UserId) -> Result<(), Error> {
    let commission = db::galleries::commission(tx, organization, user.id).await?;
    match (commission, user.role) {
        (commission, Role::Photographer) if !commission.is_some_and(|known| known.has_assignment) => {
            Err(Error::Forbidden {
                code: "no-assignment-there",
                detail: "Photographers register galleries of organisations that gave them an assignment. This one has not.",
            })
        }
        (None, _) => Err(Error::Invalid(vec![FieldError::new(
            "/organization_id",
            FieldCode::UnknownValue,
            "is no organisation's id",
        )])),
        (Some(commission), _) if !commission.verified => Err(db::organizations::not_verified()),
        (Some(_), _) => Ok(()),
    }
}

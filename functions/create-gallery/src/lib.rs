//! `POST /api/galleries`: an organisation registers a gallery of its own, a photographer or an admin one for an
//! organisation. What the host has said about it already is applied at once.

use std::slice;

use chrono::NaiveDate;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::Value;
use shared::db::galleries::{Gallery, NewGallery};
use shared::db::users::User;
use shared::db::{self, Database};
use shared::domain::event::EventSubject;
use shared::domain::gallery::GallerySubject;
use shared::domain::{
    EventDate, ExternalId, FieldError, Form, GalleryId, HostName, Role, Subject, Title, Typed, UserId,
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
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let queues = start.queues(&[Kind::FanOutGallery, Kind::DeliverWebhook])?;
    let app = App { database: start.database(&[db::users::HOT, db::inbox::HOT, db::galleries::HOT]).await?, queues };
    http::run(app, handle).await
}

/// 201 with the gallery: `Pre-Reg`, or already `Live` if its host was faster.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let subject = identity::subject(&request)?;
    let wanted = Wanted::read(&http::json_body(&request)?, clock::now().date_naive()).map_err(Error::Invalid)?;

    let (gallery, follow_up) = db::once_more(|| create(app, &subject, &wanted)).await?;

    app.queues.wake(&follow_up).await;
    http::reply(StatusCode::CREATED, &gallery)
}

#[derive(Debug)]
struct Wanted {
    host: HostName,
    external_host_id: ExternalId,
    title: Title,
    event_date: NaiveDate,
    organization_id: Option<UserId>,
}

impl Wanted {
    fn read(body: &Value, today: NaiveDate) -> Result<Self, Vec<FieldError>> {
        let mut form = Form::filled_in(body).map_err(|error| vec![error])?;
        let host = form.required("host");
        let external_host_id = form.required::<Typed<ExternalId>>("external_host_id");
        let title = form.required::<Typed<Title>>("title");
        let event_date = form.required::<EventDate>("event_date");
        if event_date.is_some_and(|day| !day.is_near(today)) {
            form.reject::<()>("event_date", "must be a day within five years of today");
        }
        let organization_id = form.optional("organization_id");
        let wanted = (|| {
            Some(Self {
                host: host?,
                external_host_id: external_host_id?.0,
                title: title?.0,
                event_date: event_date?.date(),
                organization_id,
            })
        })();
        form.finish(wanted)
    }

    /// Whose gallery it is, and who took the pictures.
    fn owners(&self, user: &User) -> Result<(UserId, Option<UserId>), Error> {
        match (user.role, self.organization_id) {
            (Role::Org, None) => Ok((user.id, None)),
            (Role::Org, Some(organization)) if organization == user.id => Ok((user.id, None)),
            (Role::Photographer, Some(organization)) => Ok((organization, Some(user.id))),
            (Role::Admin, Some(organization)) => Ok((organization, None)),
            (Role::Photographer | Role::Admin, None) => {
                Err(Error::Invalid(vec![FieldError::new("/organization_id", "is required: say whose gallery it is")]))
            }
            (Role::Org | Role::Parent, _) => Err(Error::Forbidden {
                code: "not-yours",
                detail: "Organisations register galleries of their own; photographers and admins those of any organisation.",
            }),
        }
    }
}

async fn create(app: &App, subject: &Subject, wanted: &Wanted) -> Result<(Gallery, FollowUp), Error> {
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let user = db::users::by_subject(&tx, subject).await?.ok_or_else(db::users::not_registered)?;
    let (organization_id, photographer_id) = wanted.owners(&user)?;
    let key = GallerySubject { host: wanted.host.clone(), external_host_id: wanted.external_host_id.clone() };
    let subject = EventSubject::Gallery(key.clone());
    db::inbox::lock_subjects(&tx, slice::from_ref(&subject)).await?;
    let new = NewGallery {
        id: GalleryId(ids::new()),
        subject: key,
        organization_id,
        photographer_id,
        title: wanted.title.clone(),
        event_date: wanted.event_date,
    };
    let mut gallery = db::galleries::insert(&tx, &new).await?;
    let applied = db::effects::apply_to_gallery(&tx, &subject, &mut gallery).await?;
    tx.commit().await?;
    Ok((gallery, applied.follow_up))
}

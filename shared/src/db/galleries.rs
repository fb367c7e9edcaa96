//! `galleries`: made by us, moved on by the events of their hosts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::Transaction;
use super::column::{stored, stored_optional};
use super::session::{Session, violated_constraint};
use super::statement::{Hot, Statement};
use crate::domain::gallery::GalleryState;
use crate::domain::gallery::GallerySubject;
use crate::domain::{ExternalId, FieldCode, FieldError, GalleryId, GalleryStatus, GalleryUrl, HostName, Title, UserId};
use crate::error::Error;

/// To make a gallery.
pub static HOT: Hot = &[&COMMISSION, &INSERT];

/// A gallery as the API shows it.
#[derive(Debug, Serialize)]
pub struct Gallery {
    pub id: GalleryId,
    pub host: HostName,
    pub external_host_id: ExternalId,
    pub organization_id: UserId,
    pub photographer_id: Option<UserId>,
    pub title: Title,
    pub event_date: NaiveDate,
    #[serde(flatten)]
    pub state: GalleryState,
    pub created_at: DateTime<Utc>,
}

/// A gallery that is to be made.
#[derive(Clone, Debug)]
pub struct NewGallery {
    pub id: GalleryId,
    pub subject: GallerySubject,
    pub organization_id: UserId,
    pub photographer_id: Option<UserId>,
    pub title: Title,
    pub event_date: NaiveDate,
}

/// What [`from_row`] reads.
macro_rules! columns {
    () => {
        "id, host, external_host_id, organization_id, photographer_id, title, event_date, status::text as status,
         public_url, live_at, archived_at, status_event_at, public_url_event_at, created_at"
    };
}

/// The organisation of a gallery that is to be made, and what ties a photographer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commission {
    pub verified: bool,
    /// Whether the photographer has, or had, an assignment of the organisation.
    pub has_assignment: bool,
}

/// How the organisation stands; its verification stays as it is until the transaction ends. `None`: there is no such
/// organisation.
pub async fn commission(
    tx: &Transaction<'_>,
    organization: UserId,
    photographer: UserId,
) -> Result<Option<Commission>, Error> {
    let row = tx.row(&COMMISSION, [&organization.0, &photographer.0]).await?;
    Ok(row.map(|row| Commission { verified: row.get("verified"), has_assignment: row.get("has_assignment") }))
}

static COMMISSION: Statement<2> = Statement::new(
    "select verified_at is not null as verified,
         exists (
             select from assignments where organization_id = $1 and assigned_photographer_id = $2
         ) as has_assignment
     from profiles_organizations
     where user_id = $1
     for share",
    [Type::UUID, Type::UUID],
);

/// What decides about who is told that a gallery is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether its organisation is.
    pub verified: bool,
    /// Whether parents have alerts already, sent or held.
    pub has_alerts: bool,
    /// Whether it went live before and endpoints have not heard of it.
    pub live_untold: bool,
}

/// How a gallery stands; the verification of its organisation stays as it is until the transaction ends.
pub async fn standing(tx: &Transaction<'_>, id: GalleryId) -> Result<Option<Standing>, Error> {
    let row = tx.row(&STANDING, [&id.0]).await?;
    Ok(row.map(|row| Standing {
        verified: row.get("verified"),
        has_alerts: row.get("has_alerts"),
        live_untold: row.get("live_untold"),
    }))
}

static STANDING: Statement<1> = Statement::new(
    "select organization.verified_at is not null as verified, gallery.live_untold,
         exists (select from gallery_alerts where gallery_id = $1) as has_alerts
     from galleries as gallery
     join profiles_organizations as organization on organization.user_id = gallery.organization_id
     where gallery.id = $1
     for share of organization",
    [Type::UUID],
);

/// Notes whether endpoints are to hear that the gallery is live once its organisation is verified.
pub async fn set_live_untold(tx: &Transaction<'_>, id: GalleryId, untold: bool) -> Result<(), Error> {
    tx.rows(&SET_LIVE_UNTOLD, [&id.0, &untold]).await?;
    Ok(())
}

static SET_LIVE_UNTOLD: Statement<2> =
    Statement::new("update galleries set live_untold = $2 where id = $1", [Type::UUID, Type::BOOL]);

/// Makes the gallery, unless its host's is there already (`None`).
///
/// # Errors
/// 422 at `/photographer_id` if there is no such photographer.
pub async fn insert(tx: &Transaction<'_>, new: &NewGallery) -> Result<Option<Gallery>, Error> {
    let inserted = tx
        .row(
            &INSERT,
            [
                &new.id.0,
                &new.subject.host.as_str(),
                &new.subject.external_host_id.as_str(),
                &new.organization_id.0,
                &new.photographer_id.map(|id| id.0),
                &new.title.as_str(),
                &new.event_date,
            ],
        )
        .await;
    match inserted {
        Ok(row) => row.map(|row| from_row(&row)).transpose(),
        Err(error) if violated_constraint(&error) == Some("galleries_photographer_id_fkey") => Err(Error::Invalid(
            vec![FieldError::new("/photographer_id", FieldCode::UnknownValue, "is no photographer's id")],
        )),
        Err(error) => Err(error.into()),
    }
}

static INSERT: Statement<7> = Statement::new(
    concat!(
        "insert into galleries (id, host, external_host_id, organization_id, photographer_id, title, event_date)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (host, external_host_id) do nothing
         returning ",
        columns!()
    ),
    [Type::UUID, Type::TEXT, Type::TEXT, Type::UUID, Type::UUID, Type::TEXT, Type::DATE],
);

/// The gallery of a host, locked until the transaction ends.
pub async fn lock(tx: &Transaction<'_>, subject: &GallerySubject) -> Result<Option<Gallery>, Error> {
    let row = tx.row(&LOCK, [&subject.host.as_str(), &subject.external_host_id.as_str()]).await?;
    row.map(|row| from_row(&row)).transpose()
}

static LOCK: Statement<2> = Statement::new(
    concat!("select ", columns!(), " from galleries where host = $1 and external_host_id = $2 for update"),
    [Type::TEXT, Type::TEXT],
);

/// Writes where the gallery stands now.
pub async fn save_state(tx: &Transaction<'_>, id: GalleryId, state: &GalleryState) -> Result<(), Error> {
    tx.rows(
        &SAVE_STATE,
        [
            &id.0,
            &state.status.as_str(),
            &state.public_url.as_ref().map(GalleryUrl::as_str),
            &state.live_at,
            &state.archived_at,
            &state.status_event_at,
            &state.public_url_event_at,
        ],
    )
    .await?;
    Ok(())
}

static SAVE_STATE: Statement<7> = Statement::new(
    "update galleries set
         status = $2::text::gallery_status, public_url = $3, live_at = $4, archived_at = $5, status_event_at = $6,
         public_url_event_at = $7
     where id = $1",
    [Type::UUID, Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ],
);

fn from_row(row: &Row) -> Result<Gallery, Error> {
    Ok(Gallery {
        id: GalleryId(row.get("id")),
        host: stored(row, "host")?,
        external_host_id: stored(row, "external_host_id")?,
        organization_id: UserId(row.get("organization_id")),
        photographer_id: row.get::<_, Option<_>>("photographer_id").map(UserId),
        title: stored(row, "title")?,
        event_date: row.get("event_date"),
        state: GalleryState {
            status: stored::<GalleryStatus>(row, "status")?,
            public_url: stored_optional(row, "public_url")?,
            live_at: row.get("live_at"),
            archived_at: row.get("archived_at"),
            status_event_at: row.get("status_event_at"),
            public_url_event_at: row.get("public_url_event_at"),
        },
        created_at: row.get("created_at"),
    })
}

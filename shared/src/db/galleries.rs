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
use crate::domain::{ExternalId, GalleryId, GalleryStatus, GalleryUrl, HostName, Title, UserId};
use crate::error::Error;

/// To make a gallery.
pub static HOT: Hot = &[&INSERT];

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

/// # Errors
/// `gallery-exists` (409), `unknown-organization` (404).
pub async fn insert(tx: &Transaction<'_>, new: &NewGallery) -> Result<Gallery, Error> {
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
        Ok(Some(row)) => from_row(&row),
        Ok(None) => Err(Error::internal("an insert returned nothing", "galleries")),
        Err(error) => Err(match violated_constraint(&error) {
            Some("galleries_host_external_host_id_key") => Error::Conflict {
                code: "gallery-exists",
                detail: "This host's gallery is registered already. List the galleries to find it.",
            },
            Some("galleries_organization_id_fkey") => Error::NotFound {
                code: "unknown-organization",
                detail: "There is no organisation with this organization_id.",
            },
            _ => error.into(),
        }),
    }
}

static INSERT: Statement<7> = Statement::new(
    concat!(
        "insert into galleries (id, host, external_host_id, organization_id, photographer_id, title, event_date)
         values ($1, $2, $3, $4, $5, $6, $7)
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

//! A gallery's life, decided by the events of its host. Events arrive in any order; their own times put them
//! right.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::labels::GalleryStatus;
use super::text::{ExternalId, HostName, WebUrl};

/// What a host says about a gallery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GalleryEvent {
    Published { public_url: Option<WebUrl> },
    Archived,
}

/// A gallery by its host's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GallerySubject {
    pub host: HostName,
    pub external_host_id: ExternalId,
}

impl GallerySubject {
    /// As it stands in `webhook_inbox.subject`.
    pub fn text(&self) -> String {
        format!("gallery:{}/{}", self.host.as_str(), self.external_host_id.as_str())
    }
}

/// Where a gallery stands, and by which event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GalleryState {
    pub status: GalleryStatus,
    pub public_url: Option<WebUrl>,
    /// When it first was live here.
    pub live_at: Option<DateTime<Utc>>,
    pub archived_at: Option<DateTime<Utc>>,
    /// When that happened which the status says.
    #[serde(skip)]
    pub status_event_at: Option<DateTime<Utc>>,
}

impl GalleryState {
    /// The state after an event that happened at `at`. An older event never undoes a newer one; of two at the
    /// same instant the archiving counts.
    #[must_use]
    pub fn after(self, event: GalleryEvent, at: DateTime<Utc>) -> Self {
        let decided = (self.status_event_at, self.status == GalleryStatus::Archived);
        if decided > (Some(at), event == GalleryEvent::Archived) {
            return self;
        }
        match event {
            GalleryEvent::Archived => {
                Self { status: GalleryStatus::Archived, archived_at: Some(at), status_event_at: Some(at), ..self }
            }
            GalleryEvent::Published { public_url } => Self {
                status: GalleryStatus::Live,
                public_url: public_url.or(self.public_url),
                live_at: self.live_at.or(Some(at)),
                status_event_at: Some(at),
                ..self
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pre_reg() -> GalleryState {
        GalleryState {
            status: GalleryStatus::PreReg,
            public_url: None,
            live_at: None,
            archived_at: None,
            status_event_at: None,
        }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
    }

    fn published() -> GalleryEvent {
        GalleryEvent::Published { public_url: None }
    }

    #[test]
    fn an_old_publication_does_not_undo_an_archiving() {
        let archived = pre_reg().after(GalleryEvent::Archived, at(2));

        assert_eq!(archived.clone().after(published(), at(1)), archived);
    }

    #[test]
    fn a_gallery_that_was_archived_can_be_published_again() {
        let live = pre_reg().after(published(), at(1)).after(GalleryEvent::Archived, at(2)).after(published(), at(3));

        assert_eq!((live.status, live.live_at), (GalleryStatus::Live, Some(at(1))));
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_ends_in_the_same_status(
            events in proptest::collection::btree_map(0_i64..100, any::<bool>(), 1..8),
            order in proptest::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let events: Vec<(i64, bool)> = events.into_iter().collect();
            let run = |sequence: &[(i64, bool)]| {
                sequence.iter().fold(pre_reg(), |state, (second, archived)| {
                    state.after(if *archived { GalleryEvent::Archived } else { published() }, at(*second))
                })
            };
            let mut shuffled: Vec<(i64, bool)> = order.iter().map(|index| *index.get(&events)).collect();
            shuffled.extend(events.iter().rev());

            prop_assert_eq!(run(&events).status, run(&shuffled).status);
        }
    }
}

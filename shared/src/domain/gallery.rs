//! A gallery's life, decided by the events of its host. Events arrive in any order; their own times put them
//! right.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::labels::GalleryStatus;
use super::text::WebUrl;

/// What a host says about a gallery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GalleryEvent {
    Published { public_url: Option<WebUrl> },
    Archived,
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

/// Whether parents are to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// It is live for the first time.
    Due,
    /// It is not live, or parents have been told already.
    None,
}

impl GalleryState {
    /// The state after an event that happened at `at`. An older event never undoes a newer one; of two at the
    /// same instant the archiving counts.
    #[must_use]
    pub fn after(self, event: GalleryEvent, at: DateTime<Utc>) -> (Self, Announcement) {
        let decided = (self.status_event_at, self.status == GalleryStatus::Archived);
        if decided > (Some(at), event == GalleryEvent::Archived) {
            return (self, Announcement::None);
        }
        match event {
            GalleryEvent::Archived => {
                let archived_at = Some(at);
                (
                    Self { status: GalleryStatus::Archived, archived_at, status_event_at: Some(at), ..self },
                    Announcement::None,
                )
            }
            GalleryEvent::Published { public_url } => {
                let announcement = if self.live_at.is_none() { Announcement::Due } else { Announcement::None };
                let state = Self {
                    status: GalleryStatus::Live,
                    public_url: public_url.or(self.public_url),
                    live_at: self.live_at.or(Some(at)),
                    status_event_at: Some(at),
                    ..self
                };
                (state, announcement)
            }
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
        let (archived, _) = pre_reg().after(GalleryEvent::Archived, at(2));

        let (after, announcement) = archived.after(published(), at(1));

        assert_eq!((after.status, announcement), (GalleryStatus::Archived, Announcement::None));
    }

    #[test]
    fn parents_are_told_at_the_first_publication_only() {
        let (live, first) = pre_reg().after(published(), at(1));
        let (archived, _) = live.after(GalleryEvent::Archived, at(2));
        let (live_again, second) = archived.after(published(), at(3));

        assert_eq!((first, second), (Announcement::Due, Announcement::None));
        assert_eq!(live_again.status, GalleryStatus::Live);
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_ends_in_the_same_status(
            events in proptest::collection::btree_map(0_i64..100, any::<bool>(), 1..8),
            order in proptest::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let events: Vec<(i64, bool)> = events.into_iter().collect();
            let run = |sequence: &[(i64, bool)]| {
                let mut told = 0;
                let state = sequence.iter().fold(pre_reg(), |state, (second, archived)| {
                    let event = if *archived { GalleryEvent::Archived } else { published() };
                    let (state, announcement) = state.after(event, at(*second));
                    told += usize::from(announcement == Announcement::Due);
                    state
                });
                (state.status, told)
            };
            let mut shuffled: Vec<(i64, bool)> = order.iter().map(|index| *index.get(&events)).collect();
            shuffled.extend(events.iter().rev());

            let (in_order, _) = run(&events);
            let (any_order, told) = run(&shuffled);

            prop_assert_eq!(in_order, any_order);
            prop_assert!(told <= 1);
        }
    }
}

//! A gallery's life, decided by the events of its host. Events arrive in any order; their own times put them
//! right.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::labels::GalleryStatus;
use super::text::{ExternalId, GalleryUrl, HostName};

/// What a host says about a gallery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GalleryEvent {
    Published { public_url: Option<GalleryUrl> },
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
    pub public_url: Option<GalleryUrl>,
    /// When it first was live here.
    pub live_at: Option<DateTime<Utc>>,
    pub archived_at: Option<DateTime<Utc>>,
    /// When that happened which the status says.
    #[serde(skip)]
    pub status_event_at: Option<DateTime<Utc>>,
    /// When the publication was that named the address.
    #[serde(skip)]
    pub public_url_event_at: Option<DateTime<Utc>>,
}

impl GalleryState {
    /// The state after an event that happened at `at`. An older event never undoes a newer one; of two at the same
    /// instant the archiving counts. In whatever order events come, they end in the same state.
    #[must_use]
    pub fn after(self, event: GalleryEvent, at: DateTime<Utc>) -> Self {
        let decides = (Some(at), event == GalleryEvent::Archived)
            >= (self.status_event_at, self.status == GalleryStatus::Archived);
        let (status, status_event_at) = match (&event, decides) {
            (_, false) => (self.status, self.status_event_at),
            (GalleryEvent::Published { .. }, true) => (GalleryStatus::Live, Some(at)),
            (GalleryEvent::Archived, true) => (GalleryStatus::Archived, Some(at)),
        };
        let moved = Self { status, status_event_at, ..self };
        match event {
            GalleryEvent::Archived => Self { archived_at: moved.archived_at.max(Some(at)), ..moved },
            GalleryEvent::Published { public_url } => moved.published(public_url, at),
        }
    }

    /// The first publication is when it went live, and the newest one with an address says where.
    fn published(self, public_url: Option<GalleryUrl>, at: DateTime<Utc>) -> Self {
        let live_at = Some(self.live_at.map_or(at, |live_at| live_at.min(at)));
        if public_url.is_some() && Some(at) >= self.public_url_event_at {
            return Self { live_at, public_url, public_url_event_at: Some(at), ..self };
        }
        Self { live_at, ..self }
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
            public_url_event_at: None,
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
        let archived = pre_reg().after(GalleryEvent::Archived, at(2)).after(published(), at(1));

        assert_eq!((archived.status, archived.archived_at), (GalleryStatus::Archived, Some(at(2))));
        assert_eq!(archived.live_at, Some(at(1)), "it was live once, and that is known now");
    }

    #[test]
    fn a_gallery_that_was_archived_can_be_published_again() {
        let live = pre_reg().after(published(), at(1)).after(GalleryEvent::Archived, at(2)).after(published(), at(3));

        assert_eq!((live.status, live.live_at), (GalleryStatus::Live, Some(at(1))));
    }

    fn published_at(url: &str) -> GalleryEvent {
        GalleryEvent::Published { public_url: Some(url.parse().unwrap()) }
    }

    #[test]
    fn of_two_events_at_one_instant_the_archiving_counts_in_either_order() {
        for events in [[published(), GalleryEvent::Archived], [GalleryEvent::Archived, published()]] {
            let state = events.into_iter().fold(pre_reg(), |state, event| state.after(event, at(1)));

            assert_eq!((state.status, state.status_event_at), (GalleryStatus::Archived, Some(at(1))));
            assert_eq!((state.live_at, state.archived_at), (Some(at(1)), Some(at(1))));
        }
    }

    #[test]
    fn the_newest_event_says_how_it_stands_and_when() {
        for (events, status, second) in [
            (vec![(published(), 1)], GalleryStatus::Live, 1),
            (vec![(published(), 2), (published(), 1)], GalleryStatus::Live, 2),
            (vec![(published(), 1), (published(), 2)], GalleryStatus::Live, 2),
            (vec![(GalleryEvent::Archived, 1)], GalleryStatus::Archived, 1),
            (vec![(published(), 2), (GalleryEvent::Archived, 1)], GalleryStatus::Live, 2),
            (vec![(published(), 1), (GalleryEvent::Archived, 2)], GalleryStatus::Archived, 2),
            (vec![(GalleryEvent::Archived, 2), (GalleryEvent::Archived, 1)], GalleryStatus::Archived, 2),
        ] {
            let state = events.iter().cloned().fold(pre_reg(), |state, (event, second)| state.after(event, at(second)));

            assert_eq!((state.status, state.status_event_at), (status, Some(at(second))), "{events:?}");
        }
    }

    #[test]
    fn the_newest_publication_with_a_link_says_where_it_is() {
        let (one, other) = ("https://photos.example/1", "https://photos.example/2");
        for (events, expected) in [
            (vec![(published(), 1)], None),
            (vec![(published_at(one), 1)], Some((one, 1))),
            (vec![(published_at(one), 1), (published(), 2)], Some((one, 1))),
            (vec![(published(), 2), (published_at(one), 1)], Some((one, 1))),
            (vec![(published_at(one), 1), (published_at(other), 2)], Some((other, 2))),
            (vec![(published_at(one), 2), (published_at(other), 1)], Some((one, 2))),
            // A correction without a time of its own.
            (vec![(published_at(one), 1), (published_at(other), 1)], Some((other, 1))),
            (vec![(published_at(one), 1), (GalleryEvent::Archived, 2)], Some((one, 1))),
        ] {
            let state = events.iter().cloned().fold(pre_reg(), |state, (event, second)| state.after(event, at(second)));

            let link = state.public_url.as_ref().map(GalleryUrl::as_str);
            let expected = expected.map(|(link, second)| (link, at(second)));
            assert_eq!((link, state.public_url_event_at), expected.unzip(), "{events:?}");
        }
    }

    #[test]
    fn a_subject_is_named_by_host_and_id() {
        let (host, external_host_id) = ("photoday".parse().unwrap(), "PD-1".parse().unwrap());

        assert_eq!(GallerySubject { host, external_host_id }.text(), "gallery:photoday/PD-1");
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_ends_in_the_same_state(
            events in proptest::collection::btree_map(0_i64..100, event(), 1..8),
            order in proptest::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let events: Vec<(i64, GalleryEvent)> = events.into_iter().collect();
            let run = |sequence: &[(i64, GalleryEvent)]| {
                sequence.iter().fold(pre_reg(), |state, (second, event)| state.after(event.clone(), at(*second)))
            };
            let mut shuffled: Vec<_> = order.iter().map(|index| index.get(&events).clone()).collect();
            shuffled.extend(events.iter().rev().cloned());

            prop_assert_eq!(run(&events), run(&shuffled));
        }
    }

    fn event() -> impl Strategy<Value = GalleryEvent> {
        let url = |n: u8| (n > 0).then(|| format!("https://photos.example/{n}").parse().unwrap());
        prop_oneof![
            Just(GalleryEvent::Archived),
            (0_u8..4).prop_map(move |n| GalleryEvent::Published { public_url: url(n) }),
        ]
    }
}

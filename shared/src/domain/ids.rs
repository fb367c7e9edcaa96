//! Ids, one type for each kind of thing, so that an athlete's id cannot be passed for her parent's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::invalid::{FieldCode, Invalid};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let id = Uuid::try_parse(text).map(Self);
                id.map_err(|_| Invalid::new(FieldCode::NotAnId, "must be an id as this API gives them out (a UUID)"))
            }
        }
    )+};
}

ids! {
    /// A row of `users`; also the key of the user's profile, and so what `parent_id`,
    /// `photographer_id` and `organization_id` hold.
    UserId,
    /// A row of `athletes`.
    AthleteId,
    /// A row of `galleries`.
    GalleryId,
    /// A row of `gallery_alerts`.
    AlertId,
    /// A row of `alert_batches`: what goes to Zoho in one transmission.
    AlertBatchId,
    /// A row of `referral_ledger`.
    ReferralId,
    /// A row of `webhook_events`: something that happened here and that others are told.
    WebhookEventId,
    /// A row of `webhook_deliveries`: one event on its way to one endpoint.
    DeliveryId,
    /// The row that a task is about, whatever its kind.
    TaskKey,
}

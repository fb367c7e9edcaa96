//! Somebody wants to be deleted: what has to be settled before she can go.

use serde::{Serialize, Serializer};

/// What others still count on her for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    PendingCommissions,
    ClaimedJobs,
    HasGalleries,
    HasJobs,
}

impl Hindrance {
    /// Stable, and part of our API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PendingCommissions => "pending-commissions",
            Self::ClaimedJobs => "claimed-jobs",
            Self::HasGalleries => "has-galleries",
            Self::HasJobs => "has-jobs",
        }
    }

    /// What to do about it.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::PendingCommissions => {
                "Commissions of yours have not been paid yet. Wait for the payment, or ask us for it."
            }
            Self::ClaimedJobs => "You have claimed jobs that are not delivered. Deliver them, or give them back.",
            Self::HasGalleries => {
                "Your organisation has galleries, and parents look for their photos there. Ask us to hand them over."
            }
            Self::HasJobs => "Your organisation has photographers' jobs. Ask us to hand them over.",
        }
    }
}

/// As `{"code","detail"}`.
impl Serialize for Hindrance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut hindrance = serializer.serialize_struct("Hindrance", 2)?;
        hindrance.serialize_field("code", self.code())?;
        hindrance.serialize_field("detail", self.detail())?;
        hindrance.end()
    }
}

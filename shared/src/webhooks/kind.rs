//! The events that can come in.

use serde::{Deserialize, Serialize};

/// The events that a source can be allowed to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    #[serde(rename = "gallery.published")]
    GalleryPublished,
    #[serde(rename = "gallery.archived")]
    GalleryArchived,
    #[serde(rename = "order.created")]
    OrderCreated,
    #[serde(rename = "booking.created")]
    BookingCreated,
    #[serde(rename = "crm.contact.linked")]
    CrmContactLinked,
    /// In Zoho CRM's own shape.
    #[serde(rename = "crm.records.changed")]
    CrmRecordsChanged,
    /// In Zoho Campaigns' own shape.
    #[serde(rename = "email.receipt")]
    EmailReceipt,
}

impl EventKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GalleryPublished => "gallery.published",
            Self::GalleryArchived => "gallery.archived",
            Self::OrderCreated => "order.created",
            Self::BookingCreated => "booking.created",
            Self::CrmContactLinked => "crm.contact.linked",
            Self::CrmRecordsChanged => "crm.records.changed",
            Self::EmailReceipt => "email.receipt",
        }
    }

    /// Whether this field of `data` says anything that is asked for.
    pub(super) fn reads(self, field: &str) -> bool {
        let fields: &[&str] = match self {
            Self::GalleryPublished => &["host", "external_host_id", "public_url"],
            Self::GalleryArchived => &["host", "external_host_id"],
            Self::OrderCreated => &["host", "order_id", "buyer_email"],
            Self::BookingCreated => &["host", "booking_id", "buyer_email"],
            Self::CrmContactLinked => &["user_id", "zoho_contact_id"],
            Self::CrmRecordsChanged | Self::EmailReceipt => &[],
        };
        fields.contains(&field)
    }

    /// Whether it comes in Zoho's own shape, and in no other.
    pub(super) fn is_zohos_own(self) -> bool {
        matches!(self, Self::CrmRecordsChanged | Self::EmailReceipt)
    }
}

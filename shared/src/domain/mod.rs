//! Pure rules and types: no async, SQL, HTTP, clock or environment. Everything else depends on this
//! module and it depends on nothing of ours.

pub mod access;
pub mod address;
pub mod alert;
pub mod athlete;
pub mod code;
pub mod context;
pub mod crm_form;
pub mod erasure;
pub mod event;
pub mod form;
pub mod gallery;
pub mod hosts;
pub mod ids;
pub mod invalid;
pub mod labels;
pub mod merge;
pub mod profile;
pub mod record;
pub mod referral;
pub mod registration;
pub mod senior;
pub mod sport;
pub mod tags;
pub mod text;
pub mod user_search;

pub use address::MailingAddress;
pub use code::{CodeKey, JoinCode, ReferralCode};
pub use form::{FieldError, Form};
pub use ids::{AlertBatchId, AlertId, AthleteId, DeliveryId, GalleryId, ReferralId, TaskKey, UserId, WebhookEventId};
pub use invalid::{FieldCode, Invalid};
pub use labels::{
    CertificationLevel, DeliveryStatus, GalleryStatus, OrgType, PaywallTier, Publishes, ReferralAction, Role,
    WebhookEventType,
};
pub use text::{
    Country, CrmId, DateOfBirth, Email, EventDate, EventId, ExternalId, GalleryUrl, HostName, Line, OrgName,
    PersonName, PhoneNumber, Sport, Subject, TaxId, Title, Typed, TypedCode, WebUrl, ZipCode,
};

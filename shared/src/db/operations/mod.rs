//! What admins see of the traffic with others, and what they have sent again. It cuts across entities; what belongs to
//! one of them stands there.

mod alerts;
mod conflicts;
mod deliveries;
mod endpoints;
mod inbox;
mod resend;
mod users;
mod zoho;

pub use alerts::{HeldAlerts, UncertainBatch, held, uncertain};
pub use conflicts::{Disagreement, DisagreementFilter, DisagreementPlace, disagreements, forget_gone};
pub use deliveries::{Delivery, DeliveryFilter, DeliveryPlace, deliveries};
pub use endpoints::{EndpointState, EndpointStatus, endpoints};
pub use inbox::{Inbox, WaitingEvent, inbox, last_events};
pub use resend::{EventPlace, Resent, Since, reopen, resend_one, resend_since};
pub use users::{FoundUser, UserPlace, users};
pub use zoho::{ZohoTraffic, zoho};

use super::statement::Hot;

/// To show how the integrations are doing.
pub static HOT: Hot = &[
    &alerts::HELD,
    &alerts::UNCERTAIN,
    &endpoints::ENDPOINTS,
    &inbox::COUNTS,
    &inbox::WAITING,
    &inbox::LAST_EVENTS,
    &zoho::SPENT,
    &zoho::RECONCILED_TO,
    &zoho::PEOPLE,
];

/// To list conflicts.
pub static HOT_CONFLICTS: Hot = &[&conflicts::DISAGREEMENTS];

/// To list deliveries.
pub static HOT_DELIVERIES: Hot = &[&deliveries::DELIVERIES];

/// To tell an endpoint again.
pub static HOT_RESEND: Hot = &[&resend::ENDPOINT, &resend::ENABLE, &resend::RESEND_ONE, &resend::RESEND_SINCE];

/// To list users.
pub static HOT_USERS: Hot =
    &[&users::OF_ROLE, &users::VERIFIED, &users::UNVERIFIED, &users::OF_LEVEL, &users::IN_ZIP, &users::NAMED];

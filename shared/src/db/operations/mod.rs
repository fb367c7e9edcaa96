//! What admins see of the traffic with others, and what they have sent again. It cuts across entities; what belongs to
//! one of them stands there.

mod alerts;
mod conflicts;
mod deliveries;
mod endpoints;
mod inbox;
mod resend;
mod zoho;

pub use alerts::{HeldAlerts, UncertainBatch, held, uncertain};
pub use conflicts::{Disagreement, DisagreementFilter, DisagreementPlace, disagreements, forget_gone};
pub use deliveries::{Delivery, DeliveryFilter, DeliveryPlace, deliveries};
pub use endpoints::{EndpointState, EndpointStatus, endpoints};
pub use inbox::{Inbox, WaitingEvent, inbox, last_events};
pub use resend::{EventPlace, Resent, Since, reopen, resend_one, resend_since};
pub use zoho::{ZohoTraffic, zoho};

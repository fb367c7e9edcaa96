//! What goes out: the endpoints that hear of events, what they are told, and the signed call that tells them. What
//! has become of each delivery is [`db::webhook_deliveries`](crate::db::webhook_deliveries)'s.

mod body;
mod client;
mod endpoints;
mod guard;
mod key;

pub use body::{Data, DeletedUserData, Event, GalleryData, ReferralData, Subject, UserData};
pub use client::{Answer, Call, Client, NoAnswer};
pub use endpoints::{Endpoint, Endpoints, EndpointsSettings};
pub use guard::Guard;

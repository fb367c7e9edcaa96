//! Outgoing webhooks: deliveries of events to endpoints of other systems.

mod deliver_webhook;
mod endpoints;

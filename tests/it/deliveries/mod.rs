//! Outgoing webhooks: what endpoints of other systems hear of, and how often.

mod deliver_webhook;
mod endpoints;

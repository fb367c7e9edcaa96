//! Incoming webhooks: proof of the sender, and what an event changes.

mod burst;
mod effects;
mod fuzz;
mod order;
mod receive_webhook;
mod refusals;
mod schemes;
mod test_webhook;

//! "Your photos are ready": who is written to about a gallery, and that it happens once.

mod faults;
mod send_alerts;

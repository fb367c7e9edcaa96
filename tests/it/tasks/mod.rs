//! Follow-up work: the rows in `tasks`, their leases, and the messages that wake workers.

mod leases;
mod messages;
mod sweep_tasks;
mod unreadable_rows;

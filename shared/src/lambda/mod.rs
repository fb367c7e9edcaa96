//! Between AWS Lambda and our handlers: how a function starts, and the two translators of
//! [`Error`](crate::Error) — HTTP and SQS.

pub mod etag;
pub mod http;
pub mod identity;
pub mod page;
pub mod schedule;
pub mod sqs;
pub mod start;
pub mod webhook;
pub mod worker;

pub use start::{Start, StartError};

//! The laptop's AWS: runs `template.yaml` with its real binary, a real PostgreSQL and real queues.

#![warn(clippy::print_stderr)] // `print::say` does it without a panic.

pub mod bench;
pub mod cli;
pub mod control;
pub mod demo;
pub mod gateway;
pub mod http;
pub mod issuer;
pub mod lambda;
pub mod mapping;
pub mod openapi;
mod print;
pub mod receiver;
pub mod samconfig;
pub mod schedule;
pub mod services;
pub mod stack;
pub mod template;
pub mod zoho;

//! The laptop's AWS: runs `template.yaml` with real binaries, a real PostgreSQL and real queues.

pub mod bench;
pub mod cli;
pub mod control;
pub mod demo;
pub mod gateway;
pub mod issuer;
pub mod lambda;
pub mod mapping;
pub mod receiver;
pub mod samconfig;
pub mod schedule;
pub mod services;
pub mod stack;
pub mod template;
pub mod zoho;

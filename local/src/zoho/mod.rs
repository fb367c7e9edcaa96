//! The Zoho simulator: a stateful fake of Zoho accounts (OAuth), Zoho CRM v8 and the Zoho Campaigns Email API behind one
//! base URL.
//!
//! The product's client talks to it by base URL alone. Everything that Zoho would do is done in one synchronous step,
//! [`dispatch::answer`], on one [`world::World`] behind one mutex; everything that only tests want (faults, held answers,
//! a look at the state) stands around that step, in [`shell`] and [`control`]. So a request is either done or not done,
//! never half, and a fault cannot change what Zoho would have stored.
//!
//! Where Zoho's documents leave something open, a [`settings::Settings`] field switches between the variants.

mod call;
mod campaigns;
mod changes;
mod clock;
mod control;
mod coql;
mod create_update;
mod delete;
mod deliveries;
mod dispatch;
mod faults;
mod fields;
mod limits;
mod oauth;
mod operation;
mod page;
mod read;
mod receipts;
mod records;
mod refuse;
mod reply;
mod request_log;
mod rules;
mod scopes;
mod search;
mod settings;
mod shell;
mod tags;
mod traffic;
mod unique;
mod upsert;
mod validate;
mod watch;
mod world;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::http::HttpServer;
use world::{Shared, World};

/// Who may ask for a token, and what this organisation calls its custom fields.
#[derive(Clone)]
pub struct Options {
    pub client_id: String,
    pub client_secret: String,
    pub refresh_token: String,
    /// The unique custom field of Contacts that holds our user id.
    pub contact_key: String,
    /// The unique custom field of Accounts that holds our organisation's id.
    pub account_key: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client_id: "1000.LOCAL".to_owned(),
            client_secret: "local-secret".to_owned(),
            refresh_token: "1000.local.refresh".to_owned(),
            contact_key: "ISO_User_ID".to_owned(),
            account_key: "ISO_Organization_ID".to_owned(),
        }
    }
}

// By hand, so that a `{:?}` in a log cannot print the secrets.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("client_id", &self.client_id)
            .field("contact_key", &self.contact_key)
            .field("account_key", &self.account_key)
            .finish_non_exhaustive()
    }
}

/// A running simulator. Dropping it closes every connection, held ones included.
#[derive(Debug)]
pub struct Simulator {
    server: HttpServer,
}

impl Simulator {
    /// The base URL of all of its services, without a slash at the end.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Closes the listener and every connection.
    pub fn stop(self) {
        drop(self);
    }

    /// Returns when it is no more.
    pub async fn ended(&self) {
        self.server.ended().await;
    }
}

/// Starts a simulator with nothing in it on a free port of 127.0.0.1.
pub async fn start(options: Options) -> anyhow::Result<Simulator> {
    let listener =
        TcpListener::bind("127.0.0.1:0").await.context("The Zoho simulator found no free port on 127.0.0.1.")?;
    let url = format!("http://{}", listener.local_addr().context("The Zoho simulator's port is not known.")?);
    let deliveries =
        deliveries::Deliveries::new().context("The Zoho simulator cannot make its HTTP client for deliveries.")?;
    let shared = Arc::new(Shared::new(World::new(options, url), deliveries));
    let router = control::router(Arc::clone(&shared)).fallback(shell::serve).with_state(shared);
    Ok(Simulator { server: HttpServer::start(listener, router)? })
}

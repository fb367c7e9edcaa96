//! The database as the functions' own roles see it.

use local::services::Addresses;
use tokio_postgres::{Client, Config, NoTls};

use crate::system::System;

impl System {
    /// A connection as `isoxp_api`, the role of the endpoints.
    pub async fn as_api(&self) -> Client {
        let passwords = addresses().postgres.passwords;
        self.login("isoxp_api", &passwords.api).await
    }

    /// A connection as `isoxp_worker`, the role of the workers.
    pub async fn as_worker(&self) -> Client {
        let passwords = addresses().postgres.passwords;
        self.login("isoxp_worker", &passwords.worker).await
    }

    async fn login(&self, role: &str, password: &str) -> Client {
        let mut config: Config = self.endpoints().database_url.parse().expect("the stack's own URL is valid");
        let (client, connection) =
            config.user(role).password(password).connect(NoTls).await.expect("the role can log in");
        tokio::spawn(connection);
        client
    }
}

/// Passwords belong to the server, which all stacks of a test run share.
fn addresses() -> Addresses {
    let addresses = Addresses::from_environment().expect("the file of the shared services can be read");
    addresses.expect("the services are shared, when run by `cargo dev test`")
}

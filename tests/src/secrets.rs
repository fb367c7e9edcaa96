//! The stack's secrets, as somebody changes them who may.

use local::services::aws::Account;
use serde_json::Value;

use crate::system::System;

impl System {
    /// What stands in a secret of this stage, like `webhook-sources`.
    pub async fn secret(&self, name: &str) -> Value {
        let secret = self.secrets().get_secret_value().secret_id(id(name)).send().await.expect("the secret is there");
        serde_json::from_str(secret.secret_string().expect("it is text")).expect("it is JSON")
    }

    /// Changes a secret. Functions read it when they start, and some follow it.
    pub async fn change_secret(&self, name: &str, content: &Value) {
        self.write_secret(name, &content.to_string()).await;
    }

    /// Writes any text into a secret.
    pub async fn write_secret(&self, name: &str, text: &str) {
        let put = self.secrets().put_secret_value().secret_id(id(name)).secret_string(text);
        put.send().await.expect("the secret can be changed");
    }

    /// Ends all execution environments, as every deployment does: what comes next is handled by new ones.
    pub async fn restart_functions(&self) {
        let on = self.stack().flags().values().await["ENABLE_EMAIL_ALERTS"] == "true";
        self.flip(&[("ENABLE_EMAIL_ALERTS", !on)]).await;
        self.flip(&[("ENABLE_EMAIL_ALERTS", on)]).await;
    }

    /// The account's number stands in the address of each of its queues.
    fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let url = self.stack().queue_url("SendAlertsQueue").expect("the template has this queue");
        let number = url.rsplit('/').nth(1).expect("a queue's address names its account");
        Account { endpoint: self.endpoints().aws.clone(), number: number.to_owned() }.secrets()
    }
}

fn id(name: &str) -> String {
    format!("isoxp/dev/{name}")
}

//! Both modules of the CRM, as sales work in them and as a test compares them with what is here.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::sender::DOOR;
use crate::system::{System, eventually};

/// The field of an Account that holds our user's id.
pub const ORGANIZATION_ID: &str = "ISO_Organization_ID";

impl System {
    /// The Accounts in the CRM.
    pub async fn accounts(&self) -> Vec<Value> {
        self.zoho().await["accounts"].as_array().cloned().unwrap_or_default()
    }

    /// The only Account of an organisation.
    pub async fn account_of(&self, user: Uuid) -> Value {
        let mut accounts = self.accounts().await;
        accounts.retain(|account| account[ORGANIZATION_ID] == json!(user));
        assert_eq!(accounts.len(), 1, "one Account for {user}");
        accounts.remove(0)
    }

    /// Registers somebody who has a Contact then, and returns its id, too.
    pub async fn synced(&self, sub: &str, body: &Value) -> (Uuid, Value) {
        let user = self.register(sub, body).await.id("/user/id");
        self.drained().await;
        (user, self.contact_of(user).await["id"].clone())
    }

    /// Sales change a record of a module.
    pub async fn edited(&self, module: &str, id: &Value, fields: &Value) {
        self.zoho_post("edit", &json!({ "module": module, "id": id, "fields": fields })).await;
    }

    /// Zoho says that records have changed, or are gone, by a notification at our door.
    pub async fn notified(&self, module: &str, ids: &[&Value]) {
        let zoho = self.sender("zoho-crm").await;
        let body = json!({"module": module, "ids": ids, "operation": "update", "token": zoho.key()});
        let answer = self.send_letter(DOOR, &zoho.letter(body.to_string())).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
    }

    /// Sales change a Contact; Zoho says so, and the work that follows is done.
    pub async fn edit_arrives(&self, contact: &Value, fields: &Value) {
        self.edited("Contacts", contact, fields).await;
        self.notified("Contacts", &[contact]).await;
        self.drained().await;
    }

    /// Sales take a Contact out of the recycle bin, and that is worked on; then whatever hangs at Zoho goes on.
    pub async fn given_back(&self, contact: &Value) {
        self.zoho_post("restore", &json!({ "module": "Contacts", "id": contact })).await;
        self.notified("Contacts", &[contact]).await;
        self.stack().set_mappings_enabled(true).await;
        self.settled("pull-zoho").await;
        self.zoho_post("release", &json!({})).await;
    }

    /// Somebody changes her profile.
    pub async fn patched(&self, sub: &str, patch: &Value) {
        let answer = self.call("PATCH", "/api/user/profile", sub, patch).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Somebody signs in with a new address, which takes the old one's place.
    pub async fn moved_to(&self, sub: &str, email: &str, body: &Value) {
        let token = self.token_with(&json!({ "sub": sub, "email": email, "email_verified": true })).await;
        let answer = crate::sent(self.request("POST", "/api/users").bearer_auth(token).json(body)).await;
        assert_eq!((answer.status, &answer.body["user"]["email"]), (200, &json!(email)), "{}", answer.body);
    }

    /// Asks for a user to be synced, as any change of hers does.
    pub async fn asked_for(&self, user: Uuid) {
        self.rows(
            "insert into tasks as task (kind, key, not_before, dispatch_at) values ('sync-zoho', $1, now(), now())
             on conflict (kind, key) do update set revision = task.revision + 1, not_before = now(), dispatch_at = now(),
                 attempts = 0, failed_at = null, failure = null",
            &[&user],
        )
        .await;
        self.sweep().await;
    }

    /// A parent's names, phone number and address as they stand here.
    pub async fn parent(&self, user: Uuid) -> Value {
        self.value(
            "select to_jsonb(shown) from (
                 select first_name, last_name, phone_number, mailing_address from profiles_parents where user_id = $1
             ) as shown",
            &[&user],
        )
        .await
    }

    /// The conflicts of a user: field, ours, theirs, which was kept, and how often.
    pub async fn conflicts_of(&self, user: Uuid) -> Vec<Value> {
        let rows = self
            .rows(
                "select jsonb_build_array(field, ours, theirs, kept, times) from sync_conflicts where user_id = $1
                 order by field, kept",
                &[&user],
            )
            .await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// How many calls of each operation of the CRM have been made, in the order of the question.
    pub async fn calls_of<const N: usize>(&self, operations: [&str; N]) -> [u64; N] {
        let calls = self.zoho().await["calls"].clone();
        operations.map(|operation| calls[operation].as_u64().unwrap_or_default())
    }

    /// Waits until all tasks of a kind are done or have failed.
    pub async fn settled(&self, kind: &str) {
        eventually("the kind's tasks are settled", || async {
            let open = "select count(*) from tasks where kind = $1 and failed_at is null";
            (self.value::<i64>(open, &[&kind]).await == 0).then_some(())
        })
        .await;
    }
}

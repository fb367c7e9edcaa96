//! People who look after what cannot go on by itself: an operator on our side, sales on the other.

use serde_json::{Value, json};

use super::stage::Stage;
use super::unit::{ACCOUNTS, Unit};

const KINDS: [&str; 2] = ["sync-zoho", "pull-zoho"];

impl Stage<'_> {
    /// An operator lets failed work run again once its reason is gone, and ends pauses that wait for her.
    pub(super) async fn operator(&mut self) {
        let failed = self.failed().await;
        self.model.failures.extend(failed);
        for kind in KINDS {
            let answer = self
                .system
                .post("/api/admin/tasks/replay", "ops", &json!({ "kind": kind, "all": true, "resume": true }))
                .await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }

    /// Sales do what nobody else can, should anything have failed.
    pub(super) async fn mend_what_failed(&mut self) {
        if self.failed().await.is_empty() {
            return;
        }
        self.free_addresses().await;
        if self.story.settings["unique_account_name"] == true {
            self.free_names().await;
        }
    }

    /// Why work has failed, by codes.
    async fn failed(&self) -> Vec<String> {
        let failed =
            "select failure->>'code' from tasks where kind in ('sync-zoho', 'pull-zoho') and failed_at is not null";
        self.system.rows(failed, &[]).await.iter().map(|row| row.get(0)).collect()
    }

    /// Two Contacts with one address where the CRM allows one: sales take it from the one that is nobody's.
    async fn free_addresses(&mut self) {
        for contact in self.system.contacts().await {
            let hers = self.model.people.values().any(|person| {
                !person.erased
                    && contact["Email"].as_str().is_some_and(|email| email.eq_ignore_ascii_case(&person.email()))
            });
            if hers && contact["ISO_User_ID"].is_null() {
                let edit = json!({ "module": "Contacts", "id": contact["id"], "fields": { "Email": null } });
                drop(self.control("edit", &edit).await);
                self.model.stood(Unit::Email, None);
            }
        }
    }

    /// An organisation that cannot have its name because another Account has it: sales call that one something else.
    async fn free_names(&mut self) {
        let names = self.system.rows("select user_id::text, org_name from profiles_organizations", &[]).await;
        let accounts = self.system.zoho().await["accounts"].as_array().cloned().unwrap_or_default();
        for row in names {
            let (user, name): (String, String) = (row.get(0), row.get(1));
            let has_the_name = |account: &&Value| {
                account["Account_Name"].as_str().is_some_and(|theirs| theirs.trim().eq_ignore_ascii_case(&name))
            };
            let holders: Vec<&Value> = accounts.iter().filter(has_the_name).collect();
            if let [holder] = holders.as_slice()
                && holder["ISO_Organization_ID"] != json!(user)
            {
                self.rename(holder).await;
            }
        }
    }

    async fn rename(&mut self, account: &Value) {
        let id = account["id"].as_str().unwrap_or_default();
        let name = format!("Brambleford {id}");
        let edit = json!({ "module": ACCOUNTS, "id": id, "fields": { "Account_Name": name } });
        let sent = self.zoho_time();
        if self.control("edit", &edit).await.is_ok() {
            self.model.written(id, Unit::OrgName, Some(name), self.since(sent));
        }
    }
}

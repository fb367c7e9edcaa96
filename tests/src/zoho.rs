//! The Zoho simulator, as a test looks into it and disturbs it.

use serde_json::{Value, json};

use crate::system::{System, eventually};

impl System {
    /// Everything that Zoho knows.
    pub async fn zoho(&self) -> Value {
        self.zoho_get("state").await
    }

    /// The Contacts in the CRM.
    pub async fn contacts(&self) -> Vec<Value> {
        list(&self.zoho().await["contacts"])
    }

    /// The transmissions that Zoho Campaigns has taken.
    pub async fn transmissions(&self) -> Vec<Value> {
        list(&self.zoho().await["transmissions"])
    }

    /// How often an operation was called.
    pub async fn calls(&self, operation: &str) -> u64 {
        self.zoho().await["calls"][operation].as_u64().unwrap_or_default()
    }

    /// What Zoho's documents do not allow of all that was asked of it, by us and by sales: one line each.
    pub async fn violations(&self) -> Vec<String> {
        let told = list(&self.zoho_get("violations").await["violations"]);
        let broken = told.iter().filter(|told| told["severity"] == "violation");
        broken
            .map(|told| {
                let text = |name: &str| told[name].as_str().unwrap_or_default();
                let [rule, operation, what, page] = ["rule", "operation", "what", "page"].map(text);
                format!("{rule}: request {} ({operation}): {what}. {page}", told["request"])
            })
            .collect()
    }

    /// Makes the next call (or `times` of them) of an operation go wrong.
    pub async fn fault(&self, operation: &str, fault: &str, more: &Value) {
        let mut body = json!({ "operation": operation, "fault": fault });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.zoho_post("faults", &body).await;
    }

    /// Ends all faults and lets go of the answers that are held back.
    pub async fn mend_zoho(&self) {
        let url = format!("{}/_control/faults", self.endpoints().zoho);
        self.http.delete(url).send().await.expect("the simulator answers");
        self.zoho_post("release", &json!({})).await;
    }

    /// Waits until a request of this operation hangs at Zoho.
    pub async fn held(&self, operation: &str) {
        eventually("Zoho holds the request", || async {
            let requests = list(&self.zoho_get("requests").await["requests"]);
            requests.iter().any(|request| request["operation"] == operation && request["held"] == true).then_some(())
        })
        .await;
    }

    /// Waits until Zoho has noticed that nobody waits for what it holds any more.
    pub async fn forsaken(&self) {
        eventually("Zoho holds nothing", || async {
            let requests = list(&self.zoho_get("requests").await["requests"]);
            requests.iter().all(|request| request["held"] == false).then_some(())
        })
        .await;
    }

    pub async fn zoho_get(&self, what: &str) -> Value {
        let url = format!("{}/_control/{what}", self.endpoints().zoho);
        self.http.get(url).send().await.expect("the simulator answers").json().await.expect("as JSON")
    }

    pub async fn zoho_post(&self, what: &str, body: &Value) -> Value {
        let url = format!("{}/_control/{what}", self.endpoints().zoho);
        let answer = self.http.post(url).json(body).send().await.expect("the simulator answers");
        assert!(answer.status().is_success(), "the simulator refuses {what} {body}: {}", answer.status());
        answer.json().await.unwrap_or(Value::Null)
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

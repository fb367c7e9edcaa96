//! The end of a story: nothing goes wrong any more, time passes, and everybody does what is left to do.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::Stage;

/// Rounds of an hour each after which both sides must agree.
const ROUNDS: usize = 12;
/// How long the work of one round may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// After which nobody comes for a task any more whose message is nowhere.
const LOST: Duration = Duration::from_millis(400);
const WORKERS: [&str; 3] = ["sync-zoho", "pull-zoho", "receive-webhook"];
const QUEUES: [&str; 2] = ["SyncZohoQueue", "PullZohoQueue"];
/// Operations that change something at Zoho.
const WRITES: [&str; 6] = ["upsert", "create", "update", "delete", "add-tags", "remove-tags"];

/// What a round has cost at Zoho.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) writes: u64,
    pub(super) all: u64,
}

impl Stage<'_> {
    /// Until a round changes nothing.
    pub(super) async fn quiet_down(&mut self) -> Result<(), String> {
        self.nothing_goes_wrong_any_more().await;
        for round in 0..ROUNDS {
            if round > 0 {
                self.mend_what_failed().await;
            }
            self.operator().await;
            let (before, old) = (self.cost().await, self.fingerprint().await);
            self.round().await?;
            let writes = self.cost().await.writes - before.writes;
            let open = self.system.count("tasks where kind in ('sync-zoho', 'pull-zoho')").await;
            if writes == 0 && open == 0 && old == self.fingerprint().await {
                return Ok(());
            }
        }
        Err(format!("not quiet after {ROUNDS} rounds; left: {}", self.left().await))
    }

    pub(super) async fn nothing_goes_wrong_any_more(&mut self) {
        let system = self.system;
        system.mend_zoho().await;
        self.unlock_all().await;
        // While a workflow has a say in what is ours, no two sides can agree: an operator ends it.
        let good = json!({ "notifications": "deliver", "wrong_dc": false, "field_rules": [] });
        system.zoho_post("settings", &good).await;
        // The clock does not jump between somebody's look and the write that follows from it.
        drop(self.settle(PATIENCE).await);
        // Zoho gives ten tokens in ten minutes.
        self.pass(600).await;
        system.zoho_post("notifications", &json!({ "action": "deliver-held", "order": "as-is" })).await;
        system.take_route("native").await;
        system.flip(&[("ENABLE_ZOHO_SYNC", true)]).await;
        system.invoke("renew-zoho-watch", &json!({})).await;
        self.hour().await;
    }

    /// Everything that the clock starts, an hour after what was left.
    pub(super) async fn round(&mut self) -> Result<(), String> {
        let answer = self.system.invoke("reconcile-zoho", &json!({})).await;
        if answer["errorMessage"].is_string() {
            self.note(&format!("reconcile-zoho: {answer}"));
        }
        self.hour().await;
        self.system.sweep().await;
        self.settle(PATIENCE).await
    }

    /// Waits until nobody works, no message waits and nothing is due, but for what a message was lost for.
    pub(super) async fn settle(&self, patience: Duration) -> Result<(), String> {
        let deadline = Instant::now() + patience;
        let mut still_since = Instant::now();
        loop {
            let [waiting, taken] = self.messages().await;
            if !self.nobody_works() || waiting > 0 {
                still_since = Instant::now();
            } else if taken == 0 && self.due().await == 0 || still_since.elapsed() > LOST {
                return Ok(());
            }
            if Instant::now() > deadline {
                let working = self.working();
                return Err(format!("work does not come to an end: {working:?}; left: {}", self.left().await));
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    pub(super) fn nobody_works(&self) -> bool {
        self.working().is_empty()
    }

    /// Functions at work.
    fn working(&self) -> Vec<String> {
        let environments = self.system.stack().lambda().environments();
        let at_work = environments
            .into_iter()
            .filter(|environment| WORKERS.contains(&environment.function.as_str()) && environment.request_id.is_some());
        at_work.map(|environment| environment.function).collect()
    }

    /// Tasks whose message is on its way. Those of a lost one wait for the sweep, those of a dead worker for its lease.
    async fn due(&self) -> i64 {
        let on = self.system.stack().flags().values().await["ENABLE_ZOHO_SYNC"] == "true";
        let due = "tasks join task_kinds using (kind) where kind in ('sync-zoho', 'pull-zoho') and failed_at is null
            and lease is null and not_before <= now() and dispatch_at > now()
            and coalesce(paused_until, '-infinity') <= now()";
        if on { self.system.count(due).await } else { 0 }
    }

    async fn messages(&self) -> [u32; 2] {
        let mut all = [0, 0];
        for queue in QUEUES {
            let [waiting, taken] = self.system.messages_in(queue).await;
            all = [all[0] + waiting, all[1] + taken];
        }
        all
    }

    pub(super) async fn cost(&self) -> Cost {
        let calls = self.system.zoho().await["calls"].clone();
        let calls = calls.as_object().cloned().unwrap_or_default();
        let count = |(_, count): (_, &Value)| count.as_u64().unwrap_or_default();
        Cost {
            writes: calls.iter().filter(|(name, _)| WRITES.contains(&name.as_str())).map(count).sum(),
            all: calls.iter().map(count).sum(),
        }
    }

    /// Everything that both sides agree on, as our side has it.
    async fn fingerprint(&self) -> String {
        let all = "select md5(concat(
            (select string_agg(users::text, '|' order by id) from users),
            (select string_agg(profiles_parents::text, '|' order by user_id) from profiles_parents),
            (select string_agg(profiles_organizations::text, '|' order by user_id) from profiles_organizations),
            (select string_agg(profiles_photographers::text, '|' order by user_id) from profiles_photographers),
            (select string_agg(concat(user_id, module, base, tags, gone_at is not null), '|' order by user_id, module) from zoho_links)))";
        self.system.value(all, &[]).await
    }

    /// The tasks that are left, and why.
    async fn left(&self) -> String {
        let left =
            "select coalesce(string_agg(concat_ws(' ', kind, key, 'attempt', attempts, 'leased until', leased_until,
                        'not before', not_before, 'failed', failed_at, failure), '; '), 'no task') from tasks
                    where kind in ('sync-zoho', 'pull-zoho')";
        self.system.value(left, &[]).await
    }
}

//! What happens between both sides: faults, deaths, lost and doubled messages, time.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::stage::Stage;
use super::story::Step;

/// How long workers may take to come to an end before time moves; what hangs is let go sooner.
const PATIENCE: Duration = Duration::from_secs(20);

impl Stage<'_> {
    pub(super) async fn between(&mut self, step: &Step) {
        let system = self.system;
        match step {
            Step::Fault(fault) => self.fault(fault).await,
            Step::Mend => system.mend_zoho().await,
            Step::Route { to } => system.take_route(to).await,
            Step::Refused { on } => drop(system.zoho_post("settings", &json!({ "wrong_dc": on })).await),
            Step::Operator => self.operator().await,
            Step::Kill { function } => self.kill(function),
            Step::Flag { on } => system.flip(&[("ENABLE_ZOHO_SYNC", *on)]).await,
            Step::Hour => self.hour().await,
            Step::Sweep => drop(system.sweep().await),
            Step::Reconcile => drop(system.invoke("reconcile-zoho", &json!({})).await),
            Step::Seniors => drop(system.invoke("tag-seniors", &json!({})).await),
            Step::RenewWatch => drop(system.invoke("renew-zoho-watch", &json!({})).await),
            Step::Purge { queue } => system.purge(queue).await,
            Step::Stray { members, times } => self.stray(members, *times).await,
            Step::Notifications { mode } => {
                system.zoho_post("settings", &json!({ "notifications": mode })).await;
            }
            Step::Held { order, times, merge } => {
                let deliver = json!({ "action": "deliver-held", "order": order, "times": times, "merge": merge,
                    "seed": self.story.seed });
                system.zoho_post("notifications", &deliver).await;
            }
            Step::DropHeld => drop(system.zoho_post("notifications", &json!({ "action": "drop-held" })).await),
            Step::ZohoClock { seconds } => self.pass(*seconds).await,
            Step::Wait { milliseconds } => tokio::time::sleep(Duration::from_millis(*milliseconds)).await,
            Step::Calm => drop(self.settle(Duration::from_millis(1500)).await),
            _ => {}
        }
    }

    /// Whoever is at work dies; nobody may be.
    fn kill(&mut self, function: &str) {
        for pid in self.system.busy(function) {
            let Ok(pid) = i32::try_from(pid) else { continue };
            if nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).is_ok() {
                self.model.kills += 1;
                self.note("one is dead");
            }
        }
    }

    /// No invocation lives for an hour: time moves when nobody is at work, and while nobody can begin.
    pub(super) async fn hour(&self) {
        let lock = self.system.session().await;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            lock.batch_execute("begin; lock table tasks in exclusive mode").await.expect("the tasks can be locked");
            if self.nobody_works() || tokio::time::Instant::now() > deadline {
                break;
            }
            lock.batch_execute("rollback").await.expect("the lock can be released");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        lock.batch_execute(
            "update tasks set not_before = not_before - interval '1 hour', dispatch_at = dispatch_at - interval '1 hour',
                 leased_until = leased_until - interval '1 hour';
             update task_kinds set paused_until = paused_until - interval '1 hour';
             update zoho_token set refreshing_until = refreshing_until - interval '1 hour';
             update zoho_links set corrected_at = corrected_at - interval '1 hour';
             -- Who is gone over there is looked for once a day: let it be once an hour.
             update erasures set erased_at = erased_at - interval '24 hours';
             update zoho_links set gone_at = gone_at - interval '24 hours' where gone_at is not null;
             update zoho_cursors set restored_to = restored_to - interval '24 hours';
             commit",
        )
        .await
        .expect("time can pass");
    }

    async fn stray(&self, members: &[usize], times: u64) {
        let keys: Vec<Uuid> = members.iter().filter_map(|member| Some(self.model.people.get(member)?.id)).collect();
        let body = json!({ "kind": "sync-zoho", "keys": keys }).to_string();
        for _ in 0..if keys.is_empty() { 0 } else { times } {
            self.system.put_message("SyncZohoQueue", &body).await;
        }
    }
}

//! Tells stories on systems that are used again and again, as many at once as there are cores.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::stage::{Diary, Stage};
use super::story::{Step, Story};
use super::words::MARKS;
use crate::system::System;

/// How a story that did not end well is told.
#[derive(Debug)]
pub struct Telling {
    pub seed: u64,
    /// What is wrong with its end.
    pub wrong: Vec<String>,
    /// What happened, step by step.
    pub steps: Vec<String>,
}

impl fmt::Display for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nThe story of seed {}:", self.seed)?;
        for (step, place) in self.steps.iter().zip(1..) {
            writeln!(f, "{place:4}. {step}")?;
        }
        writeln!(f, "It does not end well:")?;
        for wrong in &self.wrong {
            writeln!(f, "    - {wrong}")?;
        }
        writeln!(f, "To tell it again: cargo dev test --seed {}", self.seed)
    }
}

/// Tells the stories of these seeds. Those that did not end well come back.
pub async fn tell_all(seeds: Vec<u64>) -> Vec<Telling> {
    let open: Arc<Mutex<VecDeque<u64>>> = Arc::new(Mutex::new(seeds.into()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let tellers: Vec<_> =
        (0..cores).map(|_| open.clone()).map(|open| spawn_blocking(move || tell_some(&open))).collect();
    let mut bad = Vec::new();
    for teller in tellers {
        bad.extend(teller.await.expect("a teller catches what its stories throw"));
    }
    bad.sort_by_key(|telling| telling.seed);
    bad
}

/// On a thread of its own, so that a story that panics ends nothing but itself.
fn tell_some(open: &Mutex<VecDeque<u64>>) -> Vec<Telling> {
    let runtime = Handle::current();
    let mut bad = Vec::new();
    let mut system = None;
    loop {
        let Some(seed) = open.lock().expect("nobody panics while holding it").pop_front() else { break };
        let on = system.take().unwrap_or_else(|| runtime.block_on(new_system()));
        let diary = Diary::default();
        let told = AssertUnwindSafe(|| runtime.block_on(tell(on, seed, diary.clone())));
        let wrong = match catch_unwind(told) {
            // After a bad end nobody knows what still goes on there.
            Ok((used, wrong)) if !wrong.is_empty() => {
                runtime.block_on(used.stop());
                wrong
            }
            Ok((used, wrong)) => {
                system = Some(used);
                wrong
            }
            Err(panic) => vec![message(&*panic)],
        };
        if !wrong.is_empty() {
            let steps = diary.lock().map(|steps| steps.clone()).unwrap_or_default();
            let telling = Telling { seed, wrong, steps };
            eprintln!("{telling}");
            bad.push(telling);
        }
    }
    if let Some(system) = system {
        runtime.block_on(system.stop());
    }
    bad
}

async fn new_system() -> System {
    let system = System::with(&["ENABLE_ZOHO_SYNC"]).await;
    // Nobody else is told of anything: it is the CRM that this is about.
    system.change_secret("webhook-endpoints", &json!({})).await;
    system
}

/// One story from an empty stage to its end, and what is wrong with it.
async fn tell(system: System, seed: u64, diary: Diary) -> (System, Vec<String>) {
    let story = Story::of(seed);
    clear(&system, &story).await;
    let logged = system.logs().len();
    let mut stage = Stage::new(&system, &story, diary);
    for step in &story.steps {
        stage.play(step).await;
    }
    stage.begin("all is quiet");
    stage.nothing_goes_wrong_any_more().await;
    let mut wrong = stage.not_pushed().await;
    wrong.extend(stage.quiet_down().await.err());
    wrong.extend(stage.verdict().await);
    if wrong.is_empty() && story.comes_back {
        stage.begin("everything comes back from the recycle bin");
        stage.restore_everything().await;
        wrong.extend(stage.quiet_down().await.err());
        wrong.extend(stage.verdict().await);
    }
    wrong.extend(stage.explained());
    wrong.extend(stage.nothing_goes_on().await);
    wrong.extend(system.violations().await);
    if !wrong.is_empty() {
        stage.tell_requests().await;
    }
    let logs = system.logs();
    let new = logs.get(logged..).unwrap_or_default();
    wrong.extend(MARKS.iter().filter(|mark| new.contains(**mark)).map(|mark| format!("{mark} stands in a log")));
    (system, wrong)
}

/// An empty stage: nobody here, nobody there, nothing under way.
async fn clear(system: &System, story: &Story) {
    system.mend_zoho().await;
    for queue in ["SyncZohoQueue", "PullZohoQueue"] {
        system.purge(queue).await;
    }
    let stage = Stage::new(system, story, Diary::default());
    drop(stage.settle(std::time::Duration::from_secs(20)).await);
    system
        .database
        .batch_execute(
            "truncate users, tasks, erasures, webhook_inbox, webhook_events, zoho_usage, zoho_watch cascade;
             update zoho_token set access_token = '', api_domain = null, expires_at = '-infinity', version = version + 1,
                 refreshing_until = '-infinity';
             update zoho_cursors set modified_to = null, deleted_to = null, restored_to = null, ran_at = null;
             update zoho_budget set credits_remaining = null, noted_at = null;
             update task_kinds set paused_until = null, reason = null, refused_credentials = null",
        )
        .await
        .expect("the tables can be emptied");
    system.zoho_post("reset", &json!({})).await;
    system.zoho_post("settings", &story.settings).await;
    system.make_admin("ops").await;
    system.flip(&[("ENABLE_ZOHO_SYNC", story.on)]).await;
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// What is at stake in one more round after the end.
impl Stage<'_> {
    /// Whoever is quiet stays quiet: one more round writes nothing, and no more was asked of Zoho than there was to do.
    pub(super) async fn nothing_goes_on(&mut self) -> Vec<String> {
        let before = self.cost().await;
        let ended = self.round().await;
        let after = self.cost().await;
        let mut wrong: Vec<String> = ended.err().into_iter().collect();
        if after.writes > before.writes {
            wrong.push(format!("one more round writes {} times", after.writes - before.writes));
        }
        if after.all > before.all + 12 {
            wrong.push(format!("one more round makes {} calls", after.all - before.all));
        }
        let bound = 150 + 12 * self.story.steps.len() as u64;
        if before.all > bound {
            wrong.push(format!("{} calls for {} steps", before.all, self.story.steps.len()));
        }
        wrong
    }

    /// What was asked of Zoho in the course of the story, for whoever looks for the reason of its end.
    async fn tell_requests(&self) {
        let requests = self.system.zoho_get("requests").await["requests"].as_array().cloned().unwrap_or_default();
        let mut diary = self.diary.lock().expect("nobody panics while holding it");
        diary.extend(requests.iter().filter(|request| request["operation"] != "token").map(|request| {
            let [time, method, path, body, status] =
                ["time", "method", "path", "body", "status"].map(|part| request[part].to_string());
            format!("{time} {method} {path} {body} → {status}")
        }));
    }

    /// Failures that nothing in the story explains.
    pub(super) fn explained(&self) -> Vec<String> {
        let reused = |step: &Step| matches!(step, Step::Move { .. } | Step::Swap { .. } | Step::Erase { .. });
        let explained = |code: &str| match code {
            "DUPLICATE_DATA" if self.story.settings["unique_account_name"] == true => true,
            "DUPLICATE_DATA" | "contact-belongs-to-another" => {
                self.story.steps.iter().any(reused) || !self.model.leads.is_empty()
            }
            "erase-by-hand" => {
                self.story.steps.iter().any(|step| matches!(step, Step::Route { to } if *to == "middleware"))
            }
            "crashed" => self.model.kills > 4,
            // A poison with the status 500, and one with 400.
            "http-500" | "INVALID_REQUEST" => self.model.faults.contains("poison"),
            code => self.model.faults.contains(code),
        };
        let unexplained = self.model.failures.iter().filter(|code| !explained(code));
        unexplained.map(|code| format!("a task failed with {code}, and nothing explains it")).collect()
    }
}

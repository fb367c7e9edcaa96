//! Where a story is played: a running system, and what is known of both sides.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::model::Model;
use super::story::{Step, Story};
use crate::system::System;

/// The steps as they were played, with what came of them; it outlives a story that panics.
pub(super) type Diary = Arc<Mutex<Vec<String>>>;

#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) system: &'a System,
    pub(super) story: &'a Story,
    pub(super) model: Model,
    pub(super) diary: Diary,
    /// How far Zoho's clock is ahead of ours.
    ahead: u64,
}

impl<'a> Stage<'a> {
    pub(super) fn new(system: &'a System, story: &'a Story, diary: Diary) -> Self {
        Self { system, story, model: Model::default(), diary, ahead: 0 }
    }

    pub(super) async fn play(&mut self, step: &Step) {
        self.begin(&step.to_string());
        match step {
            Step::SignUp { .. }
            | Step::Edit { .. }
            | Step::Sports { .. }
            | Step::Promote { .. }
            | Step::Move { .. }
            | Step::Swap { .. }
            | Step::Erase { .. } => self.ours(step).await,
            Step::Lead { .. }
            | Step::SalesEdit { .. }
            | Step::SalesTag { .. }
            | Step::SalesDelete { .. }
            | Step::SalesRestore { .. }
            | Step::SalesMerge { .. }
            | Step::SalesLock { .. } => self.sales(step).await,
            between => self.between(between).await,
        }
    }

    /// A step that begins.
    pub(super) fn begin(&self, step: &str) {
        self.diary.lock().expect("nobody panics while holding it").push(step.to_owned());
    }

    /// A remark on the step that is played.
    pub(super) fn note(&self, remark: &str) {
        let mut diary = self.diary.lock().expect("nobody panics while holding it");
        if let Some(line) = diary.last_mut() {
            line.push_str(" → ");
            line.push_str(remark);
        }
    }

    /// A call of the simulator's control; the sentence by which it refuses.
    pub(super) async fn control(&self, what: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}/_control/{what}", self.system.endpoints().zoho);
        let answer = self.system.http.post(url).json(body).send().await.expect("the simulator answers");
        let good = answer.status().is_success();
        let body: Value = answer.json().await.unwrap_or_default();
        if good { Ok(body) } else { Err(body.to_string()) }
    }

    /// Zoho's clock goes on.
    pub(super) async fn pass(&mut self, seconds: u64) {
        self.ahead += seconds;
        self.system.zoho_post("settings", &json!({ "clock_offset_seconds": self.ahead })).await;
    }

    /// The time in which a write of ours may have met what sales have sent at that moment.
    pub(super) fn since(&self, sent: i64) -> Range<i64> {
        sent..self.zoho_time() + 1000
    }

    /// Milliseconds by Zoho's clock.
    pub(super) fn zoho_time(&self) -> i64 {
        let ahead = i64::try_from(self.ahead).unwrap_or_default();
        crate::webhook::now().timestamp_millis() + ahead * 1000
    }
}

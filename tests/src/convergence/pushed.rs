//! Whether what people have said has reached the CRM by the work that it led to. A look at the CRM's own changes comes upon
//! everybody who was written just now, and would hide what that work had left undone.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::ending::{Ending, User};
use super::model::Person;
use super::quiet::PATIENCE;
use super::stage::Stage;
use super::unit::{ACCOUNTS, CONTACTS, Held, Unit};

/// Hours in which all that waits has had its turn.
const HOURS: usize = 3;
/// Those whose task has failed, or waits for another one; and those who are left to a look on the native route.
const WAITING: &str = "select id from users where left_to_middleware
    or exists (select from tasks where kind = 'sync-zoho' and key = users.id)";

impl Stage<'_> {
    /// What has not arrived, though nobody works on it any more.
    pub(super) async fn not_pushed(&mut self) -> Vec<String> {
        for _ in 0..HOURS {
            self.operator().await;
            self.hour().await;
            self.system.sweep().await;
            if let Err(restless) = self.settle(PATIENCE).await {
                return vec![restless];
            }
        }
        let waiting: BTreeSet<Uuid> =
            self.system.rows(WAITING, &[]).await.iter().map(|row| row.get::<_, Uuid>("id")).collect();
        let ending = Ending::of(self.system).await;
        let mut wrong = Vec::new();
        for (member, person) in &self.model.people {
            if waiting.contains(&person.id) || person.erased {
                continue;
            }
            let Some(user) = ending.users.get(&person.id) else { continue };
            for module in [ACCOUNTS, CONTACTS] {
                let record = user.link(module).and_then(|id| ending.record(module, id));
                let differing = record.map(|record| self.differing(person, user, record, module)).unwrap_or_default();
                wrong.extend(differing.iter().map(|unit| {
                    format!(
                        "P{member}: her {unit:?} {:?} has not reached {module}, and no task is left",
                        user.value(*unit)
                    )
                }));
            }
        }
        wrong
    }

    /// Units of which sales have said nothing, and that stand on a record of hers otherwise than here.
    fn differing(&self, person: &Person, user: &User, record: &Value, module: &str) -> Vec<Unit> {
        let worked = self.model.records.get(record["id"].as_str().unwrap_or_default());
        let units = person.role.units().iter().copied().filter(|unit| unit.module() == module);
        units
            .filter(|unit| worked.is_none_or(|worked| worked.last(*unit).is_none()) && !self.story.is_ruled(*unit))
            .filter(|unit| match unit.held(unit.on(record).as_deref()) {
                Held::Value(theirs) => !unit.same(theirs.as_deref(), user.value(*unit)),
                Held::Not => true,
            })
            .collect()
    }
}

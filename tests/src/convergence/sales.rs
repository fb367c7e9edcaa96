//! What sales do in the CRM.

use serde_json::{Value, json};

use super::stage::Stage;
use super::story::{Step, Target};
use super::unit::{ACCOUNTS, CONTACTS, Unit};

impl Stage<'_> {
    pub(super) async fn sales(&mut self, step: &Step) {
        if self.story.ticks {
            self.pass(1).await;
        }
        let done = match step {
            Step::Lead { lead, fields } => self.lead(*lead, fields).await,
            Step::SalesEdit { target, unit, fields } => self.edit(*target, *unit, fields).await,
            Step::SalesTag { target, tag, add } => self.tag(*target, tag, *add).await,
            Step::SalesDelete { target } => self.delete(*target).await,
            Step::SalesRestore { module, back, touch, tell } => self.restore(module, *back, *touch, *tell).await,
            Step::SalesMerge { master, other } => self.merge(*master, *other).await,
            Step::SalesLock { target, locked } => self.lock(*target, *locked).await,
            _ => Ok(()),
        };
        if let Err(reason) = done {
            self.note(&reason);
        }
    }

    /// The record that is meant, as it stands.
    pub(super) async fn find(&self, target: Target) -> Result<Value, String> {
        let state = self.system.zoho().await;
        let (list, field, value) = match target {
            Target::Contact(member) => {
                ("contacts", "ISO_User_ID", self.model.people.get(&member).map(|p| p.id.to_string()))
            }
            Target::Account(member) => {
                ("accounts", "ISO_Organization_ID", self.model.people.get(&member).map(|p| p.id.to_string()))
            }
            Target::Lead(lead) => ("contacts", "id", self.model.leads.get(&lead).cloned()),
        };
        let records = state[list].as_array().into_iter().flatten();
        let found = value.and_then(|value| records.into_iter().find(|record| record[field] == json!(value)));
        found.cloned().ok_or_else(|| "not there".to_owned())
    }

    async fn lead(&mut self, lead: usize, fields: &Value) -> Result<(), String> {
        let sent = self.zoho_time();
        let made = self.control("create", &json!({ "module": CONTACTS, "fields": fields })).await?;
        let id = id(&made);
        self.note(&id);
        for unit in Unit::ALL.into_iter().filter(|unit| unit.module() == CONTACTS) {
            if let Some(value) = unit.on(&made) {
                self.model.written(&id, unit, Some(value), self.since(sent));
            }
        }
        self.model.leads.insert(lead, id);
        Ok(())
    }

    async fn edit(&mut self, target: Target, unit: Unit, fields: &Value) -> Result<(), String> {
        let before = self.find(target).await?;
        let edit = json!({ "module": target.module(), "id": before["id"], "fields": fields });
        let is_linked = self.is_linked(&id(&before)).await;
        let sent = self.zoho_time();
        let after = self.control("edit", &edit).await?;
        self.note(&id(&after));
        self.model.stood(unit, unit.on(&after));
        if unit.on(&before) != unit.on(&after) {
            self.model.written(&id(&after), unit, unit.on(&after), self.since(sent));
            if !is_linked {
                self.model.said_of_a_newcomer(&id(&after));
            }
        }
        Ok(())
    }

    /// Whether it is somebody's, as far as we know.
    async fn is_linked(&self, record: &str) -> bool {
        let linked = "select exists (select from users where zoho_contact_id = $1)
            or exists (select from profiles_organizations where zoho_account_id = $1)";
        self.system.value(linked, &[&record]).await
    }

    async fn tag(&mut self, target: Target, tag: &str, add: bool) -> Result<(), String> {
        let before = self.find(target).await?;
        let mut tags: Vec<&str> = crate::tags(&before);
        tags.retain(|there| *there != tag);
        tags.extend(add.then_some(tag));
        let edit = json!({ "module": target.module(), "id": before["id"], "fields": {}, "tags": tags });
        self.control("edit", &edit).await?;
        let worked = self.model.records.entry(id(&before)).or_default();
        worked.retagged = true;
        if add {
            worked.tags.insert(tag.to_owned());
        } else {
            worked.tags.remove(tag);
        }
        Ok(())
    }

    async fn delete(&mut self, target: Target) -> Result<(), String> {
        let before = self.find(target).await?;
        self.control("delete", &json!({ "module": target.module(), "id": before["id"] })).await?;
        self.note(&id(&before));
        self.model.lost(target.module(), &before);
        Ok(())
    }

    /// Sales take everything out of the recycle bin that has gone in the course of the story, and nobody tells us. The cursors
    /// have passed all of it, as they would have a day later: only who looks for it finds it.
    pub(super) async fn restore_everything(&mut self) {
        self.pass(60).await;
        let read = "update zoho_cursors set modified_to = timestamptz 'epoch' + $1::bigint * interval '1 millisecond'";
        self.system.rows(read, &[&self.zoho_time()]).await;
        for module in [CONTACTS, ACCOUNTS] {
            for id in self.recycle_bin(module).await {
                if let Err(reason) = self.take_out(module, &id, false, false).await {
                    self.note(&reason);
                }
            }
        }
    }

    async fn restore(&mut self, module: &'static str, back: usize, touch: bool, tell: bool) -> Result<(), String> {
        let bin = self.recycle_bin(module).await;
        let id = bin.iter().rev().nth(back).ok_or("not there")?;
        self.take_out(module, id, touch, tell).await
    }

    /// What lies there, the oldest first.
    async fn recycle_bin(&self, module: &str) -> Vec<Value> {
        self.system.zoho().await["recycle_bin"][module].as_array().cloned().unwrap_or_default()
    }

    /// All that stands on the record has been said before, and is known.
    async fn take_out(&mut self, module: &'static str, id: &Value, touch: bool, tell: bool) -> Result<(), String> {
        let order = json!({ "module": module, "id": id, "touch": touch, "tell": tell });
        let record = self.control("restore", &order).await?;
        self.note(&id.to_string());
        self.model.regained(module, &record);
        Ok(())
    }

    async fn lock(&mut self, target: Target, locked: bool) -> Result<(), String> {
        let record = self.find(target).await?;
        self.locks(target.module(), &id(&record), locked).await?;
        self.note(&id(&record));
        if locked {
            self.model.locked.insert((target.module(), id(&record)));
        }
        Ok(())
    }

    /// Nobody holds anything back any more, but what has gone meanwhile.
    pub(super) async fn unlock_all(&mut self) {
        for (module, record) in self.model.locked.clone() {
            drop(self.locks(module, &record, false).await);
        }
    }

    async fn locks(&self, module: &str, record: &str, locked: bool) -> Result<Value, String> {
        self.control("lock", &json!({ "module": module, "id": record, "locked": locked })).await
    }

    /// The other record vanishes; the master's blanks are filled from it.
    async fn merge(&mut self, master: Target, other: Target) -> Result<(), String> {
        let (kept, lost) = (self.find(master).await?, self.find(other).await?);
        if kept["id"] == lost["id"] {
            return Err("the same".to_owned());
        }
        let merge = json!({ "module": master.module(), "master": kept["id"], "others": [lost["id"]] });
        let sent = self.zoho_time();
        let after = self.control("merge", &merge).await?;
        self.note(&format!("{} into {}", lost["id"], kept["id"]));
        self.model.lost(master.module(), &lost);
        // Whoever had no record may find hers in the master, with all that stands there.
        let had_nobody = kept["ISO_User_ID"].is_null();
        for unit in Unit::ALL.into_iter().filter(|unit| unit.module() == master.module()) {
            let value = unit.on(&after);
            if had_nobody && value != unit.on(&kept) && self.model.has_said(&lost, unit, value.as_deref()) {
                // It came along with her record, and stays hers: no word of sales.
                self.model.stood(unit, value);
            } else if value != unit.on(&kept) || had_nobody && value.is_some() {
                self.model.written(&id(&kept), unit, value, self.since(sent));
            }
        }
        // Those of ours among them: whoever had them, it is sales who have put them there. Some may have come to the other
        // record only since it was looked at.
        let before = crate::tags(&kept);
        let came = crate::tags(&after).into_iter().filter(|tag| !before.contains(tag));
        let of_other = crate::tags(&lost).into_iter().chain(came).map(str::to_owned);
        self.model.records.entry(id(&kept)).or_default().merged_tags.extend(of_other);
        Ok(())
    }
}

fn id(record: &Value) -> String {
    record["id"].as_str().unwrap_or_default().to_owned()
}

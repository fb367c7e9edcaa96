//! Faults of Zoho's: which are drawn, and how they find the records that they are about.

use serde_json::{Value, json};

use super::dice::Dice;
use super::stage::Stage;
use super::story::{Fault, Target};

const OPERATIONS: [(u64, &str); 11] = [
    (2, "token"),
    (3, "coql"),
    (4, "upsert"),
    (2, "create"),
    (4, "update"),
    (4, "get-records"),
    (2, "add-tags"),
    (2, "remove-tags"),
    (3, "delete"),
    (1, "deleted"),
    (2, "*"),
];
/// Those that name records one by one.
const OF_RECORDS: [(u64, &str); 8] = [
    (4, "upsert"),
    (3, "create"),
    (4, "update"),
    (3, "get-records"),
    (2, "add-tags"),
    (2, "remove-tags"),
    (4, "delete"),
    (1, "*"),
];
/// Those that know a record by our id, because it has none of Zoho's yet.
const BY_OUR_ID: [&str; 2] = ["upsert", "create"];
const CODES: [&str; 5] =
    ["INVALID_DATA", "RECORD_LOCKED", "INTERNAL_ERROR", "MANDATORY_NOT_FOUND", "LICENSE_LIMIT_EXCEEDED"];

/// Who is there whose record could go wrong.
pub(super) struct Present {
    pub(super) all: Vec<usize>,
    /// Those of them who have an Account as well.
    pub(super) orgs: Vec<usize>,
}

/// One more fault.
pub(super) fn draw(dice: &mut Dice, present: &Present) -> Fault {
    let operation = dice.weighted(&OPERATIONS);
    let held = json!({ "seconds": 0.1 + f64::from(u32::try_from(dice.below(6)).unwrap_or_default()) / 10.0 });
    let retry_after = if dice.percent(50) { json!({ "retry_after": 30 }) } else { json!({}) };
    let faults = [
        (3, ("status-500", json!({}))),
        (1, ("html-500", json!({}))),
        (2, ("reset", json!({}))),
        (4, ("reset-after", json!({}))),
        (2, ("latency", json!({ "milliseconds": 150 }))),
        (4, ("hang-before", held.clone())),
        (5, ("hang-after", held)),
        (2, ("status-429", retry_after)),
        (2, ("invalid-token", json!({}))),
        (1, ("throttle", json!({}))),
        (1, ("html-200", json!({}))),
        (1, ("truncated-json", json!({}))),
        (1, ("scope-mismatch", json!({}))),
        (1, ("no-permission", json!({}))),
        (4, ("poison", json!({ "status": dice.pick(&[500, 400]) }))),
        (9, ("record-error", json!({ "code": dice.pick(&CODES) }))),
    ];
    let places: Vec<(u64, usize)> = faults.iter().enumerate().map(|(place, (weight, _))| (*weight, place)).collect();
    let (_, (kind, mut more)) = faults[dice.weighted(&places)].clone();
    more["times"] = json!(1 + dice.below(3));
    if is_of_a_record(kind) {
        return of_a_record(dice, present, kind, more);
    }
    let kind = match kind {
        // An access that is taken from us for good.
        _ if operation == "token" && dice.percent(40) => dice.pick(&["invalid-code", "invalid-client"]),
        kind => kind,
    };
    Fault { operation, kind, more, member: None, account: false }
}

fn of_a_record(dice: &mut Dice, present: &Present, kind: &'static str, more: Value) -> Fault {
    let operation = dice.weighted(&OF_RECORDS);
    // Only Accounts are inserted.
    let whose = if operation == "create" { &present.orgs } else { &present.all };
    let member = dice.any_of(whose);
    let account = member.is_some_and(|member| present.orgs.contains(&member)) && dice.percent(30);
    let times = more["times"].clone();
    let (kind, more) = match (kind, operation) {
        _ if member.is_none() => ("status-500", json!({ "times": times })),
        // Records are read all together or not at all.
        ("record-error", "get-records") => ("poison", json!({ "times": times, "status": dice.pick(&[500, 400]) })),
        (kind, _) => (kind, more),
    };
    Fault { operation, kind, more, member, account }
}

/// Whether a fault hits the requests with one record alone.
fn is_of_a_record(kind: &str) -> bool {
    ["record-error", "poison"].contains(&kind)
}

impl Stage<'_> {
    pub(super) async fn fault(&mut self, fault: &Fault) {
        let mut more = fault.more.clone();
        if is_of_a_record(fault.kind) {
            match self.named(fault).await {
                Ok(name) => more["match"] = json!(name),
                Err(reason) => return self.note(&reason),
            }
        }
        self.model.faults.insert(fault.kind.to_owned());
        self.model.faults.extend(more["code"].as_str().map(str::to_owned));
        self.system.fault(fault.operation, fault.kind, &more).await;
    }

    /// What the operation calls the member's record: by our id until Zoho has given it one of its own.
    async fn named(&self, Fault { operation, member, account, .. }: &Fault) -> Result<String, String> {
        let person = member.and_then(|member| Some((member, self.model.people.get(&member)?)));
        let (member, person) = person.ok_or_else(|| "about nobody".to_owned())?;
        if BY_OUR_ID.contains(operation) {
            return Ok(person.id.to_string());
        }
        let target = if *account { Target::Account(member) } else { Target::Contact(member) };
        let record = self.find(target).await.map_err(|_| "about no record".to_owned())?;
        let id = record["id"].as_str().unwrap_or_default().to_owned();
        self.note(&id);
        Ok(id)
    }
}

//! What goes wrong between both sides, and when somebody looks after it.

use serde_json::{Value, json};

use super::dice::Dice;
use super::story::{Fault, Step};

const OPERATIONS: [(u64, &str); 10] = [
    (1, "token"),
    (3, "coql"),
    (4, "upsert"),
    (4, "update"),
    (4, "get-records"),
    (2, "add-tags"),
    (2, "remove-tags"),
    (3, "delete"),
    (1, "deleted"),
    (2, "*"),
];
const WORKERS: [&str; 3] = ["sync-zoho", "sync-zoho", "pull-zoho"];
const QUEUES: [&str; 2] = ["SyncZohoQueue", "PullZohoQueue"];

#[derive(Clone, Copy)]
enum Trouble {
    Fault,
    Mend,
    Kill,
    Flag,
    Hour,
    Sweep,
    Reconcile,
    RenewWatch,
    Purge,
    Stray,
    Notifications,
    Held,
    DropHeld,
    ZohoClock,
    Wait,
    Calm,
}

/// What Zoho's documents leave open, one way or the other.
pub(super) fn settings(dice: &mut Dice) -> Value {
    json!({
        "all_failed_status": dice.pick(&[400, 207]),
        "throttle_status": dice.pick(&[400, 200]),
        "not_modified_status": dice.pick(&[304, 204]),
        "unique_email": dice.percent(50),
        "search_equals_contains": dice.percent(50),
        "utc_offset_minutes": dice.pick(&[-360, 0, 330]),
        "notify_own_writes": dice.percent(70),
        "trigger_suppresses_notifications": dice.percent(30),
        "notify_tags": dice.percent(70),
        "notify_unchanged_writes": dice.percent(50),
        "tags_touch_modified_time": dice.percent(70),
        "tag_field": dice.pick(&["replace", "add"]),
        "email_case": dice.pick(&["keep", "lower"]),
        "coql_row_limit": dice.pick(&[200, 2000]),
        "coql_in_limit": dice.pick(&[50, 100]),
        "coql_escape": dice.pick(&["double", "backslash"]),
        "watch_failed_status": dice.pick(&[400, 202]),
        "watch_errors_wrapped": dice.percent(50),
    })
}

/// One more thing that happens, with these members there.
pub(super) fn step(dice: &mut Dice, present: &[usize]) -> Step {
    let trouble = dice.weighted(&[
        (16, Trouble::Fault),
        (4, Trouble::Mend),
        (7, Trouble::Kill),
        (5, Trouble::Flag),
        (7, Trouble::Hour),
        (7, Trouble::Sweep),
        (7, Trouble::Reconcile),
        (1, Trouble::RenewWatch),
        (3, Trouble::Purge),
        (4, Trouble::Stray),
        (5, Trouble::Notifications),
        (5, Trouble::Held),
        (2, Trouble::DropHeld),
        (2, Trouble::ZohoClock),
        (14, Trouble::Wait),
        (8, Trouble::Calm),
    ]);
    match trouble {
        Trouble::Fault => Step::Fault(fault(dice, present)),
        Trouble::Mend => Step::Mend,
        Trouble::Kill => Step::Kill { function: dice.pick(&WORKERS) },
        Trouble::Flag => Step::Flag { on: dice.percent(65) },
        Trouble::Hour => Step::Hour,
        Trouble::Sweep => Step::Sweep,
        Trouble::Reconcile => Step::Reconcile,
        Trouble::RenewWatch => Step::RenewWatch,
        Trouble::Purge => Step::Purge { queue: dice.pick(&QUEUES) },
        Trouble::Stray => {
            let members = present.iter().copied().filter(|_| dice.percent(50)).collect();
            Step::Stray { members, times: 1 + dice.below(2) }
        }
        Trouble::Notifications => Step::Notifications { mode: dice.pick(&["deliver", "deliver", "hold", "drop"]) },
        Trouble::Held => Step::Held {
            order: dice.pick(&["as-is", "reversed", "shuffled"]),
            times: 1 + dice.below(2),
            merge: dice.percent(30),
        },
        Trouble::DropHeld => Step::DropHeld,
        // Within one hour of the story's, but for a token that runs out now and then.
        Trouble::ZohoClock => Step::ZohoClock { seconds: dice.weighted(&[(6, 1), (2, 90), (1, 4000)]) },
        Trouble::Wait => Step::Wait { milliseconds: dice.below(60) },
        Trouble::Calm => Step::Calm,
    }
}

fn fault(dice: &mut Dice, present: &[usize]) -> Fault {
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
        (2, ("poison", json!({}))),
        (4, ("record-error", json!({ "code": dice.pick(&["INVALID_DATA", "RECORD_LOCKED", "INTERNAL_ERROR"]) }))),
    ];
    let places: Vec<(u64, usize)> = faults.iter().enumerate().map(|(place, (weight, _))| (*weight, place)).collect();
    let (_, (fault, mut more)) = faults[dice.weighted(&places)].clone();
    let times = 1 + dice.below(3);
    more["times"] = json!(times);
    let member = ["record-error", "poison"].contains(&fault).then(|| dice.any_of(present)).flatten();
    // Nobody there whose record could go wrong, or an access that is taken from us for good.
    let fault = match fault {
        "record-error" | "poison" if member.is_none() => "status-500",
        "throttle" if operation == "token" && dice.percent(50) => dice.pick(&["invalid-code", "invalid-client"]),
        fault => fault,
    };
    Fault { operation, kind: fault, more, member }
}

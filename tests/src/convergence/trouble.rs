//! What goes wrong between both sides, and when somebody looks after it.

use super::dice::Dice;
use super::fault::{self, Present};
use super::story::Step;

const WORKERS: [&str; 3] = ["sync-zoho", "sync-zoho", "pull-zoho"];
const QUEUES: [&str; 2] = ["SyncZohoQueue", "PullZohoQueue"];

#[derive(Clone, Copy)]
enum Trouble {
    Fault,
    Mend,
    Refused,
    Route,
    Operator,
    Kill,
    Flag,
    Hour,
    Sweep,
    Reconcile,
    Seniors,
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

/// One more thing that happens, with these members there.
pub(super) fn step(dice: &mut Dice, present: &Present) -> Step {
    let trouble = dice.weighted(&[
        (22, Trouble::Fault),
        (4, Trouble::Mend),
        (2, Trouble::Refused),
        (2, Trouble::Route),
        (2, Trouble::Operator),
        (7, Trouble::Kill),
        (5, Trouble::Flag),
        (7, Trouble::Hour),
        (7, Trouble::Sweep),
        (7, Trouble::Reconcile),
        (2, Trouble::Seniors),
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
        Trouble::Fault => Step::Fault(fault::draw(dice, present)),
        Trouble::Mend => Step::Mend,
        Trouble::Refused => Step::Refused { on: true },
        // Nobody listens on the one over middleware: all that it must not do is lose what waits meanwhile.
        Trouble::Route => Step::Route { to: dice.pick(&["middleware", "native"]) },
        Trouble::Operator => Step::Operator,
        Trouble::Kill => Step::Kill { function: dice.pick(&WORKERS) },
        Trouble::Flag => Step::Flag { on: dice.percent(65) },
        Trouble::Hour => Step::Hour,
        Trouble::Sweep => Step::Sweep,
        Trouble::Reconcile => Step::Reconcile,
        Trouble::Seniors => Step::Seniors,
        Trouble::RenewWatch => Step::RenewWatch,
        Trouble::Purge => Step::Purge { queue: dice.pick(&QUEUES) },
        Trouble::Stray => {
            let members = present.all.iter().copied().filter(|_| dice.percent(50)).collect();
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

//! Whether a word of sales was lost.

use super::ending::Ending;
use super::model::{Edit, Person};
use super::unit::{Held, Unit};

/// What sales have written last stands, or she has changed it since, or an admin is told.
pub(super) fn lost_of_theirs(
    ending: &Ending,
    person: &Person,
    unit: Unit,
    ours: Option<&str>,
    theirs: Option<&str>,
    written: Option<&Edit>,
) -> Option<String> {
    let written = written?;
    let value = written.value.as_deref();
    let hers = person.last(unit);
    // Where both have said the same once, nothing is lost when she says something else.
    let agreed = || person.edits.iter().any(|edit| edit.unit == unit && unit.same(edit.value.as_deref(), value));
    let replaced = hers.is_some_and(|edit| edit.at > written.at) && (unit.belongs_to_sales() || agreed());
    // Where sales have only taken something away, what she says anew is the better news; what a record lacks when it becomes
    // hers, it gets.
    let filled = written.is_blank_of_a_newcomer
        || value.is_none() && hers.is_some_and(|edit| unit.same(edit.value.as_deref(), ours));
    let stands = theirs == value || unit.same(unit_value(unit, value).as_deref(), ours) || completed(value, theirs);
    let told = ending.tells(person.id, unit, false, value);
    (!stands && !replaced && !filled && !told).then(|| format!("sales' {unit:?} {value:?} was lost; it is {theirs:?}"))
}

fn unit_value(unit: Unit, value: Option<&str>) -> Option<String> {
    match unit.held(value) {
        Held::Value(value) => value,
        Held::Not => None,
    }
}

/// Whether all parts of one value are in another.
pub(super) fn completed(part: Option<&str>, whole: Option<&str>) -> bool {
    let (Some(part), Some(whole)) = (part, whole) else { return false };
    part.contains(", ") && part.split(", ").all(|part| whole.split(", ").any(|there| there == part))
}

//! Our tags on Contacts: which are missing and which are there no longer with reason, and the calls, one for each distinct
//! tag. Other people's tags are left alone.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::calls::Calls;
use super::plan::Plan;
use super::problem::Problem;
use crate::db::people::Person;
use crate::db::{self, zoho_intentions};
use crate::domain::{CrmId, Role, UserId, tags};
use crate::error::Error;
use crate::tasks::Failure;
use crate::zoho::{Crm, RecordError, ZohoError};

/// The most tags that Zoho keeps on one record.
const MOST: usize = 10;

/// How the tags begin that are more important than those of sports, and come first.
const SENIOR: &str = "Senior ";

/// Our tags on one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags {
    /// There, and put there by us.
    pub ours: Vec<String>,
    pub missing: Vec<String>,
    pub extra: Vec<String>,
    /// Missing, although we have put it there: somebody has taken it off.
    pub again: Vec<String>,
}

impl Tags {
    /// What a Contact with these tags needs.
    pub(super) fn of(person: &Person, there: &[String], today: NaiveDate) -> Self {
        let wanted = match person.role {
            Role::Parent => tags::of_parent(&person.sports, person.births.iter().copied(), today),
            Role::Org | Role::Photographer | Role::Admin => Vec::new(),
        };
        let announced = &person.contact.tags;
        let ours: Vec<String> = there.iter().filter(|tag| is_among(tag, announced)).cloned().collect();
        // Those of others stay; of ours, the important ones get the room that is left.
        let room = MOST.saturating_sub(there.len() - ours.len());
        let put_by_others = |tag: &String| is_among(tag, there) && !is_among(tag, &ours);
        let mut wanted: Vec<String> = wanted.into_iter().filter(|tag| !put_by_others(tag)).collect();
        // No tag is taken off for another one of its sort.
        wanted.sort_by_key(|tag| !tag.starts_with(SENIOR) && !is_among(tag, &ours));
        wanted.truncate(room);
        let extra: Vec<String> = ours.iter().filter(|tag| !is_among(tag, &wanted)).cloned().collect();
        let missing: Vec<String> = wanted.into_iter().filter(|tag| !is_among(tag, there)).collect();
        let again = missing.iter().filter(|tag| is_among(tag, announced)).cloned().collect();
        Self { ours, missing, extra, again }
    }

    /// Leaves off what somebody has taken off. It stays known as ours.
    pub(super) fn hold_back(&mut self) {
        self.missing.retain(|tag| !self.again.contains(tag));
        self.ours.append(&mut self.again);
    }

    /// Whether nothing is to be done, and what is written down of them says so.
    pub(super) fn agree(&self, announced: &[String]) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.ours.len() == announced.len()
    }
}

/// Takes off what is extra, then puts on what is missing. A Contact that did not get all of it has a problem.
pub(super) async fn put(calls: &mut Calls<'_>, plans: &mut [Plan]) -> Result<(), Error> {
    let extra = by_tag(plans, |tags| &tags.extra);
    for (tag, contacts) in extra {
        let removed = each(calls, &tag, contacts, async |crm, ids| crm.remove_tag(&tag, ids).await).await;
        note(plans, &removed, |tags, is_done| tags.ours.retain(|own| *own != tag || !is_done));
    }
    announce(calls, plans).await?;
    let missing = by_tag(plans, |tags| &tags.missing);
    for (tag, contacts) in missing {
        let added = each(calls, &tag, contacts, async |crm, ids| crm.add_tag(&tag, ids).await).await;
        // Whatever has come of it: it may be there.
        note(plans, &added, |tags, _| tags.ours.push(tag.clone()));
    }
    Ok(())
}

/// Tags are known as ours before they are there: a worker that dies after the call must not leave one that nobody would
/// ever take off.
async fn announce(calls: &Calls<'_>, plans: &[Plan]) -> Result<(), Error> {
    let announced: Vec<(UserId, Vec<String>)> = plans
        .iter()
        .filter(|plan| plan.can_be_tagged() && !plan.tags.missing.is_empty())
        .map(|plan| (plan.user, plan.tags.missing.clone()))
        .collect();
    if announced.is_empty() {
        return Ok(());
    }
    let connection = calls.crm().connection;
    db::once_more(|| zoho_intentions::intend_tags(connection, &announced)).await
}

fn by_tag(plans: &[Plan], some: impl Fn(&Tags) -> &Vec<String>) -> BTreeMap<String, Vec<CrmId>> {
    let mut by_tag: BTreeMap<String, Vec<CrmId>> = BTreeMap::new();
    for plan in plans.iter().filter(|plan| plan.can_be_tagged()) {
        for tag in some(&plan.tags) {
            by_tag.entry(tag.clone()).or_default().extend(plan.record.clone());
        }
    }
    by_tag
}

/// What came of each Contact.
async fn each(
    calls: &mut Calls<'_>,
    tag: &str,
    contacts: Vec<CrmId>,
    call: impl AsyncFn(&Crm<'_>, &[CrmId]) -> Result<Vec<Result<CrmId, RecordError>>, ZohoError>,
) -> BTreeMap<CrmId, Result<(), Problem>> {
    // What Zoho has to say against all of them it says against the tag: one of them alone would fare no better.
    let call = async |crm: &Crm<'_>, ids: &[CrmId]| match call(crm, ids).await {
        Err(error) if error.is_about_the_tag() => Ok(Err(refused(tag, error.failure()))),
        answers => answers.map(Ok),
    };
    let mut results = BTreeMap::new();
    for (some, answers) in calls.about(contacts, call).await {
        match answers.and_then(|answers| answers) {
            Ok(answers) => {
                let answers = answers.iter().map(|answer| answer.as_ref().map(drop).map_err(Problem::from));
                results.extend(some.into_iter().zip(answers));
            }
            Err(problem) => results.extend(some.into_iter().map(|id| (id, Err(problem.clone())))),
        }
    }
    results
}

fn refused(tag: &str, Failure { code, message, field, .. }: Failure) -> Problem {
    let advice = format!("Zoho does not take the tag {tag:?}. If the CRM does not know it, make it there.");
    Problem::Never(Failure::new(code, format!("{advice} {message}")).in_field(field))
}

fn note(plans: &mut [Plan], results: &BTreeMap<CrmId, Result<(), Problem>>, known: impl Fn(&mut Tags, bool)) {
    for plan in plans {
        let Some(result) = plan.record.as_ref().and_then(|record| results.get(record)) else { continue };
        known(&mut plan.tags, result.is_ok());
        if let Err(problem) = result {
            plan.problem = Some(problem.clone());
        }
    }
}

/// Zoho knows a tag whatever its case.
pub(super) fn is_among(tag: &str, tags: &[String]) -> bool {
    tags.iter().any(|other| other.eq_ignore_ascii_case(tag))
}

#[cfg(test)]
mod tests {
    use super::super::people::sheree;
    use super::*;

    fn tags(person: &Person, there: &[&str]) -> Tags {
        let there: Vec<String> = there.iter().map(|tag| (*tag).to_owned()).collect();
        Tags::of(person, &there, "2026-11-22".parse().unwrap())
    }

    #[test]
    fn what_is_missing_is_put_on_and_what_we_put_there_without_reason_any_more_is_taken_off() {
        let mut sheree = sheree();
        sheree.contact.tags = ["Senior 2026", "Tennis"].map(str::to_owned).into();

        let tags = tags(&sheree, &["Senior 2026", "VIP"]);

        assert_eq!(
            (tags.missing, tags.extra),
            (vec!["Senior 2027".to_owned(), "Soccer".to_owned()], vec!["Senior 2026".to_owned()])
        );
    }

    #[test]
    fn what_others_have_put_there_is_theirs_even_if_it_is_what_we_want() {
        let mut sheree = sheree();
        let there = ["Soccer", "Senior 2027", "Golf"];

        let before = tags(&sheree, &there);
        sheree.sports.clear();
        let after = tags(&sheree, &there);

        assert_eq!((before, after), (Tags::default(), Tags::default()));
    }

    #[test]
    fn a_record_never_has_more_than_ten_and_the_important_ones_first() {
        let there = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

        assert_eq!(tags(&sheree(), &there).missing, ["Senior 2027"]);
        assert!(tags(&sheree(), &[&there[..], &["10", "11"]].concat()).missing.is_empty());
    }

    #[test]
    fn the_important_one_gets_the_room_of_one_of_ours() {
        let mut sheree = sheree();
        sheree.contact.tags = vec!["Soccer".to_owned()];
        let there = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "Soccer"];

        let tags = tags(&sheree, &there);

        assert_eq!((tags.extra, tags.missing), (vec!["Soccer".to_owned()], vec!["Senior 2027".to_owned()]));
    }
}

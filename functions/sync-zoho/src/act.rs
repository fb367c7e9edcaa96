//! The calls to Zoho: one to find, one to make, one to change, and one for each distinct tag.

use std::collections::{BTreeMap, HashMap};

use shared::db::Connection;
use shared::db::people::Person;
use shared::db::zoho_links::Synced;
use shared::domain::contact::Field;
use shared::domain::{Email, UserId};
use shared::lambda::sqs::TimeLeft;
use shared::tasks::Failure;
use shared::zoho::{CALL_TIMEOUT, Contacts, RecordError, Write, Zoho, ZohoError};

use crate::plan::{self, Plan};
use crate::{Problem, Sync, belongs_to_another};

/// What came of each person. A call that fails fails those who depended on it, and nobody else.
pub(crate) async fn sync(
    zoho: &Zoho,
    connection: &Connection,
    people: Vec<Person>,
    time: TimeLeft,
) -> HashMap<UserId, Sync> {
    let contacts = Contacts { zoho, connection };
    let mut results: HashMap<UserId, Sync> = HashMap::new();
    let (synced, others): (Vec<Person>, Vec<Person>) = people.into_iter().partition(plan::is_synced);
    results.extend(others.iter().map(|person| (person.id, Sync::Nothing)));

    let mut plans = planned(&contacts, &synced, time, &mut results).await;
    let (changed, new) = writes(&plans);
    write(&contacts, new, time, &mut plans, &mut results).await;
    write(&contacts, changed, time, &mut plans, &mut results).await;
    tag(&contacts, plans, time, &mut results).await;
    results
}

/// A plan for everybody who can have one now.
async fn planned(
    contacts: &Contacts<'_>,
    people: &[Person],
    time: TimeLeft,
    results: &mut HashMap<UserId, Sync>,
) -> Vec<Plan> {
    let mut plans: Vec<Plan> =
        people.iter().filter_map(|person| Some(plan::linked(person, person.link.as_ref()?))).collect();
    let unlinked: Vec<&Person> = people.iter().filter(|person| person.link.is_none()).collect();
    if unlinked.is_empty() {
        return plans;
    }
    match find(contacts, &unlinked, time).await {
        Ok(found) => {
            for person in unlinked {
                match plan::unlinked(person, &found) {
                    Some(plan) => plans.push(plan),
                    None => drop(results.insert(person.id, Sync::Failed(Problem::Never(belongs_to_another())))),
                }
            }
        }
        Err(problem) => results.extend(unlinked.iter().map(|person| (person.id, Sync::Failed(problem.clone())))),
    }
    plans
}

async fn find(
    contacts: &Contacts<'_>,
    people: &[&Person],
    time: TimeLeft,
) -> Result<Vec<shared::zoho::Contact>, Problem> {
    in_time(time)?;
    let users: Vec<UserId> = people.iter().map(|person| person.id).collect();
    let emails: Vec<Email> = people.iter().filter_map(|person| person.fields.get(Field::Email)?.parse().ok()).collect();
    contacts.find(&users, &emails.iter().collect::<Vec<_>>()).await.map_err(|error| Problem::from(&error))
}

/// The writes on Contacts that are there, and those that make new ones.
fn writes(plans: &[Plan]) -> (Vec<Write>, Vec<Write>) {
    plans.iter().filter_map(|plan| plan.write.clone()).partition(|write| write.contact_id.is_some())
}

/// One call for all of `writes`. Whoever it failed for leaves the plans.
async fn write(
    contacts: &Contacts<'_>,
    writes: Vec<Write>,
    time: TimeLeft,
    plans: &mut Vec<Plan>,
    results: &mut HashMap<UserId, Sync>,
) {
    let Some(first) = writes.first() else { return };
    let outcome = match in_time(time) {
        Err(problem) => Err(problem),
        Ok(()) if first.contact_id.is_some() => contacts.update(&writes).await.map_err(|error| Problem::from(&error)),
        Ok(()) => contacts.upsert(&writes).await.map_err(|error| Problem::from(&error)),
    };
    let answers: Vec<Result<String, Problem>> = match outcome {
        Ok(answers) => {
            answers.into_iter().map(|answer: Result<String, RecordError>| answer.map_err(Problem::from)).collect()
        }
        Err(problem) => writes.iter().map(|_| Err(problem.clone())).collect(),
    };
    let mut answered: HashMap<UserId, Result<String, Problem>> =
        writes.iter().map(|write| write.user).zip(answers).collect();
    plans.retain_mut(|plan| match answered.remove(&plan.user) {
        None => true,
        Some(Ok(contact_id)) => {
            plan.contact_id = Some(contact_id);
            true
        }
        Some(Err(problem)) => {
            results.insert(plan.user, Sync::Failed(problem));
            false
        }
    });
}

/// One call for each distinct tag; a Contact that did not get all of its tags is tried again.
async fn tag(contacts: &Contacts<'_>, mut plans: Vec<Plan>, time: TimeLeft, results: &mut HashMap<UserId, Sync>) {
    let mut by_tag: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for plan in &plans {
        for tag in &plan.missing_tags {
            by_tag.entry(*tag).or_default().extend(plan.contact_id.clone());
        }
    }
    let mut problems: HashMap<String, Problem> = HashMap::new();
    for (tag, ids) in by_tag {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let tagged = match in_time(time) {
            Err(problem) => Err(problem),
            Ok(()) => contacts.add_tag(tag, &ids).await.map_err(|error: ZohoError| Problem::from(&error)),
        };
        for plan in plans.iter_mut().filter(|plan| plan.missing_tags.contains(&tag)) {
            let Some(id) = plan.contact_id.clone() else { continue };
            match &tagged {
                Ok(tagged) if tagged.contains(&id) => plan.tags.push(tag.to_owned()),
                Ok(_) => drop(problems.insert(id, Problem::Later(None, untagged(tag)))),
                Err(problem) => drop(problems.insert(id, problem.clone())),
            }
        }
    }
    for plan in plans {
        let Some(contact_id) = plan.contact_id else { continue };
        let problem = problems.remove(&contact_id);
        let synced = Synced { user: plan.user, contact_id, base: plan.base, tags: plan.tags };
        results
            .insert(plan.user, problem.map_or(Sync::Synced(synced.clone()), |problem| Sync::Partly(synced, problem)));
    }
}

fn untagged(tag: &str) -> Failure {
    Failure::new("tag-refused", format!("Zoho did not put the tag {tag} on the Contact. It may have ten tags already."))
}

/// No call starts unless its timeout and the recording of its outcome still fit into the invocation.
fn in_time(time: TimeLeft) -> Result<(), Problem> {
    if time.fits(CALL_TIMEOUT) {
        return Ok(());
    }
    let failure =
        Failure::new("out-of-time", "The invocation ended before this call could be made; the work goes on by itself.");
    Err(Problem::Later(Some(std::time::Duration::ZERO), failure))
}

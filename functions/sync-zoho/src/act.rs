//! The calls to Zoho: one to find, one to make, one to change, and one for each distinct tag.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use shared::db::Connection;
use shared::db::people::Person;
use shared::db::zoho_links::Synced;
use shared::domain::record::Field;
use shared::domain::{Email, UserId};
use shared::lambda::sqs::TimeLeft;
use shared::tasks::Failure;
use shared::zoho::{CALL_TIMEOUT, Contact, ContactWrite as Write, Contacts, RecordError, Zoho, ZohoError};

use crate::plan::{self, Plan};
use crate::{Problem, Sync, belongs_to_another};

/// What came of each person. A call that fails fails those who depended on it, and nobody else.
pub(crate) async fn sync(
    zoho: &Zoho,
    connection: &Connection,
    people: Vec<Person>,
    time: TimeLeft,
) -> HashMap<UserId, Sync> {
    let mut calls = Calls { contacts: Contacts { zoho, connection }, time, stopped: None };
    let mut results: HashMap<UserId, Sync> = HashMap::new();
    let (synced, others): (Vec<Person>, Vec<Person>) = people.into_iter().partition(plan::is_synced);
    results.extend(others.iter().map(|person| (person.id, Sync::Nothing)));

    let mut plans = planned(&mut calls, &synced, &mut results).await;
    let (changed, new) = writes(&plans);
    write(&mut calls, new, &mut plans, &mut results).await;
    write(&mut calls, changed, &mut plans, &mut results).await;
    tag(&mut calls, plans, &mut results).await;
    results
}

/// The calls of one invocation.
struct Calls<'a> {
    contacts: Contacts<'a>,
    time: TimeLeft,
    /// Zoho has asked for a pause, or refuses us: no call follows.
    stopped: Option<Problem>,
}

impl Calls<'_> {
    /// Makes a call, if there is time for it and nothing speaks against it.
    async fn make<T>(&mut self, call: impl AsyncFnOnce(&Contacts<'_>) -> Result<T, ZohoError>) -> Result<T, Refusal> {
        if let Some(problem) = &self.stopped {
            return Err(Refusal::Of(problem.clone()));
        }
        if !self.time.fits(CALL_TIMEOUT) {
            let message = "The invocation ended before this call could be made; the work goes on by itself.";
            return Err(Refusal::Of(Problem::Later(Some(Duration::ZERO), Failure::new("out-of-time", message))));
        }
        match call(&self.contacts).await {
            Ok(answer) => Ok(answer),
            Err(error @ ZohoError::BadRequest { .. }) => Err(Refusal::OfTheRequest(Problem::from(&error))),
            Err(error) => {
                let problem = Problem::from(&error);
                if matches!(problem, Problem::Pause(..)) {
                    self.stopped = Some(problem.clone());
                }
                Err(Refusal::Of(problem))
            }
        }
    }
}

/// Why a call gave nothing.
enum Refusal {
    /// Zoho does not take what was asked: one of many may be to blame, so they are asked for in halves.
    OfTheRequest(Problem),
    Of(Problem),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OfTheRequest(problem) | Refusal::Of(problem) => problem,
        }
    }
}

/// The halves of what was refused as a whole, if it can be cut.
fn halves<T: Clone>(refusal: &Refusal, whole: &[T]) -> Option<[Vec<T>; 2]> {
    let (first, second) = whole.split_at(whole.len() / 2);
    (matches!(refusal, Refusal::OfTheRequest(_)) && whole.len() > 1).then(|| [first.to_vec(), second.to_vec()])
}

/// A plan for everybody who can have one now.
async fn planned(calls: &mut Calls<'_>, people: &[Person], results: &mut HashMap<UserId, Sync>) -> Vec<Plan> {
    let mut plans: Vec<Plan> =
        people.iter().filter_map(|person| Some(plan::linked(person, person.link.as_ref()?))).collect();
    let unlinked: Vec<&Person> = people.iter().filter(|person| person.link.is_none()).collect();
    let mut open = vec![unlinked];
    while let Some(people) = open.pop().filter(|people| !people.is_empty()) {
        match find(calls, &people).await {
            Ok(found) => {
                for person in people {
                    match plan::unlinked(person, &found) {
                        Some(plan) => plans.push(plan),
                        None => {
                            results.insert(person.id, Sync::Failed(Problem::Never(belongs_to_another())));
                        }
                    }
                }
            }
            Err(refusal) => {
                if let Some(halves) = halves(&refusal, &people) {
                    open.extend(halves);
                } else {
                    let problem = Problem::from(refusal);
                    results.extend(people.iter().map(|person| (person.id, Sync::Failed(problem.clone()))));
                }
            }
        }
    }
    plans
}

async fn find(calls: &mut Calls<'_>, people: &[&Person]) -> Result<Vec<Contact>, Refusal> {
    let users: Vec<UserId> = people.iter().map(|person| person.id).collect();
    let emails: Vec<Email> = people.iter().filter_map(|person| person.fields.get(Field::Email)?.parse().ok()).collect();
    let emails: Vec<&Email> = emails.iter().collect();
    calls.make(async |contacts| contacts.find(&users, &emails).await).await
}

/// The writes on Contacts that are there, and those that make new ones.
fn writes(plans: &[Plan]) -> (Vec<Write>, Vec<Write>) {
    plans.iter().filter_map(|plan| plan.write.clone()).partition(|write| write.contact_id.is_some())
}

/// One call for all of `writes`. Whoever it failed for leaves the plans.
async fn write(calls: &mut Calls<'_>, writes: Vec<Write>, plans: &mut Vec<Plan>, results: &mut HashMap<UserId, Sync>) {
    let mut answered: HashMap<UserId, Result<String, Problem>> = HashMap::new();
    let mut open = vec![writes];
    while let Some(writes) = open.pop().filter(|writes| !writes.is_empty()) {
        let users = writes.iter().map(|write| write.user);
        match calls.make(async |contacts| send(contacts, &writes).await).await {
            Ok(answers) => answered.extend(users.zip(answers.into_iter().map(|answer| answer.map_err(Problem::from)))),
            Err(refusal) => {
                if let Some(halves) = halves(&refusal, &writes) {
                    open.extend(halves);
                } else {
                    let problem = Problem::from(refusal);
                    answered.extend(users.map(|user| (user, Err(problem.clone()))));
                }
            }
        }
    }
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

/// Writes on Contacts that are there are updates; all others make new ones. They never come mixed.
async fn send(contacts: &Contacts<'_>, writes: &[Write]) -> Result<Vec<Result<String, RecordError>>, ZohoError> {
    if writes.iter().any(|write| write.contact_id.is_some()) {
        contacts.update(writes).await
    } else {
        contacts.upsert(writes).await
    }
}

/// One call for each distinct tag; a Contact that did not get all of its tags is tried again.
async fn tag(calls: &mut Calls<'_>, mut plans: Vec<Plan>, results: &mut HashMap<UserId, Sync>) {
    let mut by_tag: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for plan in &plans {
        for tag in &plan.missing_tags {
            by_tag.entry(*tag).or_default().extend(plan.contact_id.clone());
        }
    }
    let mut problems: HashMap<String, Problem> = HashMap::new();
    for (tag, ids) in by_tag {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let tagged = calls.make(async |contacts| contacts.add_tag(tag, &ids).await).await.map_err(Problem::from);
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

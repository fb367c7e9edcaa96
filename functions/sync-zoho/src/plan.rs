//! What has to be written for whom, decided before anything is written.

use shared::db::people::{Link, Person};
use shared::domain::record::{Field, Fields};
use shared::domain::{Role, UserId, tags};
use shared::zoho::{Contact, ContactWrite as Write};

/// One person's way to agreement.
#[derive(Debug)]
pub(crate) struct Plan {
    pub user: UserId,
    pub write: Option<Write>,
    /// The Contact that she has, unless it is yet to be made.
    pub contact_id: Option<String>,
    /// On what both sides agree once `write` has gone through.
    pub base: Fields,
    /// The tags that are ours and known to be there.
    pub tags: Vec<String>,
    pub missing_tags: Vec<&'static str>,
}

/// Whether somebody is in the CRM at all.
pub(crate) fn is_synced(person: &Person) -> bool {
    person.role != Role::Admin
}

/// For somebody who has a Contact: what has changed on our side since both agreed.
pub(crate) fn linked(person: &Person, link: &Link) -> Plan {
    let changed = person.fields.changed_since(&link.base);
    let base = person.fields.agreed_with(&link.base, &changed);
    let contact_id = Some(link.contact_id.clone());
    Plan {
        user: person.id,
        write: write(person.id, contact_id.clone(), changed),
        contact_id,
        base,
        missing_tags: wanted_tags(person).filter(|tag| !link.tags.iter().any(|there| there == tag)).collect(),
        tags: link.tags.clone(),
    }
}

/// For somebody who has none yet: the Contact that carries her id, or one with her address that carries none,
/// or a new one. `None`: the only one with her address is another user's.
pub(crate) fn unlinked(person: &Person, found: &[Contact]) -> Option<Plan> {
    let hers = found.iter().find(|contact| contact.is_of(person.id));
    let mut with_address = found.iter().filter(|contact| has_address(contact, person)).peekable();
    let contact = match hers {
        Some(contact) => Some(contact),
        None if with_address.peek().is_none() => None,
        // Of several the oldest: ids grow.
        None => Some(with_address.filter(|contact| contact.user_id.is_none()).min_by_key(|contact| age(contact))?),
    };
    let theirs = contact.map(|contact| contact.fields.clone()).unwrap_or_default();
    let to_fill = person.fields.to_fill(&theirs);
    let contact_id = contact.map(|contact| contact.id.clone());
    let base = person.fields.agreed_with(&theirs, &to_fill);
    // A Contact that has all of it and her id needs no call.
    let complete = to_fill.is_empty() && hers.is_some();
    let write = Write { contact_id: contact_id.clone(), user: person.id, fields: to_fill };
    Some(Plan {
        user: person.id,
        write: (!complete).then_some(write),
        contact_id,
        base,
        tags: Vec::new(),
        missing_tags: wanted_tags(person).collect(),
    })
}

fn write(user: UserId, contact_id: Option<String>, fields: Fields) -> Option<Write> {
    (!fields.is_empty()).then_some(Write { contact_id, user, fields })
}

fn wanted_tags(person: &Person) -> impl Iterator<Item = &'static str> + use<> {
    tags::for_sports(&person.sports).into_iter()
}

fn has_address(contact: &Contact, person: &Person) -> bool {
    let (theirs, ours) = (contact.fields.get(Field::Email), person.fields.get(Field::Email));
    theirs.zip(ours).is_some_and(|(theirs, ours)| theirs.eq_ignore_ascii_case(ours))
}

fn age(contact: &Contact) -> (usize, &str) {
    (contact.id.len(), &contact.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheree() -> Person {
        Person {
            id: UserId("01970000-0000-7000-8000-000000000001".parse().unwrap()),
            role: Role::Parent,
            fields: [(Field::LastName, Some("Lane".to_owned())), (Field::Email, Some("sheree@example.com".to_owned()))]
                .into_iter()
                .collect(),
            sports: vec!["Soccer".parse().unwrap()],
            link: None,
        }
    }

    fn contact(id: &str, user_id: Option<&str>, email: &str) -> Contact {
        let fields = [(Field::LastName, Some("Lane".to_owned())), (Field::Email, Some(email.to_owned()))];
        Contact { id: id.to_owned(), user_id: user_id.map(str::to_owned), fields: fields.into_iter().collect() }
    }

    #[test]
    fn nobody_there_means_a_new_contact_with_everything() {
        let plan = unlinked(&sheree(), &[]).unwrap();

        assert_eq!(plan.write.unwrap().fields, sheree().fields);
        assert_eq!(plan.missing_tags, ["Soccer"]);
    }

    #[test]
    fn a_contact_with_her_address_and_nobodys_id_becomes_hers() {
        let plan =
            unlinked(&sheree(), &[contact("12", None, "Sheree@example.com"), contact("9", None, "sheree@example.com")]);

        let write = plan.unwrap().write.unwrap();
        assert_eq!(write.contact_id.as_deref(), Some("9"));
        assert!(write.fields.is_empty(), "it gets her id and nothing else");
    }

    #[test]
    fn a_contact_of_another_user_is_never_written() {
        let others = Some("01970000-0000-7000-8000-000000000002");

        assert!(unlinked(&sheree(), &[contact("9", others, "sheree@example.com")]).is_none());
    }

    #[test]
    fn the_contact_with_her_id_is_hers_whatever_its_address() {
        let hers = Some("01970000-0000-7000-8000-000000000001");
        let found = [contact("9", Some("x"), "sheree@example.com"), contact("10", hers, "old@example.com")];

        let plan = unlinked(&sheree(), &found).unwrap();

        assert_eq!(plan.contact_id.as_deref(), Some("10"));
        assert_eq!(plan.write.unwrap().fields.get(Field::Email), Some("sheree@example.com"));
    }
}

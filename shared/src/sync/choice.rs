//! Which of the records that were found is whose.

use uuid::Uuid;

use super::problem::{Problem, belongs_to_another, waits_for_erasure};
use crate::db::people::Person;
use crate::db::zoho_links::Standing;
use crate::db::zoho_owners::Others;
use crate::domain::event::CrmModule;
use crate::domain::record::Field;
use crate::domain::{CrmId, UserId};
use crate::zoho::Found;

/// The record that becomes a person's.
#[derive(Debug)]
pub(super) enum Choice {
    Hers(CrmId),
    /// There is none; these Contacts of other users still have her address.
    None(Vec<(UserId, CrmId)>),
    Refused(Problem),
}

/// The record that carries her id; or, where she has never had a Contact, one with her address that is nobody's. One of
/// another user of ours is passed over: addresses are unique here, so that user has another one by now. One that
/// carries an id which nobody here has is never touched.
pub(super) fn of(person: &Person, module: CrmModule, found: &[Found], others: &Others) -> Choice {
    if let Some(hers) = oldest(found.iter().filter(|found| found.is_of(person.id))) {
        return match others.holder(&hers.id) {
            Some(holder) if holder != person.id => Choice::Refused(Problem::Never(belongs_to_another(Some(&hers.id)))),
            _ => Choice::Hers(hers.id.clone()),
        };
    }
    if module == CrmModule::Accounts || person.link(module).standing == Standing::Gone {
        return Choice::None(Vec::new());
    }
    let with_address: Vec<(&Found, Owner)> = found
        .iter()
        .filter(|found| has_address(found, person))
        .map(|found| (found, Owner::of(found, others)))
        .collect();
    let owned_by =
        |wanted: Owner| with_address.iter().filter(move |(_, owner)| *owner == wanted).map(|(found, _)| *found);
    if let Some(free) = oldest(owned_by(Owner::Nobody)) {
        return Choice::Hers(free.id.clone());
    }
    if let Some(strangers) = oldest(owned_by(Owner::Stranger)) {
        return Choice::Refused(Problem::Never(belongs_to_another(Some(&strangers.id))));
    }
    if owned_by(Owner::Erased).next().is_some() {
        return Choice::Refused(waits_for_erasure());
    }
    let passed_over = with_address.iter().filter_map(|(found, owner)| match owner {
        Owner::User(user) => Some((*user, found.id.clone())),
        Owner::Nobody | Owner::Erased | Owner::Stranger => None,
    });
    Choice::None(passed_over.collect())
}

/// The user whose id a record carries, if it is one.
pub(super) fn user_id(our_id: Option<&str>) -> Option<UserId> {
    Uuid::try_parse(our_id?.trim()).ok().map(UserId)
}

/// Whose a record is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nobody,
    User(UserId),
    Erased,
    Stranger,
}

impl Owner {
    fn of(found: &Found, others: &Others) -> Self {
        match (user_id(found.our_id.as_deref()), &found.our_id) {
            (Some(user), _) if others.is_user(user) => Self::User(user),
            (Some(user), _) if others.is_being_erased(user) => Self::Erased,
            (Some(_), _) | (None, Some(_)) => Self::Stranger,
            (None, None) if others.is_to_erase(&found.id) => Self::Erased,
            (None, None) => others.holder(&found.id).map_or(Self::Nobody, Self::User),
        }
    }
}

fn has_address(found: &Found, person: &Person) -> bool {
    let (theirs, ours) = (found.email.as_deref(), person.fields.get(Field::Email));
    theirs.zip(ours).is_some_and(|(theirs, ours)| theirs.eq_ignore_ascii_case(ours))
}

/// Ids grow.
fn oldest<'a>(found: impl Iterator<Item = &'a Found>) -> Option<&'a Found> {
    found.min_by_key(|found| (found.id.as_str().len(), found.id.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::people::sheree;
    use super::*;

    const HERS: &str = "01970000-0000-7000-8000-000000000001";
    const OTHERS: &str = "01970000-0000-7000-8000-000000000002";

    fn found(id: &str, our_id: Option<&str>, email: &str) -> Found {
        Found { id: id.parse().unwrap(), our_id: our_id.map(str::to_owned), email: Some(email.to_owned()) }
    }

    fn chosen(found: &[Found], others: &Others) -> Result<Option<String>, Problem> {
        match of(&sheree(), CrmModule::Contacts, found, others) {
            Choice::Hers(record) => Ok(Some(record.as_str().to_owned())),
            Choice::None(_) => Ok(None),
            Choice::Refused(problem) => Err(problem),
        }
    }

    #[test]
    fn the_oldest_contact_with_her_address_and_nobodys_id_becomes_hers() {
        let found = [found("12", None, "Sheree@example.com"), found("9", None, "sheree@example.com")];

        assert_eq!(chosen(&found, &Others::default()).unwrap().as_deref(), Some("9"));
    }

    #[test]
    fn the_contact_with_her_id_is_hers_whatever_its_address() {
        let found = [found("9", None, "sheree@example.com"), found("10", Some(HERS), "old@example.com")];

        assert_eq!(chosen(&found, &Others::default()).unwrap().as_deref(), Some("10"));
    }

    #[test]
    fn a_contact_with_an_id_that_nobody_has_is_never_touched() {
        for id in [OTHERS, "x"] {
            assert!(matches!(
                chosen(&[found("9", Some(id), "sheree@example.com")], &Others::default()),
                Err(Problem::Never(_))
            ));
        }
    }

    #[test]
    fn a_contact_of_another_user_of_ours_is_passed_over() {
        let others = Others::of_users(&[UserId(OTHERS.parse().unwrap())]);

        let found = [found("9", Some(OTHERS), "sheree@example.com")];
        let passed_over = vec![(UserId(OTHERS.parse().unwrap()), "9".parse().unwrap())];
        assert!(
            matches!(of(&sheree(), CrmModule::Contacts, &found, &others), Choice::None(found) if found == passed_over)
        );
    }

    #[test]
    fn whoever_has_lost_her_contact_is_known_by_her_id_alone() {
        let mut sheree = sheree();
        sheree.contact.standing = Standing::Gone;
        let found = [found("9", None, "sheree@example.com")];

        assert!(matches!(of(&sheree, CrmModule::Contacts, &found, &Others::default()), Choice::None(_)));
    }
}

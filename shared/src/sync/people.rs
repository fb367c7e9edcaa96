//! The people of the story, for the tests of this module.

use crate::db::people::Person;
use crate::db::zoho_links::{Corrections, Link, Standing};
use crate::domain::record::{Field, Fields};
use crate::domain::{Role, UserId};
use crate::zoho::Record;

pub(super) fn sheree() -> Person {
    Person {
        id: UserId("01970000-0000-7000-8000-000000000001".parse().unwrap()),
        read_at: "2026-11-22T10:00:30Z".parse().unwrap(),
        role: Role::Parent,
        fields: fields(&[
            (Field::FirstName, "Sheree"),
            (Field::LastName, "Lane"),
            (Field::Email, "sheree@example.com"),
            (Field::Role, "parent"),
        ]),
        sports: vec!["Soccer".parse().unwrap()],
        births: vec!["2009-05-14".parse().unwrap()],
        contact: never(),
        account: never(),
    }
}

/// As sales make one.
pub(super) fn contact(id: &str, email: &str) -> Record {
    Record {
        id: id.parse().unwrap(),
        our_id: None,
        fields: fields(&[(Field::LastName, "Lane"), (Field::Email, email)]),
        account: None,
        tags: Vec::new(),
        modified_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        newest_at: "2026-11-22T10:00:00Z".parse().unwrap(),
    }
}

fn never() -> Link {
    Link {
        gone: false,
        standing: Standing::Never,
        base: Fields::default(),
        sent: Vec::new(),
        tags: Vec::new(),
        tags_set_out_at: None,
        modified_at: None,
        synced_at: None,
        version: 0,
        corrections: Corrections::default(),
    }
}

fn fields(fields: &[(Field, &str)]) -> Fields {
    fields.iter().map(|(field, value)| (*field, Some((*value).to_owned()))).collect()
}

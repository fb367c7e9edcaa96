//! A person as both sides of the CRM know her, and the rules of who may write what. Zoho's own names for the
//! fields stand in `zoho`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What we keep equal on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    FirstName,
    LastName,
    Email,
    Phone,
    Street,
    City,
    State,
    PostalCode,
    Country,
}

impl Field {
    pub const ALL: [Self; 9] = [
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::Phone,
        Self::Street,
        Self::City,
        Self::State,
        Self::PostalCode,
        Self::Country,
    ];

    /// Whether our side is right when both differ. Sales may correct a name or a phone number over there; an
    /// edit in the CRM must never move a login.
    fn is_ours(self) -> bool {
        self == Self::Email
    }

    fn same(self, one: &str, other: &str) -> bool {
        if self == Self::Email { one.eq_ignore_ascii_case(other) } else { one == other }
    }
}

/// Values by field; a blank value is no value.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactFields(BTreeMap<Field, String>);

impl std::fmt::Debug for ContactFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(Field, Option<String>)> for ContactFields {
    fn from_iter<I: IntoIterator<Item = (Field, Option<String>)>>(fields: I) -> Self {
        Self(
            fields
                .into_iter()
                .filter_map(|(field, value)| Some((field, value.filter(|v| !v.trim().is_empty())?)))
                .collect(),
        )
    }
}

impl ContactFields {
    pub fn get(&self, field: Field) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// What to write on a Contact that stood there before us: its blanks, and what only we may say.
    #[must_use]
    pub fn to_fill(&self, theirs: &Self) -> Self {
        self.only(|field, ours| match theirs.get(field) {
            None => true,
            Some(theirs) => field.is_ours() && !field.same(ours, theirs),
        })
    }

    /// What has changed on our side since both sides agreed, and so is ours to send. A field on which they
    /// have never agreed is left to the CRM, unless it is ours to say.
    #[must_use]
    pub fn changed_since(&self, base: &Self) -> Self {
        self.only(|field, ours| match base.get(field) {
            Some(base) => !field.same(ours, base),
            None => field.is_ours(),
        })
    }

    /// On what both sides agree after `sent` was written over `theirs`.
    #[must_use]
    pub fn agreed_with(&self, theirs: &Self, sent: &Self) -> Self {
        self.only(|field, ours| {
            sent.get(field).or_else(|| theirs.get(field)).is_some_and(|there| field.same(ours, there))
        })
    }

    fn only(&self, keep: impl Fn(Field, &str) -> bool) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(field, value)| keep(**field, value))
                .map(|(field, value)| (*field, value.clone()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Field::{Email, FirstName, Phone};
    use super::*;

    fn fields<const N: usize>(fields: [(Field, &str); N]) -> ContactFields {
        fields.into_iter().map(|(field, value)| (field, Some(value.to_owned()))).collect()
    }

    #[test]
    fn only_the_blanks_of_a_contact_that_stood_there_are_filled() {
        let ours = fields([(FirstName, "Sheree"), (Phone, "+13125550142"), (Email, "sheree@example.com")]);
        let theirs = fields([(FirstName, "Sherry"), (Phone, " "), (Email, "Sheree@Example.com")]);

        assert_eq!(ours.to_fill(&theirs), fields([(Phone, "+13125550142")]));
    }

    #[test]
    fn an_address_in_the_crm_is_corrected_to_the_login() {
        let ours = fields([(Email, "new@example.com")]);
        let theirs = fields([(Email, "old@example.com")]);

        assert_eq!(ours.to_fill(&theirs), ours);
    }

    #[test]
    fn a_field_on_which_the_sides_never_agreed_is_left_to_the_crm() {
        let ours = fields([(FirstName, "Sheree"), (Phone, "+13125550142")]);
        let theirs = fields([(FirstName, "Sherry")]);
        let base = ours.agreed_with(&theirs, &ours.to_fill(&theirs));

        assert_eq!(base, fields([(Phone, "+13125550142")]));
        assert!(ours.changed_since(&base).is_empty());
    }
}

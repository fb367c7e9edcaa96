//! A person or an organisation as both sides of the CRM know it: the fields that are kept equal, and whose word counts
//! in each. Zoho's own names for the fields stand in `zoho`; how the sides are brought together in
//! [`merge`](super::merge).

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

use super::event::CrmModule;

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
    Role,
    ReferredByCode,
    ReferralCode,
    CertificationLevel,
    OrgName,
    OrgType,
}

/// Fields that change together: a street here and a city over there are no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    FirstName,
    LastName,
    Email,
    Phone,
    Address,
    Role,
    ReferredByCode,
    ReferralCode,
    CertificationLevel,
    OrgName,
    OrgType,
}

/// Whose word counts when both sides have changed a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An edit in the CRM must never move a login, a role or a code: ours goes back.
    Ours,
    /// Sales talk to people: they know best how somebody is called and where she lives.
    Crm,
}

impl Unit {
    pub const ALL: [Self; 11] = [
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::Phone,
        Self::Address,
        Self::Role,
        Self::ReferredByCode,
        Self::ReferralCode,
        Self::CertificationLevel,
        Self::OrgName,
        Self::OrgType,
    ];

    /// The units of a module's records.
    pub fn of(module: CrmModule) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |unit| unit.module() == module)
    }

    pub fn module(self) -> CrmModule {
        match self {
            Self::OrgName | Self::OrgType => CrmModule::Accounts,
            _ => CrmModule::Contacts,
        }
    }

    pub fn owner(self) -> Owner {
        match self {
            Self::FirstName | Self::LastName | Self::Phone | Self::Address | Self::OrgName => Owner::Crm,
            Self::Email
            | Self::Role
            | Self::ReferredByCode
            | Self::ReferralCode
            | Self::CertificationLevel
            | Self::OrgType => Owner::Ours,
        }
    }

    /// Whether our side needs it: blank over there, it goes back.
    pub fn is_required(self) -> bool {
        matches!(self, Self::FirstName | Self::LastName | Self::OrgName)
    }

    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::FirstName => &[Field::FirstName],
            Self::LastName => &[Field::LastName],
            Self::Email => &[Field::Email],
            Self::Phone => &[Field::Phone],
            Self::Address => &[Field::Street, Field::City, Field::State, Field::PostalCode, Field::Country],
            Self::Role => &[Field::Role],
            Self::ReferredByCode => &[Field::ReferredByCode],
            Self::ReferralCode => &[Field::ReferralCode],
            Self::CertificationLevel => &[Field::CertificationLevel],
            Self::OrgName => &[Field::OrgName],
            Self::OrgType => &[Field::OrgType],
        }
    }

    /// As it stands in `sync_conflicts.field`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Address => "address",
            Self::Role => "role",
            Self::ReferredByCode => "referred_by_code",
            Self::ReferralCode => "referral_code",
            Self::CertificationLevel => "certification_level",
            Self::OrgName => "org_name",
            Self::OrgType => "org_type",
        }
    }
}

/// Values by field; a blank value is no value.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<Field, String>);

/// What is to be written: `None` clears a field.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(BTreeMap<Field, Option<String>>);

/// Without the values: they say something about a person.
impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Deref for Changes {
    type Target = BTreeMap<Field, Option<String>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Changes {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<const N: usize> From<[(Field, Option<String>); N]> for Changes {
    fn from(changes: [(Field, Option<String>); N]) -> Self {
        Self(changes.into())
    }
}

impl FromIterator<(Field, Option<String>)> for Changes {
    fn from_iter<I: IntoIterator<Item = (Field, Option<String>)>>(changes: I) -> Self {
        Self(changes.into_iter().collect())
    }
}

/// Without the values: they say something about a person.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(Field, Option<String>)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Field, Option<String>)>>(fields: I) -> Self {
        Self(
            fields
                .into_iter()
                .filter_map(|(field, value)| Some((field, value.filter(|v| !v.trim().is_empty())?)))
                .collect(),
        )
    }
}

impl Fields {
    pub fn get(&self, field: Field) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// These fields with some of them changed.
    #[must_use]
    pub fn with(&self, changes: &Changes) -> Self {
        let mut fields = self.0.clone();
        for (field, value) in changes.iter() {
            match value.as_ref().filter(|value| !value.trim().is_empty()) {
                Some(value) => drop(fields.insert(*field, value.clone())),
                None => drop(fields.remove(field)),
            }
        }
        Self(fields)
    }

    /// Those of these fields that somebody wants to keep.
    #[must_use]
    pub fn only(&self, keep: impl Fn(Field) -> bool) -> Self {
        Self(self.0.iter().filter(|(field, _)| keep(**field)).map(|(field, value)| (*field, value.clone())).collect())
    }
}

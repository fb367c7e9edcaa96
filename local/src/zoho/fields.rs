//! The two modules and their fields: names, types and lengths of a new Zoho organisation, and our custom ones.

use std::str::FromStr;

use super::Options;

/// A custom field that was not declared by name is a single line of text if its name starts so; any other unknown name is
/// ignored in writes, as Zoho does, and refused in queries.
const CUSTOM_PREFIX: &str = "ISO_";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Module {
    Contacts,
    Accounts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    Email(usize),
    Boolean,
    Integer,
    Date,
    /// A record of another module.
    Lookup(Module),
    Tags,
    // What the CRM alone sets:
    Id,
    /// Text made of other fields.
    Formula,
    Time,
    Person,
}

use Kind::{Boolean, Date, Email, Formula, Id, Integer, Lookup, Person, Tags, Text, Time};

const SYSTEM: &[(&str, Kind)] = &[
    ("id", Id),
    ("Owner", Person),
    ("Created_By", Person),
    ("Modified_By", Person),
    ("Created_Time", Time),
    ("Modified_Time", Time),
    ("Tag", Tags),
];

const CONTACT: &[(&str, Kind)] = &[
    ("First_Name", Text(40)),
    ("Last_Name", Text(80)),
    ("Full_Name", Formula),
    ("Salutation", Text(20)),
    ("Email", Email(100)),
    ("Secondary_Email", Email(100)),
    ("Phone", Text(50)),
    ("Mobile", Text(30)),
    ("Home_Phone", Text(30)),
    ("Other_Phone", Text(30)),
    ("Account_Name", Lookup(Module::Accounts)),
    ("Title", Text(100)),
    ("Department", Text(50)),
    ("Date_of_Birth", Date),
    ("Mailing_Street", Text(250)),
    ("Mailing_City", Text(100)),
    ("Mailing_State", Text(100)),
    ("Mailing_Zip", Text(30)),
    ("Mailing_Country", Text(100)),
    ("Other_Street", Text(250)),
    ("Other_City", Text(100)),
    ("Other_State", Text(100)),
    ("Other_Zip", Text(30)),
    ("Other_Country", Text(100)),
    ("Lead_Source", Text(120)),
    ("Email_Opt_Out", Boolean),
    ("Twitter", Text(50)),
    ("Skype_ID", Text(50)),
    ("Description", Text(32_000)),
];

const ACCOUNT: &[(&str, Kind)] = &[
    ("Account_Name", Text(200)),
    ("Account_Number", Text(40)),
    ("Account_Site", Text(80)),
    ("Account_Type", Text(120)),
    ("Industry", Text(120)),
    ("Ownership", Text(120)),
    ("Phone", Text(30)),
    ("Fax", Text(30)),
    ("Website", Text(255)),
    ("Employees", Integer),
    ("Billing_Street", Text(250)),
    ("Billing_City", Text(100)),
    ("Billing_State", Text(100)),
    ("Billing_Code", Text(30)),
    ("Billing_Country", Text(100)),
    ("Shipping_Street", Text(250)),
    ("Shipping_City", Text(100)),
    ("Shipping_State", Text(100)),
    ("Shipping_Code", Text(30)),
    ("Shipping_Country", Text(100)),
    ("Description", Text(32_000)),
];

impl Module {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Contacts => "Contacts",
            Self::Accounts => "Accounts",
        }
    }

    /// The id of the module itself.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Contacts => "4150868000000002175",
            Self::Accounts => "4150868000000002177",
        }
    }

    /// The field that every record must have; for Accounts it is also the one that duplicates are found by.
    pub(super) fn mandatory(self) -> &'static str {
        match self {
            Self::Contacts => "Last_Name",
            Self::Accounts => "Account_Name",
        }
    }

    /// The field by which an upsert finds duplicates unless it is told otherwise.
    pub(super) fn duplicate_field(self) -> &'static str {
        match self {
            Self::Contacts => "Email",
            Self::Accounts => "Account_Name",
        }
    }

    /// The field that is ours and unique.
    pub(super) fn key(self, options: &Options) -> &str {
        match self {
            Self::Contacts => &options.contact_key,
            Self::Accounts => &options.account_key,
        }
    }

    /// The type of a field, or `None` if the module has no such field.
    pub(super) fn kind(self, field: &str, options: &Options) -> Option<Kind> {
        if field == self.key(options) || field.starts_with(CUSTOM_PREFIX) {
            return Some(Text(255));
        }
        self.standard().find(|(name, _)| *name == field).map(|(_, kind)| kind)
    }

    /// The fields that every organisation has.
    pub(super) fn standard(self) -> impl Iterator<Item = (&'static str, Kind)> {
        let own = match self {
            Self::Contacts => CONTACT,
            Self::Accounts => ACCOUNT,
        };
        SYSTEM.iter().chain(own).copied()
    }
}

impl FromStr for Module {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Contacts, Self::Accounts].into_iter().find(|module| module.name() == text).ok_or(())
    }
}

impl Kind {
    /// Whether the CRM alone sets it; a value in a write is ignored.
    pub(super) fn is_read_only(self) -> bool {
        matches!(self, Id | Formula | Time | Person)
    }
}

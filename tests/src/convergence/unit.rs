//! What both sides of the CRM keep equal, as a reader of the documents knows it: independent of the product's own code.

use serde_json::Value;

/// Who somebody is for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Parent,
    Org,
    Photographer,
}

/// What changes as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    FirstName,
    LastName,
    Phone,
    Address,
    Email,
    Role,
    ReferredByCode,
    ReferralCode,
    CertificationLevel,
    OrgName,
    OrgType,
}

use Unit::{
    Address, CertificationLevel, Email, FirstName, LastName, OrgName, OrgType, Phone, ReferralCode, ReferredByCode,
};

/// A value of the CRM's as our side would hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Value(Option<String>),
    /// Our side cannot.
    Not,
}

pub(super) const CONTACTS: &str = "Contacts";
pub(super) const ACCOUNTS: &str = "Accounts";

impl Role {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Org => "org",
            Self::Photographer => "photographer",
        }
    }

    /// What our side can hold of such a person.
    pub(super) fn units(self) -> &'static [Unit] {
        match self {
            Self::Parent => &[FirstName, LastName, Phone, Address, Email, Unit::Role, ReferredByCode],
            Self::Org => &[FirstName, LastName, Email, Unit::Role, ReferredByCode, OrgName, OrgType],
            Self::Photographer => &[FirstName, LastName, Email, Unit::Role, ReferralCode, CertificationLevel],
        }
    }
}

impl Unit {
    pub(super) const ALL: [Self; 11] = [
        FirstName,
        LastName,
        Phone,
        Address,
        Email,
        Self::Role,
        ReferredByCode,
        ReferralCode,
        CertificationLevel,
        OrgName,
        OrgType,
    ];

    pub(super) fn module(self) -> &'static str {
        if matches!(self, OrgName | OrgType) { ACCOUNTS } else { CONTACTS }
    }

    /// Whose word counts: sales know how somebody is called and where she lives; who may log in as what is ours.
    pub(super) fn belongs_to_sales(self) -> bool {
        matches!(self, FirstName | LastName | Phone | Address | OrgName)
    }

    /// As it stands in `sync_conflicts.field`, and in what our side is read by.
    pub(super) fn name(self) -> &'static str {
        match self {
            FirstName => "first_name",
            LastName => "last_name",
            Phone => "phone",
            Address => "address",
            Email => "email",
            Self::Role => "role",
            ReferredByCode => "referred_by_code",
            ReferralCode => "referral_code",
            CertificationLevel => "certification_level",
            OrgName => "org_name",
            OrgType => "org_type",
        }
    }

    /// The CRM's fields.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            FirstName => &["First_Name"],
            LastName => &["Last_Name"],
            Phone => &["Phone"],
            Address => &["Mailing_Street", "Mailing_City", "Mailing_State", "Mailing_Zip", "Mailing_Country"],
            Email => &["Email"],
            Self::Role => &["ISO_Role"],
            ReferredByCode => &["ISO_Referred_By_Code"],
            ReferralCode => &["ISO_Referral_Code"],
            CertificationLevel => &["ISO_Certification_Level"],
            OrgName => &["Account_Name"],
            OrgType => &["ISO_Organization_Type"],
        }
    }

    /// What stands on a record of the CRM, in one line.
    pub(super) fn on(self, record: &Value) -> Option<String> {
        let parts: Vec<&str> = self.fields().iter().filter_map(|field| record[*field].as_str()).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// How our side would hold what stands there.
    pub(super) fn held(self, theirs: Option<&str>) -> Held {
        match (self, theirs.map(folded)) {
            (Phone, Some(text)) => phone(&text),
            (FirstName | LastName | OrgName, None) => Held::Not,
            (_, text) => Held::Value(text),
        }
    }

    pub(super) fn same(self, one: Option<&str>, other: Option<&str>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) if self == Email => one.eq_ignore_ascii_case(other),
            (one, other) => one == other,
        }
    }
}

/// Without what nobody sees of the spaces in it.
pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn phone(text: &str) -> Held {
    let digits: String = text.chars().filter(|c| !" -.()".contains(*c)).collect();
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match digits.strip_prefix('+') {
        Some(number) if all_digits(number) && (8..=15).contains(&number.len()) => Held::Value(Some(digits)),
        None if all_digits(&digits) && digits.len() == 10 => Held::Value(Some(format!("+1{digits}"))),
        _ => Held::Not,
    }
}

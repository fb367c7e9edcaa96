//! What others tell us: what an event is about, and what it changes here.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::gallery::{GalleryEvent, GallerySubject};
use super::ids::UserId;
use super::invalid::{FieldCode, Invalid};
use super::labels::ReferralAction;
use super::text::{CrmId, Email, ExternalId, HostName};

/// Whom or what an event is about. It may be unknown here as yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSubject {
    Gallery(GallerySubject),
    /// Who has bought or booked something.
    Buyer(EmailHash),
    User(UserId),
}

/// What an event changes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Gallery(GalleryEvent),
    Earned(Earning),
    /// Middleware has made or found a user's Contact.
    Linked(CrmId),
}

/// An order or a booking: its buyer's photographer earns a commission, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earning {
    pub action: ReferralAction,
    /// Who says so: a gallery host.
    pub source: HostName,
    /// The host's own id of it.
    pub external_ref: ExternalId,
}

/// The SHA-256 of an e-mail address in lower case: enough to know an address again, and not the address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EmailHash([u8; 32]);

/// A record that has changed in the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CrmRecord {
    pub module: CrmModule,
    pub id: u64,
}

/// The modules of the CRM that we have to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CrmModule {
    Contacts,
    Accounts,
}

impl CrmModule {
    pub const ALL: [Self; 2] = [Self::Contacts, Self::Accounts];

    /// Its name at Zoho, and as it stands in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contacts => "Contacts",
            Self::Accounts => "Accounts",
        }
    }
}

impl FromStr for CrmModule {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "Contacts" => Ok(Self::Contacts),
            "Accounts" => Ok(Self::Accounts),
            _ => Err(Invalid::not_one_of(&Self::ALL.map(Self::as_str))),
        }
    }
}

impl EventSubject {
    /// As it stands in `webhook_inbox.subject`.
    pub fn text(&self) -> String {
        match self {
            Self::Gallery(gallery) => gallery.text(),
            Self::Buyer(hash) => format!("buyer:{hash}"),
            Self::User(user) => format!("user:{user}"),
        }
    }
}

impl FromStr for EventSubject {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Without the text: it may hold the hash of an address.
        let wrong = || Invalid::new(FieldCode::WrongFormat, "is no subject of an event");
        match text.split_once(':').ok_or_else(wrong)? {
            ("gallery", gallery) => {
                let (host, external_host_id) = gallery.split_once('/').ok_or_else(wrong)?;
                let subject = GallerySubject { host: host.parse()?, external_host_id: external_host_id.parse()? };
                Ok(Self::Gallery(subject))
            }
            ("buyer", hash) => hash.parse().map(Self::Buyer),
            ("user", id) => id.parse().map(Self::User),
            _ => Err(wrong()),
        }
    }
}

impl EmailHash {
    pub fn of(email: &Email) -> Self {
        // As the database's `email_sha256` does it.
        Self(Sha256::digest(email.as_str().to_ascii_lowercase()).into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// In hex.
impl fmt::Display for EmailHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A hash can be guessed by who has the address.
impl fmt::Debug for EmailHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailHash(redacted)")
    }
}

impl FromStr for EmailHash {
    type Err = Invalid;

    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        let wrong = || Invalid::new(FieldCode::WrongFormat, "must be 64 hexadecimal digits");
        if hex.len() != 64 || !hex.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&hex[place..place + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl CrmRecord {
    /// The key of its task: the module in the upper half, the record's number in the lower one.
    pub fn key(self) -> Uuid {
        let module = match self.module {
            CrmModule::Contacts => 1,
            CrmModule::Accounts => 2,
        };
        Uuid::from_u64_pair(module, self.id)
    }

    /// The record that a task is about; `None`: it is no key of ours.
    pub fn of_key(key: Uuid) -> Option<Self> {
        let (module, id) = key.as_u64_pair();
        let module = match module {
            1 => CrmModule::Contacts,
            2 => CrmModule::Accounts,
            _ => return None,
        };
        Some(Self { module, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_as_it_is_written() {
        let hash = EmailHash::of(&"Sheree@Example.com".parse().unwrap());
        let gallery = GallerySubject {
            host: "photoday".parse().unwrap(),
            // A host's id may have slashes and colons of its own.
            external_host_id: "a/b:c".parse().unwrap(),
        };
        let subjects =
            [EventSubject::Gallery(gallery), EventSubject::Buyer(hash), EventSubject::User(UserId(Uuid::nil()))];

        for subject in subjects {
            assert_eq!(subject.text().parse(), Ok(subject));
        }
    }

    #[test]
    fn an_address_is_known_again_without_regard_to_case() {
        let [one, other] =
            ["Sheree@Example.com", "sheree@example.com"].map(|text| EmailHash::of(&text.parse().unwrap()));

        assert_eq!(one, other);
        // `printf sheree@example.com | sha256sum`
        assert_eq!(one.to_string(), "c729e1e2b8350f8f161bb71d19c40d67a598de159b7906e66e2fdeb720bfd347");
    }

    #[test]
    fn a_record_is_known_again_by_its_key() {
        let record = CrmRecord { module: CrmModule::Accounts, id: 5_725_767_000_003_000_064 };

        assert_eq!(CrmRecord::of_key(record.key()), Some(record));
        assert_eq!(CrmRecord::of_key(Uuid::nil()), None);
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        for text in ["", "gallery:photoday", "buyer:12", "buyer:é", "user:1", "order:1"] {
            assert!(text.parse::<EventSubject>().is_err(), "{text}");
        }
    }
}

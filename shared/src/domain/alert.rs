//! "Your photos are ready": whom an e-mail goes to, and what its receipts say became of it.

use super::event::EmailHash;
use super::ids::{AlertBatchId, AlertId};
use super::text::{Email, PersonName};

/// One parent's alert.
#[derive(Debug)]
pub struct Recipient {
    pub alert: AlertId,
    pub email: Email,
    pub first_name: PersonName,
    /// Her athletes' first names on this organisation's roster.
    pub athletes: Vec<PersonName>,
}

/// What became of one alert's e-mail. Whatever it says, it proves that the batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub alert: Option<AlertId>,
    pub batch: Option<AlertBatchId>,
    /// Whom the e-mail went to, who may have another address by now.
    pub address: Option<EmailHash>,
    pub action: ReceiptAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptAction {
    Delivered,
    /// The address does not exist: it is not written to again.
    HardBounce,
    SoftBounce,
    Spam,
    Unsubscribed,
    /// Opened, clicked: it went, and that is all.
    Other,
}

impl ReceiptAction {
    /// Why the address must not be written to again.
    pub fn suppresses(self) -> Option<&'static str> {
        match self {
            Self::HardBounce => Some("bounce"),
            Self::Spam => Some("spam"),
            Self::Unsubscribed => Some("unsubscribe"),
            Self::Delivered | Self::SoftBounce | Self::Other => None,
        }
    }
}

//! Zoho CRM and Zoho Campaigns. Their JSON never leaves this module; what comes out is ours.

mod campaigns;
mod contacts;
mod error;
mod http;
mod settings;
mod token;

pub use campaigns::{Campaigns, PREPARE_TIMEOUT, TRANSMIT_TIMEOUT, Transmission, Transmitted};
pub use contacts::{Contact, Contacts, Write};
pub use error::{RecordError, ZohoError};
pub use http::{CALL_TIMEOUT, Zoho};
pub use settings::ZohoSettings;

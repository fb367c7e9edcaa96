//! Zoho CRM and Zoho Campaigns. Their JSON never leaves this module; what comes out is ours.

mod campaigns;
mod changes;
mod data_centre;
mod error;
mod fields;
mod http;
mod query;
mod records;
mod refusal;
mod request;
mod settings;
mod tags;
mod token;
mod values;
mod watch;
mod writes;

pub use campaigns::{Campaigns, Transmission, Transmitted};
pub use changes::{Deleted, Edited, Page, Place};
pub use error::{RecordError, ZohoError};
pub use http::Zoho;
pub use records::{Crm, Found, MOST_RECORDS, Record};
pub use settings::ZohoSettings;
pub use tags::MOST_TAGGED;
pub use watch::{Watch, Wish};
pub use writes::{Key, Write, Written};

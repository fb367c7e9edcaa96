//! Where printed photos are mailed to.

use serde::Serialize;

use super::form::Form;
use super::text::Line;

/// All five parts are required, in the database too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MailingAddress {
    street: Line,
    city: Line,
    state: Line,
    postal_code: Line,
    country: Line,
}

impl MailingAddress {
    /// Reads the five parts; every problem stays in the form.
    pub fn read(form: &mut Form<'_>) -> Option<Self> {
        let street = form.required("street");
        let city = form.required("city");
        let state = form.required("state");
        let postal_code = form.required("postal_code");
        let country = form.required("country");
        Some(Self { street: street?, city: city?, state: state?, postal_code: postal_code?, country: country? })
    }
}

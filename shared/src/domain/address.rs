//! Where printed photos are mailed to.

use serde::Serialize;

use super::form::Form;
use super::text::{Line, Typed};

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
        let street = form.required::<Typed<Line>>("street");
        let city = form.required::<Typed<Line>>("city");
        let state = form.required::<Typed<Line>>("state");
        let postal_code = form.required::<Typed<Line>>("postal_code");
        let country = form.required::<Typed<Line>>("country");
        Some(Self {
            street: street?.0,
            city: city?.0,
            state: state?.0,
            postal_code: postal_code?.0,
            country: country?.0,
        })
    }
}

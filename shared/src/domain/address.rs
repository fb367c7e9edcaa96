//! Where printed photos are mailed to.

use serde::Serialize;
use serde_json::Value;

use super::form::Form;
use super::text::{Country, Line, Typed};

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
        Self::changed(form, &Value::Null)
    }

    /// Reads the five parts of an address that was `current` before. A country that stays is not judged again: what
    /// sales write into the CRM is no code.
    pub fn changed(form: &mut Form<'_>, current: &Value) -> Option<Self> {
        let street = form.required::<Typed<Line>>("street");
        let city = form.required::<Typed<Line>>("city");
        let state = form.required::<Typed<Line>>("state");
        let postal_code = form.required::<Typed<Line>>("postal_code");
        let country = if form.says("country", &current["country"]) {
            form.required::<Typed<Line>>("country").map(|country| country.0)
        } else {
            form.required::<Country>("country").and_then(|country| country.as_str().parse().ok())
        };
        Some(Self { street: street?.0, city: city?.0, state: state?.0, postal_code: postal_code?.0, country: country? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(country: &str, current: &Value) -> Option<Value> {
        let typed = json!({"street": "12 Elm St", "city": "Chicago", "state": "IL", "postal_code": "60601", "country": country});
        let mut form = Form::of(&typed).unwrap();
        let address = MailingAddress::changed(&mut form, current);
        form.finish(address).ok().map(|address| json!(address)["country"].clone())
    }

    #[test]
    fn a_country_is_stored_as_its_code_and_one_that_stands_already_stays() {
        let by_sales = json!({"country": "Chicagoland"});

        assert_eq!(changed("united states", &Value::Null), Some(json!("US")));
        assert_eq!(changed("Atlantis", &Value::Null), None);
        assert_eq!(changed("Chicagoland", &by_sales), Some(json!("Chicagoland")));
        assert_eq!(changed("Atlantis", &by_sales), None);
        assert_eq!(changed("", &json!({"country": ""})), None, "a new address is whole");
    }
}

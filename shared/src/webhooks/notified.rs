//! As whom Zoho CRM is to send its notifications, and with which token: so that who is asked to send them and who lets
//! them in go by one secret.

use sha2::{Digest, Sha256};

use super::kind::EventKind;
use super::scheme::Scheme;
use super::sources::{Source, Sources};
use super::token::Place;
use crate::config::ConfigError;

/// Where Zoho puts the token (its API, "Notifications").
const PLACE: &str = "/token";

/// The longest token that Zoho takes.
const LONGEST: usize = 50;

/// The source that Zoho CRM's notifications come from. It prints without its token.
#[derive(Clone, PartialEq, Eq)]
pub struct CrmSource {
    pub name: String,
    /// Its first key: a new one is put before the old ones.
    pub token: String,
}

impl std::fmt::Debug for CrmSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CrmSource({})", self.name)
    }
}

impl CrmSource {
    /// By which a token is known again without being kept.
    pub fn token_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.token).into()
    }
}

impl Sources {
    /// The source for Zoho CRM's notifications, whatever it is called; of several the first by name.
    ///
    /// # Errors
    /// There is none, or its token is too long for Zoho.
    pub fn of_the_crm(&self) -> Result<CrmSource, ConfigError> {
        let wrong = |problem: String| ConfigError::WrongSecret { name: "WEBHOOK_SOURCES_SECRET".to_owned(), problem };
        let named = self
            .iter()
            .find_map(|source| Some(CrmSource { name: source.name.as_str().to_owned(), token: token_of(source)? }));
        let source = named.ok_or_else(|| {
            let left_out: Vec<String> = self.wrong().iter().map(|entry| format!("; {entry}")).collect();
            wrong(format!("{NONE}{}", left_out.concat()))
        })?;
        if source.token.len() > LONGEST {
            return Err(wrong(format!(
                "has the source {} with a token that Zoho does not take: its first key must have at most {LONGEST} characters",
                source.name
            )));
        }
        Ok(source)
    }
}

const NONE: &str = r#"has no source for Zoho's notifications: add one like "zoho-crm":{"scheme":"token","body":"/token","keys":["16 to 50 random characters"],"events":["crm.records.changed"]}"#;

fn token_of(source: &Source) -> Option<String> {
    let Scheme::Token(in_place) = &source.scheme else { return None };
    let there = matches!(&in_place.place, Place::Body(place) if place.as_str() == PLACE);
    let sends = there && source.events().contains(&EventKind::CrmRecordsChanged);
    in_place.tokens.first().filter(|_| sends).map(|key| key.written.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::sources;
    use super::Sources;

    fn token(keys: &[&str], place: &str, event: &str) -> Value {
        json!({"scheme": "token", place: "/token", "keys": keys, "events": [event]})
    }

    #[test]
    fn the_source_is_known_by_what_it_sends_and_its_first_key_is_the_one() {
        let found = sources(&json!({
            "a-campaigns": {"scheme": "token", "header": "authorization", "keys": ["the receipts' token"], "events": ["email.receipt"]},
            "crm": token(&["the new token of it", "the old token of it"], "body", "crm.records.changed"),
            "zoho-crm": token(&["the token of another"], "body", "crm.records.changed"),
        }))
        .unwrap()
        .of_the_crm()
        .unwrap();

        assert_eq!((found.name.as_str(), found.token.as_str()), ("crm", "the new token of it"));
        assert!(!format!("{found:?}").contains("token of"));
    }

    #[test]
    fn without_one_it_is_told_what_to_add() {
        let elsewhere = json!({"scheme": "token", "body": "/secret", "keys": ["sixteen letters!"], "events": ["crm.records.changed"]});
        let in_header = json!({"scheme": "token", "header": "x-token", "keys": ["sixteen letters!"], "events": ["crm.records.changed"]});

        for settings in [json!({}), json!({ "crm": elsewhere }), json!({ "crm": in_header })] {
            let problem = sources(&settings).unwrap().of_the_crm().unwrap_err().to_string();

            assert!(problem.contains(r#""body":"/token""#) && problem.contains("crm.records.changed"), "{problem}");
        }
    }

    #[test]
    fn where_it_is_left_out_it_is_told_why() {
        let secret = json!({ "crm": token(&["too short"], "body", "crm.records.changed") });
        let sources = Sources::of(serde_json::from_value(secret).unwrap());

        let problem = sources.of_the_crm().unwrap_err().to_string();

        assert!(problem.contains("; crm: /keys/0 must be a text of at least 16"), "{problem}");
    }

    #[test]
    fn a_token_that_zoho_would_not_take_is_refused_without_telling_it() {
        let (long, longer) = ("x".repeat(50), "x".repeat(51));

        let fits = sources(&json!({ "crm": token(&[&long], "body", "crm.records.changed") })).unwrap();
        let too_long = sources(&json!({ "crm": token(&[&longer], "body", "crm.records.changed") })).unwrap();

        assert!(fits.of_the_crm().is_ok());
        let problem = too_long.of_the_crm().unwrap_err().to_string();
        assert!(problem.contains("the source crm") && problem.contains("50") && !problem.contains("xxx"), "{problem}");
    }
}

//! Zoho Campaigns' Email API: one transmission of a stored template to a batch of recipients
//! (`POST /emailapi/v1/transmission`). It has no idempotency key, so what matters about a failure is whether the
//! request can have reached Zoho.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::error::ZohoError;
use super::http::{Exchanged, Zoho, exchange};
use super::settings::{CampaignsSettings, ZohoSettings};
use super::token;
use crate::bounds;
use crate::config::ConfigError;
use crate::db::Connection;
use crate::domain::alert::Recipient;
use crate::domain::text::shortened;
use crate::domain::{AlertBatchId, GalleryUrl, PersonName, Title};
use crate::tasks::Failure;

/// One batch, ready to go.
#[derive(Debug)]
pub struct Transmission<'a> {
    pub batch: AlertBatchId,
    pub recipients: &'a [Recipient],
    pub title: &'a Title,
    pub public_url: Option<&'a GalleryUrl>,
    /// Whether the e-mail may name the athletes.
    pub names_athletes: bool,
}

/// What is certain after the call.
#[derive(Debug)]
pub enum Transmitted {
    Accepted {
        transmission_id: String,
    },
    /// It did not go; it may be tried again after this long, or after the usual backoff.
    NotSent {
        wait: Option<Duration>,
        pauses: bool,
        failure: Failure,
    },
    /// It did not go, and will not until a person has mended something.
    Refused(Failure),
    /// It did not go: fewer recipients at a time.
    TooManyRecipients,
    /// Nobody knows.
    Unknown(Failure),
}

/// The Email API of Zoho Campaigns.
#[derive(Debug)]
pub struct Campaigns {
    zoho: Zoho,
    /// Where Campaigns is.
    base: String,
    settings: CampaignsSettings,
}

/// Leave to send: an access token, got before anything is marked.
#[derive(Debug)]
pub struct Ready(token::Token);

/// More than any checked text has.
const MERGED_LENGTH: usize = 200;

/// # Errors
/// The secret has no part `campaigns`, or nobody knows where Campaigns is in its data centre.
impl TryFrom<ZohoSettings> for Campaigns {
    type Error = ConfigError;

    fn try_from(zoho: ZohoSettings) -> Result<Self, ConfigError> {
        let wrong = |problem: String| ConfigError::WrongSecret { name: "ZOHO_SECRET".to_owned(), problem };
        let missing = "has no part \"campaigns\": alerts need a template and a sender";
        let incomplete = "has a part \"campaigns\" that is wrong: it needs gallery_live_template_id, from_address and \
                          from_name, each a text";
        let settings = zoho.campaigns.clone().ok_or_else(|| wrong(missing.to_owned()))?;
        let settings = serde_json::from_value(settings).map_err(|_| wrong(incomplete.to_owned()))?;
        let base = zoho.campaigns().ok_or_else(|| {
            let place = zoho.data_centre().as_str();
            wrong(format!(
                "names the data centre {place}, where Zoho does not say what host Campaigns has: no alerts from there"
            ))
        })?;
        Ok(Self { zoho: Zoho::try_from(zoho)?, base, settings })
    }
}

impl Campaigns {
    /// Gets a token while nothing is marked yet: whatever fails here has certainly sent nothing.
    pub async fn prepare(&self, connection: &Connection) -> Result<Ready, Transmitted> {
        let token = tokio::time::timeout(bounds::CAMPAIGNS_PREPARE, token::current(&self.zoho, connection)).await;
        match token.unwrap_or(Err(ZohoError::NoAnswer("timeout"))) {
            Ok(token) => Ok(Ready(token)),
            Err(error) => Err(not_sent(&error)),
        }
    }

    /// Hands a batch over. Sent a second time only where Zoho did not take the token, which is to say not at all.
    pub async fn transmit(
        &self,
        connection: &Connection,
        ready: Ready,
        transmission: &Transmission<'_>,
    ) -> Transmitted {
        let Ready(token) = ready;
        let body = self.body(transmission);
        let first = self.attempt(&token, &body).await;
        let Err(ZohoError::InvalidToken) = first else { return first.unwrap_or_else(|error| judged(&error)) };
        let replaced =
            tokio::time::timeout(bounds::ZOHO_EXCHANGE, token::replaced(&self.zoho, connection, &token)).await;
        match replaced.unwrap_or(Err(ZohoError::NoAnswer("timeout"))) {
            Ok(token) => self.attempt(&token, &body).await.unwrap_or_else(|error| judged(&error.not_the_token())),
            Err(error) => not_sent(&error),
        }
    }

    async fn attempt(&self, token: &token::Token, body: &Value) -> Result<Transmitted, ZohoError> {
        let url = format!("{}/emailapi/v1/transmission", self.base);
        let Exchanged { status, retry_after, text, .. } =
            exchange(token.authorize(self.zoho.http.request(Method::POST, url).json(body))).await?;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        // Codes arrive as strings or as numbers, and an error with or without the envelope.
        let code = [&answer["response"]["code"], &answer["code"], &answer["Code"]].into_iter().find_map(number);
        match (status.as_u16(), code) {
            (401, _) | (_, Some(1007)) => Err(ZohoError::InvalidToken),
            (429, _) => Err(ZohoError::Throttled { code: "TOO_MANY_REQUESTS".to_owned(), retry_after }),
            (_, Some(200_001)) => Ok(Transmitted::Accepted { transmission_id: text_of(&answer["transmission_id"]) }),
            (_, Some(400_011)) => Ok(Transmitted::TooManyRecipients),
            // The sender or the account, and so every batch: all of them wait until somebody has mended it.
            (_, Some(code @ (400_008 | 400_009 | 400_016))) => Ok(account(code)),
            (status @ (403 | 404), None) => Ok(account(status.into())),
            (_, Some(code @ 400_000..=499_999)) => Ok(Transmitted::Refused(refusal(code))),
            (status @ (400 | 413 | 415 | 422), _) => Ok(Transmitted::Refused(refusal(status.into()))),
            // Their side failed, somewhere between taking the request and saying so.
            (status, _) => Err(ZohoError::Broken { status }),
        }
    }

    fn body(&self, transmission: &Transmission<'_>) -> Value {
        let settings = &self.settings;
        let recipients: Vec<Value> =
            transmission.recipients.iter().map(|recipient| recipient_of(recipient, transmission)).collect();
        json!({
            "transmission_name": transmission.batch.to_string(),
            "recipients": recipients,
            "content": {
                "from": { "address": settings.from_address, "name": settings.from_name },
                "subject": "$[first_name|Hi]$, your photos are ready",
                "template_id": settings.gallery_live_template_id,
            },
            "options": { "tracking": "disabled" },
        })
    }
}

fn recipient_of(recipient: &Recipient, transmission: &Transmission<'_>) -> Value {
    let first_name = merged(recipient.first_name.as_str());
    let athletes = if transmission.names_athletes { names(&recipient.athletes) } else { String::new() };
    let mut shown = json!({
        "address": recipient.email.as_str(),
        "additional_data": { "alert": recipient.alert.to_string() },
        "merge_data": {
            "first_name": first_name,
            "athletes": athletes,
            "gallery": merged(transmission.title.as_str()),
            "gallery_url": transmission.public_url.map_or_else(String::new, merged_url),
        },
    });
    // A blank one might have all recipients refused.
    if !first_name.is_empty() {
        shown["name"] = json!(first_name);
    }
    shown
}

fn names(athletes: &[PersonName]) -> String {
    let names = athletes.iter().map(|athlete| merged(athlete.as_str())).filter(|name| !name.is_empty());
    names.collect::<Vec<_>>().join(", ")
}

/// A text that a user typed, as it may stand in an e-mail: a template puts it into HTML as it is, so it brings no tag
/// of HTML and no merge tag (`$[…]$`) of its own, and nothing that cannot be seen.
fn merged(text: &str) -> String {
    let mut merged = String::with_capacity(text.len());
    for c in shortened(text, MERGED_LENGTH).chars() {
        let makes_a_tag = matches!(c, '<' | '>') || (c == '[' && merged.ends_with('$'));
        if !makes_a_tag {
            merged.push(c);
        }
    }
    merged
}

/// A parsed address has no `<` and `>`; a bracket means the same when it is escaped.
fn merged_url(url: &GalleryUrl) -> String {
    url.as_str().replace("$[", "$%5B").replace('<', "%3C").replace('>', "%3E")
}

/// A failure of the call itself: did it leave?
fn judged(error: &ZohoError) -> Transmitted {
    match error {
        ZohoError::NoAnswer(_) | ZohoError::Broken { .. } => Transmitted::Unknown(error.failure()),
        ZohoError::Throttled { .. }
        | ZohoError::Unreachable(_)
        | ZohoError::InvalidToken
        | ZohoError::Refused { .. }
        | ZohoError::BadRequest { .. }
        | ZohoError::Unexplained { .. }
        | ZohoError::Ours(_) => not_sent(error),
    }
}

/// A failure before the call, or one that says itself that nothing was done.
fn not_sent(error: &ZohoError) -> Transmitted {
    let (wait, pauses) = match error {
        ZohoError::Throttled { retry_after, .. } => (Some(retry_after.unwrap_or(Duration::from_mins(10))), true),
        ZohoError::Refused { .. } => (Some(Duration::from_mins(10)), true),
        _ => (None, false),
    };
    Transmitted::NotSent { wait, pauses, failure: error.failure() }
}

fn account(code: u64) -> Transmitted {
    Transmitted::NotSent { wait: Some(Duration::from_mins(10)), pauses: true, failure: refusal(code) }
}

fn refusal(code: u64) -> Failure {
    let advice = match code {
        400_008 | 400_009 => {
            "The sender is not allowed: verify the address and authenticate its domain in Zoho Campaigns."
        }
        400_013 => "None of the recipients can be written to.",
        400_016 => "There are no e-mail credits left in Zoho Campaigns.",
        _ => "Zoho Campaigns refused the transmission. Look its code up, mend the cause, and replay the task.",
    };
    Failure::new(code.to_string(), advice)
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::AlertId;

    fn merge_data(typed: &str, url: &str) -> Value {
        let recipient = Recipient {
            alert: AlertId(Uuid::from_u128(1)),
            email: "sheree@example.com".parse().unwrap(),
            first_name: typed.parse().unwrap(),
            athletes: vec![typed.parse().unwrap(), "Sam".parse().unwrap()],
        };
        let transmission = Transmission {
            batch: AlertBatchId(Uuid::from_u128(2)),
            recipients: &[],
            title: &typed.parse().unwrap(),
            public_url: Some(&url.parse().unwrap()),
            names_athletes: true,
        };
        recipient_of(&recipient, &transmission)
    }

    #[test]
    fn a_typed_text_brings_no_tags_into_an_email() {
        let typed = "<b>Jo</b> $[EMAIL]$ $\u{200b}[x $<[y $$[[z \u{202e}";

        let sent = merge_data(typed, "https://photos.example/$[EMAIL]$?<b>#<b>$[x");

        let shown = "bJo/b $EMAIL]$ $x $y $$z";
        assert_eq!(sent["name"], shown);
        let expected = json!({
            "first_name": shown, "athletes": format!("{shown}, Sam"), "gallery": shown,
            "gallery_url": "https://photos.example/$%5BEMAIL]$?%3Cb%3E#%3Cb%3E$%5Bx",
        });
        assert_eq!(sent["merge_data"], expected);
    }

    #[test]
    fn what_has_no_tags_stays_as_it_was_typed() {
        let sent = merge_data("Jo-Ann O’Brien & Söhne [7] $5", "https://photos.example/a?b=c&d=[e]");

        assert_eq!(sent["merge_data"]["gallery"], "Jo-Ann O’Brien & Söhne [7] $5");
        assert_eq!(sent["merge_data"]["gallery_url"], "https://photos.example/a?b=c&d=[e]");
    }

    #[test]
    fn a_recipient_of_whose_name_nothing_is_left_has_none() {
        let sent = merge_data("<>", "https://photos.example/");

        assert_eq!((sent.get("name"), &sent["merge_data"]["first_name"]), (None, &json!("")));
    }

    proptest! {
        #[test]
        fn no_text_at_all_brings_a_tag(typed in "[$<\\[>a\u{200b}]{1,20}a") {
            let sent = merge_data(&typed, "https://photos.example/")["merge_data"].to_string();

            prop_assert!(!sent.contains(['<', '>']) && !sent.contains("$["), "{}", sent);
        }
    }
}

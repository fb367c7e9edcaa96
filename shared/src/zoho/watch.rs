//! Zoho CRM's notifications (v8, "Notifications"): the channel by which it tells us of changes. It lasts for an hour
//! unless told otherwise, a week at most, and who asks for more is given an hour; so what was given is read back.

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ErrorBody, ZohoError};
use super::records::Crm;
use super::request::Request;
use super::values::{text, time};

const PATH: &str = "/actions/watch";

/// All that happens to the records that we keep equal.
const EVENTS: [&str; 2] = ["Contacts.all", "Accounts.all"];

/// What Zoho is asked for.
#[derive(Clone)]
pub struct Wish {
    pub channel: i64,
    /// Zoho sends it along as the proof that it is the sender; 50 characters at most.
    pub token: String,
    pub notify_url: String,
    pub expires_at: DateTime<Utc>,
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wish({}, {}, {})", self.channel, self.notify_url, self.expires_at)
    }
}

/// The channel as Zoho has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The first end of any of its modules.
    pub expires_at: DateTime<Utc>,
    /// Whether it sends what we wish to where we wish, with our token.
    pub as_wished: bool,
}

impl Crm<'_> {
    /// The channel, unless Zoho has none of that number (any more).
    pub async fn watch(&self, wish: &Wish) -> Result<Option<Watch>, ZohoError> {
        let request = Request::get(PATH).query("channel_id", wish.channel.to_string());
        let answer = self.zoho.crm(self.connection, &request).await?;
        if answer.status.as_u16() == 204 {
            return Ok(None);
        }
        let broken = ZohoError::Broken { status: answer.status.as_u16() };
        let entries = answer.body["watch"].as_array().ok_or(broken)?;
        Ok(wish.found_in(entries))
    }

    /// Opens the channel, or lets it last longer, and returns until when Zoho says that it will; `None`: not for all that
    /// it was asked for.
    pub async fn open_watch(&self, wish: &Wish) -> Result<Option<DateTime<Utc>>, ZohoError> {
        self.ask_for(Method::POST, wish).await
    }

    /// Makes a channel that is there what we wish, and returns until when Zoho says that it will last; `None`: not for all
    /// that it was asked for.
    pub async fn change_watch(&self, wish: &Wish) -> Result<Option<DateTime<Utc>>, ZohoError> {
        self.ask_for(Method::PUT, wish).await
    }

    async fn ask_for(&self, method: Method, wish: &Wish) -> Result<Option<DateTime<Utc>>, ZohoError> {
        let request = Request::new(method, PATH).body(json!({ "watch": [wish.asked()] }));
        let answer = self.zoho.crm(self.connection, &request).await?;
        // Refused with 202 by the older documents, with 400 by the newer ones.
        granted(&answer.body["watch"][0], answer.status.as_u16())
    }
}

impl Wish {
    fn asked(&self) -> Value {
        json!({
            "channel_id": self.channel.to_string(),
            "events": EVENTS,
            "channel_expiry": self.expires_at.to_rfc3339_opts(SecondsFormat::Secs, false),
            "token": self.token,
            "notify_url": self.notify_url,
            // Otherwise an edit of an Account tells of all its Contacts.
            "notify_on_related_action": false,
        })
    }

    /// Zoho lists a channel once for each of its modules.
    fn found_in(&self, entries: &[Value]) -> Option<Watch> {
        let own = |entry: &&Value| text(&entry["channel_id"]) == Some(self.channel.to_string());
        let entries: Vec<&Value> = entries.iter().filter(own).collect();
        let expires_at = entries.iter().filter_map(|entry| time(&entry["channel_expiry"])).min()?;
        let same = |entry: &&Value| {
            text(&entry["notify_url"]).is_none_or(|url| url == self.notify_url)
                && text(&entry["token"]).is_none_or(|token| token == self.token)
        };
        let watches = |event: &&str| entries.iter().any(|entry| tells_of(entry, event));
        Some(Watch { expires_at, as_wished: entries.iter().all(same) && EVENTS.iter().all(watches) })
    }
}

/// Where an entry does not name its events, it names its module.
fn tells_of(entry: &Value, event: &str) -> bool {
    match entry["events"].as_array() {
        Some(events) => events.iter().any(|one| one == event),
        None => entry["resource_name"] == module_of(event),
    }
}

fn module_of(event: &str) -> &str {
    event.split_once('.').map_or(event, |(module, _)| module)
}

/// The first end of any of the events that were asked for; `None` if one of them was not granted.
fn granted(item: &Value, status: u16) -> Result<Option<DateTime<Utc>>, ZohoError> {
    if item["status"] == "error" {
        let ErrorBody { code, message, details } = ErrorBody::deserialize(item).unwrap_or_default();
        let field = text(&details["api_name"]);
        let blamed = field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
        let message = format!("Zoho does not open the channel of its notifications{blamed}. Zoho says: {message}");
        return Err(ZohoError::BadRequest { code, field, message });
    }
    let events = item["details"]["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ends: Option<Vec<_>> = events.iter().map(|event| time(&event["channel_expiry"])).collect();
    // A channel of which nobody knows how long it lasts is none to rely on.
    let end = ends.and_then(|ends| ends.into_iter().min()).ok_or(ZohoError::Broken { status })?;
    let is_granted = |event: &&str| events.iter().any(|one| one["resource_name"] == module_of(event));
    Ok(Some(end).filter(|_| EVENTS.iter().all(is_granted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> Wish {
        Wish {
            channel: 17,
            token: "the token of the source zoho-crm".to_owned(),
            notify_url: "https://api.example/api/webhooks/incoming?source=zoho-crm".to_owned(),
            expires_at: "2026-11-28T09:00:00Z".parse().unwrap(),
        }
    }

    fn entry(module: &str, expiry: &str) -> Value {
        json!({"channel_id": "17", "resource_name": module, "channel_expiry": expiry, "events": [format!("{module}.all")],
            "notify_url": wish().notify_url, "token": wish().token, "notify_on_related_action": false})
    }

    #[test]
    fn a_channel_lasts_as_long_as_the_first_of_its_modules() {
        let entries = [entry("Contacts", "2026-11-28T14:30:00+05:30"), entry("Accounts", "2026-11-28T02:59:00-06:00")];

        let watch = wish().found_in(&entries).unwrap();

        assert_eq!(watch, Watch { expires_at: "2026-11-28T08:59:00Z".parse().unwrap(), as_wished: true });
    }

    #[test]
    fn another_token_address_or_event_is_not_as_wished() {
        let both = [entry("Contacts", "2026-11-28T09:00:00+00:00"), entry("Accounts", "2026-11-28T09:00:00+00:00")];
        let with = |field: &str, value: Value| {
            let mut entries = both.clone();
            entries[1][field] = value;
            wish().found_in(&entries).unwrap().as_wished
        };

        assert!(with("token", Value::Null), "a token that Zoho does not show may be ours");
        assert!(with("events", Value::Null), "the module says it");
        assert!(!with("token", json!("another token than ours")));
        assert!(!with("notify_url", json!("https://old.example/")));
        assert!(!with("events", json!(["Accounts.edit"])));
        assert!(!wish().found_in(&both[..1]).unwrap().as_wished, "nothing is told of Accounts");
    }

    #[test]
    fn another_channel_is_none_of_ours() {
        let mut other = entry("Contacts", "2026-11-28T09:00:00+00:00");
        other["channel_id"] = json!("18");

        assert_eq!(wish().found_in(&[other]), None);
        assert_eq!(wish().found_in(&[]), None);
    }

    #[test]
    fn what_was_given_is_read_back() {
        let given = json!({"code": "SUCCESS", "status": "success", "details": {"events": [
            {"channel_expiry": "2026-11-28T09:00:00+00:00", "resource_name": "Contacts", "channel_id": "17"},
            {"channel_expiry": "2026-11-22T10:00:00+00:00", "resource_name": "Accounts", "channel_id": "17"}]}});
        let silent = json!({"code": "SUCCESS", "status": "success", "details": {"events": []}});

        assert_eq!(granted(&given, 201).unwrap(), "2026-11-22T10:00:00Z".parse().ok());
        assert!(matches!(granted(&silent, 201), Err(ZohoError::Broken { status: 201 })));
    }

    #[test]
    fn a_channel_for_one_module_alone_is_not_what_was_asked_for() {
        let given = json!({"code": "SUCCESS", "status": "success", "details": {"events": [
            {"channel_expiry": "2026-11-28T09:00:00+00:00", "resource_name": "Contacts", "channel_id": "17"}]}});

        assert_eq!(granted(&given, 201).unwrap(), None);
    }

    #[test]
    fn a_refusal_names_the_field_and_not_the_token() {
        let refused = json!({"code": "INVALID_DATA", "status": "error", "message": "invalid data", "details": {"api_name": "token"}});

        let Err(ZohoError::BadRequest { code, message, .. }) = granted(&refused, 202) else { panic!("it is refused") };

        assert_eq!(code, "INVALID_DATA");
        assert!(message.contains("(token)"), "{message}");
    }

    #[test]
    fn a_wish_prints_without_its_token() {
        assert!(!format!("{:?}", wish()).contains("the token of"));
    }
}

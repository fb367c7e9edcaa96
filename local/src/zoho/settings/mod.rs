//! The switches of `POST /_control/settings`: Zoho's limits, and the variants between which its documents leave the choice.

mod variants;

use chrono::{FixedOffset, Offset, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{fields::Module, scopes};
pub(super) use variants::{AlreadyModified, CoqlEscape, EmailCase, FieldRule, Notifications, TagField, WrongSecret};

/// Every switch with its default. Numbers without a unit are counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own that a test sets by name")]
pub(super) struct Settings {
    /// HTTP status of a write of which every record failed: 400, or 207 as some have seen.
    pub(super) all_failed_status: u16,
    /// HTTP status of an upsert of which every record went through: 200 documented, 201 and 202 told of other versions.
    pub(super) upsert_status: u16,
    /// How a write is refused of which every record has changed since `If-Unmodified-Since`; only the error's own shape
    /// is documented.
    pub(super) already_modified: AlreadyModified,
    /// HTTP status with which accounts gives no token, but for the throttle: 200 seen, not published.
    pub(super) no_token_status: u16,
    /// What accounts says of a client whose secret is another one; not published.
    pub(super) wrong_secret: WrongSecret,
    /// HTTP status of the token throttle: 400 observed, 200 by an older post of Zoho's.
    pub(super) throttle_status: u16,
    /// HTTP status of a conditional read without news: 304 documented, 204 seen.
    pub(super) not_modified_status: u16,
    /// HTTP status of a refused transmission; not published.
    pub(super) campaigns_error_status: u16,
    /// Whether a CRM error of a whole request stands in `data[]`, like a record's, instead of alone; some of Zoho's own
    /// examples show it so.
    pub(super) errors_wrapped: bool,
    /// What the token endpoint answers as `api_domain`, if not the simulator's own URL.
    pub(super) api_domain: Option<String>,
    /// Beyond how many rows `deleted` refuses pages, as lists of records do; not published.
    pub(super) deleted_page_limit: Option<usize>,
    /// How long a new record stays invisible to `search`.
    pub(super) search_delay_seconds: u32,
    /// Whether `equals` of `search` finds what merely contains the value.
    pub(super) search_equals_contains: bool,
    /// Whether a record's e-mail is a unique field beyond the duplicate check of an upsert.
    pub(super) unique_email: bool,
    /// Whether no two Contacts may have one phone number: any field of a CRM can be made so.
    pub(super) unique_phone: bool,
    /// Rows that one COQL page may ask for.
    pub(super) coql_row_limit: usize,
    /// Tags per module; by edition 20, 60, 100 or 200.
    pub(super) module_tag_limit: usize,
    /// Tags per record: 10, or 5 in the Standard edition.
    pub(super) record_tag_limit: usize,
    /// Recipients of one transmission; the real number is not published.
    pub(super) recipients_limit: usize,
    /// Templates that marketing has stored in Campaigns.
    pub(super) template_ids: Vec<String>,
    /// Calls under way at once before 429; by edition 5 to 25.
    pub(super) concurrency_limit: usize,
    /// Heavy calls (COQL, search, writes of more than 10 records) under way at once before 429.
    pub(super) sub_concurrency_limit: usize,
    /// API credits of a rolling day.
    pub(super) credits: u64,
    pub(super) token_lifetime_seconds: u32,
    /// Added to the real time, so that a test can let tokens expire without waiting.
    pub(super) clock_offset_seconds: i64,
    /// The organisation's offset from UTC, in which the CRM writes times.
    pub(super) utc_offset_minutes: i32,
    /// What becomes of notifications.
    pub(super) notifications: Notifications,
    /// Whether what the API writes is notified too. Seen, not documented.
    pub(super) notify_own_writes: bool,
    /// Whether `"trigger":[]`, which keeps workflows still, keeps notifications still as well; not published.
    pub(super) trigger_suppresses_notifications: bool,
    /// Whether a change of tags alone is notified; not published.
    pub(super) notify_tags: bool,
    /// Whether a write that changed no value is notified; not published.
    pub(super) notify_unchanged_writes: bool,
    /// How often a notification that was not answered with a 2xx is sent again; not published.
    pub(super) notification_retries: u32,
    pub(super) notification_retry_milliseconds: u64,
    /// For how long a channel may be asked for; a week since v4, a day before. More than that gives an hour.
    pub(super) watch_maximum_hours: u32,
    /// HTTP status of a call on channels that all failed: 400, or 202 in an older description.
    pub(super) watch_failed_status: u16,
    /// Whether errors of channels stand in `watch[]`. If not, the only error of a call stands alone.
    pub(super) watch_errors_wrapped: bool,
    /// After how many days the recycle bin is emptied.
    pub(super) recycle_days: u32,
    /// For how many days from then on a record is listed as permanently deleted.
    pub(super) permanent_days: u32,
    /// What the refresh token may do.
    pub(super) scopes: Vec<String>,
    /// Whether the CRM refuses every token, as it does to one of another data centre.
    pub(super) wrong_dc: bool,
    /// Whether somebody has revoked the refresh token, and with it its access tokens.
    pub(super) refresh_token_revoked: bool,
    /// What writing the field `Tag` does; not published.
    pub(super) tag_field: TagField,
    /// Whether `add_tags` makes a tag that the module does not know; believed, not published.
    pub(super) add_tags_creates: bool,
    /// Whether `add_tags` and `remove_tags` change `Modified_Time`; not published.
    pub(super) tags_touch_modified_time: bool,
    /// Values of one `in` of COQL; 50 or 100 by the place in the documents.
    pub(super) coql_in_limit: usize,
    /// How a quote within the quotes of COQL is escaped; a second one by a post of Zoho's, and not in its documents.
    pub(super) coql_escape: CoqlEscape,
    /// Whether two Accounts cannot have one name.
    pub(super) unique_account_name: bool,
    pub(super) email_case: EmailCase,
    /// By how much a record's time is later than the whole second that is shown, where `If-Unmodified-Since` is held
    /// against it: not at all, or a part of a second; not published.
    pub(super) modified_hidden_milliseconds: u16,
    pub(super) field_rules: Vec<FieldRule>,
    /// Whether all records wait for an approval: a list of records shows only approved ones, unless it is asked for
    /// others (`approved`).
    pub(super) approval_pending: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            all_failed_status: 400,
            upsert_status: 200,
            already_modified: AlreadyModified::PerRecord,
            no_token_status: 200,
            wrong_secret: WrongSecret::InvalidClient,
            throttle_status: 400,
            not_modified_status: 304,
            campaigns_error_status: 400,
            errors_wrapped: false,
            api_domain: None,
            deleted_page_limit: None,
            search_delay_seconds: 5,
            search_equals_contains: true,
            unique_email: false,
            unique_phone: false,
            coql_row_limit: 200,
            module_tag_limit: 100,
            record_tag_limit: 10,
            recipients_limit: 1000,
            template_ids: vec!["1093639000412559078".to_owned()],
            concurrency_limit: 15,
            sub_concurrency_limit: 10,
            credits: 100_000,
            token_lifetime_seconds: 3600,
            clock_offset_seconds: 0,
            utc_offset_minutes: -6 * 60,
            notifications: Notifications::Deliver,
            notify_own_writes: true,
            trigger_suppresses_notifications: false,
            notify_tags: true,
            notify_unchanged_writes: true,
            notification_retries: 0,
            notification_retry_milliseconds: 1_000,
            watch_maximum_hours: 7 * 24,
            watch_failed_status: 400,
            watch_errors_wrapped: true,
            recycle_days: 60,
            permanent_days: 120,
            scopes: scopes::DEFAULT.map(str::to_owned).to_vec(),
            wrong_dc: false,
            refresh_token_revoked: false,
            tag_field: TagField::Replace,
            add_tags_creates: true,
            tags_touch_modified_time: true,
            coql_in_limit: 50,
            coql_escape: CoqlEscape::Double,
            unique_account_name: false,
            email_case: EmailCase::Keep,
            modified_hidden_milliseconds: 0,
            field_rules: Vec::new(),
            approval_pending: false,
        }
    }
}

impl Settings {
    /// These settings with some of them changed. An unknown name or an impossible value changes nothing.
    pub(super) fn with(&self, changes: Map<String, Value>) -> Result<Self, String> {
        let Ok(Value::Object(mut all)) = serde_json::to_value(self) else {
            return Err("The settings cannot be written as a JSON object.".to_owned());
        };
        all.extend(changes);
        let new: Self =
            serde_json::from_value(Value::Object(all)).map_err(|error| format!("These are no settings: {error}."))?;
        new.check()?;
        Ok(new)
    }

    pub(super) fn utc_offset(&self) -> FixedOffset {
        FixedOffset::east_opt(self.utc_offset_minutes * 60).unwrap_or_else(|| Utc.fix())
    }

    fn check(&self) -> Result<(), String> {
        let choices: [(&str, u16, &[u16]); 7] = [
            ("all_failed_status", self.all_failed_status, &[400, 207]),
            ("upsert_status", self.upsert_status, &[200, 201, 202]),
            ("no_token_status", self.no_token_status, &[200, 400, 401]),
            ("throttle_status", self.throttle_status, &[400, 200]),
            ("not_modified_status", self.not_modified_status, &[304, 204]),
            ("campaigns_error_status", self.campaigns_error_status, &[400, 200]),
            ("watch_failed_status", self.watch_failed_status, &[400, 202]),
        ];
        for (name, value, among) in choices {
            if !among.contains(&value) {
                return Err(format!("{name} is one of {among:?}, not {value}."));
            }
        }
        if self.utc_offset_minutes.abs() >= 24 * 60 {
            return Err("utc_offset_minutes lies between -1439 and 1439.".to_owned());
        }
        // Beyond a few years a time stops being one that chrono can shift.
        if self.clock_offset_seconds.abs() > 10 * 365 * 24 * 3600 {
            return Err("clock_offset_seconds moves the clock by at most ten years.".to_owned());
        }
        if let Some(rule) = self.field_rules.iter().find(|rule| rule.module.parse::<Module>().is_err()) {
            return Err(format!("A field rule is for \"Contacts\" or \"Accounts\", not {:?}.", rule.module));
        }
        Ok(())
    }
}

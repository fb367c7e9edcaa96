//! What Zoho's documents leave open, one way or the other for each story.

use serde_json::{Value, json};

use super::dice::Dice;

/// Workflows of the customer's own: on fields that are ours to say, and on fields of sales.
const RULES: [(&str, &str, Option<&str>); 4] = [
    ("Contacts", "ISO_Role", Some("Coach")),
    ("Contacts", "Mailing_Country", Some("Mexico")),
    ("Contacts", "Phone", None),
    ("Accounts", "ISO_Organization_Type", Some("Company")),
];

/// The simulator's switches of a story. How Zoho words the same has dice of its own: people do what they do in any wording.
pub(super) fn draw(dice: &mut Dice, wording: &mut Dice) -> Value {
    json!({
        "all_failed_status": dice.pick(&[400, 207]),
        "throttle_status": dice.pick(&[400, 200]),
        "not_modified_status": dice.pick(&[304, 204]),
        "unique_email": dice.percent(50),
        "search_equals_contains": dice.percent(50),
        "utc_offset_minutes": dice.pick(&[-360, 0, 330]),
        "notify_own_writes": dice.percent(70),
        "trigger_suppresses_notifications": dice.percent(30),
        "notify_tags": dice.percent(70),
        "notify_unchanged_writes": dice.percent(50),
        "tags_touch_modified_time": dice.percent(70),
        "tag_field": dice.pick(&["replace", "add"]),
        "email_case": dice.pick(&["keep", "lower"]),
        "coql_row_limit": dice.pick(&[200, 2000]),
        "coql_in_limit": dice.pick(&[50, 100]),
        "coql_escape": dice.pick(&["double", "backslash"]),
        "watch_failed_status": dice.pick(&[400, 202]),
        "watch_errors_wrapped": dice.percent(50),
        "unique_account_name": dice.percent(30),
        "modified_hidden_milliseconds": dice.weighted(&[(3, 0), (1, 500)]),
        "field_rules": rules(dice),
        "errors_wrapped": dice.percent(25),
        "upsert_status": wording.pick(&[200, 201, 202]),
        "already_modified": wording.pick(&["per-record", "first", "bare"]),
        "no_token_status": wording.pick(&[200, 400, 401]),
        "wrong_secret": wording.pick(&["invalid_client", "invalid_client_secret"]),
    })
}

fn rules(dice: &mut Dice) -> Vec<Value> {
    let rule = dice.percent(10).then(|| dice.pick(&RULES));
    let rule = rule.map(|(module, field, always)| json!({ "module": module, "field": field, "always": always }));
    rule.into_iter().collect()
}

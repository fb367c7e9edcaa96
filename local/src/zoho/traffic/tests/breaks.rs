//! One request for each rule, which breaks that rule and no other.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Asking, asking, broken, get, post, put};
use crate::zoho::traffic::{GROUPS, rule::Severity};

const CONTACTS: &str = "/crm/v8/Contacts";
const UPSERT: &str = "/crm/v8/Contacts/upsert";
const ADD: &str = "/crm/v8/Contacts/actions/add_tags";
const WATCH: &str = "/crm/v8/actions/watch";
const TRANSMISSION: &str = "/emailapi/v1/transmission";
const REFRESH: [(&str, &str); 4] =
    [("grant_type", "refresh_token"), ("client_id", "1"), ("client_secret", "2"), ("refresh_token", "3")];

/// One Contact with a field more than it needs.
fn lane(name: &str, value: Value) -> Value {
    let mut record = json!({ "Last_Name": "Lane" });
    record[name] = value;
    json!({ "data": [record] })
}

fn coql(query: &str) -> Asking {
    post("/crm/v8/coql", json!({ "select_query": query }))
}

fn coql_where(condition: &str) -> Asking {
    coql(&format!("select id from Contacts where {condition}"))
}

/// A channel of ours with one thing changed; null takes it out.
fn channel(key: &str, value: Value) -> Value {
    let mut channel = json!({
        "channel_id": "1000000068001", "events": ["Contacts.all", "Accounts.edit"], "token": "secret",
        "notify_url": "https://api.example.com/hook?source=crm", "notify_on_related_action": false,
        "channel_expiry": "2024-01-15T15:26:49+05:30",
    });
    let fields = channel.as_object_mut().unwrap();
    fields.insert(key.to_owned(), value);
    fields.retain(|_, value| !value.is_null());
    json!({ "watch": [channel] })
}

/// A transmission with one thing changed.
fn transmission(pointer: &str, value: Value) -> Asking {
    let mut body = json!({
        "transmission_name": "gallery", "recipients": [{ "address": "sheree@example.com", "name": "Sheree" }],
        "content": { "from": { "address": "hello@example.com" }, "subject": "Photos", "template_id": "1" },
        "options": { "open_tracking": "disabled" },
    });
    if let Some(place) = body.pointer_mut(pointer) {
        *place = value;
    } else {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[key] = value;
    }
    post(TRANSMISSION, body)
}

fn list(parameters: &str) -> Asking {
    get(&format!("{CONTACTS}?fields=id&{parameters}"))
}

fn commas(n: usize, what: &str) -> String {
    vec![what; n].join(",")
}

type Cases = Vec<(&'static str, Asking)>;

fn requests() -> Cases {
    [envelopes(), tokens(), reads(), writes(), values(), tags(), queries(), conditions(), channels(), transmissions()]
        .into_iter()
        .flatten()
        .collect()
}

fn envelopes() -> Cases {
    vec![
        ("version", get("/crm/v2/Contacts?fields=id")),
        ("unknown-path", asking("PATCH", CONTACTS)),
        ("unknown-module", get("/crm/v8/Kontacts?fields=id")),
        ("record-id-in-path", get("/crm/v8/Contacts/x1")),
        ("unknown-parameter", list("filter=x")),
        ("repeated-parameter", list("page=1&page=1")),
        ("authorization", list("page=1").without("authorization").with("authorization", "Bearer 1000.token")),
        ("body-without-use", list("page=1").json(Value::Null)),
        ("body-missing", asking("POST", UPSERT).with("content-type", "application/json")),
        ("content-type", post(UPSERT, lane("Phone", json!("1"))).without("content-type")),
        ("condition-without-use", list("page=1").with("if-unmodified-since", "2024-01-15T15:26:49+05:30")),
        ("time-in-header", list("page=1").with("if-modified-since", "2024-01-15T15:26:49Z")),
        ("time-in-header", list("page=1").with("if-modified-since", "2024-01-15T15:26:49.123+05:30")),
        ("time-in-header", list("page=1").with("if-modified-since", "Mon, 15 Jan 2024 15:26:49 GMT")),
    ]
}

fn tokens() -> Cases {
    vec![
        ("secrets-in-query", asking("POST", "/oauth/v2/token?client_id=1").form(&REFRESH)),
        ("grant-type", asking("POST", "/oauth/v2/token").form(&[("grant_type", "password")])),
        ("token-parameter-missing", asking("POST", "/oauth/v2/token").form(&REFRESH[..3])),
        ("token-parameter-unknown", asking("POST", "/oauth/v2/token").form(&[&REFRESH[..], &[("x", "y")]].concat())),
    ]
}

fn reads() -> Cases {
    vec![
        ("fields-missing", get(CONTACTS)),
        ("fields-limit", get(&format!("{CONTACTS}?fields={}", commas(51, "id")))),
        ("fields-unknown", get(&format!("{CONTACTS}?fields=Nickname"))),
        ("ids-limit", list(&format!("ids={}", commas(101, "1")))),
        ("ids-limit", asking("DELETE", &format!("{CONTACTS}?ids={}", commas(101, "1")))),
        ("ids-shape", list("ids=1,x")),
        ("delete-without-ids", asking("DELETE", CONTACTS)),
        ("page-number", list("page=0")),
        ("page-size", list("per_page=201")),
        ("page-reach", list("page=11")),
        ("page-and-page-token", list("page=2&page_token=x")),
        ("sort", list("sort_by=Email")),
        ("sort", list("sort_order=down")),
        ("search-for-nothing", get("/crm/v8/Contacts/search?fields=id")),
        ("deleted-type", get("/crm/v8/Contacts/deleted?type=lost")),
    ]
}

fn writes() -> Cases {
    vec![
        ("write-key", post(UPSERT, json!({ "data": [{ "Last_Name": "Lane" }], "records": [] }))),
        ("write-key", post(CONTACTS, json!({ "data": [{ "Last_Name": "Lane" }], "duplicate_check_fields": [] }))),
        ("write-data", post(UPSERT, json!({ "data": {} }))),
        ("write-data", post(UPSERT, json!({ "data": ["Lane"] }))),
        ("write-count", post(UPSERT, json!({ "data": [] }))),
        ("write-count", post(UPSERT, json!({ "data": vec![json!({ "Last_Name": "Lane" }); 101] }))),
        ("write-trigger", post(UPSERT, json!({ "data": [{ "Last_Name": "Lane" }], "trigger": ["webhook"] }))),
        (
            "duplicate-check-fields",
            post(UPSERT, json!({ "data": [{ "Last_Name": "Lane" }], "duplicate_check_fields": ["Phone"] })),
        ),
        ("write-id-shape", put(CONTACTS, json!({ "data": [{ "id": 1, "Phone": "1" }] }))),
        ("update-without-id", put(CONTACTS, json!({ "data": [{ "Phone": "1" }] }))),
        ("insert-with-id", post(CONTACTS, json!({ "data": [{ "id": "1", "Last_Name": "Lane" }] }))),
        ("update-of-one", put("/crm/v8/Contacts/1", json!({ "data": [{ "Phone": "1" }, { "Phone": "2" }] }))),
    ]
}

fn values() -> Cases {
    vec![
        ("field-unknown", post(UPSERT, lane("Fone", json!("1")))),
        ("field-length", post(UPSERT, lane("Phone", json!("1".repeat(51))))),
        ("nothing-to-write", put(CONTACTS, json!({ "data": [{ "id": "1" }] }))),
        ("field-read-only", post(UPSERT, lane("Modified_Time", json!("2024-01-15T15:26:49+05:30")))),
        ("field-mandatory", post(UPSERT, json!({ "data": [{ "Phone": "1" }] }))),
        ("field-mandatory", put(CONTACTS, json!({ "data": [{ "id": "1", "Last_Name": null }] }))),
        ("field-type", post(UPSERT, lane("Phone", json!(1)))),
        ("field-type", post(UPSERT, lane("Email_Opt_Out", json!("yes")))),
        ("field-type", post(UPSERT, lane("Date_of_Birth", json!("14 May")))),
        ("field-type", post("/crm/v8/Accounts", json!({ "data": [{ "Account_Name": "A", "Employees": "1" }] }))),
        ("email-shape", post(UPSERT, lane("Email", json!("sheree at example.com")))),
        ("lookup-shape", post(UPSERT, lane("Account_Name", json!("4150868000000376008")))),
        ("tag-in-record", post(UPSERT, lane("Tag", json!([{ "name": "x".repeat(26) }])))),
    ]
}

fn tags() -> Cases {
    vec![
        ("tags-key", post(ADD, json!({ "tags": [{ "name": "A" }], "ids": ["1"], "tag_names": "A" }))),
        ("tags-missing", post(ADD, json!({ "tags": [], "ids": ["1"] }))),
        ("tags-missing", post(ADD, json!({ "tags": ["A"], "ids": ["1"] }))),
        ("tags-missing", post(ADD, json!({ "tags": [{ "color_code": null }], "ids": ["1"] }))),
        ("tag-key", post(ADD, json!({ "tags": [{ "name": "A", "colour": "#fff" }], "ids": ["1"] }))),
        ("tag-name-length", post(ADD, json!({ "tags": [{ "name": "é".repeat(26) }], "ids": ["1"] }))),
        ("tags-ids", post(ADD, json!({ "tags": [{ "name": "A" }], "ids": vec!["1"; 501] }))),
        ("tags-ids", post(ADD, json!({ "tags": [{ "name": "A" }], "ids": "[\"1\"]" }))),
        ("tags-ids", post(ADD, json!({ "tags": [{ "name": "A" }], "ids": [1] }))),
        ("tags-over-write", post(ADD, json!({ "tags": [{ "name": "A" }], "ids": ["1"], "over_write": "false" }))),
    ]
}

fn queries() -> Cases {
    vec![
        (
            "coql-key",
            post("/crm/v8/coql", json!({ "select_query": "select id from Contacts where id is null", "page": 2 })),
        ),
        ("coql-syntax", coql("update Contacts set Phone = '1'")),
        ("coql-syntax", coql_where("Email = 'x")),
        ("coql-syntax", coql_where("(Email = 'x'")),
        ("coql-key", post("/crm/v8/coql", json!({}))),
        ("coql-syntax", coql_where("Email = 'x')")),
        ("coql-syntax", coql_where("id is null limit 1, 2, 3")),
        ("coql-where", coql("select id from Contacts limit 10")),
        ("coql-module", coql("select id from Kontacts where id is null")),
        ("coql-field", coql("select Nickname from Contacts where id is null")),
        ("coql-field", coql_where("Nickname = 'x'")),
        (
            "coql-columns",
            coql(&format!("select {} from Contacts where id is null", {
                (0..51).map(|n| format!("ISO_{n}")).collect::<Vec<_>>().join(", ")
            })),
        ),
        ("coql-column-twice", coql("select id, Email, id from Contacts where id is null")),
        (
            "coql-order",
            coql(&format!("select id from Contacts where id is null order by {}", {
                (0..11).map(|n| format!("ISO_{n}")).collect::<Vec<_>>().join(", ")
            })),
        ),
        ("coql-limit", coql_where("id is null limit 2001")),
        ("coql-limit", coql_where("id is null limit 0")),
        ("coql-limit-of-old", coql_where("id is null limit 201")),
        ("coql-offset", coql_where("id is null limit 99900, 200")),
    ]
}

fn conditions() -> Cases {
    vec![
        ("coql-nesting", coql_where("Email = 'a' or Email = 'b' or Email = 'c'")),
        ("coql-nesting", coql_where("(Email = 'a' and Phone = 'b' and Phone = 'c')")),
        (
            "coql-conditions",
            coql_where(&{ (1..26).fold("Email = '0'".to_owned(), |all, n| format!("({all}) or Email = '{n}'")) }),
        ),
        ("coql-in", coql_where(&format!("Email in ({})", commas(101, "'x'")))),
        ("coql-in-of-old", coql_where(&format!("Email in ({})", commas(51, "'x'")))),
        ("coql-time", coql_where("Modified_Time >= '2024-01-15T15:26:49Z'")),
        ("coql-time", coql_where("Modified_Time between '2024-01-15T15:26:49+00:00' and '2024-01-15'")),
        ("coql-escape", coql_where(r"Last_Name = 'O\'Hara'")),
    ]
}

fn channels() -> Cases {
    vec![
        ("watch-body", post(WATCH, json!({ "watch": [] }))),
        ("watch-body", post(WATCH, json!({ "watch": ["Contacts.all"] }))),
        ("watch-body", {
            let mut body = channel("token", json!("secret"));
            body["channel_id"] = json!("1");
            post(WATCH, body)
        }),
        ("watch-key", post(WATCH, channel("expiry", json!("x")))),
        ("watch-key", post(WATCH, channel("_delete_events", json!(true)))),
        ("watch-channel", post(WATCH, channel("channel_id", json!("mine")))),
        ("watch-channel", asking("DELETE", WATCH)),
        ("watch-events", post(WATCH, channel("events", json!(["Contacts.update"])))),
        ("watch-events", post(WATCH, channel("events", Value::Null))),
        ("watch-url", post(WATCH, channel("notify_url", json!("http://api.example.com")))),
        ("watch-url", post(WATCH, channel("notify_url", Value::Null))),
        ("watch-token", post(WATCH, channel("token", json!("x".repeat(51))))),
        ("watch-expiry", post(WATCH, channel("channel_expiry", json!("2999-01-15T15:26:49+05:30")))),
        ("watch-expiry", post(WATCH, channel("channel_expiry", json!("tomorrow")))),
        ("watch-of-an-hour", post(WATCH, channel("channel_expiry", Value::Null))),
        ("watch-related", post(WATCH, channel("notify_on_related_action", Value::Null))),
        ("watch-condition", post(WATCH, channel("notification_condition", json!([{ "type": "x" }])))),
        ("page-size", get(&format!("{WATCH}?per_page=500"))),
    ]
}

fn transmissions() -> Cases {
    vec![
        ("transmission-key", transmission("/recipient_list", json!("1"))),
        ("transmission-recipients", transmission("/recipients", json!([]))),
        ("transmission-recipients", transmission("/recipient_list_id", json!("1"))),
        ("transmission-recipient", transmission("/recipients/0/address", json!("sheree"))),
        ("transmission-recipient", transmission("/recipients/0/merge_data", json!("first_name"))),
        ("transmission-recipient", transmission("/recipients/0/email", json!("x"))),
        ("transmission-content", transmission("/content/template_id", Value::Null)),
        ("transmission-content", transmission("/content/from/address", json!("hello"))),
        ("transmission-content", transmission("/content", json!("Photos"))),
        ("transmission-content", transmission("/content/subject", Value::Null)),
        ("transmission-content", transmission("/content/attachments", json!([]))),
        ("transmission-options", transmission("/options", json!("fast"))),
        ("transmission-recipient", transmission("/recipients/0", json!("sheree@example.com"))),
        ("transmission-options", transmission("/options/open_tracking", json!(false))),
        ("transmission-length", transmission("/transmission_name", json!("x".repeat(151)))),
        ("transmission-tracking", transmission("/options/tracking", json!("disabled"))),
    ]
}

#[tokio::test]
async fn each_rule_tells_on_the_request_that_breaks_it_and_on_no_other() {
    let notes: Vec<_> =
        GROUPS.concat().into_iter().filter(|rule| rule.severity == Severity::Note).map(|rule| rule.name).collect();

    for (number, (rule, request)) in requests().into_iter().enumerate() {
        // The token of these tests is nobody's, which is a note too.
        let severity = if notes.contains(&rule) { "note" } else { "violation" };
        let mut told = broken(request, severity).await;
        told.dedup();
        told.retain(|told| told != "token-that-does-not-live");
        assert_eq!(told, [rule], "request {number}, which breaks {rule}");
    }
}

#[test]
fn every_rule_is_broken_by_a_request_and_cites_a_page() {
    let rules = GROUPS.concat();
    let broken: BTreeSet<_> = requests().into_iter().map(|(rule, _)| rule).collect();

    // These look at more than one request, and have tests of their own.
    let over_time = ["token-while-one-lives", "tokens-too-often", "token-that-does-not-live"];
    let names: BTreeSet<_> = rules.iter().map(|rule| rule.name).filter(|name| !over_time.contains(name)).collect();
    assert_eq!(broken, names);
    assert_eq!(rules.len(), names.len() + over_time.len(), "no two rules have one name");
    for rule in rules {
        let cited = rule.page.is_empty() || rule.page.contains(": https://");
        assert!(cited, "{} cites {:?}", rule.name, rule.page);
    }
}

//! Requests in the shapes that Zoho's pages show, with our own values. They break nothing.

use serde_json::json;

use super::{asking, broken, get, post, put};

const SINCE: (&str, &str) = ("if-modified-since", "2024-01-15T15:26:49+05:30");
const UNTOUCHED: (&str, &str) = ("if-unmodified-since", "2024-01-15T15:26:49-06:00");

#[tokio::test]
async fn what_the_pages_show_passes() {
    let contact = json!({ "Last_Name": "Lane", "Email": "sheree@example.com", "Account_Name": { "id": "41508" } });
    let requests = [
        // An upsert may name the record, and everything that a write can have beside its data.
        post(
            "/crm/v8/Contacts/upsert",
            json!({
                "data": [{ "id": "4150868000000376008", "Last_Name": "Lane", "ISO_User_ID": "1" }],
                "duplicate_check_fields": ["Email", "ISO_User_ID"], "trigger": ["workflow"],
                "skip_feature_execution": [{ "name": "cadences", "action": "insert" }],
            }),
        ),
        post("/crm/v8/Contacts/upsert", json!({ "data": [contact], "trigger": [] })).with(UNTOUCHED.0, UNTOUCHED.1),
        post("/crm/v8/Contacts", json!({ "data": [contact], "lar_id": "1" })),
        post("/crm/v8/Accounts/upsert", json!({ "data": [{ "Account_Name": "Lincoln High", "Employees": 40 }] })),
        put("/crm/v8/Contacts", json!({ "data": [{ "id": "1", "Phone": null, "Tag": [{ "name": "VIP" }] }] }))
            .with(UNTOUCHED.0, UNTOUCHED.1),
        put("/crm/v8/Accounts/1", json!({ "data": [{ "ISO_Organization_ID": null, "Owner": { "id": "7" } }] })),
        put("/crm/v8/Contacts", json!({ "data": [{ "id": "1", "Email": "o'hara+x@mail.example.com" }] })),
        // Reads.
        get("/crm/v8/Contacts?ids=1,2&fields=Email,Tag,Modified_Time,ISO_User_ID"),
        get("/crm/v8/Contacts?fields=id&sort_by=Modified_Time&sort_order=asc&per_page=200&page=10")
            .with(SINCE.0, SINCE.1),
        get("/crm/v8/Contacts?fields=id&per_page=200&page_token=c8582"),
        get("/crm/v8/Contacts/4150868000000376008"),
        get("/crm/v8/Contacts/search?criteria=((Email:equals:a)and(Phone:equals:1))&per_page=200"),
        get("/crm/v8/Contacts/deleted?type=all&page=1&per_page=200").with(SINCE.0, SINCE.1),
        asking("DELETE", "/crm/v8/Contacts?ids=1,2&wf_trigger=false"),
        asking("DELETE", "/crm/v8/Contacts/1"),
        // Tags.
        post(
            "/crm/v8/Contacts/actions/add_tags",
            json!({ "tags": [{ "name": "Soccer", "id": "1", "color_code": null }], "ids": ["1", "2"], "over_write": true }),
        ),
        post("/crm/v8/Contacts/1/actions/remove_tags", json!({ "tags": [{ "name": "Soccer" }] })),
        // COQL.
        post("/crm/v8/coql", json!({ "select_query": "select COUNT(id) from Contacts where Email is not null" })),
        post(
            "/crm/v8/coql",
            json!({ "select_query": "select Last_Name, Account_Name.Account_Name from Contacts where Last_Name = 'O''Hara'" }),
        ),
        post(
            "/crm/v8/coql",
            json!({
                "select_query": "SELECT id, Modified_Time FROM Accounts WHERE ((Modified_Time > '2024-01-15T15:26:49+00:00' \
                    AND id not in (1, 2)) OR (Account_Name like 'L%' and Billing_City is not null)) \
                    ORDER BY Modified_Time asc, id asc LIMIT 0, 200",
            }),
        ),
        post(
            "/crm/v8/coql",
            json!({
                "select_query": "select id from Contacts where (Modified_Time between '2024-01-15T15:26:49+00:00' \
                    and '2024-01-16T15:26:49+00:00' and Email in ('a@example.com', 'b, (c) and d@example.com')) limit 200 offset 400",
                "include_meta": ["fields"],
            }),
        ),
    ];

    for (number, request) in requests.into_iter().enumerate() {
        assert_eq!(broken(request, "violation").await, Vec::<String>::new(), "request {number}");
    }
}

#[tokio::test]
async fn what_the_pages_of_notifications_tokens_and_campaigns_show_passes() {
    let channel = json!({
        "channel_id": 1_000_000_068_001_u64, "events": ["Contacts.create", "Contacts.edit", "Accounts.delete"],
        "channel_expiry": "2024-01-15T12:00:00Z", "token": "x".repeat(50), "notify_on_related_action": true,
        "notify_url": "https://www.example.com/callback?a=1", "return_affected_field_values": true,
        "notification_condition": [{ "type": "field_selection" }],
    });
    let laptop = json!({
        "channel_id": "1", "events": ["Contacts.all"], "notify_url": "http://127.0.0.1:3000/hook",
        "notify_on_related_action": false, "channel_expiry": "2024-01-15T12:00:00+00:00",
    });
    let transmission = json!({
        "transmission_name": "gallery",
        "recipients": [{ "address": "a@example.com", "name": "A", "additional_data": { "alert": "1" }, "merge_data": {} }],
        "content": { "from": { "address": "b@example.com", "name": "B" }, "subject": "$[first_name|Hi]$", "html": "<p>" },
        "options": { "tracking": "disabled", "schedule_at": 1_728_472_166_000_u64 },
    });
    let refresh = [("grant_type", "refresh_token"), ("client_id", "1"), ("client_secret", "2"), ("refresh_token", "3")];
    let requests = [
        post("/crm/v8/actions/watch", json!({ "watch": [channel, laptop] })),
        put("/crm/v8/actions/watch", json!({ "watch": [channel] })),
        asking("PATCH", "/crm/v8/actions/watch").json(json!({
            "watch": [{ "channel_id": "1", "events": ["Contacts.delete"], "_delete_events": true }],
        })),
        get("/crm/v8/actions/watch?channel_id=1&module=Contacts&page=1&per_page=200"),
        asking("DELETE", "/crm/v8/actions/watch?channel_ids=1,2"),
        asking("POST", "/oauth/v2/token").form(&refresh),
        asking("POST", "/oauth/v2/token").form(&[
            ("grant_type", "authorization_code"),
            ("client_id", "1"),
            ("client_secret", "2"),
            ("code", "3"),
            ("redirect_uri", "https://example.com"),
        ]),
        post("/emailapi/v1/transmission", transmission),
        get("/emailapi/v1/transmission/1093639000422588055"),
        get("/emailapi/v1/recipients/suppression"),
        asking("DELETE", "/emailapi/v1/recipients/suppression").json(json!({ "recipients": [{ "address": "a@b.c" }] })),
    ];

    for (number, request) in requests.into_iter().enumerate() {
        assert_eq!(broken(request, "violation").await, Vec::<String>::new(), "request {number}");
    }
}

//! list-deliveries, `GET /api/admin/deliveries`: deliveries to endpoints, with their answers.

use serde_json::{Value, json};
use uuid::Uuid;

use super::with_make;

const LIST: &str = "/api/admin/deliveries?";

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_shown_with_what_its_endpoint_said() {
    let (system, user) = with_make(&[]).await;
    let event = system.event("user.created", user, 1).await;
    let delivery = system.delivery(event, "make", "pending", 2).await;
    let said = "update webhook_deliveries set last_attempt_at = now(), last_status = 500,
                    last_error = 'It answered 500.', last_answer = 'Scenario failed to complete.'";
    system.rows(said, &[]).await;

    let answer = system.get(LIST, "ops").await;

    assert_eq!(answer.body["items"][0]["id"], json!(delivery));
    assert_eq!(answer.body["items"][0]["webhook_id"], json!(format!("msg_{event}")));
    let mut shown = answer.redacted();
    shown["items"][0]["webhook_id"] = json!("msg_[id]");
    insta::assert_json_snapshot!(shown, @r#"
    {
      "items": [
        {
          "attempts": 2,
          "delivered_at": null,
          "endpoint": "make",
          "id": "[id]",
          "last_answer": "Scenario failed to complete.",
          "last_attempt_at": "[moment]",
          "last_error": "It answered 500.",
          "last_status": 500,
          "occurred_at": "[moment]",
          "status": "pending",
          "type": "user.created",
          "webhook_id": "msg_[id]"
        }
      ],
      "next": null
    }
    "#);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_deliveries_repeat_none_and_hide_none() {
    let (system, user) = with_make(&[]).await;
    system.endpoint("zapier", &["user.created"]).await;
    let many = "with event as (
                    insert into webhook_events (id, type, user_id)
                    select new_uuid_v7(), case when n % 3 = 0 then 'user.updated' else 'user.created' end, $1
                    from generate_series(1, 40) as n
                    returning id, type
                )
                insert into webhook_deliveries (id, event_id, endpoint, status)
                select new_uuid_v7(), event.id, name, (case name when 'make' then 'failed' else 'pending' end)::delivery_status
                from event cross join webhook_endpoints where type = any (events)";
    system.rows(many, &[&user]).await;
    let all = system.rows("select id from webhook_deliveries order by id desc", &[]).await;
    let all: Vec<Value> = all.iter().map(|row| json!(row.get::<_, Uuid>(0))).collect();
    let ids = |rows: Vec<Value>| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();

    let whole = ids(system.pages(LIST, 100).await);
    let small = ids(system.pages(LIST, 6).await);
    let mut found = Vec::new();
    for query in
        ["endpoint=make", "status=pending", "type=user.updated", "endpoint=zapier&type=user.updated", "endpoint=none"]
    {
        found.push(system.pages(&format!("{LIST}{query}&"), 9).await.len());
    }

    assert_eq!(all.len(), 67);
    assert_eq!(whole, all);
    assert_eq!(small, all);
    assert_eq!(found, [40, 27, 13, 0, 0]);
    system.stop().await;
}

//! A Friday afternoon: many senders at the same time, and every third event sent twice.

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;
use tests::{System, Webhook, frank, parent};

const EVENTS: usize = 2000;
const SENDERS: usize = 50;
/// Of the events, how many are copies.
const COPIES: usize = 600;
const GALLERIES: usize = 40;
/// Of the fifty buyers, those who are registered here.
const KNOWN_BUYERS: [usize; 5] = [1, 3, 5, 7, 9];

/// The events in the order in which they are sent: each copy some time after its original.
fn events() -> Vec<Webhook> {
    let originals: Vec<Webhook> = (0..EVENTS - COPIES)
        .map(|n| {
            if n % 2 == 0 {
                return Webhook::gallery_published(&format!("PD-{}", n % GALLERIES)).happened_in_minutes(-1);
            }
            let data = json!({"order_id": format!("SB{n}"), "buyer_email": format!("buyer{}@example.com", n % 100)});
            Webhook::new("order.created", &data)
        })
        .collect();
    let mut events = originals.clone();
    for n in 0..COPIES {
        let original = (n * 7) % originals.len();
        // Right behind its original, or far behind it.
        let place = if n % 2 == 0 { original + 1 } else { events.len() };
        events.insert(place.min(events.len()), originals[original].clone());
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_events_from_fifty_senders_are_neither_lost_nor_doubled() {
    let system = System::start().await;
    system.school().await;
    for gallery in (0..GALLERIES).step_by(2) {
        system.gallery(&format!("PD-{gallery}")).await;
    }
    system.register("frank", &frank()).await;
    for buyer in KNOWN_BUYERS {
        let mut body = parent("Ana", &[], "");
        body["referred_by_code"] = json!("FRANK2024");
        system.register(&format!("buyer{buyer}"), &body).await;
    }

    let answers: Vec<_> = stream::iter(events())
        .map(|event| {
            let system = &system;
            async move { system.send_webhook(&event).await }
        })
        .buffer_unordered(SENDERS)
        .collect()
        .await;

    let with = |status: &str| answers.iter().filter(|answer| answer.body["status"] == status).count();
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).filter(|status| *status > 202).collect();
    assert_eq!(statuses, [0_u16; 0], "nobody is sent away");
    assert_eq!(answers.len(), EVENTS);
    assert_eq!(with("duplicate"), COPIES);
    let distinct = i64::try_from(EVENTS - COPIES).unwrap();
    assert_eq!(system.count("webhook_inbox").await, distinct);
    // Orders of people whom nobody knows wait.
    let of_known_buyers = i64::try_from(KNOWN_BUYERS.len()).unwrap() * (distinct / 100);
    assert_eq!(system.count("webhook_inbox where status = 'pending'").await, i64::try_from(with("pending")).unwrap());
    assert_eq!(system.count("webhook_inbox where status = 'applied'").await, distinct / 2 + of_known_buyers);
    assert_eq!(system.count("referral_ledger where action_type = 'Gallery_Purchase'").await, of_known_buyers);
    assert_eq!(system.count("galleries where status = 'Live'").await, 20);
    assert_eq!(system.count("webhook_events where type = 'gallery.live'").await, 20);
    system.stop().await;
}

//! The rule that holds for all stories: whatever order events arrive in, how often each of them, and whenever the gallery
//! and the buyer appear, everything ends the same.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tests::{School, System, Webhook, eventually, frank, parent};

/// How many stories are told; each takes a few dozen requests.
const STORIES: u32 = 24;

/// What happens to one gallery and one buyer.
#[derive(Clone, Debug)]
struct Story {
    /// By minutes ago, each a moment of its own: whether it was published or archived.
    gallery: BTreeMap<i64, bool>,
    orders: Vec<u8>,
    /// The order in which everything arrives; what is not named comes at the end.
    arrivals: Vec<Index>,
    /// How many requests are under way at the same time.
    together: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Event(Webhook),
    MakeGallery,
    Register,
}

fn stories() -> impl Strategy<Value = Story> {
    let gallery = btree_map(1_i64..1000, any::<bool>(), 1..6);
    let orders = btree_set(0_u8..20, 0..5).prop_map(|orders| orders.into_iter().collect());
    (gallery, orders, vec(any::<Index>(), 0..24), 1_usize..5).prop_map(|(gallery, orders, arrivals, together)| Story {
        gallery,
        orders,
        arrivals,
        together,
    })
}

impl Story {
    /// Its events, the making of its gallery and its buyer's registration; `name` is theirs alone.
    fn steps(&self, name: &str) -> Vec<Step> {
        let events = self.gallery.iter().map(|(minutes, published)| {
            let event = if *published { Webhook::gallery_published(name) } else { Webhook::gallery_archived(name) };
            Step::Event(event.happened_in_minutes(-minutes))
        });
        let orders = self.orders.iter().map(|order| {
            let data = json!({"order_id": format!("{name}/{order}"), "buyer_email": format!("{name}@example.com")});
            Step::Event(Webhook::new("order.created", &data))
        });
        events.chain(orders).chain([Step::MakeGallery, Step::Register]).collect()
    }

    /// The steps in the order of their arrival, events with their repetitions, everything at least once.
    fn arrivals(&self, steps: &[Step]) -> Vec<Step> {
        let mut arrivals: Vec<Step> = self.arrivals.iter().map(|index| index.get(steps).clone()).collect();
        arrivals.extend(steps.iter().rev().cloned());
        let (mut made, mut registered) = (false, false);
        arrivals.retain(|step| match step {
            Step::Event(_) => true,
            Step::MakeGallery => !std::mem::replace(&mut made, true),
            Step::Register => !std::mem::replace(&mut registered, true),
        });
        arrivals
    }

    async fn tell(&self, system: &System, school: &School, name: &str) {
        for together in self.arrivals(&self.steps(name)).chunks(self.together) {
            join_all(together.iter().map(|step| take(system, school, name, step))).await;
        }
    }

    fn expected_status(&self) -> &'static str {
        match self.gallery.first_key_value() {
            Some((_, true)) => "Live",
            Some((_, false)) => "Archived",
            None => "Pre-Reg",
        }
    }
}

async fn take(system: &System, school: &School, name: &str, step: &Step) {
    match step {
        Step::Event(event) => {
            let answer = system.send_webhook(event).await;
            assert!([200, 202].contains(&answer.status), "{} {}", answer.status, answer.body);
        }
        Step::MakeGallery => drop(system.gallery(name).await),
        Step::Register => {
            let mut body = parent("Ana", &["Leo"], &school.join_code);
            body["referred_by_code"] = json!("FRANK2024");
            system.register(name, &body).await;
        }
    }
}

async fn check(system: &System, story: &Story, name: &str) {
    assert_eq!(system.gallery_status(name).await, story.expected_status());
    let rows = system
        .rows(
            "select external_ref from referral_ledger
             where referred_user_id = (select id from users where email = $1) and action_type = 'Gallery_Purchase'
             order by 1",
            &[&format!("{name}@example.com")],
        )
        .await;
    let credited: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut expected: Vec<String> = story.orders.iter().map(|order| format!("{name}/{order}")).collect();
    expected.sort_unstable();
    assert_eq!(credited, expected);
    assert_eq!(system.count("webhook_inbox where status <> 'applied'").await, 0);
}

/// Nobody was written to twice about the same gallery, here or at Zoho.
async fn nobody_was_told_twice(system: &System) {
    let twice =
        system.count("(select from gallery_alerts group by gallery_id, parent_id having count(*) > 1) as twice");
    assert_eq!(twice.await, 0);
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for recipient in system.recipients().await {
        let Value::String(address) = &recipient["address"] else { panic!("no address in {recipient}") };
        let link = recipient["merge_data"]["gallery_url"].as_str().expect("an alert has a link");
        *told.entry(format!("{address} {link}")).or_default() += 1;
    }
    assert!(!told.is_empty(), "somebody has been told of something");
    assert!(told.values().all(|times| *times == 1), "{told:?}");
}

#[test]
fn any_order_and_repetition_ends_in_the_same_galleries_ledger_and_alerts() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (system, school) = runtime.block_on(async {
        let system = System::with(&["ENABLE_EMAIL_ALERTS"]).await;
        let school = system.school().await;
        system.register("frank", &frank()).await;
        (system, school)
    });
    let told = AtomicUsize::new(0);

    // No file of failures: a story that fails is printed with its shortest form.
    let config = Config { cases: STORIES, failure_persistence: None, max_shrink_iters: 32, ..Config::default() };
    let outcome = TestRunner::new(config).run(&stories(), |story| {
        let name = format!("story-{}", told.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(async {
            story.tell(&system, &school, &name).await;
            check(&system, &story, &name).await;
        });
        Ok(())
    });

    runtime.block_on(async {
        eventually("the alerts have gone out", || async {
            (system.count("tasks where kind in ('fan-out-gallery', 'send-alerts')").await == 0).then_some(())
        })
        .await;
        nobody_was_told_twice(&system).await;
        system.stop().await;
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

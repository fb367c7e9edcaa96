//! How often a warm function goes to PostgreSQL and back: counted on the wire, by a proxy between the two.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::events::{self, People};
use crate::demo::Stage;

pub(super) async fn measure(stage: &Stage, people: &People) -> Result<String> {
    let database = url::Url::parse(&stage.stack().endpoints().database_url)?;
    let port = database.port().context("the database has no port")?;
    let counter = Counter::start(port).await?;
    let set = |port: u16| {
        BTreeMap::from([
            ("DATABASE_PORT".to_owned(), port.to_string()),
            ("ENABLE_EMAIL_ALERTS".to_owned(), "true".to_owned()),
        ])
    };
    stage.stack().set_mappings_enabled(false).await;
    stage.stack().flags().set(&set(counter.port)).await?;

    let mut report = String::from("| function | round trips to PostgreSQL, warm |\n| --- | ---: |\n");
    let parent = events::parent(&people.join_code);
    let roster = json!({ "join_code": people.join_code, "athlete_ids": [people.athlete] });
    let gallery = |n: usize| json!({"host": "photoday", "external_host_id": format!("RT-{n}"), "title": "T", "event_date": "2026-10-03"});
    count(&mut report, stage, &counter, "get-user-context", |_| {
        Ok(events::request("sheree", "GET", "/api/user/context", None))
    })
    .await?;
    count(&mut report, stage, &counter, "register-user", |n| {
        Ok(events::request(&format!("parent{n}"), "POST", "/api/users", Some(&parent)))
    })
    .await?;
    count(&mut report, stage, &counter, "join-roster", |_| {
        Ok(events::request("sheree", "POST", "/api/rosters", Some(&roster)))
    })
    .await?;
    count(&mut report, stage, &counter, "create-gallery", |n| {
        Ok(events::request("cathy", "POST", "/api/galleries", Some(&gallery(n))))
    })
    .await?;
    count(&mut report, stage, &counter, "receive-webhook", |n| {
        events::webhook(people, &format!("rt_{n}"), &format!("RT-{n}"))
    })
    .await?;
    count(&mut report, stage, &counter, "fan-out-gallery", |_| Ok(events::message("fan-out-gallery", &[]))).await?;
    count(&mut report, stage, &counter, "send-alerts", |_| Ok(events::message("send-alerts", &[]))).await?;
    stage.flip("ENABLE_ZOHO_SYNC", true).await?;
    count(&mut report, stage, &counter, "sync-zoho", |_| Ok(events::message("sync-zoho", &[]))).await?;
    count(&mut report, stage, &counter, "sweep-tasks", |_| Ok(Bytes::from_static(b"{}"))).await?;
    report.push_str("\nThe last of three invocations; those before it connect and prepare. BEGIN and COMMIT count, as do reads of the Zoho token.\n\n");

    stage.stack().flags().set(&set(port)).await?;
    stage.flip("ENABLE_ZOHO_SYNC", false).await?;
    stage.stack().set_mappings_enabled(true).await;
    Ok(report)
}

async fn count(
    report: &mut String,
    stage: &Stage,
    counter: &Counter,
    function: &str,
    event: impl Fn(usize) -> Result<Bytes>,
) -> Result<()> {
    let mut trips = 0;
    for number in 0..3 {
        let before = counter.trips();
        let answer = stage
            .stack()
            .lambda()
            .invoke(function, event(number)?)
            .await
            .with_context(|| format!("{function} failed"))?;
        trips = counter.trips() - before;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        anyhow::ensure!(answer["statusCode"].as_u64().unwrap_or(200) < 300, "{function} answered {answer}");
    }
    let _ = writeln!(report, "| {function} | {trips} |");
    Ok(())
}

/// Forwards connections and counts how often the client speaks after the server has.
struct Counter {
    port: u16,
    trips: Arc<AtomicU64>,
}

impl Counter {
    async fn start(database: u16) -> Result<Counter> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let trips = Arc::new(AtomicU64::new(0));
        let counted = trips.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, database)).await else { continue };
                let (client_in, client_out) = client.into_split();
                let (server_in, server_out) = server.into_split();
                let answered = Arc::new(AtomicBool::new(true));
                tokio::spawn(forward(client_in, server_out, Direction::Asks, answered.clone(), counted.clone()));
                tokio::spawn(forward(server_in, client_out, Direction::Answers, answered, counted.clone()));
            }
        });
        Ok(Counter { port, trips })
    }

    fn trips(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Asks,
    Answers,
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    answered: Arc<AtomicBool>,
    trips: Arc<AtomicU64>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        match direction {
            Direction::Answers => answered.store(true, Ordering::SeqCst),
            Direction::Asks => {
                if answered.swap(false, Ordering::SeqCst) {
                    trips.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}

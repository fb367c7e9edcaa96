//! Tells endpoints of events, up to twenty at a time: claim → read the present → count the attempts → call, all at
//! once → record and complete in one transaction.

mod conduct;
mod plan;
mod record;
mod schedule;
mod verdict;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use shared::bounds;
use shared::db::tasks::{Claim, ClaimedTask};
use shared::db::webhook_deliveries::{self, Delivery};
use shared::db::webhook_subjects::Subjects;
use shared::db::{self, Connection, Database, Loaded, webhook_subjects};
use shared::deliveries::{Answer, Call, Client, Endpoint, Endpoints, EndpointsSettings, Guard, NoAnswer, Subject};
use shared::domain::DeliveryId;
use shared::lambda::sqs::{TimeLeft, Wakeup};
use shared::lambda::{Start, StartError, sqs, worker};
use shared::queue::Queues;
use shared::secrets::FollowedSecret;
use shared::tasks::{Failure, Kind};
use shared::{Error, clock, ids};
use uuid::Uuid;

use plan::Plan;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub client: Client,
    pub endpoints: FollowedSecret<EndpointsSettings, Endpoints>,
    pub queues: Queues,
    /// `ENABLE_ZOHO_SYNC`. Off, what is about people waits where it is.
    pub enabled: bool,
}

/// One delivery of this invocation.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) task: ClaimedTask,
    /// None: its subject is gone, and nobody is to be told of it any more.
    pub(crate) delivery: Option<Delivery>,
}

/// One call, made and answered or not.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The first one is number one.
    pub(crate) number: u32,
    pub(crate) answer: Result<Answer, NoAnswer>,
}

/// Their tasks differ in the flag that they wait for, not in the work.
const KINDS: &[Kind] = &[Kind::DeliverWebhook, Kind::DeliverUserWebhook];

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let guard = Guard::read(&start.environment)?;
    let read = move |settings| Endpoints::of(settings, guard);
    let secrets = start.secrets();
    let app = App {
        database: start
            .database(&[
                db::tasks::HOT_WORK,
                webhook_deliveries::HOT,
                webhook_subjects::HOT,
                db::webhook_endpoints::HOT,
            ])
            .await?,
        client: Client::new(guard)?,
        endpoints: secrets.followed_or("WEBHOOK_ENDPOINTS_SECRET", clock::now(), read, Endpoints::unusable).await?,
        queues: start.queues(KINDS)?,
        enabled: start.environment.flag("ENABLE_ZOHO_SYNC")?,
    };
    sqs::run(&start, KINDS, app, handle).await
}

/// Works on the named deliveries and on whatever else is due.
pub async fn handle(app: &App, wakeup: Wakeup) -> Result<(), Error> {
    if wakeup.kind == Kind::DeliverUserWebhook && !app.enabled {
        return Ok(());
    }
    let lease = ids::new();
    let claim = db::once_more(|| claim(app, &wakeup, lease)).await?;
    if !claim.tasks.is_empty() {
        let worked = worker::in_halves(&claim, wakeup.time, async |part| work(app, part, wakeup.time).await).await;
        worker::settle(&claim, &app.database, worked).await?;
    }
    if claim.more {
        app.queues.nudge(wakeup.kind).await?;
    }
    Ok(())
}

/// A task that fails as it is claimed takes its delivery with it.
async fn claim(app: &App, wakeup: &Wakeup, lease: Uuid) -> Result<Claim, Error> {
    let (kind, most) = (wakeup.kind, wakeup.kind.batch_size());
    let mut connection = app.database.connection().await?;
    let tx = connection.transaction().await?;
    let claim = db::tasks::claim(&tx, kind, &wakeup.keys, most, lease, wakeup.time.lease(), None).await?;
    if !claim.failed.is_empty() {
        webhook_deliveries::crashed(&tx, &claim.failed).await?;
    }
    tx.commit().await?;
    Ok(claim)
}

async fn work(app: &App, claim: &Claim, time: TimeLeft) -> Result<(), Error> {
    let connection = app.database.connection().await?;
    let (work, unreadable) = load(&connection, claim).await?;
    let endpoints = endpoints(app, &work).await;
    // All calls start together, so either all of them fit in or none.
    let plans = plan::plan(&work, &endpoints, time.fits(bounds::ENDPOINT_CALL), ids::random_fraction);
    let (calls, unknown) = calls(app, connection, &work, &plans).await?;
    let attempts: HashMap<DeliveryId, Attempt> = join_all(
        calls
            .into_iter()
            .map(|(id, number, call)| async move { (id, Attempt { number, answer: app.client.send(call).await }) }),
    )
    .await
    .into_iter()
    .collect();
    let record = record::Record::of(&work, &plans, &attempts, &unknown, unreadable);
    db::insist(|| record.write(&app.database, claim)).await
}

/// What can be worked on, and the tasks whose delivery cannot be read.
async fn load(connection: &Connection, claim: &Claim) -> Result<(Vec<Work>, Vec<(ClaimedTask, Failure)>), Error> {
    let keys: Vec<Uuid> = claim.tasks.iter().map(|task| task.key).collect();
    let Loaded { rows, unreadable } = webhook_deliveries::by_ids(connection, &keys).await?;
    let mut deliveries: HashMap<Uuid, Delivery> = rows.into_iter().map(|delivery| (delivery.id.0, delivery)).collect();
    let failures: HashMap<Uuid, Failure> =
        unreadable.iter().map(|row| (row.key, row.failure(format_args!("delivery {}", row.key)))).collect();
    let (mut work, mut failed) = (Vec::new(), Vec::new());
    for task in &claim.tasks {
        match failures.get(&task.key) {
            Some(failure) => failed.push((*task, failure.clone())),
            None => work.push(Work { task: *task, delivery: deliveries.remove(&task.key) }),
        }
    }
    Ok((work, failed))
}

/// The endpoints of the secret; read anew if what the sweep has registered since is not in this copy.
async fn endpoints(app: &App, work: &[Work]) -> Arc<Endpoints> {
    let now = clock::now();
    let copy = app.endpoints.current(now).await;
    if work.iter().filter_map(|work| work.delivery.as_ref()).all(|delivery| plan::is_up_to_date(&copy, delivery)) {
        return copy;
    }
    app.endpoints.newer(now).await.unwrap_or(copy)
}

/// The calls that are made, each counted before it is, with its number.
type Calls<'a> = Vec<(DeliveryId, u32, Call<'a>)>;
/// Deliveries whose subject cannot be read, and why.
type Unknown = HashMap<DeliveryId, Failure>;

async fn calls<'a>(
    app: &App,
    connection: Connection,
    work: &[Work],
    plans: &[Plan<'a>],
) -> Result<(Calls<'a>, Unknown), Error> {
    let planned = work.iter().zip(plans);
    let sent: Vec<(&Delivery, &'a Endpoint)> =
        planned.filter_map(|(work, plan)| Some((work.delivery.as_ref()?, plan.endpoint()?))).collect();
    if sent.is_empty() {
        return Ok((Calls::new(), Unknown::new()));
    }
    let subjects: Vec<_> = sent.iter().map(|(delivery, _)| delivery.event.subject).collect();
    let keys: Vec<Uuid> = sent.iter().map(|(delivery, _)| delivery.id.0).collect();
    // The pool has one connection, and what is written may need a new one.
    drop(connection);
    let (numbers, present) = db::once_more(|| begin(&app.database, &keys, &subjects)).await?;
    let unknown = sent.iter().filter_map(|(delivery, _)| {
        let row = present.unreadable.get(&delivery.event.subject)?;
        Some((delivery.id, row.failure(format_args!("the subject {} of delivery {}", row.key, delivery.id))))
    });
    let unknown = unknown.collect();
    let at = clock::now();
    let call = |(delivery, endpoint): (&Delivery, &'a Endpoint)| {
        // What is gone since a moment ago has neither data nor a number: there is nobody to tell of.
        let body = delivery.event.body(present.found.get(&delivery.event.subject)?);
        let number = *numbers.get(&delivery.id)?;
        Some((delivery.id, number, Call { endpoint, event: delivery.event.id, body, at }))
    };
    Ok((sent.iter().copied().filter_map(call).collect(), unknown))
}

/// Counts the attempts, and then reads what they tell of: a change that comes in between sees that they were counted, and
/// makes deliveries of its own.
async fn begin(
    database: &Database,
    keys: &[Uuid],
    subjects: &[Subject],
) -> Result<(HashMap<DeliveryId, u32>, Subjects), Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let numbers = webhook_deliveries::begin(&tx, keys).await?;
    let present = webhook_subjects::load(&tx, subjects).await?;
    tx.commit().await?;
    Ok((numbers.into_iter().collect(), present))
}

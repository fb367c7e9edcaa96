//! What the simulator sends by itself: receipts of Campaigns and notifications of the CRM, in the background.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    receipts::{self, Delivery},
    watch::Notification,
    world::World,
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Dropping it ends what is still under way.
#[derive(Debug)]
pub(super) struct Deliveries {
    client: reqwest::Client,
    under_way: Mutex<JoinSet<()>>,
}

/// How often a refused notification is sent again, and after which pause.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) retries: u32,
    pub(super) pause: Duration,
}

impl Deliveries {
    pub(super) fn new() -> reqwest::Result<Self> {
        let builder = crate::http::client().timeout(TIMEOUT);
        let client = builder.redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, under_way: Mutex::default() })
    }

    /// Sends one envelope of receipts once, now; the error is a sentence.
    pub(super) async fn deliver(&self, delivery: &Delivery) -> Result<u16, String> {
        receipts::deliver(&self.client, delivery).await
    }

    /// Sends envelopes of receipts in the background, each until somebody takes it.
    pub(super) fn start(&self, outbox: Vec<Delivery>) {
        for delivery in outbox {
            self.spawn(receipts::deliver_with_patience(self.client.clone(), delivery));
        }
    }

    /// Sends notifications in the background, all at once, so that they may arrive in any order.
    pub(super) fn notify(&self, due: Vec<Notification>, patience: Patience, world: &Arc<Mutex<World>>) {
        for notification in due {
            self.spawn(notify_with_patience(self.client.clone(), notification, patience, Arc::clone(world)));
        }
    }

    /// Sends one notification once, now, and notes the answer.
    pub(super) async fn notify_now(&self, notification: &Notification, world: &Mutex<World>) -> Result<u16, String> {
        notify(&self.client, notification, world).await
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        while under_way.try_join_next().is_some() {}
        under_way.spawn(work);
    }
}

async fn notify_with_patience(
    client: reqwest::Client,
    notification: Notification,
    patience: Patience,
    world: Arc<Mutex<World>>,
) {
    for _ in 0..=patience.retries {
        if let Ok(200..=299) = notify(&client, &notification, &world).await {
            return;
        }
        tokio::time::sleep(patience.pause).await;
    }
}

async fn notify(client: &reqwest::Client, notification: &Notification, world: &Mutex<World>) -> Result<u16, String> {
    let answer = match client.post(notification.url.clone()).json(&notification.body).send().await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => Err(format!("The notification could not be sent: {}.", error.without_url())),
    };
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    world.watch.log.answered(notification.number, &answer);
    answer
}

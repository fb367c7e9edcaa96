//! Everything that the simulator remembers, and the one mutex that guards it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{SeedableRng, rngs::StdRng};
use tokio::sync::watch::Sender;

use super::{
    Options,
    campaigns::Campaigns,
    changes::Change,
    clock,
    deliveries::{Deliveries, Patience},
    faults::Faults,
    fields::Module,
    limits::{Concurrency, Credits},
    oauth::{Credentials, Tokens},
    operation::Operation,
    receipts::Delivery,
    records::Table,
    request_log::RequestLog,
    settings::Settings,
    traffic::Traffic,
    watch::{self, Cause, Watch},
};

/// What all connections share. The mutex is never held across an await: the work on it is synchronous.
#[derive(Debug)]
pub(super) struct Shared {
    /// What is being delivered in the background has a share of it too, to note the answers.
    world: Arc<Mutex<World>>,
    /// Counts the releases of held answers; who holds waits for the next one.
    pub(super) releases: Sender<u64>,
    pub(super) deliveries: Deliveries,
}

impl Shared {
    pub(super) fn new(world: World, deliveries: Deliveries) -> Self {
        Self { world: Arc::new(Mutex::new(world)), releases: Sender::new(0), deliveries }
    }

    /// The world as of now. A request that panicked has poisoned nothing that a test could not reset.
    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.now = clock::now() + TimeDelta::seconds(world.settings.clock_offset_seconds);
        world
    }

    /// Ends a step: lets go of the world, and sends what follows from the step.
    pub(super) fn finish(&self, mut world: MutexGuard<'_, World>, cause: Cause) {
        let due = watch::settle(&mut world, cause);
        let receipts = std::mem::take(&mut world.outbox);
        let pause = Duration::from_millis(world.settings.notification_retry_milliseconds);
        let patience = Patience { retries: world.settings.notification_retries, pause };
        drop(world);
        self.deliveries.start(receipts);
        self.deliveries.notify(due, patience, &self.world);
    }

    /// Sends one notification now.
    pub(super) async fn notify(&self, notification: &watch::Notification) -> Result<u16, String> {
        self.deliveries.notify_now(notification, &self.world).await
    }

    pub(super) fn release_held(&self) {
        self.releases.send_modify(|releases| *releases += 1);
    }
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Options,
    /// The simulator's own base URL: its `api_domain`.
    pub(super) url: String,
    pub(super) settings: Settings,
    /// The time of the step that is being taken.
    pub(super) now: DateTime<Utc>,
    pub(super) random: StdRng,
    pub(super) credentials: Credentials,
    pub(super) tokens: Tokens,
    pub(super) contacts: Table,
    pub(super) accounts: Table,
    pub(super) campaigns: Campaigns,
    pub(super) watch: Watch,
    /// What the current step has changed in records.
    pub(super) changes: Vec<Change>,
    pub(super) credits: Credits,
    pub(super) concurrency: Concurrency,
    pub(super) faults: Faults,
    pub(super) requests: RequestLog,
    /// What the rules of Zoho's documents say about these requests.
    pub(super) traffic: Traffic,
    pub(super) calls: BTreeMap<Operation, u64>,
    /// Receipts that the current step has caused; the shell sends them once the lock is free.
    pub(super) outbox: Vec<Delivery>,
    last_id: u64,
}

impl World {
    pub(super) fn new(options: Options, url: String) -> Self {
        Self {
            contacts: Table::new(Module::Contacts),
            accounts: Table::new(Module::Accounts),
            credentials: Credentials::of(&options),
            options,
            url,
            settings: Settings::default(),
            now: clock::now(),
            random: StdRng::from_os_rng(),
            tokens: Tokens::default(),
            campaigns: Campaigns::default(),
            watch: Watch::default(),
            changes: Vec::new(),
            credits: Credits::default(),
            concurrency: Concurrency::default(),
            faults: Faults::default(),
            requests: RequestLog::default(),
            traffic: Traffic::default(),
            calls: BTreeMap::new(),
            outbox: Vec::new(),
            // Ids look like Zoho's: digits, all of one length, so that they sort as they were given.
            last_id: 4_150_868_000_000_376_000,
        }
    }

    /// Forgets everything but who it is: the customer's organisation as it was on the first day. Calls under way keep
    /// their places, and ids are not given twice.
    pub(super) fn reset(&mut self) {
        let fresh = Self::new(self.options.clone(), self.url.clone());
        let old = std::mem::replace(self, fresh);
        self.last_id = old.last_id;
        self.concurrency = old.concurrency;
        self.requests = old.requests.forget();
        self.watch.log = old.watch.log.forget();
    }

    pub(super) fn new_id(&mut self) -> String {
        self.last_id += 1;
        self.last_id.to_string()
    }

    pub(super) fn table(&self, module: Module) -> &Table {
        match module {
            Module::Contacts => &self.contacts,
            Module::Accounts => &self.accounts,
        }
    }

    pub(super) fn table_mut(&mut self, module: Module) -> &mut Table {
        match module {
            Module::Contacts => &mut self.contacts,
            Module::Accounts => &mut self.accounts,
        }
    }

    /// A time as this organisation's CRM writes it.
    pub(super) fn written(&self, time: DateTime<Utc>) -> String {
        clock::written(time, self.settings.utc_offset())
    }
}

//! A stack of a test's own, with nothing that happens by itself: queues and schedules move when the test says so.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures_util::future::join_all;
use local::services::Durability;
use local::stack::{Options, Stack};
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

/// How long a test waits for what has to happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running system, its database (as its owner), and a client.
#[derive(Debug)]
pub struct System {
    stack: Stack,
    pub database: tokio_postgres::Client,
    pub(crate) http: reqwest::Client,
}

impl System {
    /// With these flags (`ENABLE_ZOHO_SYNC`, …) on.
    ///
    /// # Panics
    /// When the stack cannot be started: run the tests with `cargo dev test`.
    pub async fn with(flags: &[&str]) -> Self {
        let set = flags.iter().map(|flag| ((*flag).to_owned(), "true".to_owned())).collect();
        Self::with_variables(set).await
    }

    /// With these environment variables in every function that has them.
    ///
    /// # Panics
    /// When the stack cannot be started: run the tests with `cargo dev test`.
    pub async fn with_variables(set: BTreeMap<String, String>) -> Self {
        Self::with_options(Options { set, ..Options::default() }).await
    }

    /// With whatever else a stack can be asked for; nothing is built and no schedule fires.
    ///
    /// # Panics
    /// When the stack cannot be started: run the tests with `cargo dev test`.
    pub async fn with_options(options: Options) -> Self {
        let durability = Durability::Fast;
        let options = Options { schedules: false, build: false, durability, ..options };
        let stack = Stack::start(options).await.expect("a stack starts, when run by `cargo dev test`");
        let (database, connection) = tokio_postgres::connect(&stack.endpoints().database_url, NoTls)
            .await
            .expect("the stack's database is there");
        tokio::spawn(connection);
        let http = local::http::client().timeout(Duration::from_mins(1)).build().expect("a client can be built");
        Self { stack, database, http }
    }

    /// With all flags off, as a stage starts out.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    pub fn endpoints(&self) -> &local::stack::Endpoints {
        self.stack.endpoints()
    }

    /// Ends the system in order. Dropping it ends it too, at once.
    ///
    /// # Panics
    /// When a request to Zoho was not as Zoho's documents want it.
    pub async fn stop(self) {
        let violations = self.violations().await;
        self.stack.stop().await.expect("a stack stops in order");
        assert!(violations.is_empty(), "requests that Zoho's documents do not allow:\n{}", violations.join("\n"));
    }

    pub async fn rows(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.database.query(sql, parameters).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The one value of a query.
    pub async fn value<T: for<'a> tokio_postgres::types::FromSql<'a>>(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> T {
        let row = self.database.query_one(sql, parameters).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        row.get(0)
    }

    pub async fn count(&self, from: &str) -> i64 {
        self.value(&format!("select count(*) from {from}"), &[]).await
    }

    /// A direct invocation; its answer, or Lambda's error.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Value {
        let url = format!("{}/invoke/{function}", self.endpoints().control);
        let answer = self.http.post(url).json(payload).send().await.expect("the stack's control answers");
        answer.json().await.expect("the control answers JSON")
    }

    /// Starts so many processes of a function ahead: what a test holds up then is an event, and not their start, which
    /// prepares statements and waits for locks, too.
    pub async fn ready(&self, function: &str, processes: usize) {
        let event = nothing_to_do();
        join_all((0..processes).map(|_| self.invoke(function, &event))).await;
    }

    /// One round of the sweep.
    pub async fn sweep(&self) -> Value {
        self.invoke("sweep-tasks", &json!({})).await
    }

    /// Flips flags as a redeploy would.
    pub async fn flip(&self, flags: &[(&str, bool)]) {
        let values = flags.iter().map(|(flag, on)| (*flag, on.to_string())).collect();
        self.set(values).await;
    }

    /// Sends people into the CRM by this route from now on: `native`, or `middleware`.
    pub async fn take_route(&self, route: &str) {
        self.set(BTreeMap::from([("ZOHO_SYNC_ROUTE", route.to_owned())])).await;
    }

    /// Gives variables new values in every function that has them.
    pub async fn set(&self, values: BTreeMap<&str, String>) {
        let url = format!("{}/flags", self.endpoints().control);
        let answer = self.http.post(url).json(&values).send().await.expect("the stack's control answers");
        assert!(answer.status().is_success(), "variables could not be set: {}", answer.status());
    }

    /// The processes of a function's execution environments that are at work. One that is starting has none yet: it
    /// stands as 0, and a signal to 0 would end the tests themselves.
    pub fn busy(&self, function: &str) -> Vec<u32> {
        let environments = self.stack.lambda().environments();
        let busy = environments.iter().filter(|environment| {
            environment.function == function && environment.request_id.is_some() && environment.pid != 0
        });
        busy.map(|environment| environment.pid).collect()
    }

    /// `kill -9` of a function's process in the middle of its work.
    pub async fn kill(&self, function: &str) {
        let pid = eventually("the function is at work", || async { self.busy(function).first().copied() }).await;
        let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).expect("a pid is an i32"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("the process can be killed");
    }

    /// Moves every lease and every waiting time of the tasks into the past, and what others were told, as if an hour had
    /// gone by.
    pub async fn let_an_hour_pass(&self) {
        self.rows(
            "update tasks set not_before = not_before - interval '1 hour', dispatch_at = dispatch_at - interval '1 hour',
                 leased_until = leased_until - interval '1 hour'",
            &[],
        )
        .await;
        self.rows("update task_kinds set paused_until = paused_until - interval '1 hour'", &[]).await;
        self.rows("update zoho_token set refreshing_until = refreshing_until - interval '1 hour'", &[]).await;
        self.rows("update webhook_events set occurred_at = occurred_at - interval '1 hour'", &[]).await;
        self.rows("update webhook_deliveries set delivered_at = delivered_at - interval '1 hour'", &[]).await;
    }

    /// An hour later whatever is due by then is done.
    pub async fn goes_on(&self) {
        self.let_an_hour_pass().await;
        self.sweep().await;
        self.drained().await;
    }

    /// Waits until no task is left that could still run.
    pub async fn drained(&self) {
        eventually("all tasks are done", || async {
            (self.count("tasks where failed_at is null").await == 0).then_some(())
        })
        .await;
    }

    /// Everything that the functions have logged.
    pub fn logs(&self) -> String {
        let entries = std::fs::read_dir(&self.endpoints().logs).expect("the logs are there");
        let files = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
        files.collect::<Vec<_>>().join("\n")
    }
}

/// Waits for something that has to happen.
///
/// # Panics
/// If it does not happen within a minute.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An event that no function has anything to do for: a request as API Gateway would never let it through, without an
/// identity, and a batch without messages.
pub fn nothing_to_do() -> Value {
    json!({
        "Records": [],
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": {},
        "requestContext": {
            "accountId": "000000000000", "apiId": "local", "domainName": "localhost", "domainPrefix": "localhost",
            "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "a test"},
            "requestId": "1", "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1_767_225_600_000_u64,
        },
        "isBase64Encoded": false,
    })
}

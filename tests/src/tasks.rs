//! Tasks as an operator sees them, and as a test makes many of them.

use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::system::{System, eventually};

/// One task as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    pub revision: i64,
    pub attempts: i32,
    pub crashes: i32,
    pub leased: bool,
    pub failed: bool,
    /// Whether it waits for its next attempt.
    pub waits: bool,
    /// Code and message of what happened last; empty if nothing did.
    pub code: String,
    pub message: String,
    pub field: String,
}

impl System {
    /// The task of this kind, unless it is done.
    pub async fn task(&self, kind: &str, key: Uuid) -> Option<Task> {
        let task = "select revision, attempts, crashes, lease is not null as leased, failed_at is not null as failed,
                        not_before > now() as waits, coalesce(failure->>'code', '') as code,
                        coalesce(failure->>'message', '') as message, coalesce(failure->>'field', '') as field
                    from tasks where kind = $1 and key = $2";
        let rows = self.rows(task, &[&kind, &key]).await;
        rows.first().map(|row| Task {
            revision: row.get("revision"),
            attempts: row.get("attempts"),
            crashes: row.get("crashes"),
            leased: row.get("leased"),
            failed: row.get("failed"),
            waits: row.get("waits"),
            code: row.get("code"),
            message: row.get("message"),
            field: row.get("field"),
        })
    }

    /// Waits until a task that is there has an outcome that is told, and returns it.
    pub async fn told(&self, kind: &str, key: Uuid) -> Task {
        eventually("the task tells what happened", || async {
            self.task(kind, key).await.filter(|task| !task.leased && !task.code.is_empty())
        })
        .await
    }

    /// Waits until a task that is there is leased to nobody.
    pub async fn put_back(&self, kind: &str, key: Uuid) -> Task {
        eventually("the task is put back", || async { self.task(kind, key).await.filter(|task| !task.leased) }).await
    }

    /// Why a kind pauses; empty if it does not.
    pub async fn pause_of(&self, kind: &str) -> String {
        let reason = "select coalesce(max(reason), '') from task_kinds where kind = $1 and paused_until > now()";
        self.value(reason, &[&kind]).await
    }

    /// So many tasks of users who do not exist any more, asked for an hour ago, one after the other.
    pub async fn fill_tasks(&self, kind: &str, number: i32) {
        self.rows(
            "insert into tasks (kind, key, not_before, dispatch_at)
             select $1, gen_random_uuid(), moment, moment
             from generate_series(1, $2) as place, lateral (select now() - interval '1 hour' + place * interval '1 ms') as at (moment)",
            &[&kind, &number],
        )
        .await;
        self.rows("analyze tasks", &[]).await;
    }

    /// So many parents who signed up a moment ago and are not in the CRM; all play soccer, and golf or tennis by turns.
    pub async fn fill_parents(&self, number: i32) {
        self.rows(
            "with people as (
                 insert into users (id, email, auth_provider_id, role)
                 select gen_random_uuid(), 'parent' || n || '@example.com', 'sub' || n, 'parent' from generate_series(1, $1) as n
                 returning id, auth_provider_id
             ),
             profiles as (
                 insert into profiles_parents (user_id, first_name, last_name, sport_interests)
                 select id, 'Pat', 'Moss',
                     array['Soccer', (array['Golf', 'Tennis'])[1 + right(auth_provider_id, 1)::int % 2]]
                 from people
             )
             insert into tasks (kind, key, not_before, dispatch_at) select 'sync-zoho', id, now(), now() from people",
            &[&number],
        )
        .await;
    }

    /// Waits until a task is put back after so many attempts.
    pub async fn attempted(&self, kind: &str, key: Uuid, attempts: i32) {
        eventually("the task was tried", || async {
            self.task(kind, key).await.filter(|task| !task.leased && task.attempts == attempts).map(drop)
        })
        .await;
    }

    /// Waits until the server has noticed the death of every worker that it knew.
    pub async fn no_worker_is_connected(&self) {
        let connected = "pg_stat_activity where usename = 'isoxp_worker' and datname = current_database()";
        eventually("no worker is connected", || async { (self.count(connected).await == 0).then_some(()) }).await;
    }

    /// Another session, for a transaction that a test keeps open.
    pub async fn session(&self) -> tokio_postgres::Client {
        let (session, connection) =
            tokio_postgres::connect(&self.endpoints().database_url, NoTls).await.expect("the database is there");
        tokio::spawn(connection);
        session
    }

    /// Waits until a function stands before a lock.
    pub async fn blocked(&self) {
        let blocked = "pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()";
        eventually("somebody waits for a lock", || async { (self.count(blocked).await > 0).then_some(()) }).await;
    }

    /// Throws away every message that waits in a queue.
    pub async fn purge(&self, queue: &str) {
        let url = self.stack().queue_url(queue).expect("the template has this queue");
        self.stack().sqs().purge_queue().queue_url(url).send().await.expect("the queue can be purged");
    }
}

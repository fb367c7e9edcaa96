//! The local Lambda service: runs each function's real binary against a Runtime API, one event at a time in each
//! execution environment, with Lambda's reuse, scaling, limits, errors and log lines.
//!
//! An execution environment is one task (`environment`) that owns one child process and one Runtime API listener
//! (`api`). A pool for each function (`pool`) knows which environments are idle.

mod api;
mod environment;
mod error;
mod guardian;
pub(crate) mod host;
mod log;
mod pool;
mod process;
#[cfg(test)]
pub(crate) mod test_function;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use tokio::{sync::watch, task::JoinSet};

pub use error::InvokeError;
pub use guardian::Guardian;
pub use pool::EnvironmentInfo;

use environment::Work;
use pool::{Admission, Pool};

/// The most that an event or a synchronous answer may have, in bytes (Lambda's quota of "6 MB").
pub const PAYLOAD_LIMIT: usize = 6_291_556;

/// What Lambda has to know of a function.
#[derive(Clone, Debug)]
pub struct FunctionSpec {
    /// Also its handler: one binary may serve several functions.
    pub name: String,
    pub binary: PathBuf,
    pub timeout: Duration,
    /// Only told to the function and to its log: a process of the laptop's is not held to it.
    pub memory_mb: u32,
    /// How many events may be in work at once; 50 where it is not set.
    pub reserved_concurrency: Option<u32>,
    /// All that the process sees, beside `PATH` and what Lambda itself sets.
    pub environment: BTreeMap<String, String>,
    /// What the function prints is appended here, between Lambda's START, END and REPORT lines.
    pub log: PathBuf,
}

/// The running service; clones are handles on the same one. When the last is dropped, its processes are killed.
#[derive(Clone)]
pub struct Lambda {
    inner: Arc<Inner>,
}

struct Inner {
    pools: BTreeMap<String, Arc<Pool>>,
    environments: Mutex<JoinSet<()>>,
    stopping: watch::Sender<bool>,
    guardian: Arc<Guardian>,
}

impl Lambda {
    /// Takes the functions up. No process starts before the first event.
    pub async fn start(functions: Vec<FunctionSpec>) -> anyhow::Result<Self> {
        let mut pools = BTreeMap::new();
        for spec in functions {
            ensure!(
                spec.binary.is_file(),
                "the function `{}` has no binary at {}: build it first",
                spec.name,
                spec.binary.display()
            );
            if let Some(folder) = spec.log.parent() {
                tokio::fs::create_dir_all(folder)
                    .await
                    .with_context(|| format!("cannot make the log folder {}", folder.display()))?;
            }
            let name = spec.name.clone();
            ensure!(pools.insert(name.clone(), Pool::new(spec)).is_none(), "two functions have the name `{name}`");
        }
        let guardian = Arc::new(Guardian::start()?);
        let (stopping, _) = watch::channel(false);
        Ok(Self { inner: Arc::new(Inner { pools, environments: Mutex::default(), stopping, guardian }) })
    }

    /// One synchronous invocation. It goes on even if the caller stops waiting, as in Lambda.
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Result<Bytes, InvokeError> {
        let pool = self.inner.pools.get(function).ok_or_else(|| InvokeError::NotFound(function.to_owned()))?;
        if payload.len() > PAYLOAD_LIMIT {
            return Err(InvokeError::RequestTooLarge { bytes: payload.len() });
        }
        loop {
            let (work, outcome) = Work::new(payload.clone());
            match pool.admit(&work.request_id)? {
                Admission::Warm(environment) => {
                    if environment.send(work).is_err() {
                        continue;
                    }
                }
                Admission::Cold(seat) => self.inner.spawn(environment::run(
                    seat,
                    work,
                    self.inner.guardian.clone(),
                    self.inner.stopping.subscribe(),
                )),
            }
            // No outcome at all: the environment died idle, before it took the event. The next one gets it.
            if let Ok(outcome) = outcome.await {
                return outcome;
            }
        }
    }

    /// What runs at this moment.
    pub fn environments(&self) -> Vec<EnvironmentInfo> {
        self.inner.pools.values().flat_map(|pool| pool.environments()).collect()
    }

    /// Deploys other variables for the functions named: busy environments finish under the old values and then end, the
    /// idle ones have ended on return. Every invocation that starts after the return sees the new values.
    pub async fn redeploy(&self, environment: BTreeMap<String, BTreeMap<String, String>>) -> anyhow::Result<()> {
        for name in environment.keys() {
            ensure!(self.inner.pools.contains_key(name), "there is no function `{name}` to deploy");
        }
        let names: Vec<_> = environment.keys().cloned().collect();
        for (name, variables) in environment {
            self.inner.pools[&name].redeploy(variables);
        }
        for name in names {
            self.inner.pools[&name].settled().await;
        }
        Ok(())
    }

    /// Deploys a function with the variables that it has: its next event meets a fresh process.
    pub async fn restart(&self, function: &str) -> Result<(), InvokeError> {
        let pool = self.inner.pools.get(function).ok_or_else(|| InvokeError::NotFound(function.to_owned()))?;
        pool.restart();
        pool.settled().await;
        Ok(())
    }

    /// Ends every environment, SIGTERM first and SIGKILL after a moment; events in work end with
    /// [`InvokeError::Stopped`]. No child survives the return.
    pub async fn shutdown(&self) {
        for pool in self.inner.pools.values() {
            pool.stop();
        }
        self.inner.stopping.send_replace(true);
        let mut environments = std::mem::take(&mut *self.inner.lock());
        while environments.join_next().await.is_some() {}
    }
}

impl Inner {
    fn spawn(&self, environment: impl Future<Output = ()> + Send + 'static) {
        let mut environments = self.lock();
        while environments.try_join_next().is_some() {}
        environments.spawn(environment);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.environments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lambda {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.environments()).finish()
    }
}

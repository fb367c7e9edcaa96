//! The environments of one function: who is idle, who is busy, how many there may be, and which variables are in force.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, oneshot};

use super::{FunctionSpec, InvokeError, environment::Work};

/// The share that one function may take of an account's concurrency where it reserved none.
const UNRESERVED_CONCURRENCY: usize = 50;

/// One environment, as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentInfo {
    pub function: String,
    /// 0 until the process exists.
    pub pid: u32,
    /// `starting`, `idle`, `busy`, or `ending` after a redeploy.
    pub state: &'static str,
    /// Of the event in work, or of the one that it starts for.
    pub request_id: Option<String>,
}

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) spec: FunctionSpec,
    state: Mutex<State>,
    /// Told whenever an environment has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    variables: Arc<BTreeMap<String, String>>,
    /// Counts the deployments; an environment of an earlier one takes no more events.
    deployment: u64,
    stopped: bool,
    members: BTreeMap<u64, Member>,
    /// The one that became idle last is at the end, and is the first to be used again.
    idle: Vec<(u64, oneshot::Sender<Work>)>,
    next_member: u64,
}

#[derive(Debug)]
struct Member {
    pid: u32,
    state: &'static str,
    request_id: Option<String>,
}

/// Where an event goes.
pub(super) enum Admission {
    Warm(oneshot::Sender<Work>),
    Cold(Seat),
}

/// An environment's place in the pool, free again when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) pool: Arc<Pool>,
    pub(super) variables: Arc<BTreeMap<String, String>>,
    member: u64,
    deployment: u64,
}

impl Pool {
    pub(super) fn new(mut spec: FunctionSpec) -> Arc<Self> {
        let variables = Arc::new(std::mem::take(&mut spec.environment));
        Arc::new(Self { spec, state: Mutex::new(State { variables, ..State::default() }), ended: Notify::new() })
    }

    /// Finds the event an idle environment, or a place for a new one.
    pub(super) fn admit(self: &Arc<Self>, request_id: &str) -> Result<Admission, InvokeError> {
        let limit = self.spec.reserved_concurrency.map_or(UNRESERVED_CONCURRENCY, |limit| limit as usize);
        let mut state = self.lock();
        if state.stopped {
            return Err(InvokeError::Stopped);
        }
        if state.members.values().filter(|member| matches!(member.state, "starting" | "busy")).count() >= limit {
            return Err(InvokeError::Throttled);
        }
        if let Some((id, environment)) = state.idle.pop() {
            if let Some(member) = state.members.get_mut(&id) {
                (member.state, member.request_id) = ("busy", Some(request_id.to_owned()));
            }
            return Ok(Admission::Warm(environment));
        }
        let (member, deployment) = (state.next_member, state.deployment);
        state.next_member += 1;
        state.members.insert(member, Member { pid: 0, state: "starting", request_id: Some(request_id.to_owned()) });
        let variables = state.variables.clone();
        Ok(Admission::Cold(Seat { pool: self.clone(), variables, member, deployment }))
    }

    /// From now on new environments get these variables; those that work finish, the idle ones end.
    pub(super) fn redeploy(&self, variables: BTreeMap<String, String>) {
        let mut state = self.lock();
        state.variables = Arc::new(variables);
        state.deployment += 1;
        state.dismiss_idle();
    }

    /// The same deployed once more.
    pub(super) fn restart(&self) {
        let variables = BTreeMap::clone(&self.lock().variables);
        self.redeploy(variables);
    }

    /// Waits until those that were idle at the redeploy are gone.
    pub(super) async fn settled(&self) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if !self.lock().members.values().any(|member| member.state == "ending") {
                return;
            }
            ended.await;
        }
    }

    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.dismiss_idle();
    }

    pub(super) fn environments(&self) -> Vec<EnvironmentInfo> {
        let describe = |Member { pid, state, request_id }: &Member| EnvironmentInfo {
            function: self.spec.name.clone(),
            pid: *pid,
            state,
            request_id: request_id.clone(),
        };
        self.lock().members.values().map(describe).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Their senders are dropped, which tells the environments to end.
    fn dismiss_idle(&mut self) {
        for (id, _) in std::mem::take(&mut self.idle) {
            if let Some(member) = self.members.get_mut(&id) {
                member.state = "ending";
            }
        }
    }
}

impl Seat {
    pub(super) fn started(&self, pid: u32) {
        self.update(|member| member.pid = pid);
    }

    pub(super) fn busy(&self) {
        self.update(|member| member.state = "busy");
    }

    /// Offers the environment for the next event; `None` when it is outdated and has to end.
    pub(super) fn idle(&self) -> Option<oneshot::Receiver<Work>> {
        let mut state = self.pool.lock();
        if state.stopped || state.deployment != self.deployment {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        state.idle.push((self.member, sender));
        if let Some(member) = state.members.get_mut(&self.member) {
            (member.state, member.request_id) = ("idle", None);
        }
        Some(receiver)
    }

    fn update(&self, change: impl FnOnce(&mut Member)) {
        if let Some(member) = self.pool.lock().members.get_mut(&self.member) {
            change(member);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.members.remove(&self.member);
        state.idle.retain(|(id, _)| *id != self.member);
        drop(state);
        self.pool.ended.notify_waiters();
    }
}

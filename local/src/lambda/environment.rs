//! One execution environment: starts a process, feeds it one event at a time, and ends with it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Guardian, InvokeError,
    api::{Answer, Call, Event, Server, Verdict},
    host,
    log::{Log, Report},
    pool::Seat,
    process::Process,
};

/// Lambda's limit for a function to ask for its first event.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

type Outcome = Result<Bytes, InvokeError>;

/// One event and who waits for its outcome.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) request_id: String,
    payload: Bytes,
    reply: oneshot::Sender<Outcome>,
}

impl Work {
    pub(super) fn new(payload: Bytes) -> (Self, oneshot::Receiver<Outcome>) {
        let (reply, outcome) = oneshot::channel();
        (Self { request_id: host::request_id(), payload, reply }, outcome)
    }

    fn finish(self, outcome: Outcome) {
        // Who stopped waiting does not want to know.
        let _unheard = self.reply.send(outcome);
    }
}

/// The whole life of an environment, from the event that it is started for.
pub(super) async fn run(seat: Seat, first: Work, guardian: Arc<Guardian>, stopping: watch::Receiver<bool>) {
    let mut work = first;
    let mut environment = match start(&seat, &work.request_id, &guardian, stopping).await {
        Ok(environment) => environment,
        Err(error) => {
            drop(seat);
            return work.finish(Err(error));
        }
    };
    loop {
        let (outcome, alive) = environment.handle(&seat, &work).await;
        // The pool is up to date before the caller hears: his next event finds the environment idle, or gone.
        let offer = if alive { seat.idle() } else { None };
        let Some(offer) = offer else {
            drop(seat);
            work.finish(outcome);
            return environment.process.terminate().await;
        };
        work.finish(outcome);
        match environment.rest(offer).await {
            Some(next) => work = next,
            None => return environment.process.terminate().await,
        }
    }
}

/// Lambda starts a function whose initialisation failed once more before it gives up.
async fn start(
    seat: &Seat,
    request_id: &str,
    guardian: &Arc<Guardian>,
    stopping: watch::Receiver<bool>,
) -> Result<Environment, InvokeError> {
    match Environment::start(seat, request_id, guardian, stopping.clone()).await {
        Err(InvokeError::FunctionError { .. }) => Environment::start(seat, request_id, guardian, stopping).await,
        done => done,
    }
}

#[derive(Debug)]
struct Environment {
    process: Process,
    calls: mpsc::Receiver<Call>,
    /// The process's request for an event, while it has one open.
    asking: Option<oneshot::Sender<Event>>,
    /// How long the initialisation took, until it is reported.
    init: Option<Duration>,
    log: Log,
    stopping: watch::Receiver<bool>,
    _server: Server,
}

impl Environment {
    async fn start(
        seat: &Seat,
        request_id: &str,
        guardian: &Arc<Guardian>,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self, InvokeError> {
        let begun = Instant::now();
        let unstartable = |error| InvokeError::invalid_entrypoint(request_id, &error);
        let log = Log::open(&seat.pool.spec.log).map_err(unstartable)?;
        let (server, calls) = Server::start().await.map_err(unstartable)?;
        let process = Process::start(seat, server.address, &log, guardian).map_err(unstartable)?;
        seat.started(process.pid);
        let mut environment = Self { process, calls, asking: None, init: None, log, stopping, _server: server };
        match environment.initialise(request_id).await {
            Ok(()) => {
                environment.init = Some(begun.elapsed());
                Ok(environment)
            }
            Err(error) => {
                environment.log.line(&format!("INIT_REPORT Phase: init Status: error {error}"));
                environment.process.kill().await;
                Err(error)
            }
        }
    }

    /// Waits until the process asks for its first event.
    async fn initialise(&mut self, request_id: &str) -> Result<(), InvokeError> {
        let timeout = sleep(INIT_TIMEOUT);
        tokio::pin!(timeout);
        loop {
            select! {
                biased;
                Some(call) = self.calls.recv() => match call {
                    Call::Next(asking) => {
                        self.asking = Some(asking);
                        return Ok(());
                    }
                    Call::InitError { body, verdict } => {
                        tell(verdict, Verdict::Accepted);
                        return Err(InvokeError::reported(body));
                    }
                    Call::Answer { verdict, .. } => tell(verdict, Verdict::OutOfTurn),
                },
                status = self.process.ended() => return Err(ended(request_id, status)),
                () = &mut timeout => return Err(InvokeError::timed_out(request_id, INIT_TIMEOUT)),
                () = stopped(&mut self.stopping) => return Err(InvokeError::Stopped),
            }
        }
    }

    /// Sees one event through. The environment is alive if the process asks for another one afterwards.
    async fn handle(&mut self, seat: &Seat, work: &Work) -> (Outcome, bool) {
        let spec = &seat.pool.spec;
        seat.busy();
        self.log.start(&work.request_id);
        let begun = Instant::now();
        let (outcome, alive) = self.exchange(spec.timeout, event(&spec.name, spec.timeout, work)).await;
        if let (Err(error), false) = (&outcome, alive) {
            self.log.line(&error.to_string());
        }
        self.log.end(&Report {
            request_id: &work.request_id,
            duration: begun.elapsed(),
            memory_mb: spec.memory_mb,
            memory_used_mb: self.process.memory_used_mb(),
            init: self.init.take(),
        });
        (outcome, alive)
    }

    /// Hands the event over, and takes the answer and the next request for an event, whichever comes to an end first:
    /// these, the process or its time.
    async fn exchange(&mut self, timeout: Duration, event: Event) -> (Outcome, bool) {
        let request_id = event.request_id.clone();
        let deadline = Instant::now() + timeout;
        let mut undelivered = deliver(self.asking.take(), event);
        let mut outcome = None;
        loop {
            select! {
                biased;
                Some(call) = self.calls.recv() => match call {
                    Call::Next(asking) => match (outcome.take(), undelivered.take()) {
                        (Some(outcome), _) => {
                            self.asking = Some(asking);
                            return (outcome, true);
                        }
                        // It gave up its first request before the event came; this one is in its place.
                        (None, Some(event)) => undelivered = deliver(Some(asking), event),
                        // It owes an answer: dropping the sender refuses the request.
                        (None, None) => drop(asking),
                    },
                    Call::Answer { request_id: answered, answer, verdict } => {
                        let expected = answered == request_id && outcome.is_none();
                        let (said, taken) = if expected { settle(&request_id, answer) } else { (Verdict::UnknownRequest, None) };
                        outcome = outcome.or(taken);
                        tell(verdict, said);
                    }
                    Call::InitError { verdict, .. } => tell(verdict, Verdict::OutOfTurn),
                },
                status = self.process.ended() => {
                    return (outcome.unwrap_or_else(|| Err(ended(&request_id, status))), false);
                }
                () = sleep_until(deadline) => {
                    self.process.kill().await;
                    return (outcome.unwrap_or_else(|| Err(InvokeError::timed_out(&request_id, timeout))), false);
                }
                () = stopped(&mut self.stopping) => {
                    return (outcome.unwrap_or(Err(InvokeError::Stopped)), false);
                }
            }
        }
    }

    /// Idles until there is another event; `None` when there will be none, or nobody to handle it.
    async fn rest(&mut self, mut offer: oneshot::Receiver<Work>) -> Option<Work> {
        loop {
            select! {
                biased;
                _ = self.process.ended() => return None,
                Some(call) = self.calls.recv() => match call {
                    Call::Next(asking) => self.asking = Some(asking),
                    Call::Answer { verdict, .. } | Call::InitError { verdict, .. } => tell(verdict, Verdict::OutOfTurn),
                },
                work = &mut offer => return work.ok(),
            }
        }
    }
}

/// Resolves at shutdown, or when nobody is left who could ask for one.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _gone = stopping.wait_for(|stopping| *stopping).await.is_err();
}

fn event(function: &str, timeout: Duration, work: &Work) -> Event {
    let now = host::now();
    let trace = host::hex(&host::random::<12>());
    Event {
        request_id: work.request_id.clone(),
        deadline_ms: (now + timeout).timestamp_millis(),
        function_arn: format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"),
        trace_id: format!("Root=1-{:08x}-{trace};Sampled=0", now.timestamp()),
        payload: work.payload.clone(),
    }
}

/// Gives the event back if the request for it is not open any more.
fn deliver(asking: Option<oneshot::Sender<Event>>, event: Event) -> Option<Event> {
    match asking {
        Some(asking) => asking.send(event).err(),
        None => Some(event),
    }
}

fn settle(request_id: &str, answer: Answer) -> (Verdict, Option<Outcome>) {
    match answer {
        Answer::Response(body) => (Verdict::Accepted, Some(Ok(body))),
        Answer::Error(body) => (Verdict::Accepted, Some(Err(InvokeError::reported(body)))),
        Answer::TooLarge => (Verdict::TooLarge, Some(Err(InvokeError::response_too_large(request_id)))),
    }
}

fn ended(request_id: &str, status: std::io::Result<std::process::ExitStatus>) -> InvokeError {
    match status {
        Ok(status) => InvokeError::exited(request_id, status),
        Err(error) => InvokeError::invalid_entrypoint(request_id, &error),
    }
}

fn tell(verdict: oneshot::Sender<Verdict>, said: Verdict) {
    // A process that died while it asked does not hear the answer.
    let _unheard = verdict.send(said);
}

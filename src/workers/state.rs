//! States of this process's workers: running, paused while something is away, or stopped.
//!
//! Health and metrics report them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// Infrastructure that a worker needs. While it is away, the worker is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Away {
    /// The event log: nats-server.
    Log,
    /// The object storage.
    Storage,
    /// The mail server.
    MailServer,
    /// The sandbox: no child process can be started.
    Sandbox,
}

impl Away {
    /// Returns the name in metrics and health.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Storage => "storage",
            Self::MailServer => "mail server",
            Self::Sandbox => "sandbox",
        }
    }

    /// Returns true if a worker can't do any work without it. Without the sandbox, only
    /// certificates with an issuer's own template can't be drawn.
    #[must_use]
    pub const fn stops_all(self) -> bool {
        !matches!(self, Self::Sandbox)
    }
}

/// State of one worker of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WorkerState {
    /// The worker pulls and handles deliveries.
    #[default]
    Running,
    /// The worker pulls nothing until everything in the map is back. Meanwhile it keeps its
    /// deliveries for a limited time. The values are the reasons, without personal data. If only
    /// the sandbox is away, the worker does all work that doesn't need it.
    Paused(BTreeMap<Away, String>),
    /// The worker has handed back its deliveries and pulls nothing until the process is restarted.
    Stopped {
        /// Reason, without personal data.
        why: String,
    },
}

impl WorkerState {
    const NAMES: [&'static str; 3] = ["running", "paused", "stopped"];

    fn name(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => Self::NAMES[2],
            _ if self.pulls_nothing() => Self::NAMES[1],
            _ => Self::NAMES[0],
        }
    }

    fn pulls_nothing(&self) -> bool {
        match self {
            Self::Running => false,
            Self::Paused(away) => away.keys().any(|away| away.stops_all()),
            Self::Stopped { .. } => true,
        }
    }
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("running"),
            Self::Paused(away) => {
                let reasons: Vec<_> = away
                    .iter()
                    .map(|(away, why)| format!("{} is away: {why}", away.name()))
                    .collect();
                let state = if self.pulls_nothing() {
                    "paused"
                } else {
                    "limited"
                };
                write!(f, "{state}, {}", reasons.join(", "))
            }
            Self::Stopped { why } => write!(f, "stopped until the process is restarted: {why}"),
        }
    }
}

/// States of all workers of this process. Cloning is cheap; clones share the states.
#[derive(Clone, Debug, Default)]
pub struct WorkerStates {
    states: Arc<Mutex<BTreeMap<&'static str, watch::Sender<WorkerState>>>>,
    turn: Turn,
}

/// Turn of the one event that is handled at a time because it was being handled at a crash. All
/// workers of a process share it, because a crash ends all of them.
#[derive(Clone, Debug)]
pub(super) struct Turn(pub Arc<Semaphore>);

impl Default for Turn {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl WorkerStates {
    /// Registers a worker as running. Returns the handle with which it changes its state.
    #[must_use]
    pub fn register(&self, worker: &'static str) -> StateHandle {
        let handle = StateHandle {
            turn: self.turn.clone(),
            ..StateHandle::new(worker)
        };
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(worker, handle.state.clone());
        handle
    }

    /// Returns a text for each worker that isn't running.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states
            .iter()
            .map(|(worker, state)| (worker, state.borrow()))
            .filter(|(_, state)| **state != WorkerState::Running)
            .map(|(worker, state)| format!("{worker} is {}", *state))
            .collect()
    }
}

/// State of one worker, which its loop changes. Cloning is cheap; clones share the state.
#[derive(Clone, Debug)]
pub struct StateHandle {
    worker: &'static str,
    state: watch::Sender<WorkerState>,
    /// Beginning of the current pause, if any.
    paused_since: Arc<Mutex<Option<Instant>>>,
    pub(super) turn: Turn,
}

impl StateHandle {
    /// Creates the state of a running worker that health doesn't report. It shares no turn with other
    /// workers.
    #[must_use]
    pub fn new(worker: &'static str) -> Self {
        let state = watch::Sender::new(WorkerState::Running);
        let handle = Self {
            worker,
            state,
            paused_since: Arc::default(),
            turn: Turn::default(),
        };
        handle.report();
        handle
    }

    /// Returns the current state.
    #[must_use]
    pub fn get(&self) -> WorkerState {
        self.state.borrow().clone()
    }

    /// Adds a reason for a pause, or changes its text. Returns true if the reason is new. Has no
    /// effect on a stopped worker.
    pub fn pause(&self, away: Away, why: &str) -> bool {
        let mut is_new = false;
        self.change(|state| {
            if let WorkerState::Running = state {
                *state = WorkerState::Paused(BTreeMap::new());
            }
            let WorkerState::Paused(reasons) = state else {
                return false;
            };
            is_new = reasons.insert(away, why.to_owned()).is_none();
            true
        });
        if is_new {
            tracing::warn!(
                worker = self.worker,
                away = away.name(),
                why,
                "worker paused"
            );
        }
        self.report();
        is_new
    }

    /// Removes a reason for a pause. Without further reasons, the worker runs again.
    pub fn resume(&self, away: Away) {
        let resumed = self.change(|state| {
            let WorkerState::Paused(reasons) = state else {
                return false;
            };
            let removed = reasons.remove(&away).is_some();
            if reasons.is_empty() {
                *state = WorkerState::Running;
            }
            removed
        });
        if resumed {
            tracing::info!(worker = self.worker, back = away.name(), "worker resumed");
        }
        self.report();
    }

    /// Stops the worker until the process is restarted: its loop hands back its deliveries and
    /// pulls nothing. The first reason is kept.
    pub fn stop(&self, why: &str) {
        let stopped = self.change(|state| {
            let stops = !matches!(state, WorkerState::Stopped { .. });
            if stops {
                let why = why.to_owned();
                *state = WorkerState::Stopped { why };
            }
            stops
        });
        if stopped {
            tracing::error!(worker = self.worker, why, "worker stopped, restart needed");
        }
        self.report();
    }

    /// Returns true if the worker is neither paused nor stopped.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.state.borrow().pulls_nothing()
    }

    /// Waits until the worker is neither paused nor stopped.
    pub async fn until_running(&self) {
        self.until(|state| !state.pulls_nothing()).await;
    }

    /// Like [`Self::until_running`]. Returns false if the worker has been paused for longer than
    /// `limit`.
    pub async fn until_running_within(&self, limit: Duration) -> bool {
        let since = *self.paused_since();
        let deadline = since.unwrap_or_else(Instant::now) + limit;
        let running = self.until_running();
        tokio::time::timeout_at(deadline, running).await.is_ok()
    }

    fn paused_since(&self) -> MutexGuard<'_, Option<Instant>> {
        let since = self.paused_since.lock();
        since.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the worker is stopped.
    pub async fn until_stopped(&self) {
        self.until(|state| matches!(state, WorkerState::Stopped { .. }))
            .await;
    }

    async fn until(&self, is_met: impl FnMut(&WorkerState) -> bool) {
        // Fails only if the sender is dropped. This handle has one.
        let _ = self.state.subscribe().wait_for(is_met).await;
    }

    /// Changes the state and notes the beginning of a pause, in one step. `change` returns true if
    /// it has changed the state.
    fn change(&self, change: impl FnOnce(&mut WorkerState) -> bool) -> bool {
        self.state.send_if_modified(|state| {
            let is_changed = change(state);
            if state.pulls_nothing() {
                self.paused_since().get_or_insert_with(Instant::now);
            } else {
                *self.paused_since() = None;
            }
            is_changed
        })
    }

    /// Sets the metric: 1 for the current state, 0 for the others.
    fn report(&self) {
        let current = self.state.borrow().name();
        for name in WorkerState::NAMES {
            let value = if name == current { 1.0 } else { 0.0 };
            metrics::gauge!("laureate_worker_state", "worker" => self.worker, "state" => name)
                .set(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_runs_again_when_everything_is_back() {
        let states = WorkerStates::default();
        let renderer = states.register("renderer");
        let mailer = states.register("mailer");
        assert!(renderer.pause(Away::Storage, "no answer"));
        assert!(!renderer.pause(Away::Storage, "not mounted"));
        renderer.pause(Away::Log, "no leader");
        mailer.stop("event of a newer version");
        assert_eq!(
            states.problems(),
            [
                "mailer is stopped until the process is restarted: event of a newer version",
                "renderer is paused, log is away: no leader, storage is away: not mounted",
            ]
        );
        renderer.resume(Away::Log);
        assert!(matches!(renderer.get(), WorkerState::Paused(_)));
        renderer.resume(Away::Storage);
        mailer.pause(Away::MailServer, "refused");
        mailer.resume(Away::MailServer);
        assert_eq!(renderer.get(), WorkerState::Running);
        assert_eq!(states.problems().len(), 1, "a stopped worker stays stopped");
    }

    #[test]
    fn worker_does_other_work_while_only_the_sandbox_is_away() {
        let states = WorkerStates::default();
        let renderer = states.register("renderer");
        renderer.pause(Away::Sandbox, "no memory");
        assert!(renderer.is_running());
        assert_eq!(
            states.problems(),
            ["renderer is limited, sandbox is away: no memory"]
        );
        renderer.pause(Away::Storage, "not mounted");
        assert!(!renderer.is_running());
    }

    #[test]
    fn pause_that_follows_another_one_has_its_own_beginning() {
        let state = StateHandle::new("renderer");
        for _ in 0..20_000 {
            state.pause(Away::Log, "no leader");
            let begun = Instant::now();
            std::thread::scope(|threads| {
                threads.spawn(|| state.resume(Away::Log));
                while !state.is_running() {
                    std::hint::spin_loop();
                }
                state.pause(Away::Log, "no leader");
            });
            let since = state.paused_since().expect("paused");
            assert!(since >= begun);
        }
    }
}

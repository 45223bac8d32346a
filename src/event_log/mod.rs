//! The event log, stored in one JetStream stream. Decisions are recorded nowhere else.
//!
//! * [`envelope`] — encoding of an event as a message: CloudEvents attributes as headers, JSON as
//!   body.
//! * [`provenance`] — cause of an event, and credential of the request.
//! * [`committer`] — appending: expected sequences, atomic batches, group commit.
//! * [`durable`] — opening durable consumers.
//! * [`consistency`] — states that a read may return; [`last_positions`] and [`load`] — last
//!   positions and histories of aggregates; [`read`] — the whole log in order; `recent` —
//!   aggregates with recent events.
//! * [`availability`] — retries while a cluster elects a leader.
//! * [`mod@connect`] — connection to the server; [`health`] — information about the server;
//!   [`writable`] — check that the server stores writes.
//! * [`timers`] — message schedules; [`task_runs`] — runs of scheduled tasks.
//! * [`provision`] — streams and consumers from the files under `nats/`; [`plan`] — the changes
//!   that provisioning makes.

mod availability;
pub mod batch;
pub mod committer;
pub mod connect;
pub mod consistency;
mod direct_get;
pub mod durable;
pub mod envelope;
pub mod error;
pub mod health;
pub mod kept;
pub mod last_positions;
mod leader;
pub mod load;
pub mod names;
pub mod plan;
pub mod provenance;
pub mod provision;
pub mod read;
mod recent;
pub mod recorded;
pub mod task_runs;
pub mod timers;
pub mod upcast;
pub mod writable;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use async_nats::jetstream;

pub use committer::{Append, AppendError, Commit};
pub use connect::{Address, ConnectError, connect};
pub use consistency::{Cause, Consistency};
pub use durable::Durable;
pub use envelope::NewEvent;
pub use error::LogError;
pub use names::Names;
pub use plan::{ProvisionError, Step};
pub use provenance::{CausedBy, Via};
pub use read::LogReader;
pub use recorded::{LogInfo, Position, RecordedEvent};
use writable::Written;

/// Handle to the log. Cloning is cheap; a process has one log.
#[derive(Clone)]
pub struct EventLog {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) client: async_nats::Client,
    pub(crate) context: jetstream::Context,
    pub(crate) names: Names,
    pub(crate) committer: committer::Committer,
    /// Outcomes of this process's last writes.
    pub(crate) written: Arc<Written>,
    /// Greatest position of an event that this process has written or read.
    pub(crate) known: AtomicU64,
}

impl EventLog {
    /// Opens the log of a namespace and starts this process's committing task.
    #[must_use]
    pub fn new(client: async_nats::Client, names: Names) -> Self {
        let context = jetstream::new(client.clone());
        let written = Arc::<Written>::default();
        let publisher =
            batch::Publisher::new(client.clone(), names.events(), &names, written.clone());
        let committer = committer::Committer::start(publisher);
        Self {
            shared: Arc::new(Shared {
                client,
                context,
                names,
                committer,
                written,
                known: AtomicU64::default(),
            }),
        }
    }

    /// Returns the names of this namespace's streams and subjects.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.shared.names
    }

    /// Returns the JetStream context, for the consumers of workers and for provisioning.
    #[must_use]
    pub fn context(&self) -> &jetstream::Context {
        &self.shared.context
    }

    /// Returns the NATS client.
    #[must_use]
    pub fn client(&self) -> &async_nats::Client {
        &self.shared.client
    }

    /// Returns the creation time and last position of the log.
    ///
    /// # Errors
    /// The server can't be reached, the log has no leader, or the stream is not provisioned.
    pub async fn info(&self) -> Result<LogInfo, LogError> {
        let stream = self
            .shared
            .context
            .get_stream(self.shared.names.events())
            .await?;
        let info = stream.cached_info();
        // While there is no leader, any replica answers, and it may lag.
        if let Some(cluster) = &info.cluster
            && cluster.leader.as_deref().unwrap_or_default().is_empty()
        {
            return Err(LogError::Unavailable("the log has no leader".to_owned()));
        }
        Ok(LogInfo {
            created: info.created,
            last_position: info.state.last_sequence,
        })
    }

    /// Appends all events of a commit if every aggregate has its expected position, otherwise none.
    /// Returns the positions of the events, in order.
    ///
    /// # Errors
    /// See [`AppendError`]. After `Unknown`, the caller must check whether the commit was written.
    pub async fn append(&self, commit: Commit) -> Result<Vec<Position>, AppendError> {
        let outcome = self.shared.committer.commit(commit).await;
        if let Ok(positions) = &outcome
            && let Some(last) = positions.last()
        {
            self.note_position(*last);
        }
        outcome
    }
}

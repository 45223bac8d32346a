//! The event log: the only place where something is decided, kept in one JetStream stream.
//!
//! * [`envelope`] — an event as a message: CloudEvents attributes as headers, JSON as body.
//! * [`committer`] — appending: expected sequences, atomic batches, group commit.
//! * [`load`] — one aggregate's history; [`read`] — the whole log in order.
//! * [`availability`] — patience with a cluster that elects a leader.
//! * [`mod@connect`] — reaching the server; [`health`] — what it tells about itself.
//! * [`timers`] — message schedules: what is to happen later; [`task_runs`] — runs of scheduled tasks.
//! * [`provision`] — streams and consumers from the files under `nats/`; [`plan`] — what that changes.

mod availability;
pub mod batch;
pub mod committer;
pub mod connect;
pub mod envelope;
pub mod error;
pub mod health;
pub mod kept;
pub mod load;
pub mod names;
pub mod plan;
pub mod provision;
pub mod read;
pub mod recorded;
pub mod task_runs;
pub mod timers;
pub mod upcast;

use std::sync::Arc;

use async_nats::jetstream;

pub use committer::{Append, AppendError, Commit};
pub use connect::{Address, ConnectError, connect};
pub use envelope::NewEvent;
pub use error::LogError;
pub use names::Names;
pub use plan::{ProvisionError, Step};
pub use read::LogReader;
pub use recorded::{LogInfo, Position, RecordedEvent};

/// A handle on the log; cheap to clone, one per process.
#[derive(Clone)]
pub struct EventLog {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) client: async_nats::Client,
    pub(crate) context: jetstream::Context,
    pub(crate) names: Names,
    pub(crate) committer: committer::Committer,
}

impl EventLog {
    /// Opens the log of a namespace and starts this process's committing task.
    #[must_use]
    pub fn new(client: async_nats::Client, names: Names) -> Self {
        let context = jetstream::new(client.clone());
        let publisher = batch::Publisher::new(client.clone(), &names);
        let committer = committer::Committer::start(publisher);
        Self { shared: Arc::new(Shared { client, context, names, committer }) }
    }

    /// The names of this namespace's streams and subjects.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.shared.names
    }

    /// The JetStream context, for workers' consumers and provisioning.
    #[must_use]
    pub fn context(&self) -> &jetstream::Context {
        &self.shared.context
    }

    /// The plain connection.
    #[must_use]
    pub fn client(&self) -> &async_nats::Client {
        &self.shared.client
    }

    /// What is known about the log as a whole.
    ///
    /// # Errors
    /// The server can't be reached, or the stream was not provisioned.
    pub async fn info(&self) -> Result<LogInfo, LogError> {
        let stream = self.shared.context.get_stream(self.shared.names.events()).await?;
        let info = stream.cached_info();
        Ok(LogInfo { created: info.created, last_position: info.state.last_sequence })
    }

    /// Appends a commit: all of it or nothing, after everything that it expects.
    /// Answers with the positions of its events, in order.
    ///
    /// # Errors
    /// See [`AppendError`]; after `Unknown` the caller must look whether the commit is there.
    pub async fn append(&self, commit: Commit) -> Result<Vec<Position>, AppendError> {
        self.shared.committer.commit(commit).await
    }
}

//! Running roles of one process. They stop together, and a role that fails stops the others.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::anyhow;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Set of running roles.
pub struct Running {
    pub(super) address: Option<SocketAddr>,
    pub(super) management_address: Option<SocketAddr>,
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    pub(super) shutdown: CancellationToken,
    pub(super) grace: Duration,
    /// Longer grace periods of tasks that still run.
    longer: Vec<(&'static str, Duration)>,
}

impl Running {
    /// Creates an empty set. Work in progress has `grace` to finish after `shutdown` is cancelled.
    pub(super) fn new(shutdown: CancellationToken, grace: Duration) -> Self {
        Self {
            address: None,
            management_address: None,
            tasks: JoinSet::new(),
            shutdown,
            grace,
            longer: Vec::new(),
        }
    }

    /// Returns the address that the API listens on, if the API is among the roles.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Returns the address of the management listener, if it is configured.
    #[must_use]
    pub const fn management_address(&self) -> Option<SocketAddr> {
        self.management_address
    }

    pub(super) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Like [`Self::spawn`], for a task whose work in progress may take up to `grace` if this is
    /// longer than the grace period of the others.
    pub(super) fn spawn_within(
        &mut self,
        name: &'static str,
        grace: Duration,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.longer.push((name, grace));
        self.spawn(name, task);
    }

    /// Returns the grace period of the tasks that still run.
    fn longest_grace(&self) -> Duration {
        let longer = self.longer.iter().map(|(_, grace)| *grace);
        longer.fold(self.grace, Duration::max)
    }

    /// Waits until shutdown is requested or a role fails. Then waits for all roles to finish the
    /// work in progress, for at most the grace period.
    ///
    /// # Errors
    /// Fails if a role failed or did not finish within the grace period.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        let mut failure = None;
        let mut stopping_since: Option<tokio::time::Instant> = None;
        loop {
            let ended = match stopping_since {
                None => tokio::select! {
                    () = self.shutdown.cancelled() => {
                        stopping_since = Some(tokio::time::Instant::now());
                        continue;
                    }
                    ended = self.tasks.join_next() => ended,
                },
                Some(since) => {
                    let deadline = since + self.longest_grace();
                    match tokio::time::timeout_at(deadline, self.tasks.join_next()).await {
                        Ok(ended) => ended,
                        Err(_) => {
                            let late = anyhow!(
                                "some work did not end within the grace period; it will be repeated"
                            );
                            return Err(failure.unwrap_or(late));
                        }
                    }
                }
            };
            let (name, result) = match ended {
                None => return failure.map_or(Ok(()), Err),
                Some(Ok(ended)) => ended,
                Some(Err(panic)) => ("unknown role", Err(anyhow!("{panic}"))),
            };
            self.longer.retain(|(longer, _)| *longer != name);
            let result = match result {
                Ok(()) if !self.shutdown.is_cancelled() => {
                    Err(anyhow!("it ended before the process was stopped"))
                }
                result => result,
            };
            if let Err(error) = result {
                tracing::error!(role = name, error = %format!("{error:#}"), "role failed, stopping the process");
                failure.get_or_insert(error.context(format!("the {name} failed")));
            }
            // The process stops instead of running without one of its roles, so that its supervisor
            // restarts it.
            self.shutdown.cancel();
        }
    }
}

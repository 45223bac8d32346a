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

    /// Waits until shutdown is requested or a role fails. Then waits for all roles to finish the
    /// work in progress, for at most the grace period.
    ///
    /// # Errors
    /// Fails if a role failed or did not finish within the grace period.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        let mut failure = None;
        let mut deadline: Option<tokio::time::Instant> = None;
        loop {
            let ended = match deadline {
                None => tokio::select! {
                    () = self.shutdown.cancelled() => {
                        deadline = Some(tokio::time::Instant::now() + self.grace);
                        continue;
                    }
                    ended = self.tasks.join_next() => ended,
                },
                Some(deadline) => {
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

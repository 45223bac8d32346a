//! Management listener of a process. Every role serves it.

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::{App, Running};
use crate::http::server::connections::ConnectionSettings;
use crate::http::server::management::{MetricsPage, management};
use crate::http::{self, Dependency, Readiness};

/// Maximum number of open connections to the management listener.
const MAX_OPEN: usize = 64;

impl App {
    /// Serves metrics and the state of dependencies if `management.listen` is configured. Returns
    /// the readiness of a process with these dependencies.
    pub(super) async fn start_management(
        &self,
        dependencies: Vec<Dependency>,
        running: &mut Running,
    ) -> anyhow::Result<Readiness> {
        let readiness = Readiness::new(dependencies);
        let Some(listen) = self.config.management.listen else {
            return Ok(readiness);
        };
        let listener = TcpListener::bind(listen).await;
        let listener =
            listener.with_context(|| format!("management.listen: cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        running.management_address = Some(address);
        tracing::info!(%address, "serving metrics and health");
        let router = management(readiness.clone(), MetricsPage::new(self.metrics.clone()));
        let limits = ConnectionSettings {
            max_open: MAX_OPEN,
            ..ConnectionSettings::default()
        };
        let shutdown = running.shutdown.clone();
        let grace = running.grace;
        running.spawn("management", async move {
            Ok(http::serve(listener, router, limits, shutdown, grace).await?)
        });
        Ok(readiness)
    }
}

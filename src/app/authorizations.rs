//! Authorization state, kept current from the event log.

use std::sync::Arc;
use std::time::Duration;

use super::{App, Running};
use crate::http::auth::authorizations::Authorizations;

impl App {
    /// Starts a task that keeps the authorization state current until the roles stop.
    pub(super) fn follow_authorizations(
        &self,
        authorizations: Arc<Authorizations>,
        running: &mut Running,
    ) {
        let log = self.commands.log().clone();
        let access = Duration::from_secs(self.config.http.tokens.access_seconds.into());
        let now = self.commands.now();
        let shutdown = running.shutdown.clone();
        running.spawn("authorizations", async move {
            authorizations.follow(&log, access, now, shutdown).await;
            Ok(())
        });
    }
}

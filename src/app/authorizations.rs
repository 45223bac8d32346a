//! Authorization state, kept current from the event log.

use std::sync::Arc;
use std::time::Duration;

use super::{App, Running};
use crate::http::auth::authorizations::Authorizations;

impl App {
    /// Starts a task that keeps the authorization state current until the roles stop. Returns the
    /// state.
    pub(super) fn follow_authorizations(&self, running: &mut Running) -> Arc<Authorizations> {
        let following = self.authorizations.clone();
        let log = self.commands.log().clone();
        let access = Duration::from_secs(self.config.http.tokens.access_seconds.into());
        let now = self.commands.now();
        let shutdown = running.shutdown.clone();
        running.spawn("authorizations", async move {
            following.follow(&log, access, now, shutdown).await;
            Ok(())
        });
        self.authorizations.clone()
    }
}

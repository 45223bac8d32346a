//! API role: the HTTP server and its dependencies.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::{App, Running};
use crate::database;
use crate::http::auth::authorizations::Authorizations;
use crate::http::server::serve::ConnectionLimits;
use crate::http::{self, HttpParts, HttpState, Readiness, Tokens};
use crate::scheduler::Plan;

impl App {
    pub(super) fn start_api(
        &self,
        listener: TcpListener,
        caught_mails: Option<PathBuf>,
        readiness: Readiness,
        authorizations: Arc<Authorizations>,
        running: &mut Running,
    ) -> anyhow::Result<()> {
        running.address = Some(listener.local_addr()?);
        let settings = self.config.http.clone();
        self.follow_authorizations(authorizations.clone(), running);
        let state = HttpState::new(HttpParts {
            commands: self.commands.clone(),
            pool: self.pool.clone(),
            readers: self.readers.clone(),
            meta_schema: database::meta_schema(&self.config.namespace),
            storage: self.storage.clone(),
            rendering: self.rendering(),
            sandbox: self.sandbox.another(),
            templates: self.shipped_templates(),
            claim_key: self.config.secrets.claim_key.clone(),
            shared_email: self.config.people.shared_email,
            tokens: Tokens::new(
                &self.config.secrets.signing_keys()?,
                settings.tokens.clone(),
            )?,
            authorizations,
            passwords: self.passwords()?,
            import_limits: self.import_limits(),
            random: |bytes| rand::fill(bytes),
            readiness,
            shutdown: running.shutdown.clone(),
            caught_mails,
            on_unknown: self.config.mail.on_unknown,
            plan: Plan::of(&self.config.scheduler)?,
            time_zone: self.config.certificates.time_zone,
            settings,
            auth: self.config.auth.clone(),
        });
        let shutdown = running.shutdown.clone();
        let grace = running.grace;
        let limits = ConnectionLimits {
            settings: self.config.http.connections,
            trusted_proxies: self.config.http.trusted_proxies.clone(),
        };
        running.spawn("api", async move {
            Ok(http::serve(listener, state, limits, shutdown, grace).await?)
        });
        Ok(())
    }
}

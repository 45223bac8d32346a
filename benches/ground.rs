//! Parts of the product in this process, on real servers of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context;
use laureate::app::{App, Extras, Role, Running};
use laureate::config::{Config, Sources};
use laureate::sandbox::Sandbox;
use laureate::stack::{Stack, StackOptions};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// How long tables may take to catch up, and imports to end.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Servers as `laureate up` has them, with their data on the disk of the checkout.
pub struct Ground {
    pub stack: Stack,
    folder: TempDir,
}

impl Ground {
    /// Starts servers; `sync_always` as in the embedded stack, false for the server's own default.
    pub async fn start(sync_always: bool) -> anyhow::Result<Self> {
        let folder = data_folder()?;
        let options = StackOptions {
            sync_always,
            supervisor: Some(PathBuf::from(env!("CARGO_BIN_EXE_laureate"))),
            ..StackOptions::persistent(folder.path().join("servers"))
        };
        Ok(Self { stack: Stack::start(options).await?, folder })
    }

    /// The product on these servers, in a namespace of its own.
    pub async fn app(&self) -> anyhow::Result<App> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let namespace = format!("b{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let smtp = self.stack.smtp_addr();
        let objects = self.folder.path().join(&namespace);
        let stack = vec![
            ("namespace", namespace),
            ("nats.url", self.stack.nats_url().to_owned()),
            ("database.url", self.stack.postgres_url().to_owned()),
            ("storage.url", objects.to_string_lossy().into_owned()),
            ("mail.host", smtp.ip().to_string()),
            ("mail.port", smtp.port().to_string()),
            ("mail.security", "none".to_owned()),
            ("mail.from_name", "Laureate".to_owned()),
            ("mail.from_address", "certificates@laureate.example".to_owned()),
            ("http.listen", "127.0.0.1:0".to_owned()),
            ("http.public_base_url", "https://certificates.example.com".to_owned()),
            // Logins are measured, and all come from one address.
            ("http.limits.password_per_minute", "100000000".to_owned()),
            ("http.limits.failed_logins_per_minute", "100000000".to_owned()),
            ("http.limits.failed_logins_of_all_per_minute", "100000000".to_owned()),
            ("secrets.claim_key", "claim-key-of-the-benchmark-0123456789".to_owned()),
            ("secrets.token_key", "token-key-of-the-benchmark-0123456789".to_owned()),
        ];
        let app = App::connect(Config::load(Sources { stack, ..Sources::default() })?).await?;
        // This program is not `laureate`, which a child of the sandbox has to be.
        let app = app.with_sandbox(Sandbox::new(PathBuf::from(env!("CARGO_BIN_EXE_laureate"))));
        app.prepare().await?;
        Ok(app)
    }

    /// Stops the servers and removes their data.
    pub async fn stop(self) {
        self.stack.stop().await;
    }
}

/// Some roles at work.
pub struct Roles {
    running: Running,
    shutdown: CancellationToken,
}

impl Roles {
    /// Starts roles of a product.
    pub async fn start(app: &App, roles: &[Role]) -> anyhow::Result<Self> {
        let shutdown = CancellationToken::new();
        let running = app.start(roles, Extras::default(), shutdown.clone()).await?;
        Ok(Self { running, shutdown })
    }

    /// Where the API listens, if it is among them.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.running.address()
    }

    /// Stops them when they are done with what they have begun.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.running.wait().await
    }
}

/// Waits until the tables contain the whole log.
pub async fn tables_are_level(app: &App) -> anyhow::Result<()> {
    let end = app.commands().log().info().await?.last_position;
    app.readers().wait_for(end, PATIENCE).await.context("the tables don't catch up")
}

/// A folder on the disk that the checkout is on: a temporary file system has no disk to wait for.
pub fn data_folder() -> anyhow::Result<TempDir> {
    let parent = env!("CARGO_TARGET_TMPDIR");
    std::fs::create_dir_all(parent)?;
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(parent)?)
}

//! Parts of the product in this process, with their own real servers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context;
use laureate::app::{App, Extras, Role, Running};
use laureate::config::{Config, Sources};
use laureate::dev_stack::{Stack, StackOptions};
use laureate::sandbox::Sandbox;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Longest wait for tables to catch up, and for imports to end.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Servers as in `laureate up`, with their data on the disk of the checkout.
pub struct Ground {
    pub stack: Stack,
    folder: TempDir,
}

impl Ground {
    /// Starts the servers. `sync_always` is true as in the embedded stack, or false for the
    /// server's default.
    pub async fn start(sync_always: bool) -> anyhow::Result<Self> {
        let folder = data_folder()?;
        let options = StackOptions {
            sync_always,
            supervisor: Some(PathBuf::from(env!("CARGO_BIN_EXE_laureate"))),
            ..StackOptions::persistent(folder.path().join("servers"))
        };
        Ok(Self {
            stack: Stack::start(options).await?,
            folder,
        })
    }

    /// Connects the product to these servers, in its own namespace.
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
            (
                "mail.from_address",
                "certificates@laureate.example".to_owned(),
            ),
            ("http.listen", "127.0.0.1:0".to_owned()),
            (
                "http.public_base_url",
                "https://certificates.example.com".to_owned(),
            ),
            // Logins are measured, and all of them come from one address.
            ("http.limits.password_per_minute", "100000000".to_owned()),
            (
                "http.limits.failed_logins_per_minute",
                "100000000".to_owned(),
            ),
            (
                "http.limits.failed_logins_of_all_per_minute",
                "100000000".to_owned(),
            ),
            (
                "secrets.claim_key",
                "claim-key-of-the-benchmark-0123456789".to_owned(),
            ),
            (
                "secrets.token_key",
                "token-key-of-the-benchmark-0123456789".to_owned(),
            ),
        ];
        let app = App::connect(Config::load(Sources {
            stack,
            ..Sources::default()
        })?)
        .await?;
        // This program is not `laureate`, but a child of the sandbox must be.
        let app = app.with_sandbox(Sandbox::new(PathBuf::from(env!("CARGO_BIN_EXE_laureate"))));
        app.prepare().await?;
        Ok(app)
    }

    /// Stops the servers and removes their data.
    pub async fn stop(self) {
        self.stack.stop().await;
    }
}

/// Running roles.
pub struct Roles {
    running: Running,
    shutdown: CancellationToken,
}

impl Roles {
    /// Starts the given roles of `app`.
    pub async fn start(app: &App, roles: &[Role]) -> anyhow::Result<Self> {
        let shutdown = CancellationToken::new();
        let running = app
            .start(roles, Extras::default(), shutdown.clone())
            .await?;
        Ok(Self { running, shutdown })
    }

    /// Returns the address that the API listens on, if it is among the roles.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.running.address()
    }

    /// Stops the roles after they have finished the work in progress.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.running.wait().await
    }
}

/// Waits until the tables contain the whole log.
pub async fn wait_until_caught_up(app: &App) -> anyhow::Result<()> {
    let end = app.commands().log().info().await?.last_position;
    app.readers()
        .wait_for(end, PATIENCE)
        .await
        .context("the tables don't catch up")
}

/// Creates a folder on the disk of the checkout, because a temporary file system would have no disk
/// to wait for.
pub fn data_folder() -> anyhow::Result<TempDir> {
    let parent = env!("CARGO_TARGET_TMPDIR");
    std::fs::create_dir_all(parent)?;
    Ok(tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(parent)?)
}

//! `laureate serve`: runs some or all roles against configured servers.

use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::global::GlobalArgs;
use crate::app::{Extras, Role};

pub(super) const EXAMPLES: &str = "\
Examples:
  laureate serve --config laureate.toml                             all roles in one process
  laureate serve --config laureate.toml --roles api,projector
  laureate serve --config laureate.toml --roles renderer,mailer     as many processes as needed

The first SIGINT or SIGTERM stops the process after the work in progress, a second one at once.";

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Roles of this process, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Role::ALL, value_name = "ROLE")]
    roles: Vec<Role>,
    /// Also create or update streams, consumers and tables first
    #[arg(long)]
    prepare: bool,
}

/// Runs until a signal arrives.
///
/// # Errors
/// Fails if a server can't be reached, or if a role fails.
pub async fn run(args: ServeArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let shutdown = stop_on_signals()?;
    let app = global.connect().await?;
    if args.prepare {
        app.prepare().await?;
    }
    let running = app.start(&args.roles, Extras::default(), shutdown).await?;
    if let Some(address) = running.address() {
        tracing::info!(%address, "listening");
    }
    running.wait().await?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a token that the first SIGINT or SIGTERM cancels. A second signal exits the process at
/// once.
///
/// # Errors
/// Fails if the signal handlers can't be installed.
pub fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let token = shutdown.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => 130,
                _ = terminate.recv() => 143,
            }
        };
        next().await;
        token.cancel();
        #[expect(
            clippy::disallowed_methods,
            reason = "the second signal ends the process at once"
        )]
        std::process::exit(next().await);
    });
    Ok(shutdown)
}

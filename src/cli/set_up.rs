//! `laureate provision` and `laureate migrate`: bringing servers up to date, idempotently.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use super::global::GlobalArgs;

/// Options of `provision`.
#[derive(Debug, Args)]
pub struct ProvisionArgs {}

/// Options of `migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {}

/// Creates or updates every stream and consumer and names each on stdout.
///
/// # Errors
/// The server can't be reached or refuses.
pub async fn provision(_: ProvisionArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let app = global.connect().await?;
    let mut out = std::io::stdout().lock();
    for step in app.provision().await? {
        writeln!(out, "{} {}", if step.existed { "up to date" } else { "created   " }, step.name)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Creates or updates the tables that replay cannot restore.
///
/// # Errors
/// The database can't be reached or refuses.
pub async fn migrate(_: MigrateArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let app = global.connect().await?;
    app.migrate().await?;
    let namespace = &app.config().namespace;
    writeln!(std::io::stdout(), "up to date {}", crate::database::meta_schema(namespace))?;
    Ok(ExitCode::SUCCESS)
}

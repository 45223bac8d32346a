//! `laureate provision` and `laureate migrate`: bring servers up to date. Both are idempotent.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::global::GlobalArgs;
use crate::event_log::plan::{Action, check_replicas};
use crate::event_log::{ProvisionError, Step};

/// Exit code if a dry run finds changes to make.
const TO_DO: u8 = 3;

/// Options of `provision`.
#[derive(Debug, Args)]
pub struct ProvisionArgs {
    /// Replicas of each stream: 1, or 3 or 5 in a cluster; existing streams are changed, and their
    /// consumers follow [default: nats.replicas; without it streams stay as they are]
    #[arg(long, value_name = "N", value_parser = replicas)]
    replicas: Option<u8>,
    /// Show the changes without making them; exit code 3 if there are any
    #[arg(long)]
    dry_run: bool,
    /// Print the steps as JSON
    #[arg(long)]
    json: bool,
}

fn replicas(text: &str) -> Result<u8, String> {
    let number = text
        .parse()
        .map_err(|_| "give a number: 1, 3 or 5".to_owned())?;
    check_replicas(number).map_err(|error: ProvisionError| error.to_string())
}

/// Options of `migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {}

/// Creates or updates all streams and consumers. A dry run only prints the changes.
///
/// # Errors
/// Fails if the server can't be reached, if it rejects a change, or if the cluster has fewer peers
/// than replicas.
pub async fn provision(args: ProvisionArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let app = global.connect().await?;
    let replicas = args.replicas.or(app.config().nats.replicas);
    let log = app.commands().log();
    let steps = if args.dry_run {
        log.plan_provision(replicas).await?
    } else {
        log.provision(replicas).await?
    };
    let mut out = crate::cli::stdout::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&steps)?)?;
    } else {
        show(&mut out, &steps, args.dry_run)?;
    }
    let to_do = args.dry_run && steps.iter().any(|step| step.action != Action::Nothing);
    Ok(if to_do {
        ExitCode::from(TO_DO)
    } else {
        ExitCode::SUCCESS
    })
}

/// Prints one line for each stream and consumer, followed by its changed settings. A dry run omits
/// streams and consumers that are up to date.
fn show(out: &mut impl Write, steps: &[Step], dry_run: bool) -> std::io::Result<()> {
    for step in steps {
        let what = match (step.action, dry_run) {
            (Action::Create, true) => "would create",
            (Action::Change, true) => "would change",
            (Action::Nothing, true) => continue,
            (Action::Create, false) => "created   ",
            (Action::Change, false) => "changed   ",
            (Action::Nothing, false) => "up to date",
        };
        writeln!(out, "{what} {}", step.name)?;
        for change in &step.changes {
            let from = if change.from == Value::Null {
                "not set".to_owned()
            } else {
                change.from.to_string()
            };
            writeln!(out, "    {}: {from} → {}", change.field, change.to)?;
        }
    }
    if dry_run && steps.iter().all(|step| step.action == Action::Nothing) {
        writeln!(out, "nothing to do")?;
    }
    Ok(())
}

/// Creates or updates the tables that replay cannot restore.
///
/// # Errors
/// Fails if the database can't be reached, or if it rejects a statement.
pub async fn migrate(_: MigrateArgs, global: GlobalArgs) -> anyhow::Result<ExitCode> {
    let app = global.connect().await?;
    app.migrate().await?;
    let namespace = &app.config().namespace;
    writeln!(
        crate::cli::stdout::stdout(),
        "up to date {}",
        crate::database::meta_schema(namespace)
    )?;
    Ok(ExitCode::SUCCESS)
}

//! `laureate with-servers -- COMMAND …`: runs a command with temporary servers, for the test suite.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::dev_stack::supervise::{bound_to_us, exit_code};
use crate::dev_stack::{NatsCluster, Stack, StackError, StackOptions};

/// Longest time for the command to end after a signal.
const GRACE: Duration = Duration::from_secs(20);

/// Starts temporary servers, runs a command with their addresses in its environment, and stops
/// them.
///
/// Environment variables: LAUREATE_TEST_NATS_URL, LAUREATE_TEST_POSTGRES_URL,
/// LAUREATE_TEST_SMTP_ADDR, LAUREATE_TEST_MAIL_DIR, LAUREATE_TEST_NATS_CLUSTER_URL (three addresses
/// separated by commas; the nodes may not have elected a leader yet) and, if the S3 server is
/// installed, LAUREATE_TEST_S3_URL.
#[derive(Debug, clap::Args)]
pub struct WithServersArgs {
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Returns the exit code of the command, or 128 + the number of the signal that ended it.
pub async fn run(args: WithServersArgs) -> anyhow::Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (stack, cluster) = tokio::select! {
        servers = start() => servers?,
        _ = interrupt.recv() => return Ok(ExitCode::from(130)),
        _ = terminate.recv() => return Ok(ExitCode::from(143)),
        _ = hangup.recv() => return Ok(ExitCode::from(129)),
    };
    let (program, rest) = args.command.split_first().context("no command given")?;
    let mut command = bound_to_us(&std::env::current_exe()?, program, rest);
    command.envs(environment(&stack, &cluster));
    for (name, _) in std::env::vars_os().filter(|(name, _)| describes_a_package(name)) {
        command.env_remove(name);
    }
    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let forward = |signal| {
        if let Some(pid) = pid {
            // The command may have exited already.
            let _ = kill_process(pid, signal);
        }
    };
    let early = tokio::select! {
        status = child.wait() => Some(status?),
        // The terminal has sent SIGINT to the command, too. The command ends by itself.
        _ = interrupt.recv() => None,
        _ = terminate.recv() => { forward(Signal::TERM); None }
        _ = hangup.recv() => { forward(Signal::HUP); None }
    };
    let status = match early {
        Some(status) => status,
        None => match tokio::time::timeout(GRACE, child.wait()).await {
            Ok(status) => status?,
            Err(_) => {
                child.start_kill()?;
                child.wait().await?
            }
        },
    };
    tokio::join!(stack.stop(), cluster.stop());
    Ok(exit_code(status))
}

/// Returns true if `cargo run` sets this variable to describe our package. A `cargo` that inherits
/// it rebuilds everything that depends on it (ring, and with it half of the dependencies).
fn describes_a_package(variable: &OsStr) -> bool {
    let name = variable.as_encoded_bytes();
    name.starts_with(b"CARGO_PKG_") || name.starts_with(b"CARGO_MANIFEST_")
}

/// Starts the servers. Awaits both results, so that if one start fails, the other server is stopped
/// properly.
async fn start() -> Result<(Stack, NatsCluster), StackError> {
    let (stack, cluster) = tokio::join!(
        Stack::start(StackOptions::for_tests()),
        NatsCluster::start(None)
    );
    Ok((stack?, cluster?))
}

fn environment(stack: &Stack, cluster: &NatsCluster) -> Vec<(&'static str, OsString)> {
    let mut variables = vec![
        ("LAUREATE_TEST_NATS_URL", stack.nats_url().into()),
        (
            "LAUREATE_TEST_NATS_CLUSTER_URL",
            cluster.urls().join(",").into(),
        ),
        ("LAUREATE_TEST_POSTGRES_URL", stack.postgres_url().into()),
        (
            "LAUREATE_TEST_SMTP_ADDR",
            stack.smtp_addr().to_string().into(),
        ),
        ("LAUREATE_TEST_MAIL_DIR", stack.mail_dir().into()),
    ];
    if let Some(url) = stack.s3_url() {
        variables.push(("LAUREATE_TEST_S3_URL", url.into()));
    }
    variables
}

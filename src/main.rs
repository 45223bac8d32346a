//! The `laureate` program.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use laureate::cli::{self, Cli, exit};
use laureate::dev_stack::supervise;
use laureate::sandbox;

/// Longest wait for blocking calls at the end of the program.
const BLOCKING_CALLS_END_WITHIN: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    if let Some(code) = supervise::intercept() {
        return code;
    }
    if let Some(code) = sandbox::intercept() {
        return code;
    }
    let cli = Cli::parse();
    // If stderr is closed, the error can't be shown.
    let tell = |error: &anyhow::Error| {
        let _ = writeln!(std::io::stderr(), "laureate: {error:#}");
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&anyhow::anyhow!(error).context("the runtime can't be started"));
            return ExitCode::from(exit::FAILED);
        }
    };
    let code = match runtime.block_on(cli::run(cli)) {
        Ok(code) => code,
        Err(error) if exit::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            exit::code_of(&error)
        }
    };
    // Dropping the runtime would wait without limit for blocking calls, such as those to a hung
    // network folder.
    runtime.shutdown_timeout(BLOCKING_CALLS_END_WITHIN);
    code
}

//! The `laureate` program.

use std::process::ExitCode;

use clap::Parser;
use laureate::cli::with_servers::{self, WithServersArgs};
use laureate::stack::supervise;

#[derive(Parser)]
enum Cli {
    /// Runs a command with servers of its own.
    #[command(hide = true)]
    WithServers(WithServersArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    if let Some(code) = supervise::intercept() {
        return Ok(code);
    }
    let Cli::WithServers(args) = Cli::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(with_servers::run(args))
}

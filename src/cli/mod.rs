//! The command line: one file per subcommand. Data goes to stdout, progress and logs to stderr.

pub mod admin;
pub mod demo;
pub mod events;
pub mod exit;
pub mod global;
pub mod logging;
pub mod made_up_people;
pub mod maintain;
pub mod openapi;
pub mod serve;
pub mod set_up;
pub mod up;
pub mod with_servers;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use global::GlobalArgs;

/// Certificates from a spreadsheet to a verified, mailed PDF.
///
/// Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 verified and found different,
/// or a demo with something missing; 130 and 143 stopped by a signal.
#[derive(Debug, Parser)]
#[command(name = "laureate", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything here: embedded nats-server, PostgreSQL and mail catcher, all roles
    Up(up::UpArgs),
    /// Run some or all roles against configured servers
    Serve(serve::ServeArgs),
    /// Show the whole product on sample data
    Demo(demo::DemoArgs),
    /// Create or update streams and consumers on the event log's server
    Provision(set_up::ProvisionArgs),
    /// Create or update the tables that replay cannot restore
    Migrate(set_up::MigrateArgs),
    /// Fill query tables anew from the log, beside the live ones, and swap them in
    Rebuild(maintain::RebuildArgs),
    /// Fill query tables anew beside the live ones and compare them row by row
    Verify(maintain::VerifyArgs),
    /// Read the event log
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Manage the people who administer
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Print a CSV of people who do not exist, for load tests
    MadeUpPeople(made_up_people::MadeUpPeopleArgs),
    /// Print the API's OpenAPI document
    Openapi,
    /// Runs a command with servers of its own
    #[command(hide = true)]
    WithServers(with_servers::WithServersArgs),
}

/// Runs the program.
///
/// # Errors
/// Whatever the subcommand reports; [`exit::code_of`] turns it into an exit code.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Up(args) => up::run(args, cli.global).await,
        Command::Serve(args) => serve::run(args, cli.global).await,
        Command::Demo(args) => demo::run(args, cli.global).await,
        Command::Provision(args) => set_up::provision(args, cli.global).await,
        Command::Migrate(args) => set_up::migrate(args, cli.global).await,
        Command::Rebuild(args) => maintain::rebuild(args, cli.global).await,
        Command::Verify(args) => maintain::verify(args, cli.global).await,
        Command::Events(command) => events::run(command, cli.global).await,
        Command::Admin(command) => admin::run(command, cli.global).await,
        Command::MadeUpPeople(args) => made_up_people::run(&args),
        Command::Openapi => openapi::run(),
        Command::WithServers(args) => with_servers::run(args).await,
    }
}

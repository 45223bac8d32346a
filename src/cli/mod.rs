//! The command line: one file per subcommand. Data goes to stdout, progress and logs to stderr.

pub mod admin;
pub mod completions;
pub mod config;
pub mod dead_letters;
pub mod demo;
pub mod doctor;
pub mod events;
pub mod exit;
pub mod global;
pub mod logging;
pub mod made_up_people;
pub mod maintain;
pub mod meter;
pub mod moment;
pub mod openapi;
pub mod serve;
pub mod set_up;
pub mod stdout;
pub mod template;
pub mod up;
pub mod with_servers;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use global::GlobalArgs;

const EXAMPLES: &str = "\
Begin here:
  laureate demo                                  try it on sample data, without any setup
  laureate up                                    run it here, with embedded servers
  laureate config example > laureate.toml        to use your own servers:
  laureate doctor --config laureate.toml         check what is missing
  laureate serve --config laureate.toml --prepare";

/// Certificates from a spreadsheet to a verified, mailed PDF.
///
/// Exit codes: 0 success; 1 failure; 2 wrong usage or configuration; 3 a verification found a
/// difference, a dry run found something to do, or a demo found something missing; 4 the doctor
/// found a failure; 5 not found; 130 and 143 stopped by a signal.
#[derive(Debug, Parser)]
#[command(name = "laureate", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything here: embedded nats-server, PostgreSQL and mail catcher, all roles
    #[command(after_help = up::EXAMPLES)]
    Up(up::UpArgs),
    /// Run some or all roles against configured servers
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::ServeArgs),
    /// Show the whole product on sample data
    Demo(demo::DemoArgs),
    /// Create or update streams and consumers on the event log's server
    Provision(set_up::ProvisionArgs),
    /// Create or update the tables that replay cannot restore
    Migrate(set_up::MigrateArgs),
    /// Rebuild query tables from the log beside the live ones, then swap them in
    Rebuild(maintain::RebuildArgs),
    /// Rebuild query tables beside the live ones and compare them row by row
    Verify(maintain::VerifyArgs),
    /// Read the event log
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// List work that was given up, and repeat it
    #[command(subcommand, after_help = dead_letters::EXAMPLES)]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Check the configuration and every dependency, and suggest what to do
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::DoctorArgs),
    /// Show the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// List, check and preview certificate templates
    #[command(subcommand, after_help = template::EXAMPLES)]
    Template(template::TemplateCommand),
    /// Manage administrators
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Print a CSV of made-up people, for load tests
    MadeUpPeople(made_up_people::MadeUpPeopleArgs),
    /// Print the API's OpenAPI document
    Openapi,
    /// Print completions for a shell
    #[command(after_help = completions::COMPLETIONS_EXAMPLES)]
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write one for each subcommand
    #[command(after_help = completions::MAN_EXAMPLES)]
    Man(completions::ManArgs),
    /// Run a command with temporary servers
    #[command(hide = true)]
    WithServers(with_servers::WithServersArgs),
}

/// Runs the subcommand.
///
/// # Errors
/// Returns the error of the subcommand. [`exit::code_of`] maps it to an exit code.
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
        Command::DeadLetters(command) => dead_letters::run(command, cli.global).await,
        Command::Doctor(args) => doctor::run(args, cli.global).await,
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => completions::man(&args),
        Command::Config(command) => config::run(&command, cli.global),
        Command::MadeUpPeople(args) => made_up_people::run(&args),
        Command::Openapi => openapi::run(),
        Command::Template(command) => template::run(&command).await,
        Command::WithServers(args) => with_servers::run(args).await,
    }
}

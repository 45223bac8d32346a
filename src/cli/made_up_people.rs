//! `laureate made-up-people`: prints a CSV of any length, for load tests.

use std::io::BufWriter;
use std::process::ExitCode;

use clap::Args;

use super::exit::is_closed_stdout;
use super::stdout::stdout;
use crate::spreadsheet;

/// Options of `made-up-people`.
#[derive(Debug, Args)]
pub struct MadeUpPeopleArgs {
    /// Number of people
    #[arg(value_name = "PEOPLE")]
    people: usize,
    /// Seed for the made-up people
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Writes the CSV to stdout row by row, so that memory does not limit its length.
///
/// # Errors
/// Fails if stdout can't be written. A closed pipe is not an error.
pub fn run(args: &MadeUpPeopleArgs) -> anyhow::Result<ExitCode> {
    match spreadsheet::made_up_people(args.people, args.seed, BufWriter::new(stdout().lock())) {
        // A reader such as `head` closes the pipe when it has read enough.
        Err(error) if is_closed_stdout(&error) => Ok(ExitCode::SUCCESS),
        written => Ok(written.map(|()| ExitCode::SUCCESS)?),
    }
}

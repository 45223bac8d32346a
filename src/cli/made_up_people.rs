//! `laureate made-up-people`: a CSV of any length, for load tests.

use std::io::{self, BufWriter};
use std::process::ExitCode;

use clap::Args;

use crate::sheet;

/// Options of `made-up-people`.
#[derive(Debug, Args)]
pub struct MadeUpPeopleArgs {
    /// How many people
    #[arg(value_name = "PEOPLE")]
    people: usize,
    /// Another seed makes other people
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Writes the CSV to stdout as it is made, so that memory does not limit its length.
///
/// # Errors
/// stdout can't be written.
pub fn run(args: &MadeUpPeopleArgs) -> anyhow::Result<ExitCode> {
    match sheet::made_up_people(args.people, args.seed, BufWriter::new(io::stdout().lock())) {
        // `| head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        written => Ok(written.map(|()| ExitCode::SUCCESS)?),
    }
}

//! Exit codes: what scripts can rely on.

use std::io;
use std::process::ExitCode;

use thiserror::Error;

use crate::config::ConfigError;

/// Something failed.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// What was verified is different from what it should be.
pub const DIFFERENT: u8 = 3;
/// A dependency is not as it has to be.
pub const UNHEALTHY: u8 = 4;
/// What was asked for does not exist.
pub const NOT_FOUND: u8 = 5;

/// What was asked for does not exist.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct NotFound(pub String);

/// The exit code for an error.
#[must_use]
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(if error.is::<ConfigError>() {
        USAGE
    } else if error.is::<NotFound>() {
        NOT_FOUND
    } else {
        FAILED
    })
}

/// Whether somebody closed the pipe that we print into, such as `head`: they have what they wanted.
#[must_use]
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

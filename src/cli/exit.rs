//! Exit codes. Scripts can rely on them.

use std::io;
use std::process::ExitCode;

use thiserror::Error;

use super::stdout::StdoutClosed;
use crate::config::ConfigError;

/// The command failed.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// A verification or a demo found a difference.
pub const DIFFERENT: u8 = 3;
/// A dependency is unhealthy, or query tables are behind the log and do not move.
pub const UNHEALTHY: u8 = 4;
/// The requested object does not exist.
pub const NOT_FOUND: u8 = 5;

/// Error for a requested object that does not exist.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct NotFound(pub String);

/// Returns the exit code for an error.
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

/// Returns true if the reader of stdout has closed it, as `head` does when it has read enough. A
/// connection that breaks is an error.
#[must_use]
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(is_closed_stdout)
}

/// Returns true if the error is that of a closed stdout.
#[must_use]
pub fn is_closed_stdout(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<StdoutClosed>())
}

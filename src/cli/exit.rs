//! Exit codes: what scripts can rely on.

use std::process::ExitCode;

use crate::config::ConfigError;

/// Something failed.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// What was verified is different from what it should be.
pub const DIFFERENT: u8 = 3;

/// The exit code for an error.
#[must_use]
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(if error.is::<ConfigError>() { USAGE } else { FAILED })
}

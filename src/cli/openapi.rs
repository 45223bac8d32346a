//! `laureate openapi`: prints the OpenAPI document, which is also checked in under `openapi/`.

use std::io::Write;
use std::process::ExitCode;

/// Prints the document on stdout.
///
/// # Errors
/// Fails if stdout is closed.
pub fn run() -> anyhow::Result<ExitCode> {
    write!(
        crate::cli::stdout::stdout(),
        "{}",
        crate::http::openapi_json()
    )?;
    Ok(ExitCode::SUCCESS)
}

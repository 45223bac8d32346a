//! `laureate template gallery`: draws all themes on one picture.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use time::macros::date;

use crate::certificate_pdf::Renderer;

/// Options of `template gallery`.
#[derive(Debug, Args)]
pub struct GalleryArgs {
    /// PNG file to write
    #[arg(long, value_name = "FILE.png")]
    out: PathBuf,
}

/// Draws each theme with its sample and a fixed date, so that the picture changes only with the
/// themes.
///
/// # Errors
/// Fails if a theme can't be drawn, or if the file can't be written.
pub fn run(args: &GalleryArgs) -> anyhow::Result<ExitCode> {
    let png = Renderer::new()?.gallery(date!(2026 - 11 - 21))?;
    std::fs::write(&args.out, png)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

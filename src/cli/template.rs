//! `laureate template`: works with the shipped themes and with templates in development.
//!
//! All subcommands run locally and need no server.

mod check;
mod gallery;
mod list;
mod preview;
mod source;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) const EXAMPLES: &str = "\
Examples:
  laureate template list
  laureate template preview corporate --with accent=#7a1f3d --with logo=logo.png --out corporate.png
  laureate template check my-template                 a folder with template.typ and manifest.json
  laureate template preview my-template --locale es --out page.pdf";

/// Subcommands of `template`.
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// List the themes that this program ships, and their options
    List(list::ListArgs),
    /// Check a template and its manifest, and draw its sample
    Check(check::CheckArgs),
    /// Draw a sample page as PDF or PNG
    Preview(preview::PreviewArgs),
    /// Draw all themes side by side on one picture
    Gallery(gallery::GalleryArgs),
}

/// Runs a subcommand of `template`.
///
/// # Errors
/// Fails if a file can't be read or written, or if a template can't be drawn.
pub async fn run(command: &TemplateCommand) -> anyhow::Result<ExitCode> {
    match command {
        TemplateCommand::List(args) => list::run(args),
        TemplateCommand::Check(args) => check::run(args).await,
        TemplateCommand::Preview(args) => preview::run(args).await,
        TemplateCommand::Gallery(args) => gallery::run(args),
    }
}

//! `laureate template`: the themes that are shipped, and templates that somebody is writing.
//!
//! All of it works on this machine alone; no server is asked.

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

/// What to do with templates.
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// Show the themes that this program ships, and what can be set on them
    List(list::ListArgs),
    /// Check a template and its manifest, and draw its sample
    Check(check::CheckArgs),
    /// Draw a sample page as PDF or PNG
    Preview(preview::PreviewArgs),
    /// Draw all themes side by side on one picture
    Gallery(gallery::GalleryArgs),
}

/// Does it.
///
/// # Errors
/// A file can't be read or written, or a template can't be drawn.
pub async fn run(command: &TemplateCommand) -> anyhow::Result<ExitCode> {
    match command {
        TemplateCommand::List(args) => list::run(args),
        TemplateCommand::Check(args) => check::run(args).await,
        TemplateCommand::Preview(args) => preview::run(args).await,
        TemplateCommand::Gallery(args) => gallery::run(args),
    }
}

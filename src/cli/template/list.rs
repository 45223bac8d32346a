//! `laureate template list`: prints the shipped themes.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::certificate_pdf::{Renderer, Template};
use crate::domain::certification::manifest::{OptionKind, PaperSize, TemplateOption};

/// Options of `template list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print JSON for programs: an array of name, version and manifest
    #[arg(long)]
    json: bool,
}

/// Prints every version of every theme.
///
/// # Errors
/// Fails if stdout is closed.
pub fn run(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let renderer = Renderer::new()?;
    let mut out = crate::cli::stdout::stdout().lock();
    if args.json {
        let all: Vec<Value> = renderer.themes().map(|theme| of_theme(theme)).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for theme in renderer.themes() {
        let manifest = theme.manifest();
        writeln!(
            out,
            "{}@{}  {}",
            theme.name(),
            theme.version(),
            paper(theme)
        )?;
        writeln!(out, "  {}", manifest.description.en)?;
        for option in &manifest.options {
            writeln!(out, "  --with {:<34} {}", shape(option), option.title.en)?;
        }
        writeln!(out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn of_theme(theme: &Template) -> Value {
    json!({"name": theme.name(), "version": theme.version(), "manifest": theme.manifest()})
}

fn paper(theme: &Template) -> String {
    let page = theme.manifest().page;
    let size = match page.size {
        PaperSize::A4 => "A4",
        PaperSize::Letter => "Letter",
    };
    let orientation = page.orientation.as_str();
    let design = if theme.manifest().design {
        ", supports a design"
    } else {
        ""
    };
    format!("{size} {orientation}{design}")
}

/// Returns an option as it is written on the command line.
fn shape(option: &TemplateOption) -> String {
    let value = match option.kind {
        OptionKind::Colour => option.default.clone().unwrap_or_default(),
        OptionKind::Text => "TEXT".to_owned(),
        OptionKind::Image => "FILE".to_owned(),
        OptionKind::Choice => option.choices.join("|"),
    };
    format!("{}={value}", option.name)
}

//! `laureate template check`: what is wrong with a template, and where.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use time::macros::date;

use super::source::TemplateFiles;
use crate::cli::exit;
use crate::domain::Locale;
use crate::render::{Diagnosis, RenderError, RenderJob, Renderer, Template};

/// Options of `template check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A folder with template.typ and manifest.json, or a .typ file with manifest.json beside it
    #[arg(value_name = "FILE|FOLDER")]
    path: PathBuf,
}

/// Draws the sample in each language, with all that may be absent and without it. Exit code 1 where
/// something is wrong.
///
/// # Errors
/// The files can't be read, or the manifest is wrong.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let files = TemplateFiles::of(&args.path);
    let template = files.read()?;
    let renderer = Renderer::new()?;
    let mut out = std::io::stdout().lock();
    for (what, job) in samples(&template) {
        if let Err(error) = draw(&renderer, &template, job) {
            writeln!(out, "{}", told(&error, &what, &files.source))?;
            return Ok(ExitCode::from(exit::FAILED));
        }
    }
    writeln!(out, "{}: good; its sample can be drawn in every language", files.source.display())?;
    Ok(ExitCode::SUCCESS)
}

fn samples(template: &Template) -> Vec<(String, RenderJob)> {
    let mut samples = Vec::new();
    for locale in Locale::ALL {
        let whole = template.sample(locale, date!(2026 - 11 - 21));
        let mut bare = whole.clone();
        bare.options.clear();
        (bare.event_name, bare.document_number, bare.event_link, bare.email) =
            (String::new(), None, None, None);
        samples.push((format!("the sample in {locale}"), whole));
        samples.push((format!("the sample in {locale}, without event, document and options"), bare));
    }
    samples
}

fn draw(renderer: &Renderer, template: &Arc<Template>, job: RenderJob) -> Result<(), RenderError> {
    renderer.render_by(template, &[job]).into_iter().try_for_each(|rendered| rendered.map(drop))
}

/// A finding a paragraph, as compilers write them: file, line, column, what is wrong, what to do.
fn told(error: &RenderError, what: &str, source: &Path) -> String {
    let source = source.display();
    match error {
        // The data are a sample: nothing personal is in what typst says.
        RenderError::Template { diagnostics } => {
            let lines: Vec<String> =
                diagnostics.reveal().iter().map(|one| of_diagnosis(one, &source)).collect();
            lines.join("\n")
        }
        other => format!("{source}: {what}: {other}"),
    }
}

fn of_diagnosis(diagnosis: &Diagnosis, source: &std::path::Display<'_>) -> String {
    let place = match &diagnosis.place {
        Some(place) if place.file.ends_with("/template.typ") => {
            format!("{source}:{}:{}", place.line, place.column)
        }
        Some(place) => format!("{}:{}:{}", place.file, place.line, place.column),
        None => source.to_string(),
    };
    let hints: Vec<String> = diagnosis.hints.iter().map(|hint| format!("\n  hint: {hint}")).collect();
    format!("{place}: {}{}", diagnosis.message, hints.concat())
}

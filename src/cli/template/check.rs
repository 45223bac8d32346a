//! `laureate template check`: reports the errors of a template with their locations.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::source::OwnTemplate;
use crate::certificate_pdf::{RenderError, RenderJob};
use crate::cli::exit;
use crate::domain::Locale;
use crate::domain::certification::manifest::Manifest;

/// Options of `template check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Folder with template.typ and manifest.json, or a .typ file with manifest.json beside it
    #[arg(value_name = "FILE|FOLDER")]
    path: PathBuf,
}

/// Draws the sample in each language, with and without the optional values. Returns exit code 1 if
/// one of them can't be drawn.
///
/// # Errors
/// Fails if the files can't be read, or if the manifest is invalid.
pub async fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let template = OwnTemplate::read(&args.path)?;
    let (names, jobs): (Vec<String>, Vec<RenderJob>) =
        samples(&template.manifest)?.into_iter().unzip();
    let drawn = template.draw(jobs).await?;
    let mut out = crate::cli::stdout::stdout().lock();
    for (what, drawn) in names.iter().zip(drawn) {
        if let Err(error) = drawn {
            writeln!(
                out,
                "{}",
                template.formatted(error.diagnoses.reveal(), Some(what))
            )?;
            return Ok(ExitCode::from(exit::FAILED));
        }
    }
    writeln!(
        out,
        "{}: valid; its sample can be drawn in every language",
        template.path().display()
    )?;
    Ok(ExitCode::SUCCESS)
}

fn samples(manifest: &Manifest) -> Result<Vec<(String, RenderJob)>, RenderError> {
    let mut samples = Vec::new();
    for locale in Locale::ALL {
        let whole = RenderJob::of_sample(manifest, locale)?;
        let mut bare = whole.clone();
        bare.options.clear();
        (
            bare.event_name,
            bare.document_number,
            bare.event_link,
            bare.email,
        ) = (String::new(), None, None, None);
        samples.push((format!("the sample in {locale}"), whole));
        samples.push((
            format!("the sample in {locale}, without event, document and options"),
            bare,
        ));
    }
    Ok(samples)
}

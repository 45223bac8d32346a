//! `laureate template preview`: draws a sample page.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::source::{self, Meant};
use crate::certificate_pdf::{Design, OptionInput, RenderJob, raster};
use crate::domain::Locale;
use crate::domain::certification::manifest::{MAX_BYTES, Manifest, OptionKind};

/// Maximum size of a picture in bytes.
const MAX_PICTURE: usize = 20 << 20;

/// Options of `template preview`.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// Theme, theme@version, or folder with template.typ and manifest.json
    #[arg(value_name = "THEME|FOLDER")]
    template: String,
    /// File to write; its extension decides between PDF and PNG
    #[arg(long, value_name = "FILE.pdf|FILE.png")]
    out: PathBuf,
    /// Language of the template's own words: en or es
    #[arg(long, default_value = "en")]
    locale: Locale,
    /// Set an option, or one of the variables such as full_name; pictures are given as files
    #[arg(long = "with", value_name = "NAME=VALUE")]
    values: Vec<String>,
    /// The same from a JSON object of strings; --with overrides it
    #[arg(long, value_name = "FILE.json")]
    data: Option<PathBuf>,
    /// Background image, if the template supports one: JPEG, PNG or WebP
    #[arg(long, value_name = "FILE")]
    design: Option<PathBuf>,
    /// Pixels per inch of a PNG: 10 to 200
    #[arg(long, default_value_t = 96, value_parser = clap::value_parser!(u16).range(10..=200))]
    dpi: u16,
}

/// Draws the page and writes it to a file.
///
/// # Errors
/// Fails if a file can't be read or written, if a name is unknown, or if the template can't be
/// drawn.
pub async fn run(args: &PreviewArgs) -> anyhow::Result<ExitCode> {
    let as_picture = match args.out.extension().and_then(|end| end.to_str()) {
        Some("png") => true,
        Some("pdf") => false,
        _ => bail!("--out: give a file that ends with .pdf or .png"),
    };
    let meant = Meant::of(&args.template)?;
    let mut job = meant.sample(args.locale, OffsetDateTime::now_utc().date())?;
    if args.design.is_some() && !meant.manifest().design {
        bail!("--design: {} supports no background", args.template);
    }
    job.design = args
        .design
        .as_deref()
        .map(picture)
        .transpose()
        .context("--design")?;
    for (name, value) in given(args)? {
        set(&mut job, meant.manifest(), &name, &value)?;
    }
    let pdf = meant.draw(job).await?;
    let bytes = if as_picture {
        raster::png(&pdf, args.dpi)?
    } else {
        pdf.to_vec()
    };
    std::fs::write(&args.out, bytes)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn given(args: &PreviewArgs) -> anyhow::Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    if let Some(path) = &args.data {
        let json = source::bounded(path, MAX_BYTES)?;
        values = serde_json::from_slice(&json)
            .with_context(|| format!("{} must be a JSON object of strings", path.display()))?;
    }
    for one in &args.values {
        let (name, value) = one
            .split_once('=')
            .with_context(|| format!("--with {one}: write NAME=VALUE"))?;
        values.insert(name.to_owned(), value.to_owned());
    }
    Ok(values)
}

/// Sets an option of the template, or a variable of the certificate.
fn set(job: &mut RenderJob, manifest: &Manifest, name: &str, value: &str) -> anyhow::Result<()> {
    if let Some(option) = manifest.option(name) {
        let input = match option.kind {
            OptionKind::Image if value.is_empty() => {
                job.options.remove(name);
                return Ok(());
            }
            OptionKind::Image => {
                OptionInput::Image(picture(Path::new(value)).with_context(|| name.to_owned())?)
            }
            _ => OptionInput::Text(value.to_owned().into()),
        };
        job.options.insert(name.to_owned(), input);
        return Ok(());
    }
    let text = value.to_owned();
    match name {
        "full_name" | "attendeeName" | "learner_name" => job.full_name = text.into(),
        "certificate_name" | "certificateName" | "course_name" => job.certificate_name = text,
        "event_name" | "eventName" => job.event_name = text,
        "client" | "organization" => job.client = text,
        "document_number" => job.document_number = Some(text.into()),
        "eventLink" => job.event_link = Some(text),
        "learner_email" => job.email = Some(text.into()),
        _ => bail!(
            "{name}: {}, nor a variable that can be set",
            manifest.no_such_option()
        ),
    }
    Ok(())
}

fn picture(path: &Path) -> anyhow::Result<Design> {
    let bytes = source::bounded(path, MAX_PICTURE)?;
    Ok(Design {
        sha256: HEXLOWER.encode(&Sha256::digest(&bytes)),
        bytes: bytes.into(),
    })
}

//! Template to draw: a shipped theme, or files on this machine.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use bytes::Bytes;
use time::Date;

use crate::certificate_pdf::{Diagnosis, MAX_SOURCE, RenderJob, Renderer, Template, diagnoses};
use crate::cli::exit::NotFound;
use crate::domain::Locale;
use crate::domain::certification::manifest::{MAX_BYTES, Manifest};
use crate::sandbox::{Form, NotDrawn, Question, Sandbox};

/// Template in development, read from files.
pub(super) struct OwnTemplate {
    /// Path of the source.
    path: PathBuf,
    source: String,
    /// Manifest of the template.
    pub(super) manifest: Manifest,
}

impl OwnTemplate {
    /// Reads the template of a folder, or of a source file with its manifest beside it.
    ///
    /// # Errors
    /// Fails if a file can't be read or is too large, or if the manifest is invalid.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let path = if path.is_dir() {
            path.join("template.typ")
        } else {
            path.to_owned()
        };
        let source = String::from_utf8(bounded(&path, MAX_SOURCE)?);
        let source = source.with_context(|| format!("{} is not UTF-8", path.display()))?;
        let beside = path.with_file_name("manifest.json");
        let manifest = Manifest::parse(&bounded(&beside, MAX_BYTES)?);
        let manifest = manifest.map_err(|wrong| {
            let lines: Vec<String> = wrong.0.iter().map(|line| format!("\n  {line}")).collect();
            anyhow::anyhow!("{} is invalid:{}", beside.display(), lines.concat())
        })?;
        Ok(Self {
            path,
            source,
            manifest,
        })
    }

    /// Returns the path of the source.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Draws jobs as the product does: in a separate process with limits. Returns a PDF or an error
    /// for each job.
    ///
    /// # Errors
    /// Fails if no process can be started. Errors of the template are in the results.
    pub(super) async fn draw(
        &self,
        jobs: Vec<RenderJob>,
    ) -> anyhow::Result<Vec<Result<Bytes, NotDrawn>>> {
        let source = self.source.clone();
        let manifest = self.manifest.clone();
        let question = Question {
            source,
            manifest,
            jobs,
            form: Form::Pdf,
        };
        Ok(Sandbox::of_this_program()?.draw(&question).await?)
    }

    /// Formats one finding per line, as compilers do: file, line, column, message and hints.
    pub(super) fn formatted(&self, found: &[Diagnosis], what: Option<&str>) -> String {
        let lines: Vec<String> = found.iter().map(|one| self.line(one, what)).collect();
        lines.join("\n")
    }

    fn line(&self, said: &Diagnosis, what: Option<&str>) -> String {
        let source = self.path.display();
        let place = match &said.place {
            Some(place) if place.file.ends_with("/template.typ") => {
                format!("{source}:{}:{}", place.line, place.column)
            }
            Some(place) => format!("{}:{}:{}", place.file, place.line, place.column),
            None => source.to_string(),
        };
        let what = what.map(|what| format!(" ({what})")).unwrap_or_default();
        let hints: Vec<String> = said
            .hints
            .iter()
            .map(|hint| format!("\n  hint: {hint}"))
            .collect();
        format!("{place}: {}{what}{}", said.message, hints.concat())
    }
}

/// Reads a file.
///
/// # Errors
/// Fails if the file can't be read, or if it has more than `most` bytes.
pub(super) fn bounded(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(cannot)?;
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(cannot)?;
    if bytes.len() > most {
        bail!("{} is larger than {} KiB", path.display(), most >> 10);
    }
    Ok(bytes)
}

/// Template to draw.
pub(super) enum Meant {
    /// A theme that this program ships.
    Shipped(Renderer, Arc<Template>),
    /// A template in development.
    Own(OwnTemplate),
}

impl Meant {
    /// Finds a template by `THEME`, `THEME@VERSION` or a path.
    ///
    /// # Errors
    /// Fails if there is no such theme or file, or if the files are invalid.
    pub(super) fn of(wanted: &str) -> anyhow::Result<Self> {
        let renderer = Renderer::new()?;
        let (name, version) = match wanted.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (wanted, None),
        };
        let theme = match version {
            Some(version) => version
                .parse()
                .ok()
                .and_then(|version| renderer.theme(name, version)),
            None => renderer.newest_theme(name),
        };
        if let Some(theme) = theme.cloned() {
            return Ok(Self::Shipped(renderer, theme));
        }
        let path = Path::new(wanted);
        if path.exists() {
            return Ok(Self::Own(OwnTemplate::read(path)?));
        }
        if let (Some(newest), Some(_)) = (renderer.newest_theme(name), version) {
            let newest = newest.version();
            return Err(NotFound(format!(
                "there is no {wanted}: {name}'s newest version is {newest}"
            ))
            .into());
        }
        let names: Vec<&str> = renderer.newest_themes().map(|theme| theme.name()).collect();
        let message = format!(
            "there is no theme and no file {wanted:?}; themes are {}",
            names.join(", ")
        );
        Err(NotFound(message).into())
    }

    /// Returns the manifest.
    pub(super) fn manifest(&self) -> &Manifest {
        match self {
            Self::Shipped(_, theme) => theme.manifest(),
            Self::Own(own) => &own.manifest,
        }
    }

    /// Returns a job with sample data.
    ///
    /// # Errors
    /// Returns [`crate::certificate_pdf::RenderError::Bundle`] only if the program was built
    /// incorrectly.
    pub(super) fn sample(&self, locale: Locale, issue_date: Date) -> anyhow::Result<RenderJob> {
        Ok(match self {
            Self::Shipped(_, theme) => theme.sample(locale, issue_date),
            Self::Own(own) => RenderJob {
                issue_date,
                ..RenderJob::of_sample(&own.manifest, locale)?
            },
        })
    }

    /// Draws a job and returns the PDF. Errors contain typst's messages, which may quote the data
    /// of the job.
    ///
    /// # Errors
    /// Fails if the template can't be drawn.
    pub(super) async fn draw(&self, job: RenderJob) -> anyhow::Result<Bytes> {
        match self {
            Self::Shipped(renderer, _) => {
                let rendered = renderer.render(&[job]).pop().context("nothing was drawn")?;
                let diagnoses = |error| {
                    diagnoses(&error)
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join("\n")
                };
                rendered
                    .map(|pdf| pdf.to_bytes())
                    .map_err(|error| anyhow::anyhow!(diagnoses(error)))
            }
            Self::Own(own) => {
                let drawn = own
                    .draw(vec![job])
                    .await?
                    .pop()
                    .context("nothing was drawn")?;
                drawn
                    .map_err(|error| anyhow::anyhow!(own.formatted(error.diagnoses.reveal(), None)))
            }
        }
    }
}

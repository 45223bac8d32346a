//! Certificates as PDF files: typst as a library, bundled fonts and themes, the same bytes every time.
//!
//! The same job gives the same bytes on every machine, alone or beside any others, as long as
//! [`RENDERER_VERSION`], the fonts ([`Renderer::fonts_digest`]) and the design are the same: there is no
//! clock, no random number, a fixed QR mask, a document id made from the public id. Output is PDF/A-2b
//! (ISO 19005-2), tagged, with title and language.
//!
//! Jobs that look alike are laid out together as the pages of one document, which costs a quarter of
//! laying out each alone, and are exported page by page. Where a layout fails as a whole, its jobs are
//! laid out one by one, so that a bad one costs the others nothing but time.

mod design;
mod error;
mod fonts;
mod gallery;
mod own;
mod page;
mod picture;
mod prepare;
pub mod raster;
mod remembered;
mod sample;
mod template;
mod text;
mod themes;
mod world;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod theme_tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use typst::foundations::Bytes;
use typst_layout::{Page, PagedDocument};

use crate::domain::{Locale, Personal, hex};
use design::Designs;
pub use error::{CodePoints, Diagnosis, Place, RenderError};
pub use own::{MAX_SOURCE, OwnRenderer, told};
use page::PageFacts;
use picture::Picture;
use prepare::{JobPictures, PageData};
use remembered::Remembered;
pub use template::{Origin, Template};
use world::{Assets, BatchWorld, Pictures};

/// What made the bytes, pinned in each certificate: typst's version and our own revision, to be raised
/// with every change here that could alter a byte. Templates have versions of their own, fonts a digest.
pub const RENDERER_VERSION: &str = "typst-0.15.1+1";

/// Most certificates laid out together. More gains nothing and holds more memory.
const BATCH: usize = 50;
/// typst's caches forget what went unused for this many batches.
const CACHE_AGE: usize = 10;
/// Everything that one certificate shows.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RenderJob {
    /// Name of the theme, for example `classic`.
    pub theme: String,
    /// Version of the theme, from 1.
    pub theme_version: u32,
    /// What the issuer set, by the options' names; the manifest has the defaults of the rest.
    pub options: BTreeMap<String, OptionInput>,
    /// Language of the certificate's own words.
    pub locale: Locale,
    /// Printed, and written into the file as its date.
    pub issue_date: time::Date,
    /// Printed, and the source of the file's id; at most 64 ASCII characters.
    pub public_id: String,
    /// What the QR code holds; at most 500 ASCII characters.
    pub verification_url: String,
    /// Whose certificate it is.
    pub full_name: Personal<String>,
    /// What was earned.
    pub certificate_name: String,
    /// Where it was earned; left out when blank.
    pub event_name: String,
    /// Who issues it.
    pub client: String,
    /// The person's identity document; left out when absent or blank.
    pub document_number: Option<Personal<String>>,
    /// Where to read about the event.
    pub event_link: Option<String>,
    /// The person's address; only templates that name the variable show it.
    pub email: Option<Personal<String>>,
    /// The issuer's own background; the theme's own when absent, or where the theme takes none.
    pub design: Option<Design>,
}

/// The value of an option.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub enum OptionInput {
    /// A colour, text or choice.
    Text(Personal<String>),
    /// A picture, such as a logo.
    Image(Design),
}

/// A background image, A4 landscape at best: JPEG, PNG or WebP, told by its content.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Design {
    /// The file; at most 20 MiB and 12,000 pixels a side. Written as JSON, it is left out.
    #[serde(skip)]
    pub bytes: bytes::Bytes,
    /// SHA-256 of the file, in hexadecimal. A file is decoded once and then known by this.
    pub sha256: String,
}

/// A finished PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedCertificate {
    /// The file.
    pub bytes: bytes::Bytes,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
}

/// Renders certificates. Made once and shared; all methods take `&self`.
pub struct Renderer {
    assets: Arc<Assets>,
    designs: Designs,
    pictures: Remembered<Picture>,
}

/// A job that passed its checks.
struct Prepared {
    /// Its place among the caller's jobs.
    index: usize,
    data: PageData,
    facts: PageFacts,
}

/// Jobs with the same key are laid out together: template, language, digests of their pictures.
type BatchKey = (String, u32, Locale, Vec<String>);

/// Jobs that are laid out together.
struct Batch {
    template: Arc<Template>,
    pictures: Pictures,
    jobs: Vec<Prepared>,
}

impl Renderer {
    /// Loads the bundled fonts and themes; takes some milliseconds.
    ///
    /// # Errors
    /// [`RenderError::Bundle`] when the program was built with a damaged font.
    pub fn new() -> Result<Self, RenderError> {
        Ok(Self {
            assets: Arc::new(Assets::load()?),
            designs: Designs::default(),
            pictures: Remembered::default(),
        })
    }

    /// SHA-256 over the bundled font files in order, in hexadecimal.
    #[must_use]
    pub fn fonts_digest(&self) -> &str {
        self.assets.fonts.digest()
    }

    /// Every theme in every version that this program can render; newest version of a theme last.
    pub fn themes(&self) -> impl Iterator<Item = &Arc<Template>> {
        self.assets.themes.iter()
    }

    /// One version of a theme, if this program ships it.
    #[must_use]
    pub fn theme(&self, name: &str, version: u32) -> Option<&Arc<Template>> {
        self.themes().find(|theme| theme.name() == name && theme.version() == version)
    }

    /// The newest version of a theme, if this program ships it.
    #[must_use]
    pub fn newest_theme(&self, name: &str) -> Option<&Arc<Template>> {
        self.assets.themes.iter().rfind(|theme| theme.name() == name)
    }

    /// Renders each job by the theme that it names; answers in the same order. Keeps one processor busy: call
    /// it where blocking is allowed.
    pub fn render(&self, jobs: &[RenderJob]) -> Vec<Result<RenderedCertificate, RenderError>> {
        self.render_each(jobs.iter().map(|job| (job, self.theme(&job.theme, job.theme_version))))
    }

    /// Renders each job by a template, whatever theme it names.
    pub fn render_by(
        &self,
        template: &Arc<Template>,
        jobs: &[RenderJob],
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        self.render_each(jobs.iter().map(|job| (job, Some(template))))
    }

    fn render_each<'a>(
        &self,
        jobs: impl ExactSizeIterator<Item = (&'a RenderJob, Option<&'a Arc<Template>>)>,
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        let mut results: Vec<Option<Result<RenderedCertificate, RenderError>>> =
            (0..jobs.len()).map(|_| None).collect();
        let mut batches: BTreeMap<BatchKey, Batch> = BTreeMap::new();
        for (index, (job, template)) in jobs.enumerate() {
            let prepared = template.ok_or_else(|| unknown(job)).and_then(|template| {
                let pictures = self.pictures(template, job)?;
                Ok((template, self.prepare(index, template, job, &pictures)?, pictures))
            });
            match prepared {
                Err(error) => results[index] = Some(Err(error)),
                Ok((template, prepared, pictures)) => {
                    let digests = pictures.digests(template, job);
                    let key = (template.name().to_owned(), template.version(), job.locale, digests);
                    let begun = || Batch::new(template, &pictures);
                    batches.entry(key).or_insert_with(begun).jobs.push(prepared);
                }
            }
        }
        for Batch { template, pictures, jobs } in batches.into_values() {
            for batch in jobs.chunks(BATCH) {
                for (job, result) in batch.iter().zip(self.render_batch(&template, batch, &pictures)) {
                    results[job.index] = Some(result);
                }
                comemo::evict(CACHE_AGE);
            }
        }
        // proof: each job has either failed its checks or is in exactly one batch.
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(page::template_error([])))).collect()
    }

    /// Lays jobs out together, or one by one where that fails, and exports each.
    fn render_batch(
        &self,
        template: &Template,
        batch: &[Prepared],
        pictures: &Pictures,
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        match self.lay_out(template, batch, pictures) {
            Ok(pages) => {
                batch.iter().zip(pages).map(|(job, page)| finish(page, template, &job.facts)).collect()
            }
            Err(error) if batch.len() == 1 => vec![Err(error)],
            Err(_) => batch
                .iter()
                .flat_map(|job| self.render_batch(template, std::slice::from_ref(job), pictures))
                .collect(),
        }
    }

    /// One page for each job, in order.
    fn lay_out(
        &self,
        template: &Template,
        batch: &[Prepared],
        pictures: &Pictures,
    ) -> Result<Vec<Page>, RenderError> {
        let data: Vec<&PageData> = batch.iter().map(|job| &job.data).collect();
        let data = serde_json::to_vec(&data).map_err(|e| page::template_error([e.to_string().into()]))?;
        let world = BatchWorld { assets: &self.assets, template, data: Bytes::new(data), pictures };
        let compiled = typst::compile::<PagedDocument>(&world);
        let document = compiled.output.map_err(|errors| page::diagnosed_in(&world, &errors))?;
        // A warning is a font or a glyph that is not there: never issue that.
        if !compiled.warnings.is_empty() {
            return Err(page::diagnosed_in(&world, &compiled.warnings));
        }
        if document.pages().len() != batch.len() {
            if template.origin() == Origin::Own && batch.len() == 1 {
                let pages = document.pages().len();
                return Err(page::template_error([
                    format!("it draws {pages} pages; a certificate is one").into()
                ]));
            }
            return Err(RenderError::Overflow { field: "text".to_owned() });
        }
        if document.pages().iter().any(|page| page.frame.is_empty()) {
            return Err(page::template_error(["it draws nothing".into()]));
        }
        Ok(document.pages().to_vec())
    }
}

impl Batch {
    fn new(template: &Arc<Template>, pictures: &JobPictures) -> Self {
        let design = pictures.background.as_ref().map(|background| background.jpeg.clone());
        let options = pictures.options.iter().map(|picture| picture.bytes.clone()).collect();
        Self { template: template.clone(), pictures: Pictures { design, options }, jobs: Vec::new() }
    }
}

fn unknown(job: &RenderJob) -> RenderError {
    RenderError::UnknownTheme { theme: job.theme.clone(), version: job.theme_version }
}

fn finish(page: Page, template: &Template, facts: &PageFacts) -> Result<RenderedCertificate, RenderError> {
    let bytes = page::export(page, template.manifest(), facts)?;
    let sha256 = hex(&Sha256::digest(&bytes));
    Ok(RenderedCertificate { bytes: bytes.into(), sha256 })
}

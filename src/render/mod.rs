//! Certificates as PDF files: typst as a library, bundled fonts and themes, the same bytes every time.
//!
//! The same job gives the same bytes on every machine, alone or beside any others, as long as
//! [`RENDERER_VERSION`], the fonts ([`Renderer::fonts_digest`]) and the design are the same: there is no
//! clock, no random number, a fixed QR mask, a document id made from the public id. Output is PDF/A-2b
//! (ISO 19005-2), tagged, with title and language.
//!
//! `press.rs` has most certificates stamped onto what their definition has in common, `batch.rs` has typst lay out the
//! others, `pdf/` writes both.

mod batch;
mod coverage;
mod design;
mod error;
mod fonts;
mod gallery;
pub mod joined;
mod lettering;
mod own;
mod page;
mod pdf;
mod picture;
mod plates;
mod prepare;
mod press;
pub mod raster;
mod recent;
mod remembered;
mod sample;
mod shown;
mod template;
mod text;
mod themes;
mod world;

#[cfg(test)]
mod letter_tests;
#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod theme_tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use sha2::{Digest as _, Sha256};

use crate::domain::{Locale, Personal, hex};
use design::Designs;
pub use error::{CodePoints, Diagnosis, Place, RenderError};
pub use own::{MAX_SOURCE, OwnRenderer, told};
use page::PageFacts;
use picture::Picture;
use plates::Plates;
use prepare::PageData;
use remembered::Remembered;
pub use template::{Origin, Template};
use world::Assets;

/// Name of the code that makes the bytes, pinned in each certificate: typst's version and our own revision, to be
/// raised with every change here that could alter a byte. Templates have versions of their own, fonts a digest.
pub const RENDERER_VERSION: &str = "typst-0.15.1+4";
/// The same pages, each laid out by typst and written by its exporter: what tests and benchmarks compare with.
pub const BY_TYPST: &str = "typst-0.15.1+4-exported";
/// Every version that this program can be, newest first. Once a version has issued certificates, it stays here.
pub const RENDERER_VERSIONS: [&str; 2] = [RENDERER_VERSION, BY_TYPST];

/// Everything that one certificate shows.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RenderJob {
    /// Name of the theme, for example `classic`.
    pub theme: String,
    /// Version of the theme, from 1.
    pub theme_version: u32,
    /// What is to make the bytes: one of [`RENDERER_VERSIONS`], or empty for the newest.
    pub renderer_version: String,
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

/// A finished PDF, in two parts: what it shares with others is in memory once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedCertificate {
    /// The file: how it begins, which may be empty, and how it goes on.
    pub parts: [bytes::Bytes; 2],
    /// SHA-256 of the whole file, in lower-case hexadecimal.
    pub sha256: String,
}

impl RenderedCertificate {
    /// A file in one piece.
    #[must_use]
    pub fn whole(file: bytes::Bytes) -> Self {
        let sha256 = hex(&Sha256::digest(&file));
        Self { parts: [bytes::Bytes::new(), file], sha256 }
    }

    /// The whole file, copied into one piece.
    #[must_use]
    pub fn to_bytes(&self) -> bytes::Bytes {
        let [head, tail] = &self.parts;
        if head.is_empty() { tail.clone() } else { [&head[..], &tail[..]].concat().into() }
    }

    /// Its length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }
}

/// Renders certificates. Made once and shared; all methods take `&self`.
pub struct Renderer {
    assets: Arc<Assets>,
    designs: Designs,
    pictures: Remembered<Picture>,
    plates: Plates,
    /// Pages, or what counts as such, since typst's caches were last looked through.
    since_look: AtomicUsize,
}

/// A job that passed its checks.
struct Prepared<'a> {
    job: &'a RenderJob,
    data: PageData,
    facts: PageFacts,
    /// What it has in common with others of its definition and day.
    common: Vec<String>,
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
            plates: Plates::default(),
            since_look: AtomicUsize::new(0),
        })
    }

    /// SHA-256 over the bundled font files in order, in hexadecimal.
    #[must_use]
    pub fn fonts_digest(&self) -> &str {
        self.assets.fonts.digest()
    }

    /// Returns the grapheme clusters of `text` that no bundled font draws whole, in order, each once. The text is
    /// composed (NFC) and trimmed first, as [`render`](Self::render) does. Results are cached per cluster.
    #[must_use]
    pub fn undrawable(&self, text: &str) -> Vec<CodePoints> {
        self.assets.fonts.coverage().undrawable(&text::composed(text))
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
}

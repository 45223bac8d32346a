//! Deterministic rendering of certificates as PDF files, with typst as a library and bundled fonts
//! and themes.
//!
//! The same job gives the same bytes on every machine, alone or in a batch, if
//! [`RENDERER_VERSION`], the fonts ([`Renderer::fonts_digest`]) and the design are the same. The
//! renderer uses no clock and no random numbers. The QR mask is fixed, and the document id is
//! derived from the public id. The output is tagged PDF/A-2b (ISO 19005-2) with a title and a
//! language.
//!
//! `batch_writer.rs` creates most certificates by adding their texts to a layout that all
//! certificates of the definition share. `batch.rs` lets typst lay out the others. `pdf/` writes
//! the files of both.

mod batch;
mod batch_writer;
mod bundled_fonts;
mod coverage;
mod design;
mod error;
mod gallery;
mod image_cache;
pub mod joined;
mod lettering;
mod lru_cache;
mod own;
mod page;
mod pdf;
mod picture;
mod prefix_cache;
mod prepare;
pub mod raster;
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

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::domain::{Locale, Personal};
use design::Designs;
pub use error::{CodePoints, Diagnosis, Place, RenderError};
use image_cache::ImageCache;
pub use own::{MAX_SOURCE, OwnRenderer, diagnoses};
use page::PageFacts;
use picture::Picture;
use prefix_cache::PrefixCache;
use prepare::PageData;
pub use template::{Origin, Template};
use world::Assets;

/// Version of the renderer, which is pinned in each certificate: typst's version and a revision
/// number of this module. Raise the revision with every change that could alter the output.
/// Templates have separate versions, and fonts have a digest.
pub const RENDERER_VERSION: &str = "typst-0.15.1+4";
/// Version that uses only typst for layout and export. Tests and benchmarks compare with it.
pub const BY_TYPST: &str = "typst-0.15.1+4-exported";
/// Supported renderer versions, newest first. Never remove a version that has issued certificates.
pub const RENDERER_VERSIONS: [&str; 2] = [RENDERER_VERSION, BY_TYPST];

/// Content of one certificate.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RenderJob {
    /// Name of the theme, for example `classic`.
    pub theme: String,
    /// Version of the theme, from 1.
    pub theme_version: u32,
    /// Renderer version: one of [`RENDERER_VERSIONS`], or empty for the newest.
    pub renderer_version: String,
    /// Options that the issuer set, by name. Other options have the defaults of the manifest.
    pub options: BTreeMap<String, OptionInput>,
    /// Language of the fixed texts of the template.
    pub locale: Locale,
    /// Issue date. It is printed, and it is the creation date of the file.
    pub issue_date: time::Date,
    /// Public id; at most 64 ASCII characters. It is printed, and the document id is derived from
    /// it.
    pub public_id: String,
    /// URL in the QR code; at most 500 ASCII characters.
    pub verification_url: String,
    /// Name of the person.
    pub full_name: Personal<String>,
    /// Name of the certificate, for example the name of a course.
    pub certificate_name: String,
    /// Name of the event; not shown if blank.
    pub event_name: String,
    /// Organization that issues the certificate.
    pub client: String,
    /// Number of the person's identity document; not shown if absent or blank.
    pub document_number: Option<Personal<String>>,
    /// URL of a page about the event.
    pub event_link: Option<String>,
    /// E-mail address of the person. Only templates whose manifest names this variable show it.
    pub email: Option<Personal<String>>,
    /// Background image of the issuer. If it is absent, or if the theme accepts none, the
    /// background of the theme is used.
    pub design: Option<Design>,
}

/// Value of an option.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub enum OptionInput {
    /// Colour, text or choice.
    Text(Personal<String>),
    /// Picture, for example a logo.
    Image(Design),
}

/// Image file: JPEG, PNG or WebP, detected by its content. Backgrounds should have A4 landscape
/// format.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Design {
    /// Content of the file; at most 20 MiB and 12,000 pixels per side. It is not part of the JSON
    /// form.
    #[serde(skip)]
    pub bytes: bytes::Bytes,
    /// SHA-256 of the file, in hexadecimal. It is the key in the cache of decoded images.
    pub sha256: String,
}

/// Finished PDF in two parts. Several PDFs can share the first part in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedCertificate {
    /// First part of the file, which may be empty, and the rest.
    pub parts: [bytes::Bytes; 2],
    /// SHA-256 of the whole file, in lower-case hexadecimal.
    pub sha256: String,
}

impl RenderedCertificate {
    /// Creates a certificate from a whole file and computes its SHA-256.
    #[must_use]
    pub fn whole(file: bytes::Bytes) -> Self {
        let sha256 = HEXLOWER.encode(&Sha256::digest(&file));
        Self {
            parts: [bytes::Bytes::new(), file],
            sha256,
        }
    }

    /// Returns the whole file. Copies both parts, unless the first one is empty.
    #[must_use]
    pub fn to_bytes(&self) -> bytes::Bytes {
        let [head, tail] = &self.parts;
        if head.is_empty() {
            tail.clone()
        } else {
            [&head[..], &tail[..]].concat().into()
        }
    }

    /// Returns the size of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }
}

/// Renderer of certificates. Create it once and share it; all methods take `&self`.
pub struct Renderer {
    assets: Arc<Assets>,
    designs: Designs,
    pictures: ImageCache<Picture>,
    prefixes: PrefixCache,
    /// Number of pages since typst's cache was last evicted. Rasterized pages and stamped
    /// certificates are included.
    pages_since_eviction: AtomicUsize,
}

/// Job that passed its checks.
struct Prepared<'a> {
    job: &'a RenderJob,
    data: PageData,
    facts: PageFacts,
    /// Texts that are the same in all jobs of its definition and day.
    common: Vec<String>,
}

impl Renderer {
    /// Loads the bundled fonts and themes. This takes some milliseconds.
    ///
    /// # Errors
    /// [`RenderError::Bundle`] if a bundled file is damaged.
    pub fn new() -> Result<Self, RenderError> {
        Ok(Self {
            assets: Arc::new(Assets::load()?),
            designs: Designs::default(),
            pictures: ImageCache::default(),
            prefixes: PrefixCache::default(),
            pages_since_eviction: AtomicUsize::new(0),
        })
    }

    /// Returns the SHA-256 of the bundled font files in order, in hexadecimal.
    #[must_use]
    pub fn fonts_digest(&self) -> &str {
        self.assets.fonts.digest()
    }

    /// Returns the grapheme clusters of `text` that no bundled font draws correctly, in order and
    /// without duplicates. The text is first composed (NFC) and trimmed, as in
    /// [`render`](Self::render). Results are cached by cluster.
    #[must_use]
    pub fn undrawable(&self, text: &str) -> Vec<CodePoints> {
        self.assets
            .fonts
            .coverage()
            .undrawable(&text::composed(text))
    }

    /// Returns all versions of all bundled themes. The newest version of each theme is last.
    pub fn themes(&self) -> impl Iterator<Item = &Arc<Template>> {
        self.assets.themes.iter()
    }

    /// Returns one version of a theme, or `None` if it is not bundled.
    #[must_use]
    pub fn theme(&self, name: &str, version: u32) -> Option<&Arc<Template>> {
        self.themes()
            .find(|theme| theme.name() == name && theme.version() == version)
    }

    /// Returns the newest version of a theme, or `None` if the theme is not bundled.
    #[must_use]
    pub fn newest_theme(&self, name: &str) -> Option<&Arc<Template>> {
        self.assets
            .themes
            .iter()
            .rfind(|theme| theme.name() == name)
    }

    /// Renders each job with the theme that it names. Returns the results in the same order. The
    /// call is CPU-bound, so make it on a thread that may block.
    pub fn render(&self, jobs: &[RenderJob]) -> Vec<Result<RenderedCertificate, RenderError>> {
        self.render_each(
            jobs.iter()
                .map(|job| (job, self.theme(&job.theme, job.theme_version))),
        )
    }

    /// Renders each job with `template` instead of the theme that the job names.
    pub fn render_by(
        &self,
        template: &Arc<Template>,
        jobs: &[RenderJob],
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        self.render_each(jobs.iter().map(|job| (job, Some(template))))
    }
}

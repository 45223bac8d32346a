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
mod page;
mod pdf;
mod plates;
mod text;
mod themes;
mod world;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use typst::foundations::Bytes;
use typst_layout::{Page, PagedDocument};

use crate::domain::{Locale, Personal, hex};
use design::{Background, Designs, Tone};
pub use error::{CodePoints, RenderError};
use page::PageFacts;
use pdf::{Plate, Printer, Unsupported};
use plates::Plates;
use text::Line;
pub use themes::Theme;
use themes::{QrPlace, THEMES};
use world::{Assets, BatchWorld};

/// What made the bytes, pinned in each certificate: typst's version and our own revision, to be raised
/// with every change here that could alter a byte. Templates have versions of their own, fonts a digest.
pub const RENDERER_VERSION: &str = "typst-0.15.1+2";
/// The version before: every file by typst's exporter. What it issued is made again with it.
const BY_TYPST: &str = "typst-0.15.1+1";

/// Most certificates laid out together. More gains nothing and holds more memory.
const BATCH: usize = 50;
/// typst's caches forget what went unused for this many batches.
const CACHE_AGE: usize = 10;
/// Longest public id and address, in bytes.
const MAX_ID: usize = 64;
const MAX_ADDRESS: usize = 500;

/// Everything that one certificate shows.
#[derive(Debug, Clone)]
pub struct RenderJob {
    /// Name of the theme, for example `classic`.
    pub theme: String,
    /// Version of the theme, from 1.
    pub theme_version: u32,
    /// What is to make the bytes: [`RENDERER_VERSION`], or what made them the first time.
    pub renderer_version: String,
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
    /// The issuer's own background; the theme's own when absent.
    pub design: Option<Design>,
}

/// A background image, A4 landscape at best: JPEG, PNG or WebP, told by its content.
#[derive(Debug, Clone)]
pub struct Design {
    /// The file; at most 20 MiB and 12,000 pixels a side.
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
    plates: Plates,
}

/// A job that passed its checks.
struct Prepared {
    /// Its place among the caller's jobs.
    index: usize,
    data: PageData,
    facts: PageFacts,
}

/// Jobs with the same key look alike and are laid out together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct BatchKey {
    theme: usize,
    locale: Locale,
    /// SHA-256 of the design.
    design: Option<String>,
    /// Whether typst's exporter is to write the files.
    by_typst: bool,
}

/// Jobs that look alike.
struct Batch<'a> {
    /// One of them.
    like: &'a RenderJob,
    background: Option<Arc<Background>>,
    jobs: Vec<Prepared>,
}

/// How the pages of a batch become files.
struct Look<'a> {
    theme: &'static Theme,
    /// None where typst's exporter is to write.
    plate: Option<&'a Plate>,
    /// What the file says made it.
    version: &'static str,
    printer: &'a mut Printer,
}

/// What a template gets for one certificate.
#[derive(Debug, serde::Serialize)]
struct PageData {
    locale: Locale,
    date: DateParts,
    name: Line,
    award: Line,
    event: Option<Line>,
    client: Line,
    document: Option<Line>,
    id: String,
    address: String,
    design: Option<Tone>,
    qr: QrPlace,
}

#[derive(Debug, serde::Serialize)]
struct DateParts {
    year: i32,
    month: u8,
    day: u8,
}

impl Renderer {
    /// Loads the bundled fonts and themes; takes some milliseconds.
    ///
    /// # Errors
    /// [`RenderError::Bundle`] when the program was built with a damaged font.
    pub fn new() -> Result<Self, RenderError> {
        Ok(Self { assets: Arc::new(Assets::load()?), designs: Designs::default(), plates: Plates::default() })
    }

    /// SHA-256 over the bundled font files in order, in hexadecimal.
    #[must_use]
    pub fn fonts_digest(&self) -> &str {
        self.assets.fonts.digest()
    }

    /// Every theme in every version that this program can render; newest version of a theme last.
    pub fn themes(&self) -> impl Iterator<Item = &'static Theme> {
        THEMES.iter()
    }

    /// One version of a theme, if this program ships it.
    #[must_use]
    pub fn theme(&self, name: &str, version: u32) -> Option<&'static Theme> {
        THEMES.iter().find(|theme| theme.name() == name && theme.version() == version)
    }

    /// The newest version of a theme, if this program ships it.
    #[must_use]
    pub fn newest_theme(&self, name: &str) -> Option<&'static Theme> {
        THEMES.iter().rfind(|theme| theme.name() == name)
    }

    /// Renders each job; answers in the same order. Keeps one processor busy: call it where blocking is allowed.
    pub fn render(&self, jobs: &[RenderJob]) -> Vec<Result<RenderedCertificate, RenderError>> {
        let mut results: Vec<Option<Result<RenderedCertificate, RenderError>>> =
            jobs.iter().map(|_| None).collect();
        let mut backgrounds: BTreeMap<&str, Result<Arc<Background>, RenderError>> = BTreeMap::new();
        let mut batches: BTreeMap<BatchKey, Batch> = BTreeMap::new();
        for (index, job) in jobs.iter().enumerate() {
            let background = job.design.as_ref().map(|design| {
                backgrounds.entry(&design.sha256).or_insert_with(|| self.designs.prepare(design)).clone()
            });
            match background
                .transpose()
                .and_then(|background| Ok((self.prepare(index, job, background.as_deref())?, background)))
            {
                Err(error) => results[index] = Some(Err(error)),
                Ok(((theme, prepared), background)) => {
                    let key = BatchKey {
                        theme,
                        locale: job.locale,
                        design: job.design.as_ref().map(|design| design.sha256.clone()),
                        by_typst: job.renderer_version == BY_TYPST,
                    };
                    batches
                        .entry(key)
                        .or_insert_with(|| Batch { like: job, background, jobs: Vec::new() })
                        .jobs
                        .push(prepared);
                }
            }
        }
        let mut printer = Printer::new();
        for (key, batch) in &batches {
            let plate = (!key.by_typst).then(|| self.plates.get(key, || self.plate(key, batch))).flatten();
            let version = if key.by_typst { BY_TYPST } else { RENDERER_VERSION };
            let mut look =
                Look { theme: &THEMES[key.theme], plate: plate.as_deref(), version, printer: &mut printer };
            let design = batch.background.as_ref().map(|background| &background.jpeg);
            for jobs in batch.jobs.chunks(BATCH) {
                for (job, result) in jobs.iter().zip(self.render_batch(key.theme, jobs, design, &mut look)) {
                    results[job.index] = Some(result);
                }
                comemo::evict(CACHE_AGE);
            }
        }
        // proof: each job has either failed its checks or is in exactly one batch.
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(page::template_error([])))).collect()
    }

    /// Checks a job and works out what its page needs. Also answers the index of its theme.
    fn prepare(
        &self,
        index: usize,
        job: &RenderJob,
        background: Option<&Background>,
    ) -> Result<(usize, Prepared), RenderError> {
        let theme = THEMES
            .iter()
            .position(|theme| theme.name() == job.theme && theme.version() == job.theme_version)
            .ok_or_else(|| RenderError::UnknownTheme {
                theme: job.theme.clone(),
                version: job.theme_version,
            })?;
        let fonts = &self.assets.fonts;
        text::ascii("public_id", &job.public_id, MAX_ID)?;
        text::ascii("verification_url", &job.verification_url, MAX_ADDRESS)?;
        if !(1..=9999).contains(&job.issue_date.year()) {
            let problem = "must lie between the years 1 and 9999".to_owned();
            return Err(RenderError::InvalidText { field: "issue_date", problem });
        }
        let name = Line::required("full_name", job.full_name.reveal_str(), fonts)?;
        let award = Line::required("certificate_name", &job.certificate_name, fonts)?;
        let client = Line::required("client", &job.client, fonts)?;
        let event = Line::new("event_name", &job.event_name, fonts)?;
        let document = match &job.document_number {
            Some(number) => Line::new("document_number", number.reveal_str(), fonts)?,
            None => None,
        };
        let facts = PageFacts {
            locale: job.locale,
            issue_date: job.issue_date,
            public_id: job.public_id.clone(),
            title: Personal::new(format!("{} – {}", award.as_str(), name.as_str())),
            author: client.as_str().to_owned(),
            qr: page::qr_code(&job.verification_url)?,
        };
        let date = DateParts {
            year: job.issue_date.year(),
            month: job.issue_date.month().into(),
            day: job.issue_date.day(),
        };
        let data = PageData {
            locale: job.locale,
            date,
            name,
            award,
            event,
            client,
            document,
            id: job.public_id.clone(),
            address: job.verification_url.clone(),
            design: background.map(|background| background.tone),
            qr: THEMES[theme].qr,
        };
        Ok((theme, Prepared { index, data, facts }))
    }

    /// Lays jobs out together, or one by one where that fails, and writes each.
    fn render_batch(
        &self,
        theme: usize,
        batch: &[Prepared],
        design: Option<&Bytes>,
        look: &mut Look<'_>,
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        match self.lay_out(theme, batch, design) {
            Ok(pages) => batch.iter().zip(pages).map(|(job, page)| look.finish(page, &job.facts)).collect(),
            Err(error) if batch.len() == 1 => vec![Err(error)],
            Err(_) => batch
                .iter()
                .flat_map(|job| self.render_batch(theme, std::slice::from_ref(job), design, look))
                .collect(),
        }
    }

    /// The plate for jobs that look like these.
    fn plate(&self, key: &BatchKey, batch: &Batch<'_>) -> Result<Plate, Unsupported> {
        let unfit = |_| Unsupported("sample that cannot be laid out");
        let background = batch.background.as_deref();
        let samples: Vec<Prepared> = plates::samples_like(batch.like)
            .iter()
            .map(|job| Ok(self.prepare(0, job, background)?.1))
            .collect::<Result<_, RenderError>>()
            .map_err(unfit)?;
        let design = background.map(|background| &background.jpeg);
        Plate::of(&self.lay_out(key.theme, &samples, design).map_err(unfit)?)
    }

    /// One page for each job, in order.
    fn lay_out(
        &self,
        theme: usize,
        batch: &[Prepared],
        design: Option<&Bytes>,
    ) -> Result<Vec<Page>, RenderError> {
        let data: Vec<&PageData> = batch.iter().map(|job| &job.data).collect();
        let data = serde_json::to_vec(&data).map_err(|e| page::template_error([e.to_string().into()]))?;
        let world = BatchWorld {
            assets: self.assets.clone(),
            theme,
            data: Bytes::new(data),
            design: design.cloned(),
        };
        let compiled = typst::compile::<PagedDocument>(&world);
        let document = compiled.output.map_err(|errors| page::diagnosed(&errors))?;
        // A warning is a font or a glyph that is not there: never issue that.
        if !compiled.warnings.is_empty() {
            return Err(page::diagnosed(&compiled.warnings));
        }
        if document.pages().len() != batch.len() {
            return Err(RenderError::Overflow { field: "text".to_owned() });
        }
        Ok(document.pages().to_vec())
    }
}

impl Look<'_> {
    /// One page as a file: on the plate if that can be, by typst's exporter if not.
    fn finish(&mut self, mut page: Page, facts: &PageFacts) -> Result<RenderedCertificate, RenderError> {
        page::look_over(&page.frame, self.theme.margin)?;
        page::stamp(&mut page.frame, &facts.qr, self.theme.qr);
        if let Some(plate) = self.plate {
            match self.printer.print(plate, &page, facts, &page::creator(self.version)) {
                Ok(file) => return Ok(file),
                Err(left) => count_left(left),
            }
        }
        let bytes = page::export(page, facts, page::creator(self.version))?;
        let sha256 = hex(&Sha256::digest(&bytes));
        Ok(RenderedCertificate { parts: [bytes::Bytes::new(), bytes.into()], sha256 })
    }
}

/// Counts what typst's exporter had to write.
fn count_left(left: Unsupported) {
    metrics::counter!("laureate_render_left_to_typst_total", "reason" => left.0).increment(1);
}

//! Grouping and layout of jobs.
//!
//! Jobs of the same look share a prefix. Jobs of the same definition and day also share a layout on
//! it, onto which most certificates are stamped. The others are laid out together as pages of one
//! document, which takes a quarter of the time of laying out each alone. If that fails, its jobs
//! are laid out one by one, so that a bad job delays the others but does not make them fail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use typst::foundations::Bytes;
use typst_layout::{Page, PagedDocument};

use super::batch_writer::{BatchWriter, Way};
use super::lettering::Lettering;
use super::page;
use super::pdf::PageWriter;
use super::prepare::{JobPictures, PageData};
use super::world::{BatchWorld, Pictures};
use super::{
    OptionInput, Origin, Prepared, RenderError, RenderJob, RenderedCertificate, Renderer, Template,
};
use crate::domain::Locale;

/// Maximum number of certificates that are laid out together. A larger batch is not faster and
/// needs more memory.
pub(super) const BATCH: usize = 50;
/// Number of pages after which unused entries of typst's cache are evicted. An eviction takes as
/// long as laying out some pages.
const EVICTION_INTERVAL: usize = 4 * BATCH;
/// Size of decoded pixels, in bytes, that counts as one page.
const AS_LARGE_AS_A_PAGE: usize = 160 << 10;
/// Number of stamped certificates that count as one page. They hardly use typst, but the names in
/// its cache must be evicted in time.
const STAMPED_FOR_A_PAGE: usize = 16;
/// Number of evictions after which an unused cache entry is removed.
const CACHE_AGE: usize = 3;

/// Key of a batch. Jobs with the same key have the same look: they are laid out together and
/// printed on one prefix.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BatchKey {
    template: String,
    version: u32,
    locale: Locale,
    /// Digests of the design and of the options' pictures.
    pictures: Vec<String>,
    /// The text options that the issuer set.
    options: Vec<(String, String)>,
    way: Way,
}

/// Jobs of the same look.
pub(super) struct Batch<'a> {
    pub(super) template: &'a Arc<Template>,
    pub(super) way: Way,
    pub(super) pictures: JobPictures,
    /// One of the jobs, as the model for samples and specimens.
    pub(super) like: &'a RenderJob,
    jobs: Vec<Prepared<'a>>,
    /// Index of each job in the caller's list.
    places: Vec<usize>,
}

/// Input of the template for one certificate; see [`Template`].
#[derive(serde::Serialize)]
struct Lettered<'a> {
    letters: Option<Lettering<'a>>,
    data: &'a PageData,
}

impl Renderer {
    pub(super) fn render_each<'a>(
        &self,
        jobs: impl ExactSizeIterator<Item = (&'a RenderJob, Option<&'a Arc<Template>>)>,
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        let mut results: Vec<Option<Result<RenderedCertificate, RenderError>>> =
            (0..jobs.len()).map(|_| None).collect();
        let mut batches: BTreeMap<BatchKey, Batch> = BTreeMap::new();
        for (index, (job, template)) in jobs.enumerate() {
            let prepared = known(job, template).and_then(|(template, way)| {
                let pictures = self.pictures(template, job)?;
                Ok((
                    template,
                    way,
                    self.prepare(template, job, &pictures)?,
                    pictures,
                ))
            });
            match prepared {
                Err(error) => results[index] = Some(Err(error)),
                Ok((template, way, prepared, pictures)) => {
                    let key = BatchKey::of(template, way, job, &pictures);
                    let begun = || Batch::new(template, way, pictures, job);
                    let batch = batches.entry(key).or_insert_with(begun);
                    batch.jobs.push(prepared);
                    batch.places.push(index);
                }
            }
        }
        let mut page_writer = PageWriter::new();
        for (key, batch) in &batches {
            let mut writer = self.writer(key, batch, &mut page_writer);
            for (place, result) in batch
                .places
                .iter()
                .zip(self.render_batch(&mut writer, &batch.jobs))
            {
                results[*place] = Some(result);
            }
        }
        // proof: each job has either failed its checks or is in exactly one batch.
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(page::template_error([]))))
            .collect()
    }

    /// Renders jobs of the same look.
    fn render_batch(
        &self,
        writer: &mut BatchWriter<'_>,
        jobs: &[Prepared<'_>],
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        let mut results: Vec<_> = jobs
            .iter()
            .map(|job| self.stamp(writer, job).map(Ok))
            .collect();
        let rest: Vec<usize> = (0..jobs.len()).filter(|n| results[*n].is_none()).collect();
        self.count_pages((jobs.len() - rest.len()).div_ceil(STAMPED_FOR_A_PAGE));
        for numbers in rest.chunks(BATCH) {
            let rest: Vec<&Prepared<'_>> = numbers.iter().map(|n| &jobs[*n]).collect();
            for (n, result) in numbers.iter().zip(self.render_laid_out(writer, &rest)) {
                results[*n] = Some(result);
            }
        }
        // proof: each job that was not stamped is in `rest`, and each job there has a result.
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(page::template_error([]))))
            .collect()
    }

    /// Lays jobs out together, or one by one if that fails, and writes a file for each.
    fn render_laid_out(
        &self,
        writer: &mut BatchWriter<'_>,
        jobs: &[&Prepared<'_>],
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        match self.lay_out(writer.template(), jobs, writer.pictures()) {
            Ok(pages) => jobs
                .iter()
                .zip(pages)
                .map(|(job, page)| writer.print(page, job))
                .collect(),
            Err(error) if jobs.len() == 1 => vec![Err(error)],
            Err(_) => jobs
                .iter()
                .flat_map(|job| self.render_laid_out(writer, &[job]))
                .collect(),
        }
    }

    /// Evaluates a template without a certificate, so that typst caches the result.
    pub(super) fn warm_up(&self, template: &Template) {
        let data = Bytes::new(b"[]");
        let pictures = &Pictures::default();
        let world = BatchWorld {
            assets: &self.assets,
            template,
            data,
            pictures,
        };
        drop(typst::compile::<PagedDocument>(&world));
    }

    /// Lays out one page for each job, in order.
    pub(super) fn lay_out<'b>(
        &'b self,
        template: &Template,
        batch: &[&'b Prepared<'b>],
        pictures: &Pictures,
    ) -> Result<Vec<Page>, RenderError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let coverage = self.assets.fonts.coverage();
        let lettered = |job: &&'b Prepared<'b>| Lettered {
            letters: Lettering::of(job.data.shown(), coverage),
            data: &job.data,
        };
        let data: Vec<Lettered<'_>> = batch.iter().map(lettered).collect();
        let data =
            serde_json::to_vec(&data).map_err(|e| page::template_error([e.to_string().into()]))?;
        let world = BatchWorld {
            assets: &self.assets,
            template,
            data: Bytes::new(data),
            pictures,
        };
        let compiled = typst::compile::<PagedDocument>(&world);
        self.count_pages(batch.len().max(pictures.decoded / AS_LARGE_AS_A_PAGE));
        let document = compiled
            .output
            .map_err(|errors| page::diagnosed_in(&world, &errors))?;
        // A warning means a missing font or glyph. Such a page is never issued.
        if !compiled.warnings.is_empty() {
            return Err(page::diagnosed_in(&world, &compiled.warnings));
        }
        if document.pages().len() != batch.len() {
            if template.origin() == Origin::Own && batch.len() == 1 {
                let pages = document.pages().len();
                return Err(page::template_error([format!(
                    "it draws {pages} pages; a certificate must have one page"
                )
                .into()]));
            }
            return Err(RenderError::Overflow {
                field: "text".to_owned(),
            });
        }
        if document.pages().iter().any(|page| page.frame.is_empty()) {
            return Err(page::template_error(["it draws nothing".into()]));
        }
        Ok(document.pages().to_vec())
    }
}

impl Renderer {
    /// Counts `bytes` of decoded pixels towards the next eviction of typst's cache.
    pub(super) fn decoded(&self, bytes: usize) {
        self.count_pages(bytes / AS_LARGE_AS_A_PAGE);
    }

    /// Counts `pages`. Evicts unused entries of typst's cache after every [`EVICTION_INTERVAL`]
    /// pages.
    fn count_pages(&self, pages: usize) {
        if self
            .pages_since_eviction
            .fetch_add(pages, Ordering::Relaxed)
            >= EVICTION_INTERVAL
        {
            self.pages_since_eviction.store(0, Ordering::Relaxed);
            comemo::evict(CACHE_AGE);
        }
    }
}

impl<'a> Batch<'a> {
    fn new(
        template: &'a Arc<Template>,
        way: Way,
        pictures: JobPictures,
        like: &'a RenderJob,
    ) -> Self {
        Self {
            template,
            way,
            pictures,
            like,
            jobs: Vec::new(),
            places: Vec::new(),
        }
    }
}

impl BatchKey {
    fn of(template: &Template, way: Way, job: &RenderJob, pictures: &JobPictures) -> Self {
        let text = |(name, input): (&String, &OptionInput)| match input {
            OptionInput::Text(text) => Some((name.clone(), text.reveal_str().to_owned())),
            OptionInput::Image(_) => None,
        };
        Self {
            template: template.name().to_owned(),
            version: template.version(),
            locale: job.locale,
            pictures: pictures.digests(template, job),
            options: job.options.iter().filter_map(text).collect(),
            way,
        }
    }
}

/// Returns the template of a job and the method to render it.
///
/// # Errors
/// This program doesn't know the theme or the renderer version. A newer program may know it.
fn known<'a>(
    job: &RenderJob,
    template: Option<&'a Arc<Template>>,
) -> Result<(&'a Arc<Template>, Way), RenderError> {
    let unknown = || RenderError::UnknownTheme {
        theme: job.theme.clone(),
        version: job.theme_version,
    };
    let way = Way::of(&job.renderer_version).ok_or_else(|| RenderError::UnknownRenderer {
        version: job.renderer_version.clone(),
    })?;
    Ok((template.ok_or_else(unknown)?, way))
}

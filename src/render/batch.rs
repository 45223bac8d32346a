//! Jobs that look alike share a plate, and those of one definition a sheet on it: most certificates are stamped
//! onto that. What cannot be is laid out together as the pages of one document, which costs a quarter of laying
//! out each alone. Where a layout fails as a whole, its jobs are laid out one by one, so that a bad one costs the
//! others nothing but time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use typst::foundations::Bytes;
use typst_layout::{Page, PagedDocument};

use super::lettering::Lettering;
use super::page;
use super::pdf::Printer;
use super::prepare::{JobPictures, PageData};
use super::press::{Press, Way};
use super::world::{BatchWorld, Pictures};
use super::{OptionInput, Origin, Prepared, RenderError, RenderJob, RenderedCertificate, Renderer, Template};
use crate::domain::Locale;

/// Most certificates laid out together. More gains nothing and holds more memory.
pub(super) const BATCH: usize = 50;
/// typst's caches are looked through after so many pages; a look takes as long as laying out some of them.
const LOOK_THROUGH_AFTER: usize = 4 * BATCH;
/// Decoded pixels, in bytes, that count as a page.
const AS_LARGE_AS_A_PAGE: usize = 160 << 10;
/// Stamped certificates that count as one: typst needn't be asked for them, and is to forget names all the same.
const STAMPED_FOR_A_PAGE: usize = 16;
/// What went unused for so many looks is forgotten.
const CACHE_AGE: usize = 3;

/// Jobs with the same key look alike: they are laid out together and printed on one plate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BatchKey {
    template: String,
    version: u32,
    locale: Locale,
    /// Digests of the design and of the options' pictures.
    pictures: Vec<String>,
    /// The other options that the issuer set.
    options: Vec<(String, String)>,
    way: Way,
}

/// Jobs that look alike.
pub(super) struct Batch<'a> {
    pub(super) template: &'a Arc<Template>,
    pub(super) way: Way,
    pub(super) pictures: JobPictures,
    /// One of the jobs.
    pub(super) like: &'a RenderJob,
    jobs: Vec<Prepared<'a>>,
    /// The jobs' places among the caller's.
    places: Vec<usize>,
}

/// Input of the program that draws one certificate; see [`Template`].
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
                Ok((template, way, self.prepare(template, job, &pictures)?, pictures))
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
        let mut printer = Printer::new();
        for (key, batch) in &batches {
            let mut press = self.press(key, batch, &mut printer);
            for (place, result) in batch.places.iter().zip(self.render_batch(&mut press, &batch.jobs)) {
                results[*place] = Some(result);
            }
        }
        // proof: each job has either failed its checks or is in exactly one batch.
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(page::template_error([])))).collect()
    }

    /// Renders jobs that look alike.
    fn render_batch(
        &self,
        press: &mut Press<'_>,
        jobs: &[Prepared<'_>],
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        let mut results: Vec<_> = jobs.iter().map(|job| self.stamp(press, job).map(Ok)).collect();
        let rest: Vec<usize> = (0..jobs.len()).filter(|n| results[*n].is_none()).collect();
        self.look_through_after((jobs.len() - rest.len()).div_ceil(STAMPED_FOR_A_PAGE));
        for numbers in rest.chunks(BATCH) {
            let rest: Vec<&Prepared<'_>> = numbers.iter().map(|n| &jobs[*n]).collect();
            for (n, result) in numbers.iter().zip(self.render_laid_out(press, &rest)) {
                results[*n] = Some(result);
            }
        }
        // proof: whatever was not stamped is in `rest`, and each job there has an answer.
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(page::template_error([])))).collect()
    }

    /// Lays jobs out together, or one by one where that fails, and writes each.
    fn render_laid_out(
        &self,
        press: &mut Press<'_>,
        jobs: &[&Prepared<'_>],
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        match self.lay_out(press.template(), jobs, press.pictures()) {
            Ok(pages) => jobs.iter().zip(pages).map(|(job, page)| press.print(page, job)).collect(),
            Err(error) if jobs.len() == 1 => vec![Err(error)],
            Err(_) => jobs.iter().flat_map(|job| self.render_laid_out(press, &[job])).collect(),
        }
    }

    /// Has typst evaluate a template without drawing anything: it remembers that.
    pub(super) fn look_at(&self, template: &Template) {
        let (data, pictures) = (Bytes::new(b"[]"), &Pictures::default());
        let world = BatchWorld { assets: &self.assets, template, data, pictures };
        drop(typst::compile::<PagedDocument>(&world));
    }

    /// One page for each job, in order.
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
        let data = serde_json::to_vec(&data).map_err(|e| page::template_error([e.to_string().into()]))?;
        let world = BatchWorld { assets: &self.assets, template, data: Bytes::new(data), pictures };
        let compiled = typst::compile::<PagedDocument>(&world);
        self.look_through_after(batch.len().max(pictures.decoded / AS_LARGE_AS_A_PAGE));
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

impl Renderer {
    /// So many bytes of pixels were decoded.
    pub(super) fn decoded(&self, bytes: usize) {
        self.look_through_after(bytes / AS_LARGE_AS_A_PAGE);
    }

    /// So many pages more: has typst forget what went unused, now and then.
    fn look_through_after(&self, pages: usize) {
        if self.since_look.fetch_add(pages, Ordering::Relaxed) >= LOOK_THROUGH_AFTER {
            self.since_look.store(0, Ordering::Relaxed);
            comemo::evict(CACHE_AGE);
        }
    }
}

impl<'a> Batch<'a> {
    fn new(template: &'a Arc<Template>, way: Way, pictures: JobPictures, like: &'a RenderJob) -> Self {
        Self { template, way, pictures, like, jobs: Vec::new(), places: Vec::new() }
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

/// What draws a job, and how; another program may know more.
fn known<'a>(
    job: &RenderJob,
    template: Option<&'a Arc<Template>>,
) -> Result<(&'a Arc<Template>, Way), RenderError> {
    let unknown = || RenderError::UnknownTheme { theme: job.theme.clone(), version: job.theme_version };
    let way = Way::of(&job.renderer_version)
        .ok_or_else(|| RenderError::UnknownRenderer { version: job.renderer_version.clone() })?;
    Ok((template.ok_or_else(unknown)?, way))
}

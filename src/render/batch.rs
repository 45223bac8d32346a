//! Jobs that look alike are laid out together as the pages of one document, which costs a quarter of laying
//! out each alone, and are written page by page. Where a layout fails as a whole, its jobs are laid out one
//! by one, so that a bad one costs the others nothing but time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use typst::foundations::Bytes;
use typst_layout::{Page, PagedDocument};

use super::page;
use super::pdf::{Plate, Printer, Sheet, Unsupported};
use super::prepare::{JobPictures, PageData};
use super::world::{BatchWorld, Pictures};
use super::{
    BY_TYPST, OptionInput, Origin, Prepared, RENDERER_VERSION, RenderError, RenderJob, RenderedCertificate,
    Renderer, Template, plates,
};
use crate::domain::Locale;

/// Most certificates laid out together. More gains nothing and holds more memory.
pub(super) const BATCH: usize = 50;
/// typst's caches are looked through after so many certificates; a look takes as long as laying out some of them.
const LOOK_THROUGH_AFTER: usize = 4 * BATCH;
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
    /// Whether an earlier renderer is to write the files.
    by_typst: bool,
}

/// Jobs that look alike.
struct Batch<'a> {
    template: &'a Arc<Template>,
    pictures: JobPictures,
    /// One of the jobs.
    like: &'a RenderJob,
    jobs: Vec<Prepared>,
}

/// How the pages of a batch become files.
struct Press<'a> {
    template: &'a Template,
    /// Or why typst's exporter is to write.
    plate: Result<Arc<Plate>, Unsupported>,
    /// What the file says made it.
    creator: String,
    printer: &'a mut Printer,
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
            let prepared = template.ok_or_else(|| unknown(job)).and_then(|template| {
                let pictures = self.pictures(template, job)?;
                Ok((template, self.prepare(index, template, job, &pictures)?, pictures))
            });
            match prepared {
                Err(error) => results[index] = Some(Err(error)),
                Ok((template, prepared, pictures)) => {
                    let key = BatchKey::of(template, job, &pictures);
                    let begun = || Batch { template, pictures, like: job, jobs: Vec::new() };
                    batches.entry(key).or_insert_with(begun).jobs.push(prepared);
                }
            }
        }
        let mut printer = Printer::new();
        for (key, batch) in &batches {
            let mut press = self.press(key, batch, &mut printer);
            let pictures = batch.pictures.files();
            for jobs in batch.jobs.chunks(BATCH) {
                for (job, result) in jobs.iter().zip(self.render_batch(&mut press, jobs, &pictures)) {
                    results[job.index] = Some(result);
                }
                if self.since_look.fetch_add(jobs.len(), Ordering::Relaxed) >= LOOK_THROUGH_AFTER {
                    self.since_look.store(0, Ordering::Relaxed);
                    comemo::evict(CACHE_AGE);
                }
            }
        }
        // proof: each job has either failed its checks or is in exactly one batch.
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(page::template_error([])))).collect()
    }

    /// Renders jobs that look alike. Of each definition one page is laid out whole, if that hasn't been done
    /// before; the others take over from it what they have in common.
    fn render_batch(
        &self,
        press: &mut Press<'_>,
        batch: &[Prepared],
        pictures: &Pictures,
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        let mut results: Vec<_> = batch.iter().map(|_| None).collect();
        let (mut whole, mut others, mut begun) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (n, job) in batch.iter().enumerate() {
            let is_first = begun.insert(&job.common) && press.sheet(job).is_none();
            if is_first || press.plate.is_err() { whole.push(n) } else { others.push(n) }
        }
        let jobs = |numbers: &[usize]| numbers.iter().map(|n| &batch[*n]).collect::<Vec<_>>();
        for (n, result) in whole.iter().zip(self.render_whole(press, &jobs(&whole), pictures)) {
            results[*n] = Some(result);
        }
        if let Ok(pages) = self.lay_out(press.template, &jobs(&others), true, pictures) {
            for (n, page) in others.iter().zip(pages) {
                results[*n] = press.print_rest(page, &batch[*n]).map(Ok);
            }
        }
        let again: Vec<usize> = (0..batch.len()).filter(|n| results[*n].is_none()).collect();
        for (n, result) in again.iter().zip(self.render_whole(press, &jobs(&again), pictures)) {
            results[*n] = Some(result);
        }
        // proof: whatever was left is in `again`, and each job there has an answer.
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(page::template_error([])))).collect()
    }

    /// Lays jobs out together, or one by one where that fails, and writes each.
    fn render_whole(
        &self,
        press: &mut Press<'_>,
        jobs: &[&Prepared],
        pictures: &Pictures,
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        match self.lay_out(press.template, jobs, false, pictures) {
            Ok(pages) => jobs.iter().zip(pages).map(|(job, page)| press.print(page, job)).collect(),
            Err(error) if jobs.len() == 1 => vec![Err(error)],
            Err(_) => jobs.iter().flat_map(|job| self.render_whole(press, &[job], pictures)).collect(),
        }
    }

    /// One page for each job, in order; without what they have in common if that is kept.
    pub(super) fn lay_out(
        &self,
        template: &Template,
        batch: &[&Prepared],
        kept: bool,
        pictures: &Pictures,
    ) -> Result<Vec<Page>, RenderError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let data: Vec<Given> = batch.iter().map(|job| Given { data: &job.data, kept }).collect();
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

    fn press<'a>(&self, key: &BatchKey, batch: &Batch<'a>, printer: &'a mut Printer) -> Press<'a> {
        let plate = if key.by_typst {
            Err(Unsupported("earlier renderer"))
        } else if batch.template.origin() == Origin::Own {
            Err(Unsupported("own template"))
        } else {
            self.plates.get(key, || self.plate(batch))
        };
        let creator = page::creator(if key.by_typst { BY_TYPST } else { RENDERER_VERSION });
        Press { template: batch.template, plate, creator, printer }
    }

    fn plate(&self, batch: &Batch<'_>) -> Result<Plate, Unsupported> {
        let unfit = |_| Unsupported("sample that cannot be laid out");
        let samples: Vec<Prepared> = plates::samples_like(batch.like)
            .iter()
            .map(|job| self.prepare(0, batch.template, job, &batch.pictures))
            .collect::<Result<_, RenderError>>()
            .map_err(unfit)?;
        let samples: Vec<&Prepared> = samples.iter().collect();
        let pages = self.lay_out(batch.template, &samples, false, &batch.pictures.files()).map_err(unfit)?;
        Plate::of(&pages)
    }
}

impl BatchKey {
    fn of(template: &Template, job: &RenderJob, pictures: &JobPictures) -> Self {
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
            by_typst: job.renderer_version == BY_TYPST,
        }
    }
}

/// What a template gets for one page.
#[derive(serde::Serialize)]
struct Given<'a> {
    #[serde(flatten)]
    data: &'a PageData,
    /// Whether it is to leave out what pages of the definition have in common.
    kept: bool,
}

impl Press<'_> {
    fn sheet(&self, job: &Prepared) -> Option<Arc<Sheet>> {
        self.plate.as_ref().ok()?.sheet(&job.common)
    }

    /// A whole page as a file: on the plate if that can be, by typst's exporter if not.
    fn print(&mut self, mut page: Page, job: &Prepared) -> Result<RenderedCertificate, RenderError> {
        page::finish(&mut page, self.template.manifest(), &job.facts)?;
        let printed = match &self.plate {
            Ok(plate) => {
                self.printer.print(plate, &page, None, &job.facts, &self.creator).map(|(file, sheet)| {
                    plate.keep(&job.common, sheet);
                    file
                })
            }
            Err(unfit) => Err(*unfit),
        };
        let Unsupported(reason) = match printed {
            Ok(file) => return Ok(file),
            Err(unsupported) => unsupported,
        };
        metrics::counter!("laureate_render_left_to_typst_total", "reason" => reason).increment(1);
        let file = page::export(page, &job.facts, self.creator.clone())?;
        Ok(RenderedCertificate::whole(file.into()))
    }

    /// A page that leaves out what is kept, as a file; `None` if it is to be laid out whole after all.
    fn print_rest(&mut self, mut page: Page, job: &Prepared) -> Option<RenderedCertificate> {
        let sheet = self.sheet(job)?;
        page::finish(&mut page, self.template.manifest(), &job.facts).ok()?;
        let plate = self.plate.as_ref().ok()?;
        let printed = self.printer.print(plate, &page, Some(&sheet), &job.facts, &self.creator);
        printed.ok().map(|(file, _)| file)
    }
}

fn unknown(job: &RenderJob) -> RenderError {
    RenderError::UnknownTheme { theme: job.theme.clone(), version: job.theme_version }
}

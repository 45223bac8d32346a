//! Jobs that look alike are laid out together as the pages of one document, which costs a quarter of laying
//! out each alone, and are written page by page. Where a layout fails as a whole, its jobs are laid out one
//! by one, so that a bad one costs the others nothing but time.

use std::collections::BTreeMap;
use std::sync::Arc;

use typst::foundations::Bytes;
use typst_layout::{Page, PagedDocument};

use super::page::{self, PageFacts};
use super::pdf::{Plate, Printer, Unsupported};
use super::prepare::{JobPictures, PageData};
use super::world::{BatchWorld, Pictures};
use super::{
    BY_TYPST, OptionInput, Origin, Prepared, RENDERER_VERSION, RenderError, RenderJob, RenderedCertificate,
    Renderer, Template, plates,
};
use crate::domain::Locale;

/// Most certificates laid out together. More gains nothing and holds more memory.
pub(super) const BATCH: usize = 50;
/// typst's caches forget what went unused for this many batches.
const CACHE_AGE: usize = 10;

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
                comemo::evict(CACHE_AGE);
            }
        }
        // proof: each job has either failed its checks or is in exactly one batch.
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(page::template_error([])))).collect()
    }

    /// Lays jobs out together, or one by one where that fails, and writes each.
    fn render_batch(
        &self,
        press: &mut Press<'_>,
        batch: &[Prepared],
        pictures: &Pictures,
    ) -> Vec<Result<RenderedCertificate, RenderError>> {
        match self.lay_out(press.template, batch, pictures) {
            Ok(pages) => batch.iter().zip(pages).map(|(job, page)| press.print(page, &job.facts)).collect(),
            Err(error) if batch.len() == 1 => vec![Err(error)],
            Err(_) => batch
                .iter()
                .flat_map(|job| self.render_batch(press, std::slice::from_ref(job), pictures))
                .collect(),
        }
    }

    /// One page for each job, in order.
    pub(super) fn lay_out(
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
        Plate::of(&self.lay_out(batch.template, &samples, &batch.pictures.files()).map_err(unfit)?)
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

impl Press<'_> {
    /// One page as a file: on the plate if that can be, by typst's exporter if not.
    fn print(&mut self, mut page: Page, facts: &PageFacts) -> Result<RenderedCertificate, RenderError> {
        page::finish(&mut page, self.template.manifest(), facts)?;
        let printed = match &self.plate {
            Ok(plate) => self.printer.print(plate, &page, facts, &self.creator),
            Err(unfit) => Err(*unfit),
        };
        let Unsupported(reason) = match printed {
            Ok(file) => return Ok(file),
            Err(unsupported) => unsupported,
        };
        metrics::counter!("laureate_render_left_to_typst_total", "reason" => reason).increment(1);
        let file = page::export(page, facts, self.creator.clone())?;
        Ok(RenderedCertificate::whole(file.into()))
    }
}

fn unknown(job: &RenderJob) -> RenderError {
    RenderError::UnknownTheme { theme: job.theme.clone(), version: job.theme_version }
}

//! Writes the files of jobs that have the same look (`pdf/mod.rs` defines this term).

use std::sync::Arc;

use typst_layout::Page;

use super::batch::{Batch, BatchKey};
use super::coverage::Coverage;
use super::page;
use super::pdf::{PageWriter, SharedLayout, TemplatePrefix, Texts, Unsupported};
use super::prepare::JobPictures;
use super::world::Pictures;
use super::{
    BY_TYPST, Origin, Prepared, RENDERER_VERSION, RenderError, RenderJob, RenderedCertificate,
    Renderer, Template, prefix_cache,
};

/// Method by which a version of the renderer creates files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Way {
    /// typst lays out the page, and its exporter writes the file.
    Exported,
    /// The texts of a certificate are set onto a shared layout. If that isn't possible, typst lays
    /// out the certificate.
    Stamped,
}

impl Way {
    /// Returns the method of a renderer version, or `None` if the version is unknown.
    pub(super) fn of(renderer_version: &str) -> Option<Self> {
        match renderer_version {
            BY_TYPST => Some(Self::Exported),
            RENDERER_VERSION | "" => Some(Self::Stamped),
            _ => None,
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::Exported => BY_TYPST,
            Self::Stamped => RENDERER_VERSION,
        }
    }
}

/// Resources for writing the files of jobs with the same look.
pub(super) struct BatchWriter<'a> {
    template: &'a Arc<Template>,
    coverage: &'a Coverage,
    job_pictures: &'a JobPictures,
    pictures: Pictures,
    /// Template prefix, or the reason why typst's exporter must write the files.
    prefix: Result<Arc<TemplatePrefix>, Unsupported>,
    way: Way,
    /// Name of the creator in the file's metadata.
    creator: String,
    page_writer: &'a mut PageWriter,
}

impl<'a> BatchWriter<'a> {
    pub(super) fn template(&self) -> &'a Template {
        self.template
    }

    pub(super) fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// Writes a page as a file: with the prefix if possible, otherwise with typst's exporter.
    pub(super) fn print(
        &mut self,
        mut page: Page,
        job: &Prepared<'_>,
    ) -> Result<RenderedCertificate, RenderError> {
        let facts = &job.facts;
        page::check(
            &page,
            self.template,
            job.job,
            self.coverage,
            job.data.name(),
        )?;
        let code = (&facts.qr, self.template.page_setup(job.job).qr);
        let printed = self
            .prefix
            .as_ref()
            .map_err(|unfit| *unfit)
            .and_then(|prefix| {
                let mut display = prefix.read(&page)?;
                display.stamp(code.0, code.1);
                self.page_writer
                    .write(prefix, &display, facts, &self.creator)
            });
        let Unsupported(reason) = match printed {
            Ok(file) => return Ok(file),
            Err(unsupported) => unsupported,
        };
        metrics::counter!("laureate_render_left_to_typst_total", "reason" => reason).increment(1);
        page::stamp(&mut page.frame, code.0, code.1);
        let file = page::export(page, facts, self.creator.clone())?;
        Ok(RenderedCertificate::whole(file.into()))
    }
}

impl Renderer {
    pub(super) fn writer<'a>(
        &'a self,
        key: &BatchKey,
        batch: &'a Batch<'a>,
        page_writer: &'a mut PageWriter,
    ) -> BatchWriter<'a> {
        let way = batch.way;
        let prefix = if way == Way::Exported {
            Err(Unsupported("earlier renderer"))
        } else if batch.template.origin() == Origin::Own {
            Err(Unsupported("own template"))
        } else {
            self.prefixes.get(key, || {
                self.prefix(batch.template, &batch.pictures, batch.like)
            })
        };
        BatchWriter {
            template: batch.template,
            coverage: self.assets.fonts.coverage(),
            job_pictures: &batch.pictures,
            pictures: batch.pictures.files(),
            prefix,
            way,
            creator: page::creator(way.version()),
            page_writer,
        }
    }

    pub(super) fn prefix(
        &self,
        template: &Template,
        pictures: &JobPictures,
        like: &RenderJob,
    ) -> Result<TemplatePrefix, Unsupported> {
        let samples = prefix_cache::samples_like(like);
        let letters = prefix_cache::letters();
        let drawn = self.drawn(&samples, template, pictures)?;
        let pages: Vec<Page> = drawn.into_iter().map(|(page, _)| page).collect();
        let (prefix, _) = rayon::join(
            || TemplatePrefix::of(&pages, &letters),
            // typst caches these layouts. The first certificate is derived from the specimens next.
            || self.specimens(&prefix_cache::specimens_like(like), template, pictures),
        );
        prefix
    }

    /// Stamps a certificate onto the shared layout of its definition and day. Returns `None` if
    /// typst must lay out the certificate.
    pub(super) fn stamp(
        &self,
        writer: &mut BatchWriter<'_>,
        job: &Prepared<'_>,
    ) -> Option<RenderedCertificate> {
        let prefix = writer
            .prefix
            .as_ref()
            .ok()
            .filter(|_| writer.way == Way::Stamped)?;
        let template = writer.template;
        let pictures = writer.job_pictures;
        let layout = prefix.layout(&job.common, || {
            self.layout(prefix, template, pictures, job.job)
        });
        let stamped = layout.and_then(|layout| {
            let long = |names| self.long_named(names, template, pictures, job.job);
            let mut display = layout.stamp(prefix, &job.data.texts(), long)?;
            display.stamp(&job.facts.qr, template.page_setup(job.job).qr);
            writer
                .page_writer
                .write(prefix, &display, &job.facts, &writer.creator)
        });
        stamped
            .inspect_err(|Unsupported(reason)| {
                metrics::counter!("laureate_render_laid_out_total", "reason" => *reason)
                    .increment(1);
            })
            .ok()
    }

    /// Creates the shared layout for a job's definition and day from specimens.
    pub(super) fn layout(
        &self,
        prefix: &TemplatePrefix,
        template: &Template,
        pictures: &JobPictures,
        job: &RenderJob,
    ) -> Result<SharedLayout, Unsupported> {
        SharedLayout::of(
            prefix,
            &self.specimens(&prefix_cache::specimens_like(job), template, pictures)?,
        )
    }

    /// Lays out specimens of a job's definition and day with `names`. Returns `None` if that
    /// fails.
    pub(super) fn long_named(
        &self,
        names: [String; 2],
        template: &Template,
        pictures: &JobPictures,
        job: &RenderJob,
    ) -> Option<Vec<(Page, Texts)>> {
        let [specimen, _] = prefix_cache::specimens_like(job);
        let jobs = names.map(|name| RenderJob {
            full_name: name.into(),
            ..specimen.clone()
        });
        self.specimens(&jobs, template, pictures).ok()
    }

    /// Lays out pages for invented people and checks that the texts of each fit on its page.
    fn specimens(
        &self,
        jobs: &[RenderJob],
        template: &Template,
        pictures: &JobPictures,
    ) -> Result<Vec<(Page, Texts)>, Unsupported> {
        let drawn = self.drawn(jobs, template, pictures)?;
        let coverage = self.assets.fonts.coverage();
        let fits = |((page, texts), job): (&(Page, Texts), &RenderJob)| {
            page::check(page, template, job, coverage, &texts.name).is_ok()
        };
        let fit = drawn.iter().zip(jobs).all(fits);
        if fit {
            Ok(drawn)
        } else {
            Err(Unsupported("specimen that doesn't fit"))
        }
    }

    /// Lays out pages for invented people. Returns each page with the texts that are different for
    /// each person.
    fn drawn(
        &self,
        jobs: &[RenderJob],
        template: &Template,
        pictures: &JobPictures,
    ) -> Result<Vec<(Page, Texts)>, Unsupported> {
        let unfit = |_| Unsupported("sample that cannot be laid out");
        let prepared = jobs.iter().map(|job| self.prepare(template, job, pictures));
        let prepared: Vec<Prepared<'_>> = prepared
            .collect::<Result<_, RenderError>>()
            .map_err(unfit)?;
        let prepared: Vec<&Prepared<'_>> = prepared.iter().collect();
        let pages = self
            .lay_out(template, &prepared, &pictures.files())
            .map_err(unfit)?;
        Ok(pages
            .into_iter()
            .zip(prepared.iter().map(|job| job.data.texts()))
            .collect())
    }
}

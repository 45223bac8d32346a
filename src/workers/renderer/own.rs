//! Certificates by templates that issuers wrote: drawn in the sandbox, a few in each process.

use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Rendering, RenderingError};
use crate::commands::issue::PinnedTemplate;
use crate::domain::issuance::CertificateRequested;
use crate::domain::manifest::Manifest;
use crate::domain::template::TemplateFiles;
use crate::domain::{Locale, hex};
use crate::render::{RenderJob, RenderedCertificate, raster};
use crate::sandbox::{Form, MAX_JOBS, NotDrawn, Question, Sandbox};
use crate::storage::{ObjectKey, StorageError};

/// The largest source and manifest that are read back, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// When so many certificates have each ended the process that drew them, the others are left for another time.
const MAX_ENDED: usize = 3;

/// Variable of templates with the e-mail address.
const EMAIL: &str = "learner_email";

/// What was drawn, or why not.
type Drawn = Result<Bytes, RenderingError>;

impl Rendering {
    /// Returns true if a template shows the e-mail address of the person.
    ///
    /// # Errors
    /// The files of an own template are not available.
    pub async fn shows_email(&self, template: &PinnedTemplate) -> Result<bool, RenderingError> {
        let named = &template.template;
        let manifest = match &template.files {
            Some(files) => Some(self.template(files).await?.1),
            None => self.renderer.theme(&named.theme, named.version).map(|theme| theme.manifest().clone()),
        };
        Ok(manifest.is_some_and(|manifest| manifest.variables.iter().any(|name| name == EMAIL)))
    }

    /// Draws by a template that is stored nowhere yet.
    ///
    /// # Errors
    /// It doesn't draw, or no process could be started.
    pub async fn draw_with(
        &self,
        source: &str,
        manifest: &Manifest,
        jobs: Vec<RenderJob>,
        form: Form,
    ) -> Result<Vec<Result<Bytes, NotDrawn>>, RenderingError> {
        let question = Question { source: source.to_owned(), manifest: manifest.clone(), jobs, form };
        Ok(self.sandbox.draw(&question).await?)
    }

    /// Draws the sample of a template that is stored nowhere yet, in every language.
    ///
    /// # Errors
    /// See [`Self::draw_with`].
    pub async fn draw_sample(
        &self,
        source: &str,
        manifest: &Manifest,
    ) -> Result<Vec<Result<Bytes, NotDrawn>>, RenderingError> {
        let jobs = Locale::ALL.into_iter().map(|locale| RenderJob::of_sample(manifest, locale));
        let jobs = jobs.collect::<Result<_, _>>()?;
        self.draw_with(source, manifest, jobs, Form::Pdf).await
    }

    /// A picture that is stored nowhere and known to nobody, as PNG with so many pixels to an inch.
    ///
    /// # Errors
    /// It can't be drawn, or a picture in it is not there.
    pub async fn picture(&self, request: &CertificateRequested, dpi: u16) -> Result<Bytes, RenderingError> {
        if request.page.own_template.is_some() {
            let mut drawn = self.draw_as(&[request], Form::Png { dpi }).await;
            return drawn.pop().unwrap_or(Err(RenderingError::Interrupted));
        }
        let pdf = self.sample(request).await?;
        let drawn = tokio::task::spawn_blocking(move || raster::png(&pdf, dpi)).await;
        Ok(drawn.map_err(|_| RenderingError::Interrupted)??.into())
    }

    /// The PDFs of requests by templates of issuers' own, in order.
    pub(super) async fn draw_own(
        &self,
        requests: &[&CertificateRequested],
    ) -> Vec<Result<RenderedCertificate, RenderingError>> {
        let rendered = |bytes: Bytes| RenderedCertificate::whole(bytes);
        let drawn = self.draw_as(requests, Form::Pdf).await;
        drawn.into_iter().map(|drawn| drawn.map(rendered)).collect()
    }

    /// Draws requests by templates of issuers' own, each template's together; answers in order.
    pub(super) async fn draw_as(&self, requests: &[&CertificateRequested], form: Form) -> Vec<Drawn> {
        let mut done: Vec<Drawn> = requests.iter().map(|_| Err(RenderingError::Interrupted)).collect();
        let mut groups: BTreeMap<_, (&TemplateFiles, Vec<(usize, RenderJob)>)> = BTreeMap::new();
        for (place, request) in requests.iter().enumerate() {
            let Some(files) = &request.page.own_template else { continue };
            match self.job(request).await {
                Ok(job) => {
                    let key = (&files.source_sha256, &files.manifest_sha256);
                    groups.entry(key).or_insert_with(|| (files, Vec::new())).1.push((place, job));
                }
                Err(error) => done[place] = Err(error),
            }
        }
        for (files, jobs) in groups.into_values() {
            match self.template(files).await {
                Ok((source, manifest)) => self.draw_group(source, manifest, jobs, form, &mut done).await,
                // The storage may be away for all of them; each is asked for by itself again.
                Err(_) => {
                    for (place, _) in jobs {
                        done[place] = self.template(files).await.and(Err(RenderingError::Interrupted));
                    }
                }
            }
        }
        done
    }

    /// Draws what one template has to draw. A process that ends takes its neighbours along, so these are then
    /// tried alone.
    async fn draw_group(
        &self,
        source: String,
        manifest: Manifest,
        jobs: Vec<(usize, RenderJob)>,
        form: Form,
        done: &mut [Drawn],
    ) {
        let mut question = Question { source, manifest, jobs: Vec::new(), form };
        let mut ended = 0;
        for some in jobs.chunks(MAX_JOBS) {
            question.jobs = some.iter().map(|(_, job)| job.clone()).collect();
            let together = draw(&self.sandbox, &question).await;
            let is_lost = |drawn: &Drawn| matches!(drawn, Err(RenderingError::Own(error)) if error.ended);
            for ((place, job), drawn) in some.iter().zip(together) {
                if some.len() == 1 || !is_lost(&drawn) {
                    done[*place] = drawn;
                } else if ended < MAX_ENDED {
                    question.jobs = vec![job.clone()];
                    let alone = draw(&self.sandbox, &question).await.pop();
                    done[*place] = alone.unwrap_or(Err(RenderingError::Interrupted));
                    ended += usize::from(is_lost(&done[*place]));
                }
            }
            if ended >= MAX_ENDED {
                break;
            }
        }
    }

    /// Source and manifest as they were pinned.
    ///
    /// # Errors
    /// The storage doesn't answer, or holds other files.
    pub async fn template(&self, files: &TemplateFiles) -> Result<(String, Manifest), RenderingError> {
        let source = self.pinned(&files.source_key, &files.source_sha256).await?;
        let manifest = self.pinned(&files.manifest_key, &files.manifest_sha256).await?;
        let source = String::from_utf8(source.to_vec()).map_err(|_| RenderingError::TemplateFiles)?;
        Ok((source, Manifest::parse(&manifest).map_err(|_| RenderingError::TemplateFiles)?))
    }

    async fn pinned(&self, key: &str, sha256: &str) -> Result<Bytes, RenderingError> {
        let key = ObjectKey::parse(key).map_err(StorageError::from)?;
        let bytes = self.storage.get(&key, MAX_FILE).await?.ok_or(RenderingError::TemplateFiles)?;
        if hex(&Sha256::digest(&bytes)) == sha256 { Ok(bytes) } else { Err(RenderingError::TemplateFiles) }
    }
}

/// Asks once. Where no process could be started, none of the jobs is drawn, and each may be tried again.
async fn draw(sandbox: &Sandbox, question: &Question) -> Vec<Drawn> {
    match sandbox.draw(question).await {
        Ok(drawn) => drawn.into_iter().map(|drawn| drawn.map_err(RenderingError::from)).collect(),
        Err(error) => {
            tracing::warn!(%error, "no process for drawing could be used");
            question.jobs.iter().map(|_| Err(RenderingError::Interrupted)).collect()
        }
    }
}

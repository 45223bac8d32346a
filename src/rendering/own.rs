//! Rendering with issuers' templates in the sandbox. Each process draws a few certificates.

use std::collections::BTreeMap;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::{Rendering, RenderingError};
use crate::certificate_pdf::{RenderJob, RenderedCertificate, raster};
use crate::commands::issue::PinnedTemplate;
use crate::domain::Locale;
use crate::domain::certification::issuance::CertificateRequested;
use crate::domain::certification::manifest::Manifest;
use crate::domain::certification::template::TemplateFiles;
use crate::sandbox::{Form, MAX_JOBS, NotDrawn, Question, Sandbox, SandboxError};
use crate::storage::{ObjectKey, StorageError};

/// Maximum size of a source or manifest that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Maximum number of certificates that end their process although they are drawn alone. After that,
/// the remaining certificates of the template are left for a retry.
const MAX_ENDED: usize = 3;

/// Name of the template variable with the e-mail address.
const EMAIL: &str = "learner_email";

/// Drawn file, or an error.
type Drawn = Result<Bytes, RenderingError>;

impl Rendering {
    /// Returns true if a template shows the e-mail address of the person.
    ///
    /// # Errors
    /// The files of an issuer's template are not available.
    pub async fn shows_email(&self, template: &PinnedTemplate) -> Result<bool, RenderingError> {
        let named = &template.template;
        let manifest = match &template.files {
            Some(files) => Some(self.template(files).await?.1),
            None => self
                .renderer
                .theme(&named.theme, named.version)
                .map(|theme| theme.manifest().clone()),
        };
        Ok(manifest.is_some_and(|manifest| manifest.variables.iter().any(|name| name == EMAIL)))
    }

    /// Draws jobs with a template that is not stored yet.
    ///
    /// # Errors
    /// No sandbox process could be started. The inner error describes why a job can't be drawn.
    pub async fn draw_with(
        &self,
        source: &str,
        manifest: &Manifest,
        jobs: Vec<RenderJob>,
        form: Form,
    ) -> Result<Vec<Result<Bytes, NotDrawn>>, RenderingError> {
        let question = Question {
            source: source.to_owned(),
            manifest: manifest.clone(),
            jobs,
            form,
        };
        Ok(self.sandbox.draw(&question).await?)
    }

    /// Draws the sample of a template that is not stored yet, in every language.
    ///
    /// # Errors
    /// See [`Self::draw_with`].
    pub async fn draw_sample(
        &self,
        source: &str,
        manifest: &Manifest,
    ) -> Result<Vec<Result<Bytes, NotDrawn>>, RenderingError> {
        let jobs = Locale::ALL
            .into_iter()
            .map(|locale| RenderJob::of_sample(manifest, locale));
        let jobs = jobs.collect::<Result<_, _>>()?;
        self.draw_with(source, manifest, jobs, Form::Pdf).await
    }

    /// Draws a request as a PNG with `dpi` pixels per inch. Nothing is stored or recorded.
    ///
    /// # Errors
    /// The request can't be drawn, or one of its images is missing.
    pub async fn picture(
        &self,
        request: &CertificateRequested,
        dpi: u16,
    ) -> Result<Bytes, RenderingError> {
        if request.page.own_template.is_some() {
            let mut drawn = self.draw_as(&[request], Form::Png { dpi }).await;
            return drawn.pop().unwrap_or(Err(RenderingError::Interrupted));
        }
        let pdf = self.sample(request).await?;
        let drawn = tokio::task::spawn_blocking(move || raster::png(&pdf, dpi)).await;
        Ok(drawn.map_err(|_| RenderingError::Interrupted)??.into())
    }

    /// Renders the PDFs of requests with issuers' templates, in order.
    pub(super) async fn draw_own(
        &self,
        requests: &[&CertificateRequested],
    ) -> Vec<Result<RenderedCertificate, RenderingError>> {
        let rendered = |bytes: Bytes| RenderedCertificate::whole(bytes);
        let drawn = self.draw_as(requests, Form::Pdf).await;
        drawn.into_iter().map(|drawn| drawn.map(rendered)).collect()
    }

    /// Draws requests with issuers' templates, grouped by template. Returns the results in order.
    /// For requests with shipped themes, the result is [`RenderingError::Interrupted`].
    pub(super) async fn draw_as(
        &self,
        requests: &[&CertificateRequested],
        form: Form,
    ) -> Vec<Drawn> {
        let mut done: Vec<Drawn> = requests
            .iter()
            .map(|_| Err(RenderingError::Interrupted))
            .collect();
        let mut groups: BTreeMap<_, (&TemplateFiles, Vec<(usize, RenderJob)>)> = BTreeMap::new();
        for (place, request) in requests.iter().enumerate() {
            let Some(files) = &request.page.own_template else {
                continue;
            };
            match self.job(request).await {
                Ok(job) => {
                    let key = (&files.source_sha256, &files.manifest_sha256);
                    groups
                        .entry(key)
                        .or_insert_with(|| (files, Vec::new()))
                        .1
                        .push((place, job));
                }
                Err(error) => done[place] = Err(error),
            }
        }
        for (files, jobs) in groups.into_values() {
            match self.template(files).await {
                Ok((source, manifest)) => {
                    self.draw_group(source, manifest, jobs, form, &mut done)
                        .await
                }
                // The error can't be cloned, so each job loads the template again.
                Err(_) => {
                    for (place, _) in jobs {
                        done[place] = self
                            .template(files)
                            .await
                            .and(Err(RenderingError::Interrupted));
                    }
                }
            }
        }
        done
    }

    /// Draws the jobs of one template. If a process ends early, its unfinished jobs are drawn
    /// again, each alone.
    async fn draw_group(
        &self,
        source: String,
        manifest: Manifest,
        jobs: Vec<(usize, RenderJob)>,
        form: Form,
        done: &mut [Drawn],
    ) {
        let mut question = Question {
            source,
            manifest,
            jobs: Vec::new(),
            form,
        };
        let mut ended = 0;
        for some in jobs.chunks(MAX_JOBS) {
            question.jobs = some.iter().map(|(_, job)| job.clone()).collect();
            let together = draw(&self.sandbox, &question).await;
            let is_lost =
                |drawn: &Drawn| matches!(drawn, Err(RenderingError::Own(error)) if error.ended);
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

    /// Returns the source and manifest, checked against the pinned SHA-256.
    ///
    /// # Errors
    /// The storage doesn't respond, or the files are missing or were replaced.
    pub async fn template(
        &self,
        files: &TemplateFiles,
    ) -> Result<(String, Manifest), RenderingError> {
        let source = self.pinned(&files.source_key, &files.source_sha256).await?;
        let manifest = self
            .pinned(&files.manifest_key, &files.manifest_sha256)
            .await?;
        let source =
            String::from_utf8(source.to_vec()).map_err(|_| RenderingError::TemplateFiles)?;
        Ok((
            source,
            Manifest::parse(&manifest).map_err(|_| RenderingError::TemplateFiles)?,
        ))
    }

    async fn pinned(&self, key: &str, sha256: &str) -> Result<Bytes, RenderingError> {
        let key = ObjectKey::parse(key).map_err(StorageError::from)?;
        let bytes = self
            .storage
            .get(&key, MAX_FILE)
            .await?
            .ok_or(RenderingError::TemplateFiles)?;
        if HEXLOWER.encode(&Sha256::digest(&bytes)) == sha256 {
            Ok(bytes)
        } else {
            Err(RenderingError::TemplateFiles)
        }
    }
}

/// Draws the jobs of a question once. If no process could be started, this is the result of all
/// jobs.
async fn draw(sandbox: &Sandbox, question: &Question) -> Vec<Drawn> {
    match sandbox.draw(question).await {
        Ok(drawn) => drawn
            .into_iter()
            .map(|drawn| drawn.map_err(RenderingError::from))
            .collect(),
        Err(error) => {
            // The error can't be cloned.
            let again = || std::io::Error::other(error.to_string());
            question
                .jobs
                .iter()
                .map(|_| Err(SandboxError::from(again()).into()))
                .collect()
        }
    }
}

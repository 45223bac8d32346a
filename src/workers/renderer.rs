//! Renderer: draws the PDF of each requested certificate, in batches, and stores it.
//!
//! Rendering is idempotent: the bytes depend only on the content of `CertificateRequested`.

mod apart;
mod error;
mod own;
mod what_if;

pub use crate::certificate_pdf::MAX_SOURCE;
pub use crate::sandbox::NotDrawn;
use apart::apart;
pub use error::RenderingError;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::{join, join_all};
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};

use super::{Delivery, Verdict, Worker};
use crate::certificate_pdf::{Design, OptionInput, RenderJob, RenderedCertificate, Renderer};
use crate::commands::{CommandContext, CommandError, Commands, Loaded};
use crate::domain::certification::certificate::DesignRef;
use crate::domain::certification::issuance::{
    CertificateGenerated, CertificateGenerationFailed, CertificateRequested, Issuance, IssuanceCommand,
    IssuanceEvent,
};
use crate::domain::certification::manifest::OptionValue;
use crate::domain::certification::reactions::issuance::public_link;
use crate::domain::hex;
use crate::domain::{Event, IssuanceId};
use crate::sandbox::Sandbox;
use crate::storage::{ObjectKey, ObjectStorage, PutPayload, StorageError, certificate_key};

/// Maximum number of concurrent writes to the object storage.
const AT_ONCE: usize = 32;
/// Maximum size of a design image or an issued PDF that is read, in bytes.
const MAX_OBJECT: u64 = 64 << 20;
/// Maximum number of design images in the cache. It is emptied when it is full.
const DESIGNS: usize = 16;

/// Renders issuances and reads issued PDFs; cheap to clone.
#[derive(Clone)]
pub struct Rendering {
    commands: Commands,
    renderer: Arc<Renderer>,
    storage: ObjectStorage,
    designs: Arc<Mutex<HashMap<String, Design>>>,
    sandbox: Sandbox,
}

impl Rendering {
    /// Creates a `Rendering` with its dependencies. Templates of issuers are drawn in the sandbox.
    #[must_use]
    pub fn new(
        commands: Commands,
        renderer: Arc<Renderer>,
        storage: ObjectStorage,
        sandbox: Sandbox,
    ) -> Self {
        Self { commands, renderer, storage, designs: Arc::default(), sandbox }
    }

    /// Returns the renderer, for checks that draw nothing.
    #[must_use]
    pub const fn renderer(&self) -> &Arc<Renderer> {
        &self.renderer
    }

    /// Returns the issued PDF of an issuance, checked against its SHA-256. If the object is missing, the PDF is
    /// rendered and stored again. Returns `None` if nothing has been issued yet.
    ///
    /// # Errors
    /// See [`RenderingError`]. Bytes that differ from the issued ones are never returned.
    pub async fn issued_pdf(&self, id: IssuanceId) -> Result<Option<Bytes>, RenderingError> {
        let issuance = self.commands.load::<Issuance>(id).await?.state;
        if issuance.revoked.is_some() {
            return Err(RenderingError::Revoked);
        }
        let (Some(request), Some(pdf)) = (issuance.request, issuance.generated) else { return Ok(None) };
        self.frozen(&request, &pdf).await.map(Some)
    }

    /// Like [`Self::issued_pdf`], for a known key and SHA-256. Reads the log only if the object is missing.
    ///
    /// # Errors
    /// See [`Self::issued_pdf`].
    pub async fn issued_pdf_at(
        &self,
        key: &str,
        sha256: &str,
        id: IssuanceId,
    ) -> Result<Option<Bytes>, RenderingError> {
        let key = ObjectKey::parse(key).map_err(StorageError::from)?;
        match self.storage.get(&key, MAX_OBJECT).await? {
            Some(bytes) => checked(bytes, sha256).map(Some),
            None => self.issued_pdf(id).await,
        }
    }

    /// Renders a PDF without storing or recording it.
    ///
    /// # Errors
    /// It can't be drawn, or a design image is missing.
    pub async fn sample(&self, request: &CertificateRequested) -> Result<Bytes, RenderingError> {
        self.samples(&[request]).await.pop().unwrap_or(Err(RenderingError::Interrupted))
    }

    /// Renders several PDFs without storing or recording them. Returns the results in the same order.
    pub async fn samples(&self, requests: &[&CertificateRequested]) -> Vec<Result<Bytes, RenderingError>> {
        let rendered = self.render(requests).await;
        rendered.into_iter().map(|rendered| Ok(rendered?.to_bytes())).collect()
    }

    async fn frozen(
        &self,
        request: &CertificateRequested,
        pdf: &CertificateGenerated,
    ) -> Result<Bytes, RenderingError> {
        let key = ObjectKey::parse(&pdf.object_key).map_err(StorageError::from)?;
        if let Some(bytes) = self.storage.get(&key, MAX_OBJECT).await? {
            return checked(bytes, &pdf.sha256);
        }
        tracing::warn!(%key, "issued PDF missing, rendering it again");
        let mut rendered = self.render(&[request]).await;
        let again = rendered.pop().unwrap_or(Err(RenderingError::Interrupted))?;
        if again.sha256 != pdf.sha256 {
            return Err(RenderingError::Differs);
        }
        let bytes = again.to_bytes();
        self.storage.put_new(&key, bytes.clone()).await?;
        Ok(bytes)
    }

    /// Renders the PDFs of requests, in order.
    async fn render(
        &self,
        requests: &[&CertificateRequested],
    ) -> Vec<Result<RenderedCertificate, RenderingError>> {
        let (own, shipped): (Vec<_>, Vec<_>) = requests
            .iter()
            .copied()
            .enumerate()
            .partition(|(_, request)| request.page.own_template.is_some());
        let (own_places, own): (Vec<usize>, Vec<_>) = own.into_iter().unzip();
        let (shipped_places, shipped): (Vec<usize>, Vec<_>) = shipped.into_iter().unzip();
        let (drawn, rendered) = join(self.draw_own(&own), self.render_shipped(&shipped)).await;
        let mut done: Vec<_> =
            own_places.into_iter().zip(drawn).chain(shipped_places.into_iter().zip(rendered)).collect();
        done.sort_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, result)| result).collect()
    }

    /// Renders the PDFs of requests with shipped themes, in order.
    async fn render_shipped(
        &self,
        requests: &[&CertificateRequested],
    ) -> Vec<Result<RenderedCertificate, RenderingError>> {
        let mut jobs = Vec::with_capacity(requests.len());
        for request in requests {
            jobs.push(self.job(request).await);
        }
        let (renderer, good): (_, Vec<_>) = (self.renderer.clone(), jobs.iter().flatten().cloned().collect());
        let rendered = apart(good, move |jobs: &[RenderJob]| renderer.render(jobs)).await;
        let mut rendered = rendered.into_iter();
        jobs.into_iter()
            .map(|job| match job {
                Ok(_) => match rendered.next().flatten() {
                    Some(done) => done.map_err(Into::into),
                    None => Err(RenderingError::Interrupted),
                },
                Err(error) => Err(error),
            })
            .collect()
    }

    async fn job(&self, request: &CertificateRequested) -> Result<RenderJob, RenderingError> {
        let page = &request.page;
        let mut options = BTreeMap::new();
        for (name, value) in &page.pdf_template.options {
            let input = match value {
                OptionValue::Text(text) => OptionInput::Text(text.clone()),
                OptionValue::Image(image) => OptionInput::Image(self.design(image).await?),
            };
            options.insert(name.clone(), input);
        }
        let design = match &page.design {
            Some(design) => Some(self.design(design).await?),
            None => None,
        };
        Ok(RenderJob {
            theme: page.pdf_template.theme.clone(),
            theme_version: page.pdf_template.version,
            renderer_version: page.renderer_version.clone(),
            options,
            locale: page.locale,
            issue_date: page.issue_date,
            public_id: request.public_id.clone(),
            verification_url: public_link(&page.public_base_url, &request.public_id),
            full_name: page.full_name.clone(),
            certificate_name: page.certificate_name.clone(),
            event_name: page.event_name.clone(),
            client: page.client.clone(),
            document_number: page.document_number.clone(),
            event_link: request.event_link.clone(),
            email: Some(request.email.clone()),
            design,
        })
    }

    async fn design(&self, pinned: &DesignRef) -> Result<Design, RenderingError> {
        let known = self.designs.lock().unwrap_or_else(PoisonError::into_inner).get(&pinned.sha256).cloned();
        if let Some(design) = known {
            return Ok(design);
        }
        let key = ObjectKey::parse(&pinned.key).map_err(StorageError::from)?;
        let bytes = self.storage.get(&key, MAX_OBJECT).await?.ok_or(RenderingError::Design)?;
        if hex(&Sha256::digest(&bytes)) != pinned.sha256 {
            return Err(RenderingError::Design);
        }
        let design = Design { bytes, sha256: pinned.sha256.clone() };
        let mut designs = self.designs.lock().unwrap_or_else(PoisonError::into_inner);
        if designs.len() >= DESIGNS {
            designs.clear();
        }
        designs.insert(pinned.sha256.clone(), design.clone());
        Ok(design)
    }
}

/// Worker for `CertificateRequested`.
pub struct RendererWorker(pub Rendering);

impl RendererWorker {
    /// Stores a PDF and returns the event that records it.
    async fn keep(
        &self,
        request: &CertificateRequested,
        rendered: Result<RenderedCertificate, RenderingError>,
    ) -> Result<CertificateGenerated, RenderingError> {
        let (pdf, page) = (rendered?, &request.page);
        let (certificate, year) = (request.certificate_id.0, page.issue_date.year());
        let key =
            certificate_key(&page.client, year, certificate, &page.certificate_name, &request.public_id)
                .map_err(StorageError::from)?;
        let size = pdf.size();
        self.0.storage.put_new(&key, PutPayload::from_iter(pdf.parts)).await?;
        Ok(CertificateGenerated { object_key: key.to_string(), sha256: pdf.sha256, size })
    }

    /// Records the outcome of a delivery. A permanent error is recorded as failure.
    async fn settle(
        &self,
        delivery: &Delivery,
        kept: Result<CertificateGenerated, RenderingError>,
    ) -> Verdict {
        let outcome = match kept {
            Ok(generated) => self.record(delivery, generated).await.map_err(RenderingError::from),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => Verdict::Done,
            Err(error) if error.is_permanent() => self.give_up(delivery, &error).await,
            Err(error) => Verdict::unavailable(delivery.attempt, &error),
        }
    }

    async fn record(&self, delivery: &Delivery, generated: CertificateGenerated) -> Result<(), CommandError> {
        let context = CommandContext::of_process(&delivery.event, Self::NAME, 0);
        let command = IssuanceCommand::RecordGenerated(generated);
        let (id, requested) = (&delivery.event.id, Loaded::<Issuance>::begun_by(&delivery.event)?);
        self.0.commands.execute_assuming::<Issuance>(&context, id, requested, command).await?;
        metrics::counter!("laureate_certificates_rendered_total").increment(1);
        Ok(())
    }

    async fn give_up(&self, delivery: &Delivery, error: &RenderingError) -> Verdict {
        let failure = CertificateGenerationFailed { code: error.code().to_owned(), reason: error.reason() };
        let context = CommandContext::of_process(&delivery.event, Self::NAME, 1);
        let command = IssuanceCommand::RecordFailure(failure);
        match self.0.commands.execute::<Issuance>(&context, &delivery.event.id, command).await {
            Ok(_) => Verdict::GiveUp { why: error.code().to_owned() },
            Err(error) => Verdict::unavailable(delivery.attempt, &error),
        }
    }

    /// Returns the request of a delivery, or `None` if nothing must be rendered. On a redelivery, the issuance may
    /// already have a PDF or be revoked.
    async fn request_of(&self, delivery: &Delivery) -> Result<Option<CertificateRequested>, CommandError> {
        let Event::Issuance(IssuanceEvent::CertificateRequested(request)) = delivery.event.decode()? else {
            return Ok(None);
        };
        if delivery.attempt > 1 {
            let issuance = self.0.commands.load::<Issuance>(&delivery.event.id).await?;
            if issuance.state.generated.is_some() || issuance.state.revoked.is_some() {
                return Ok(None);
            }
        }
        Ok(Some(request))
    }
}

impl Worker for RendererWorker {
    const NAME: &'static str = "renderer";
    const BATCH: usize = 50;

    fn wants(event_type: &str) -> bool {
        event_type == "CertificateRequested"
    }

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Done; deliveries.len()];
        let mut wanted = Vec::with_capacity(deliveries.len());
        for (n, delivery) in deliveries.iter().enumerate() {
            match self.request_of(delivery).await {
                Ok(Some(request)) => wanted.push((n, request)),
                Ok(None) => {}
                Err(error) => verdicts[n] = Verdict::unavailable(delivery.attempt, &error),
            }
        }
        // Templates of issuers may be slow, so the rest of the batch doesn't wait for them.
        let (own, shipped) = wanted.into_iter().partition(|(_, request)| request.page.own_template.is_some());
        let (own, shipped) = join(self.work_on(deliveries, own), self.work_on(deliveries, shipped)).await;
        for (n, verdict) in own.into_iter().chain(shipped) {
            verdicts[n] = verdict;
        }
        verdicts
    }
}

impl RendererWorker {
    /// Renders, stores and records. Returns each verdict with the index of its delivery.
    async fn work_on(
        &self,
        deliveries: &[Delivery],
        wanted: Vec<(usize, CertificateRequested)>,
    ) -> Vec<(usize, Verdict)> {
        let requests: Vec<_> = wanted.iter().map(|(_, request)| request).collect();
        let rendered = self.0.render(&requests).await;
        let kept: Vec<_> = stream::iter(wanted.into_iter().zip(rendered))
            .map(|((n, request), rendered)| async move { (n, self.keep(&request, rendered).await) })
            .buffered(AT_ONCE)
            .collect()
            .await;
        // Concurrently, so that they share a group commit.
        let settled =
            kept.into_iter().map(|(n, kept)| async move { (n, self.settle(&deliveries[n], kept).await) });
        join_all(settled).await
    }
}

/// Returns the bytes if they have the issued SHA-256.
fn checked(bytes: Bytes, sha256: &str) -> Result<Bytes, RenderingError> {
    if hex(&Sha256::digest(&bytes)) == sha256 { Ok(bytes) } else { Err(RenderingError::Differs) }
}

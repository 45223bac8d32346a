//! Rendering of PDFs, samples and comparisons, and reading of issued PDFs, for workers and HTTP.
//!
//! Rendering is idempotent, because the bytes depend only on the content of `CertificateRequested`.

mod apart;
pub mod bundle;
mod error;
pub mod long_names;
mod own;
pub mod undrawable;
mod what_if;

pub use crate::certificate_pdf::MAX_SOURCE;
pub use crate::sandbox::NotDrawn;
use apart::apart;
use data_encoding::HEXLOWER;
pub use error::RenderingError;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::join;
use sha2::{Digest, Sha256};

use crate::certificate_pdf::{Design, OptionInput, RenderJob, RenderedCertificate, Renderer};
use crate::commands::Commands;
use crate::domain::IssuanceId;
use crate::domain::certification::certificate::DesignRef;
use crate::domain::certification::issuance::{
    CertificateGenerated, CertificateRequested, Issuance, IssuanceStatus,
};
use crate::domain::certification::manifest::OptionValue;
use crate::domain::certification::reactions::issuance::public_link;
use crate::sandbox::{Attempt, Sandbox, SandboxError};
use crate::storage::{ObjectKey, ObjectStorage, PutPayload, StorageError, certificate_key};

/// Maximum size of a design image or an issued PDF that is read, in bytes.
const MAX_OBJECT: u64 = 64 << 20;
/// Maximum number of design images in the cache. A full cache is emptied.
const DESIGNS: usize = 16;

/// Renders certificates and reads issued PDFs. Cloning is cheap.
#[derive(Clone)]
pub struct Rendering {
    commands: Commands,
    renderer: Arc<Renderer>,
    storage: ObjectStorage,
    designs: Arc<Mutex<HashMap<String, Design>>>,
    sandbox: Sandbox,
}

impl Rendering {
    /// Creates a `Rendering` from its dependencies. The sandbox draws issuers' templates.
    #[must_use]
    pub fn new(
        commands: Commands,
        renderer: Arc<Renderer>,
        storage: ObjectStorage,
        sandbox: Sandbox,
    ) -> Self {
        Self {
            commands,
            renderer,
            storage,
            designs: Arc::default(),
            sandbox,
        }
    }

    /// Returns the commands with which callers record the outcome.
    #[must_use]
    pub const fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Returns the renderer, for checks without drawing.
    #[must_use]
    pub const fn renderer(&self) -> &Arc<Renderer> {
        &self.renderer
    }

    /// Returns the object storage of the PDFs.
    #[must_use]
    pub const fn storage(&self) -> &ObjectStorage {
        &self.storage
    }

    /// Checks that a sandbox process can be started.
    ///
    /// # Errors
    /// No sandbox process can be started.
    pub async fn check_sandbox(&self) -> Result<(), SandboxError> {
        self.sandbox.probe(Attempt::Nothing).await.map(drop)
    }

    /// Returns the issued PDF of an issuance, checked against its SHA-256. If the object is
    /// missing, the PDF is rendered and stored again. Returns `None` if no PDF has been issued yet.
    ///
    /// # Errors
    /// See [`RenderingError`]. Bytes that differ from the issued ones are never returned.
    pub async fn issued_pdf(&self, id: IssuanceId) -> Result<Option<Bytes>, RenderingError> {
        let issuance = self.commands.load::<Issuance>(id).await?.state;
        if issuance.status() == IssuanceStatus::Revoked {
            return Err(RenderingError::Revoked);
        }
        let (Some(request), Some(pdf)) = (issuance.request, issuance.generated) else {
            return Ok(None);
        };
        self.frozen(&request, &pdf).await.map(Some)
    }

    /// Like [`Self::issued_pdf`], for a known key and SHA-256. Reads the log only if the object is
    /// missing.
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

    /// Renders a PDF. Nothing is stored or recorded.
    ///
    /// # Errors
    /// The request can't be drawn, or a design image is missing.
    pub async fn sample(&self, request: &CertificateRequested) -> Result<Bytes, RenderingError> {
        self.samples(&[request])
            .await
            .pop()
            .unwrap_or(Err(RenderingError::Interrupted))
    }

    /// Renders several PDFs. Nothing is stored or recorded. Returns the results in the same order.
    pub async fn samples(
        &self,
        requests: &[&CertificateRequested],
    ) -> Vec<Result<Bytes, RenderingError>> {
        let rendered = self.render(requests).await;
        rendered
            .into_iter()
            .map(|rendered| Ok(rendered?.to_bytes()))
            .collect()
    }

    /// Stores a PDF and returns the event that records it.
    ///
    /// # Errors
    /// The storage is not available.
    pub async fn store(
        &self,
        request: &CertificateRequested,
        pdf: RenderedCertificate,
    ) -> Result<CertificateGenerated, RenderingError> {
        let page = &request.page;
        let certificate = request.certificate_id.0;
        let year = page.issue_date.year();
        let key = certificate_key(
            &page.client,
            year,
            certificate,
            &page.certificate_name,
            &request.public_id,
        )
        .map_err(StorageError::from)?;
        let size = pdf.size();
        self.storage
            .put_new(&key, PutPayload::from_iter(pdf.parts))
            .await?;
        Ok(CertificateGenerated {
            certificate_id: request.certificate_id,
            public_id: request.public_id.clone(),
            object_key: key.to_string(),
            sha256: pdf.sha256,
            size,
        })
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

    /// Renders the PDFs of requests and returns them in the same order.
    pub async fn render(
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
        let mut done: Vec<_> = own_places
            .into_iter()
            .zip(drawn)
            .chain(shipped_places.into_iter().zip(rendered))
            .collect();
        done.sort_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, result)| result).collect()
    }

    /// Renders the PDFs of requests with shipped themes and returns them in the same order.
    async fn render_shipped(
        &self,
        requests: &[&CertificateRequested],
    ) -> Vec<Result<RenderedCertificate, RenderingError>> {
        let mut jobs = Vec::with_capacity(requests.len());
        for request in requests {
            jobs.push(self.job(request).await);
        }
        let (renderer, good): (_, Vec<_>) = (
            self.renderer.clone(),
            jobs.iter().flatten().cloned().collect(),
        );
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
        let known = self
            .designs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&pinned.sha256)
            .cloned();
        if let Some(design) = known {
            return Ok(design);
        }
        let key = ObjectKey::parse(&pinned.key).map_err(StorageError::from)?;
        let bytes = self
            .storage
            .get(&key, MAX_OBJECT)
            .await?
            .ok_or(RenderingError::Design)?;
        if HEXLOWER.encode(&Sha256::digest(&bytes)) != pinned.sha256 {
            return Err(RenderingError::Design);
        }
        let design = Design {
            bytes,
            sha256: pinned.sha256.clone(),
        };
        let mut designs = self.designs.lock().unwrap_or_else(PoisonError::into_inner);
        if designs.len() >= DESIGNS {
            designs.clear();
        }
        designs.insert(pinned.sha256.clone(), design.clone());
        Ok(design)
    }
}

/// Returns the bytes if their SHA-256 is the issued one.
fn checked(bytes: Bytes, sha256: &str) -> Result<Bytes, RenderingError> {
    if HEXLOWER.encode(&Sha256::digest(&bytes)) == sha256 {
        Ok(bytes)
    } else {
        Err(RenderingError::Differs)
    }
}

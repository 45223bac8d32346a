//! Renderer: draws the PDF of each requested certificate, in batches, and stores it.
//!
//! Rendering is idempotent, because the bytes depend only on the content of `CertificateRequested`.

use futures_util::future::{join, join_all};
use futures_util::{StreamExt, stream};

use super::flow::{Input, RendererInput};
use super::{Away, Delivery, Verdict, Worker};
use crate::commands::{CommandContext, CommandError, Loaded};
use crate::domain::certification::issuance::{
    CertificateGenerated, CertificateGenerationFailed, CertificateRequested, Issuance,
    IssuanceCommand, IssuanceStatus,
};
use crate::event_log::Consistency;
use crate::rendering::{Rendering, RenderingError};

/// Maximum number of concurrent writes to the object storage.
const AT_ONCE: usize = 32;

/// Worker for `CertificateRequested`.
pub struct RendererWorker(pub Rendering);

impl RendererWorker {
    /// Records the outcome of a delivery. A permanent error is recorded as a failure.
    async fn settle(
        &self,
        delivery: &Delivery,
        kept: Result<CertificateGenerated, RenderingError>,
    ) -> Verdict {
        let outcome = match kept {
            Ok(generated) => self
                .record(delivery, generated)
                .await
                .map_err(RenderingError::from),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => Verdict::Done,
            Err(error) if error.is_permanent() => self.give_up(delivery, &error).await,
            Err(error) => error.into(),
        }
    }

    async fn record(
        &self,
        delivery: &Delivery,
        generated: CertificateGenerated,
    ) -> Result<(), CommandError> {
        let context = CommandContext::of_process(&delivery.event, Self::NAME, 0);
        let command = IssuanceCommand::RecordGenerated(generated);
        let id = &delivery.event.id;
        let requested = Loaded::<Issuance>::begun_by(&delivery.event)?;
        self.0
            .commands()
            .execute_assuming::<Issuance>(&context, id, requested, command)
            .await?;
        metrics::counter!("laureate_certificates_rendered_total").increment(1);
        Ok(())
    }

    async fn give_up(&self, delivery: &Delivery, error: &RenderingError) -> Verdict {
        let failure = CertificateGenerationFailed {
            code: error.code().to_owned(),
            reason: error.reason(),
        };
        match self.record_failure(delivery, failure, 1).await {
            Ok(()) => Verdict::GiveUp {
                why: error.code().to_owned(),
            },
            Err(error) => error.into(),
        }
    }

    async fn record_failure(
        &self,
        delivery: &Delivery,
        failure: CertificateGenerationFailed,
        n: usize,
    ) -> Result<(), CommandError> {
        let context = CommandContext::of_process(&delivery.event, Self::NAME, n);
        let command = IssuanceCommand::RecordFailure(failure);
        let id = &delivery.event.id;
        self.0
            .commands()
            .execute::<Issuance>(&context, id, command)
            .await
            .map(drop)
    }

    /// Returns the request of a delivery, or `None` if there is nothing to render. On a redelivery,
    /// the issuance may already have a PDF or be revoked.
    async fn request_of(
        &self,
        delivery: &Delivery,
    ) -> Result<Option<CertificateRequested>, CommandError> {
        let Some(RendererInput::CertificateRequested(request)) = delivery.input()? else {
            return Ok(None);
        };
        if delivery.attempt > 1 {
            let issuance = self
                .0
                .commands()
                .load_at::<Issuance>(&delivery.event.id, &Consistency::after(&delivery.event))
                .await?;
            let status = issuance.state.status();
            if matches!(status, IssuanceStatus::Generated | IssuanceStatus::Revoked) {
                return Ok(None);
            }
        }
        Ok(Some(request))
    }
}

impl Worker for RendererWorker {
    const NAME: &'static str = RendererInput::WORKER;
    const TYPES: &'static [&'static str] = RendererInput::TYPES;
    const BATCH: usize = 50;
    // Drawing twice gives the same bytes.
    const IS_STOPPABLE: bool = true;

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Done; deliveries.len()];
        let mut wanted = Vec::with_capacity(deliveries.len());
        for (n, delivery) in deliveries.iter().enumerate() {
            match self.request_of(delivery).await {
                Ok(Some(request)) => wanted.push((n, request)),
                Ok(None) => {}
                Err(error) => verdicts[n] = error.into(),
            }
        }
        // Issuers' templates may be slow, so the rest of the batch doesn't wait for them.
        let (own, shipped) = wanted
            .into_iter()
            .partition(|(_, request)| request.page.own_template.is_some());
        let (own, shipped) = join(
            self.work_on(deliveries, own),
            self.work_on(deliveries, shipped),
        )
        .await;
        for (n, verdict) in own.into_iter().chain(shipped) {
            verdicts[n] = verdict;
        }
        verdicts
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        let failure = CertificateGenerationFailed {
            code: "WORKER_STOPPED".to_owned(),
            reason: why.to_owned().into(),
        };
        self.record_failure(delivery, failure, 2).await
    }

    async fn probe(&self, away: Away) -> Result<(), String> {
        match away {
            Away::Storage => self.0.storage().probe().await.map_err(|e| e.to_string()),
            Away::Sandbox => self.0.check_sandbox().await.map_err(|e| e.to_string()),
            Away::Log | Away::MailServer => Ok(()),
        }
    }
}

impl RendererWorker {
    /// Renders and stores the PDFs and records the outcomes. Returns each verdict with the index of
    /// its delivery.
    async fn work_on(
        &self,
        deliveries: &[Delivery],
        wanted: Vec<(usize, CertificateRequested)>,
    ) -> Vec<(usize, Verdict)> {
        let requests: Vec<_> = wanted.iter().map(|(_, request)| request).collect();
        let rendered = self.0.render(&requests).await;
        let kept: Vec<_> = stream::iter(wanted.into_iter().zip(rendered))
            .map(|((n, request), rendered)| async move {
                let kept = match rendered {
                    Ok(pdf) => self.0.store(&request, pdf).await,
                    Err(error) => Err(error),
                };
                (n, kept)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        // The outcomes are recorded concurrently, so that they share a group commit.
        let settled = kept
            .into_iter()
            .map(|(n, kept)| async move { (n, self.settle(&deliveries[n], kept).await) });
        join_all(settled).await
    }
}

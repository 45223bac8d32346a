//! All steps of the demo as a client: uploads the design, defines the certificate, imports people,
//! issues certificates, sends mails, and checks the results.

use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::backstage::Backstage;
use super::checks::{Issued, count_everything, fetch_in_public};
use super::client::Client;
use super::import_sheets::import_sheets;
use super::issue::Issuing;
use super::progress::Progress;
use super::render_again::{Look, job, render_again};
use super::report::Outcome;
use super::sheets::Sheet;
use crate::certificate_pdf::RenderJob;
use crate::domain::Personal;

/// Background of the demo's certificates.
const DESIGN: &[u8] = include_bytes!("../../../samples/design.jpg");

/// Response of `POST /certificates/upload-design`.
#[derive(Deserialize)]
struct Design {
    url: String,
}

/// Response of `POST /certificates`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    id: Uuid,
    pdf_template: PdfTemplate,
    locale: String,
}

/// Theme that draws a certificate.
#[derive(Deserialize)]
struct PdfTemplate {
    theme: String,
    version: u32,
}

/// Inputs of the demo's steps.
pub struct Journey<'a> {
    /// Client that has logged in.
    pub client: &'a Client,
    /// Progress display.
    pub progress: &'a Progress,
    /// Direct access to the product, without the API.
    pub backstage: &'a Backstage<'a>,
    /// Longest time without progress.
    pub patience: Duration,
}

impl Journey<'_> {
    /// Runs all steps. After an error, `outcome` contains the results up to it.
    ///
    /// # Errors
    /// Fails if a server rejects a request or doesn't respond.
    pub async fn go(&self, sheets: Vec<Sheet>, outcome: &mut Outcome) -> anyhow::Result<()> {
        let known = self
            .client
            .get("/attendees?limit=1")
            .await?
            .data::<Vec<serde_json::Value>>()?;
        if !known.is_empty() {
            // Rows of people who exist already are rejected as duplicates, so the number is
            // unknown.
            outcome.folder_was_used = true;
            outcome.rejected_expected = None;
        }
        let (certificate, design) = self.define().await?;

        self.progress.say("importing people");
        let begun = Instant::now();
        import_sheets(self.client, self.progress, sheets, self.patience, outcome).await?;
        outcome.seconds.import = begun.elapsed().as_secs_f64();

        self.progress.say("issuing, rendering and mailing");
        let issuing = Issuing::new(
            self.client,
            self.progress,
            self.backstage,
            self.patience,
            certificate.id,
        );
        let people = issuing.run(outcome).await?;

        self.progress.say("checking certificates, PDFs and mails");
        let samples =
            count_everything(self.client, self.backstage, certificate.id, people, outcome).await?;
        if let Some((issued, _)) = samples.first() {
            outcome.download = Some(fetch_in_public(self.client, issued).await?);
        }

        self.progress.say("rebuilding the tables from the log");
        let begun = Instant::now();
        outcome.rebuild = Some(self.backstage.rebuild_and_compare(self.progress).await?);
        outcome.seconds.verify = begun.elapsed().as_secs_f64();

        self.progress.say("rendering certificates again");
        let look = Look {
            theme: certificate.pdf_template.theme,
            version: certificate.pdf_template.version,
            locale: certificate
                .locale
                .parse()
                .ok()
                .context("the API gave an unknown language")?,
            design,
        };
        let renderer = self.backstage.app().renderer().clone();
        let jobs = jobs(&look, &samples)?;
        let again = tokio::task::spawn_blocking(move || render_again(&renderer, &jobs)).await?;
        outcome.rendered_again = Some(again);
        Ok(())
    }

    /// Uploads the design and defines a certificate with it. Returns the certificate and the image
    /// as served.
    async fn define(&self) -> anyhow::Result<(Certificate, Bytes)> {
        let file = ("design.jpg", "image/jpeg", Bytes::from_static(DESIGN));
        let fields = vec![
            ("name", "Demo".to_owned()),
            ("client", "Laureate Academy".to_owned()),
        ];
        let design: Design = self
            .client
            .upload("/certificates/upload-design", file, fields)
            .await?
            .data()?;
        let body = json!({
            "client": "Laureate Academy",
            "name": "Foundations of Event Sourcing",
            "eventName": "Autumn School on Reliable Systems",
            "baseDesignUrl": design.url,
            "eventLink": "https://example.org/autumn-school",
        });
        let certificate = self.client.post("/certificates", body).await?.data()?;
        Ok((certificate, self.client.download(&design.url).await?))
    }
}

fn jobs(
    look: &Look,
    samples: &[(Issued, Personal<String>)],
) -> anyhow::Result<Vec<(RenderJob, String)>> {
    let job = |(issued, document): &(Issued, Personal<String>)| {
        let sha256 = issued
            .sha256
            .clone()
            .context("a generated certificate has no SHA-256")?;
        Ok((job(look, issued, document)?, sha256))
    };
    samples.iter().map(job).collect()
}

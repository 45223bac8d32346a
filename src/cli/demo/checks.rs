//! Final checks: each person has a certificate, each PDF is stored, and each mail was sent.

use std::collections::HashMap;

use anyhow::Context;
use data_encoding::HEXLOWER;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use time::Date;
use time::macros::format_description;
use uuid::Uuid;

use super::backstage::Backstage;
use super::client::Client;
use super::issue::Attendee;
use super::report::{Download, Outcome};
use crate::domain::Personal;
use crate::storage::certificate_key;

/// Entries per page, the maximum of the API.
const PER_PAGE: usize = 200;
/// Objects that are looked up concurrently.
const CONCURRENT_LOOKUPS: usize = 64;
/// Maximum number of certificates that are kept for rendering again.
pub const SAMPLES: usize = 300;

/// Item of `GET /generated-certificates`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// Certificate that was earned.
    pub certificate_id: Uuid,
    /// Person who earned it.
    pub attendee_id: Uuid,
    /// Public id, part of the public address.
    pub public_id: String,
    /// Address of the PDF. It needs no login.
    pub url: String,
    /// Address in the QR code.
    pub verification_url: String,
    state: String,
    is_sent: bool,
    /// Name of the person, as shown.
    pub full_name: Personal<String>,
    /// Name of the certificate, as shown.
    pub certificate_name: String,
    /// Name of the event, as shown.
    pub event_name: String,
    /// Organisation, as shown.
    pub client: String,
    /// Date of issue, as year-month-day.
    pub issue_date: String,
    /// SHA-256 of the PDF, 64 hex digits.
    pub sha256: Option<String>,
    size: Option<u64>,
    failure: Option<Failure>,
}

#[derive(Clone, Debug, Deserialize)]
struct Failure {
    code: String,
}

impl Issued {
    /// Returns the date of issue.
    ///
    /// # Errors
    /// Fails if the text is not a date.
    pub fn date(&self) -> anyhow::Result<Date> {
        let format = format_description!("[year]-[month]-[day]");
        Date::parse(&self.issue_date, format).context("the API returned an invalid issue date")
    }
}

/// Counts the certificates of `people`, their PDFs and their mails. Returns up to 300 generated
/// certificates, each with the document number that it shows.
///
/// # Errors
/// Fails if the API or the object storage doesn't respond.
pub async fn count_everything(
    client: &Client,
    backstage: &Backstage<'_>,
    certificate_id: Uuid,
    people: Vec<Attendee>,
    outcome: &mut Outcome,
) -> anyhow::Result<Vec<(Issued, Personal<String>)>> {
    let mut people: HashMap<Uuid, Personal<String>> = people
        .into_iter()
        .map(|person| (person.id, person.document_number))
        .collect();
    let mut samples = Vec::new();
    let mut cursor = None;
    let mut failures = HashMap::<String, u64>::new();
    loop {
        let from = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let path = format!(
            "/generated-certificates?certificateId={certificate_id}&limit={PER_PAGE}{from}"
        );
        let mut page = client.get(&path).await?;
        cursor = page.next_cursor();
        let issued: Vec<Issued> = page.data()?;
        outcome.pdfs += stored(backstage, &issued).await?;
        for issued in issued {
            // Removed from the map, so that no person is counted twice.
            let Some(document) = people.remove(&issued.attendee_id) else {
                continue;
            };
            outcome.certificates += 1;
            outcome.mails_accepted += u64::from(issued.is_sent);
            outcome.pdf_bytes += issued.size.unwrap_or(0);
            if let Some(failure) = &issued.failure {
                *failures.entry(failure.code.clone()).or_default() += 1;
            } else if issued.state == "generated" && samples.len() < SAMPLES {
                samples.push((issued, document));
            }
        }
        if cursor.is_none() {
            break;
        }
    }
    let message = failures
        .into_iter()
        .map(|(code, count)| format!("{count} PDFs could not be rendered: {code}"));
    outcome.problems.extend(message);
    Ok(samples)
}

/// Returns the number of certificates whose PDF is in the object storage.
async fn stored(backstage: &Backstage<'_>, issued: &[Issued]) -> anyhow::Result<u64> {
    let generated = issued.iter().filter(|issued| issued.state == "generated");
    let found = stream::iter(generated.map(|issued| async move {
        let Issued {
            client,
            certificate_id,
            certificate_name,
            public_id,
            ..
        } = issued;
        let year = issued.date()?.year();
        let key = certificate_key(client, year, *certificate_id, certificate_name, public_id)?;
        backstage.is_stored(&key).await
    }));
    let found: Vec<bool> = found
        .buffer_unordered(CONCURRENT_LOOKUPS)
        .try_collect()
        .await?;
    Ok(found.into_iter().filter(|found| *found).count() as u64)
}

/// Downloads a certificate without login, and checks that it is the PDF that was issued.
///
/// # Errors
/// Fails if the download fails, or if its SHA-256 differs.
pub async fn fetch_in_public(client: &Client, issued: &Issued) -> anyhow::Result<Download> {
    let bytes = client.download(&issued.url).await?;
    anyhow::ensure!(
        bytes.starts_with(b"%PDF-"),
        "the public download of a certificate is not a PDF"
    );
    let sha256 = HEXLOWER.encode(&Sha256::digest(&bytes));
    let is_issued = issued.sha256.as_ref() == Some(&sha256);
    anyhow::ensure!(
        is_issued,
        "the public download of a certificate differs from the issued PDF"
    );
    Ok(Download {
        url: issued.url.clone(),
        bytes: bytes.len() as u64,
    })
}

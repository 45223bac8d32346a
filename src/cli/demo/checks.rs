//! Afterwards: does everybody have a certificate, is every PDF there, did every mail go out?

use std::collections::HashMap;

use anyhow::Context;
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
use crate::domain::{Personal, hex};
use crate::storage::certificate_key;

/// Entries of a page; the API gives no more.
const PER_PAGE: usize = 200;
/// Objects that are looked for at once.
const AT_ONCE: usize = 64;
/// Certificates that are kept to be rendered again.
pub const SAMPLES: usize = 300;

/// One of `GET /generated-certificates`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// What was earned.
    pub certificate_id: Uuid,
    /// Who earned it.
    pub attendee_id: Uuid,
    /// Addresses it in public.
    pub public_id: String,
    /// Where the PDF can be fetched without login.
    pub url: String,
    /// What the QR code holds.
    pub verification_url: String,
    state: String,
    is_sent: bool,
    /// The person's name, as shown.
    pub full_name: Personal<String>,
    /// The certificate's name, as shown.
    pub certificate_name: String,
    /// What was attended or passed, as shown.
    pub event_name: String,
    /// The organisation, as shown.
    pub client: String,
    /// The date shown, as year-month-day.
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
    /// The date shown.
    ///
    /// # Errors
    /// It is no date.
    pub fn date(&self) -> anyhow::Result<Date> {
        let format = format_description!("[year]-[month]-[day]");
        Date::parse(&self.issue_date, format).context("the API gave an issue date that is none")
    }
}

/// Goes through all certificates that were issued to these people and counts what is there. Answers some
/// of them, each with the document number that it shows.
///
/// # Errors
/// The API or the object storage doesn't answer.
pub async fn count_everything(
    client: &Client,
    backstage: &Backstage<'_>,
    certificate_id: Uuid,
    people: Vec<Attendee>,
    outcome: &mut Outcome,
) -> anyhow::Result<Vec<(Issued, Personal<String>)>> {
    let mut people: HashMap<Uuid, Personal<String>> =
        people.into_iter().map(|person| (person.id, person.document_number)).collect();
    let (mut samples, mut cursor) = (Vec::new(), None);
    let mut failures = HashMap::<String, u64>::new();
    loop {
        let from = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path = format!("/generated-certificates?certificateId={certificate_id}&limit={PER_PAGE}{from}");
        let mut page = client.get(&path).await?;
        cursor = page.next_cursor();
        let issued: Vec<Issued> = page.data()?;
        outcome.pdfs += stored(backstage, &issued).await?;
        for issued in issued {
            // Taken out, so that nobody counts twice.
            let Some(document) = people.remove(&issued.attendee_id) else { continue };
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
    let told = failures.into_iter().map(|(code, count)| format!("{count} PDFs could not be made: {code}"));
    outcome.problems.extend(told);
    Ok(samples)
}

/// How many of them have their PDF in the object storage.
async fn stored(backstage: &Backstage<'_>, issued: &[Issued]) -> anyhow::Result<u64> {
    let generated = issued.iter().filter(|issued| issued.state == "generated");
    let found = stream::iter(generated.map(|issued| async move {
        let Issued { client, certificate_id, certificate_name, public_id, .. } = issued;
        let year = issued.date()?.year();
        let key = certificate_key(client, year, *certificate_id, certificate_name, public_id)?;
        backstage.is_stored(&key).await
    }));
    let found: Vec<bool> = found.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().filter(|found| *found).count() as u64)
}

/// Fetches a certificate as anybody can, and checks that it is the PDF that was issued.
///
/// # Errors
/// It can't be fetched, or is something else.
pub async fn fetch_in_public(client: &Client, issued: &Issued) -> anyhow::Result<Download> {
    let bytes = client.download(&issued.url).await?;
    anyhow::ensure!(bytes.starts_with(b"%PDF-"), "the public download of a certificate is no PDF");
    let sha256 = hex(&Sha256::digest(&bytes));
    let is_issued = issued.sha256.as_ref() == Some(&sha256);
    anyhow::ensure!(is_issued, "the public download of a certificate is not what was issued");
    Ok(Download { url: issued.url.clone(), bytes: bytes.len() as u64 })
}

//! Steps of a client: defines a certificate, uploads people, and waits for their mails.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use bytes::Bytes;
use laureate::cli::demo::client::Client;
use laureate::spreadsheet::made_up_people;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::ground::PATIENCE;

/// Background of all certificates.
pub const DESIGN: &[u8] = include_bytes!("../samples/design.jpg");
/// Polling interval of the progress.
const LOOK: Duration = Duration::from_millis(50);

/// Uploads the design and defines a certificate with it.
pub async fn define(client: &Client) -> anyhow::Result<Uuid> {
    #[derive(Deserialize)]
    struct Design {
        url: String,
    }
    #[derive(Deserialize)]
    struct Certificate {
        id: Uuid,
    }
    let file = ("design.jpg", "image/jpeg", Bytes::from_static(DESIGN));
    let fields = vec![
        ("name", "Bench".to_owned()),
        ("client", "Example Academy".to_owned()),
    ];
    let design: Design = client
        .upload("/certificates/upload-design", file, fields)
        .await?
        .data()?;
    let body = json!({
        "client": "Example Academy",
        "name": "Foundations of Event Sourcing",
        "eventName": "Autumn School on Reliable Systems",
        "baseDesignUrl": design.url,
        "eventLink": "https://example.org/autumn-school",
    });
    Ok(client
        .post("/certificates", body)
        .await?
        .data::<Certificate>()?
        .id)
}

/// Returns a spreadsheet of people.
pub fn sheet(people: usize, seed: u64) -> anyhow::Result<Bytes> {
    let mut csv = Vec::new();
    made_up_people(people, seed, &mut csv)?;
    Ok(csv.into())
}

/// Uploads people who earn the certificate, and waits until the tables show a sent mail for each
/// person. Returns the duration.
pub async fn people_to_mails(
    client: &Client,
    certificate: Uuid,
    sheet: Bytes,
    people: usize,
) -> anyhow::Result<Duration> {
    let fields = vec![("certificateId", certificate.to_string())];
    let begun = Instant::now();
    client
        .upload(
            "/attendees/bulk-upload",
            ("people.csv", "text/csv", sheet),
            fields,
        )
        .await?;
    loop {
        let mut answer = client.get("/jobs?limit=1").await?;
        let summary = answer.meta::<Value>()?["summary"].take();
        ensure!(summary["error"] == 0, "mails have failed: {summary}");
        if summary["sent"] == people {
            return Ok(begun.elapsed());
        }
        if begun.elapsed() > PATIENCE {
            bail!("{people} people, but only {} mails", summary["sent"]);
        }
        tokio::time::sleep(LOOK).await;
    }
}

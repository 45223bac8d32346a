//! Memory of the product for the import of a million rows.

use std::time::Instant;

use anyhow::{bail, ensure};
use serde::Deserialize;

use super::api::sheet;
use super::processes::peak_memory;
use super::product::Product;
use super::report::Report;

const ROWS: usize = 1_000_000;
/// Polling interval of the progress.
const LOOK: std::time::Duration = std::time::Duration::from_secs(2);
/// Time without an accepted row after which the import counts as stuck.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// Response of `GET /imports/{id}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Import {
    state: String,
    created: usize,
    errors: usize,
}

/// Imports once, because memory varies less than time.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let product = Product::start().await?;
    let begun = Instant::now();
    let file = ("people.csv", "text/csv", sheet(ROWS, 1)?);
    let answer = product
        .client
        .upload("/attendees/bulk-upload", file, Vec::new())
        .await?;
    let location = answer.location.unwrap_or_default();
    let mut moved = Instant::now();
    let mut done = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        let import: Import = product.client.get(&location).await?.data()?;
        if import.state == "completed" {
            ensure!(
                import.created == ROWS && import.errors == 0,
                "{} of {ROWS} rows came in",
                import.created
            );
            break;
        }
        if import.created > done {
            (moved, done) = (Instant::now(), import.created);
            report.progress(&format!("million, {done} rows are in"));
        }
        if import.state == "failed" || moved.elapsed() > PATIENCE {
            bail!("the import is stuck or has failed after {done} rows");
        }
    }
    let peak = peak_memory(product.process)? as f64 / f64::from(1 << 20);
    report.figure(
        "million_rows_import",
        "rows/s",
        vec![ROWS as f64 / begun.elapsed().as_secs_f64()],
    );
    report.figure("million_rows_peak_memory", "MiB", vec![peak]);
    product.stop().await
}

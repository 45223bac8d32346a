//! Peak memory of the product at ten times as many people.

use super::api::{define, people_to_mails, sheet};
use super::processes::peak_memory;
use super::product::Product;
use super::report::{Goal, Report};

const FEW: usize = 1_000;
const MANY: usize = 10_000;

/// Measures each size in a fresh product. The servers don't count.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let mut few = Vec::new();
    let mut many = Vec::new();
    for run in 1..=report.runs {
        for (people, peaks) in [(FEW, &mut few), (MANY, &mut many)] {
            report.progress(&format!("memory, {people} people, run {run}"));
            let product = Product::start().await?;
            let certificate = define(&product.client).await?;
            people_to_mails(
                &product.client,
                certificate,
                sheet(people, run.into())?,
                people,
            )
            .await?;
            peaks.push(peak_memory(product.process)? as f64 / f64::from(1 << 20));
            product.stop().await?;
        }
    }
    let ratios = many
        .iter()
        .zip(&few)
        .map(|(many, few)| many / few)
        .collect();
    report.ratio("memory_10x_people", Goal::AtMost(1.3), ratios);
    report.figure("peak_memory_1000_people", "MiB", few);
    report.figure("peak_memory_10000_people", "MiB", many);
    Ok(())
}

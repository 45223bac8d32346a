//! Pipeline from a spreadsheet to accepted mails, over the cost of the stages alone.

use std::collections::BTreeMap;
use std::thread::available_parallelism;

use super::api::{define, people_to_mails, sheet};
use super::processes::{CpuSeconds, cpu_of_tree, used};
use super::product::Product;
use super::report::{Goal, Report, median};
use super::stages::{self, STAGES};

/// People per run.
pub const PEOPLE: usize = 2_000;

/// Measures the whole pipeline and the stages in turn.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let cores = available_parallelism()?.get() as f64;
    let mut rates = Vec::new();
    let mut ratios = Vec::new();
    let mut busy = Vec::new();
    let mut by_stage: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    let mut by_program: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for run in 1..=report.runs {
        report.progress(&format!("pipeline, run {run}"));
        let (rate, cpu) = whole(run).await?;
        report.progress(&format!("stages, run {run}"));
        let stages = stages::alone(run).await?;
        let sum: f64 = stages.values().sum();
        rates.push(rate);
        ratios.push(rate * sum / cores);
        busy.push(cpu.values().sum::<f64>() * rate / PEOPLE as f64 / cores * 100.0);
        for (stage, seconds) in stages {
            by_stage.entry(stage).or_default().push(seconds * 1e3);
        }
        for (program, seconds) in cpu {
            by_program
                .entry(program)
                .or_default()
                .push(seconds / PEOPLE as f64 * 1e3);
        }
    }
    report.ratio("pipeline_vs_stages", Goal::AtLeast(0.6), ratios);
    report.figure("pipeline", "certificates/s", rates);
    report.figure("pipeline_cores_busy", "% of all cores", busy);
    for (stage, figure) in STAGES {
        report.figure(
            figure,
            "CPU ms/certificate",
            by_stage.remove(stage).unwrap_or_default(),
        );
    }
    let whole: f64 = by_program.values().map(|all| median(all)).sum();
    let mut shares: Vec<_> = by_program
        .iter()
        .map(|(program, all)| (median(all), program))
        .collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let shares: Vec<_> = shares
        .iter()
        .filter(|(ms, _)| *ms > 0.05)
        .map(|(ms, p)| format!("{p} {ms:.2}"))
        .collect();
    report.note(format!(
        "the pipeline spends {whole:.2} CPU ms per certificate: {}",
        shares.join(", ")
    ));
    Ok(())
}

/// Returns certificates per second, and the CPU time of the product and its servers without the
/// client's.
async fn whole(run: u32) -> anyhow::Result<(f64, CpuSeconds)> {
    let product = Product::start().await?;
    let certificate = define(&product.client).await?;
    let people = sheet(PEOPLE, run.into())?;
    let before = cpu_of_tree(product.process);
    let took = people_to_mails(&product.client, certificate, people, PEOPLE).await?;
    let cpu = used(&before, &cpu_of_tree(product.process));
    product.stop().await?;
    Ok((PEOPLE as f64 / took.as_secs_f64(), cpu))
}

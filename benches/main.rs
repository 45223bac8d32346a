//! `make bench`: performance of Laureate over the limits of this machine, measured in the same run.
//!
//! `README.md` in this folder explains each figure. Nothing here is a test: no figure causes a
//! failure.

mod api;
mod append;
mod ground;
mod latency;
mod lists;
mod lives;
mod login;
mod memory;
mod million;
mod pipeline;
mod processes;
mod product;
mod reads;
mod render;
mod replay;
mod report;
mod stages;
mod writes;

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Parser, ValueEnum};

use report::Report;

/// Measures Laureate against the limits of this machine.
#[derive(Parser)]
struct Args {
    /// Only these parts; defaults to all but `million`
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Number of runs per figure; the result is the median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,
    /// File for the results
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench/results.json"))]
    json: PathBuf,
    /// Task of a child of the part `render`
    #[arg(long, hide = true)]
    render: Option<String>,
    /// Passed by `cargo bench`; has no effect
    #[arg(long, hide = true)]
    bench: bool,
}

/// Part that can be measured separately.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Events through commands over raw publishing
    Append,
    /// Latency of a command, and of its visibility
    Latency,
    /// Projections over plain COPY
    Replay,
    /// The reference page over typst's exporter and other programs
    Render,
    /// Reads through HTTP over the bare queries
    Reads,
    /// Lists with each filter, in each order, with a million rows
    Lists,
    /// Writes over HTTP, each followed by a read
    Writes,
    /// Logins over HTTP over bare argon2id
    Login,
    /// Spreadsheet to mail, over the sum of its stages
    Pipeline,
    /// Peak memory at ten times as many people
    Memory,
    /// Import of a million rows: takes many minutes
    Million,
}

impl Part {
    const USUAL: [Self; 10] = [
        Self::Render,
        Self::Append,
        Self::Latency,
        Self::Replay,
        Self::Reads,
        Self::Lists,
        Self::Writes,
        Self::Login,
        Self::Pipeline,
        Self::Memory,
    ];
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(
        processes::can_measure(),
        "CPU time and memory are read from /proc: run this on Linux"
    );
    if let Some(task) = &args.render {
        return render::work(task);
    }
    let mut report = Report::new(args.runs);
    let parts = if args.parts.is_empty() {
        &Part::USUAL[..]
    } else {
        &args.parts
    };
    for part in parts {
        match part {
            Part::Append => append::measure(&mut report).await?,
            Part::Latency => latency::measure(&mut report).await?,
            Part::Replay => replay::measure(&mut report).await?,
            Part::Render => render::measure(&mut report)?,
            Part::Reads => reads::measure(&mut report).await?,
            Part::Lists => lists::measure(&mut report).await?,
            Part::Writes => writes::measure(&mut report).await?,
            Part::Login => login::measure(&mut report).await?,
            Part::Pipeline => pipeline::measure(&mut report).await?,
            Part::Memory => memory::measure(&mut report).await?,
            Part::Million => million::measure(&mut report).await?,
        }
    }
    report.show()?;
    report.write(&args.json)
}

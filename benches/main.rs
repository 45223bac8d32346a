//! `make bench`: what Laureate does, over what this machine can do at most, measured in the same run.
//!
//! `README.md` beside this file explains each figure. Nothing here is a test: no figure makes it fail.

mod api;
mod append;
mod ground;
mod latency;
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

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Parser, ValueEnum};

use report::Report;

/// Measures Laureate against the limits of this machine.
#[derive(Parser)]
struct Args {
    /// Only these parts; all but `million` where none is named
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// How often each figure is measured; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,
    /// Where the results go
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench/results.json"))]
    json: PathBuf,
    /// What a child of the part `render` is to do
    #[arg(long, hide = true)]
    render: Option<String>,
    /// `cargo bench` gives this; it changes nothing
    #[arg(long, hide = true)]
    bench: bool,
}

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Events through commands over raw publishing
    Append,
    /// How long a command takes, and how long until it is visible
    Latency,
    /// Projections over plain COPY
    Replay,
    /// The reference page over typst's exporter and other programs
    Render,
    /// Reads through HTTP over the bare queries
    Reads,
    /// Logins over HTTP over bare argon2id
    Login,
    /// Spreadsheet to mail, over the sum of its stages
    Pipeline,
    /// Peak memory at ten times as many people
    Memory,
    /// A million rows imported: takes many minutes
    Million,
}

impl Part {
    const USUAL: [Self; 8] = [
        Self::Render,
        Self::Append,
        Self::Latency,
        Self::Replay,
        Self::Reads,
        Self::Login,
        Self::Pipeline,
        Self::Memory,
    ];
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(processes::can_measure(), "CPU time and memory are read from /proc: run this on Linux");
    if let Some(task) = &args.render {
        return render::work(task);
    }
    let mut report = Report::new(args.runs);
    let parts = if args.parts.is_empty() { &Part::USUAL[..] } else { &args.parts };
    for part in parts {
        match part {
            Part::Append => append::measure(&mut report).await?,
            Part::Latency => latency::measure(&mut report).await?,
            Part::Replay => replay::measure(&mut report).await?,
            Part::Render => render::measure(&mut report)?,
            Part::Reads => reads::measure(&mut report).await?,
            Part::Login => login::measure(&mut report).await?,
            Part::Pipeline => pipeline::measure(&mut report).await?,
            Part::Memory => memory::measure(&mut report).await?,
            Part::Million => million::measure(&mut report).await?,
        }
    }
    report.show()?;
    report.write(&args.json)
}

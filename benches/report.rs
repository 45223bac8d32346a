//! Figures and ratios: collected, shown and written to a file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// All results so far.
pub struct Report {
    /// Number of runs per figure.
    pub runs: u32,
    figures: BTreeMap<&'static str, Figure>,
    ratios: BTreeMap<&'static str, Ratio>,
    notes: Vec<String>,
}

/// Absolute figure, which says little about other machines.
#[derive(Serialize)]
struct Figure {
    value: f64,
    unit: &'static str,
    #[serde(rename = "runs")]
    all: Vec<f64>,
}

/// Ratio of two figures of the same run.
struct Ratio {
    value: f64,
    goal: Goal,
    all: Vec<f64>,
}

/// Goal of a ratio.
#[derive(Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(goal) => value >= goal,
            Self::AtMost(goal) => value <= goal,
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(goal) => write!(f, "≥ {goal}"),
            Self::AtMost(goal) => write!(f, "≤ {goal}"),
        }
    }
}

/// Content of `target/bench/results.json`.
#[derive(Serialize)]
struct Results<'r> {
    figures: &'r BTreeMap<&'static str, Figure>,
    ratios: BTreeMap<&'static str, f64>,
}

impl Report {
    pub const fn new(runs: u32) -> Self {
        Self {
            runs,
            figures: BTreeMap::new(),
            ratios: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// Prints the current step on stderr, because a run takes minutes.
    #[allow(clippy::unused_self, reason = "reads as the report's own voice")]
    pub fn progress(&self, text: &str) {
        // If stderr is closed, nobody reads the progress.
        let _ = writeln!(std::io::stderr(), "bench: {text}");
    }

    /// Adds a figure. Its value is the median of `all`.
    pub fn figure(&mut self, name: &'static str, unit: &'static str, all: Vec<f64>) {
        self.figures.insert(
            name,
            Figure {
                value: median(&all),
                unit,
                all,
            },
        );
    }

    /// Adds a ratio. Its value is the median of `all`, with one value per run.
    pub fn ratio(&mut self, name: &'static str, goal: Goal, all: Vec<f64>) {
        self.ratios.insert(
            name,
            Ratio {
                value: median(&all),
                goal,
                all,
            },
        );
    }

    /// Adds a line below the table.
    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Prints the table.
    pub fn show(&self) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "\n{:<28} {:>12}  {:<10} {:<10} runs",
            "ratio", "median", "goal", ""
        )?;
        for (name, ratio) in &self.ratios {
            let verdict = if ratio.goal.is_met(ratio.value) {
                "met"
            } else {
                "MISSED"
            };
            let goal = ratio.goal.to_string();
            writeln!(
                out,
                "{name:<28} {:>12.3}  {goal:<10} {verdict:<10} {}",
                ratio.value,
                list(&ratio.all)
            )?;
        }
        writeln!(
            out,
            "\n{:<28} {:>12}  {:<21} runs",
            "figure", "median", "unit"
        )?;
        for (name, figure) in &self.figures {
            writeln!(
                out,
                "{name:<28} {:>12}  {:<21} {}",
                short(figure.value),
                figure.unit,
                list(&figure.all)
            )?;
        }
        writeln!(out)?;
        for note in &self.notes {
            writeln!(out, "{note}")?;
        }
        Ok(out.flush()?)
    }

    /// Writes the results as JSON.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let ratios = self
            .ratios
            .iter()
            .map(|(name, ratio)| (*name, ratio.value))
            .collect();
        let text = serde_json::to_string_pretty(&Results {
            figures: &self.figures,
            ratios,
        })? + "\n";
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        self.progress(&format!("results are in {}", path.display()));
        Ok(())
    }
}

/// Returns the median: the lower one of two, or 0 for an empty slice.
pub fn median(all: &[f64]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(0.0)
}

/// Returns the value that `share` of all values do not exceed.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}

fn short(value: f64) -> String {
    if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.3}")
    }
}

fn list(all: &[f64]) -> String {
    all.iter()
        .map(|value| short(*value))
        .collect::<Vec<_>>()
        .join(" ")
}

//! Progress of the demo on stderr: bars on a terminal, otherwise plain lines.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{
    HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

/// Interval between plain lines.
const EVERY: Duration = Duration::from_secs(2);
/// Templates of a bar in progress, and of one that is done.
const MOVING: &str =
    "  {prefix:9} {bar:32.green/dim} {human_pos:>9} of {human_len}  {rate:.dim}  {eta} left";
const DONE: &str = "  {prefix:9} {bar:32.green/dim} {human_pos:>9} of {human_len}  {msg}";

/// Counted stage of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// Processed rows of the spreadsheet.
    Imported,
    /// Certificates whose PDF is stored.
    Rendered,
    /// Mails that the mail server accepted.
    Mailed,
    /// Events of the log that the tables contain.
    Projected,
    /// Events from which copies of the tables were rebuilt.
    Rebuilt,
}

impl Track {
    const ALL: [Self; 5] = [
        Self::Imported,
        Self::Rendered,
        Self::Mailed,
        Self::Projected,
        Self::Rebuilt,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Rendered => "rendered",
            Self::Mailed => "mailed",
            Self::Projected => "projected",
            Self::Rebuilt => "rebuilt",
        }
    }
}

/// Progress display of the demo.
pub struct Progress {
    begun: Instant,
    view: View,
    /// True if the bars are final. Other output follows below them.
    is_over: AtomicBool,
}

enum View {
    Bars {
        all: MultiProgress,
        bars: [ProgressBar; 5],
    },
    Lines(Mutex<Lines>),
}

impl Progress {
    /// Creates bars if stderr is a terminal, otherwise lines.
    pub fn on_stderr() -> Self {
        let view = if io::stderr().is_terminal() {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            View::Bars {
                bars: Track::ALL.map(|track| ProgressBar::hidden().with_prefix(track.name())),
                all,
            }
        } else {
            View::Lines(Mutex::default())
        };
        Self {
            begun: Instant::now(),
            view,
            is_over: AtomicBool::new(false),
        }
    }

    /// Prints a separate line.
    pub fn say(&self, line: &str) {
        match &self.view {
            View::Bars { all, .. } if !self.is_over.load(Ordering::Relaxed) => {
                // If the terminal is closed, the demo continues.
                let _ = all.println(line);
            }
            View::Bars { .. } | View::Lines(_) => print(line),
        }
    }

    /// Leaves the bars as they are. Further lines appear below them.
    pub fn finish(&self) {
        if let View::Bars { all, bars } = &self.view
            && !self.is_over.swap(true, Ordering::Relaxed)
        {
            for bar in bars.iter().filter(|bar| !bar.is_finished()) {
                bar.abandon();
            }
            all.set_draw_target(ProgressDrawTarget::hidden());
            print("");
        }
    }

    /// Starts a track, or changes its total.
    pub fn begin(&self, track: Track, total: u64) {
        match &self.view {
            View::Bars { all, bars } => {
                let bar = &bars[track as usize];
                bar.set_length(total);
                if bar.is_hidden() {
                    bar.set_style(style(MOVING));
                    all.add(bar.clone()).reset();
                    bar.enable_steady_tick(Duration::from_millis(250));
                }
            }
            View::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.begin(self.begun.elapsed(), track, total);
            }
        }
    }

    /// Sets the finished amount of a track.
    pub fn set(&self, track: Track, value: u64) {
        match &self.view {
            View::Bars { bars, .. } => bars[track as usize].set_position(value),
            View::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = lines.set(self.begun.elapsed(), track, value) {
                    print(&line);
                }
            }
        }
    }

    /// Ends a track. Its amount stays as it is.
    pub fn end(&self, track: Track) {
        match &self.view {
            View::Bars { bars, .. } => {
                let bar = &bars[track as usize];
                if bar.is_finished() {
                    return;
                }
                bar.disable_steady_tick();
                bar.set_style(style(DONE));
                bar.abandon_with_message(format!("in {:.1} s", bar.elapsed().as_secs_f64()));
            }
            View::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = lines.end(self.begun.elapsed(), track) {
                    print(&line);
                }
            }
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
            // An error has no effect except that the rate is not shown.
            let _ = write!(out, "{}/s", HumanCount(state.per_sec().round() as u64));
        })
        .progress_chars("█▉▊▋▌▍▎▏ ")
}

fn print(line: &str) {
    // A closed stderr does not stop the program.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// State of the plain lines. Times are relative to the start of the demo.
#[derive(Debug, Default)]
struct Lines {
    counts: [Option<Count>; 5],
    printed: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    total: u64,
    value: u64,
    begun: Duration,
    ended: bool,
}

impl Count {
    fn per_second(&self, now: Duration) -> f64 {
        self.value as f64 / now.saturating_sub(self.begun).as_secs_f64().max(0.001)
    }
}

impl Lines {
    fn begin(&mut self, now: Duration, track: Track, total: u64) {
        let count = &mut self.counts[track as usize];
        match count {
            Some(count) => count.total = total,
            None => {
                *count = Some(Count {
                    total,
                    value: 0,
                    begun: now,
                    ended: false,
                })
            }
        }
    }

    /// Sets the finished amount of a track. Returns a line about all tracks in progress if the last
    /// line was at least 2 s ago.
    fn set(&mut self, now: Duration, track: Track, value: u64) -> Option<String> {
        self.counts[track as usize].as_mut()?.value = value;
        if now.saturating_sub(self.printed) < EVERY {
            return None;
        }
        self.printed = now;
        let under_way = Track::ALL
            .into_iter()
            .zip(&self.counts)
            .filter_map(|(track, count)| {
                let count = count.filter(|count| !count.ended)?;
                let rate = count.per_second(now);
                let left = count.total.saturating_sub(count.value) as f64 / rate;
                let left = if left.is_finite() && left > 0.0 {
                    format!(", {left:.0} s left")
                } else {
                    String::new()
                };
                let name = track.name();
                let value = HumanCount(count.value);
                let total = HumanCount(count.total);
                Some(format!(
                    "{name} {value} of {total} ({rate:.0} a second{left})"
                ))
            });
        let parts: Vec<String> = under_way.collect();
        (!parts.is_empty()).then(|| format!("  {}", parts.join(", ")))
    }

    fn end(&mut self, now: Duration, track: Track) -> Option<String> {
        let count = self.counts[track as usize].as_mut()?;
        if std::mem::replace(&mut count.ended, true) {
            return None;
        }
        let seconds = now.saturating_sub(count.begun).as_secs_f64();
        let name = track.name();
        let value = HumanCount(count.value);
        let total = HumanCount(count.total);
        Some(format!("  {name} {value} of {total} in {seconds:.1} s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn lines_are_printed_at_intervals_and_contain_all_active_tracks() {
        let mut lines = Lines::default();
        lines.begin(ms(1000), Track::Rendered, 3000);
        lines.begin(ms(1000), Track::Mailed, 3000);
        assert_eq!(lines.set(ms(1500), Track::Rendered, 500), None);
        assert_eq!(
            lines.set(ms(2000), Track::Rendered, 1000).as_deref(),
            Some(
                "  rendered 1,000 of 3,000 (1000 a second, 2 s left), mailed 0 of 3,000 (0 a second)"
            )
        );
        assert_eq!(lines.set(ms(3999), Track::Mailed, 100), None);
        assert!(lines.set(ms(4000), Track::Mailed, 100).is_some());
    }

    #[test]
    fn ended_track_prints_nothing_more() {
        let mut lines = Lines::default();
        lines.begin(ms(0), Track::Imported, 10);
        lines.set(ms(1), Track::Imported, 10);
        assert_eq!(
            lines.end(ms(500), Track::Imported).as_deref(),
            Some("  imported 10 of 10 in 0.5 s")
        );
        assert_eq!(lines.end(ms(600), Track::Imported), None);
        assert_eq!(lines.set(ms(9000), Track::Imported, 10), None);
    }

    #[test]
    fn progress_bar_templates_are_valid() {
        assert!(ProgressStyle::with_template(MOVING).is_ok());
        assert!(ProgressStyle::with_template(DONE).is_ok());
    }
}

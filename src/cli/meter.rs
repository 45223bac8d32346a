//! Progress of a long task on stderr: a bar on a terminal, otherwise a line every 5 s.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::projection::Progress;

/// Interval between lines if stderr is not a terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Progress display.
pub struct Meter {
    bar: Option<ProgressBar>,
    printed: Instant,
    /// True if the message about resuming was printed.
    resumed: bool,
}

impl Meter {
    /// Creates a display without progress.
    pub fn start() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} positions, {msg}");
            style.map_or(bar.clone(), |style| bar.with_style(style))
        });
        Self {
            bar,
            printed: Instant::now(),
            resumed: false,
        }
    }

    /// Shows the current progress.
    pub fn show(&mut self, now: Progress) {
        if now.from > 0 && !self.resumed {
            self.resumed = true;
            self.say(&format!(
                "resuming at position {}, where an earlier run stopped",
                now.from
            ));
        }
        if let Some(bar) = &self.bar {
            bar.set_length(now.target);
            bar.set_position(now.position);
            bar.set_message(rate(now));
        } else if self.printed.elapsed() >= EVERY {
            self.printed = Instant::now();
            self.say(&format!(
                "position {} of {}, {}",
                now.position,
                now.target,
                rate(now)
            ));
        }
    }

    /// Clears the bar.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            // A closed stderr does not stop the program.
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }
}

/// Formats rate and remaining time, such as `12345 events/s, 1m 05s left`.
fn rate(now: Progress) -> String {
    let rate = format!("{:.0} events/s", now.per_second());
    match now.left() {
        Some(left) if left >= Duration::from_secs(60) => {
            format!(
                "{rate}, {}m {:02}s left",
                left.as_secs() / 60,
                left.as_secs() % 60
            )
        }
        Some(left) => format!("{rate}, {}s left", left.as_secs()),
        None => rate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_remaining_time_are_formatted() {
        let now = Progress {
            from: 0,
            position: 50,
            target: 100,
            events: 40,
            elapsed: Duration::from_secs(2),
        };
        assert_eq!(rate(now), "20 events/s, 2s left");
        let long = Progress {
            target: 50 + 50 * 33,
            ..now
        };
        assert_eq!(rate(long), "20 events/s, 1m 06s left");
        assert_eq!(rate(Progress { position: 0, ..now }), "20 events/s");
    }
}

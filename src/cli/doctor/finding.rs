//! Findings of the checks, and the report that is printed.

use std::io::{self, Write};

use serde::Serialize;

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// No problem.
    Ok,
    /// It works, but data may be lost, or it will stop working.
    Warning,
    /// It does not work.
    Failed,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One line of the report. Never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the check, such as `log.server`.
    pub check: &'static str,
    /// Severity.
    pub level: Level,
    /// Description of the finding.
    pub found: String,
    /// Advice, if there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    /// Returns a finding without a problem.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::of(check, Level::Ok, found.into(), None)
    }

    /// Returns a finding about a risk: data may be lost, or something will stop working.
    pub fn warning(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::of(check, Level::Warning, found.into(), Some(advice.into()))
    }

    /// Returns a finding about something that does not work.
    pub fn failed(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::of(check, Level::Failed, found.into(), Some(advice.into()))
    }

    /// Returns the finding of a check that needs the event log and has none.
    pub fn without_log(check: &'static str) -> Self {
        let found = "not looked at: the event log's server is not available";
        Self::warning(check, found, "see log.server")
    }

    fn of(check: &'static str, level: Level, found: String, advice: Option<String>) -> Self {
        Self {
            check,
            level,
            found: one_line(&found),
            advice,
        }
    }
}

/// Joins all lines and removes control characters. The texts of servers may contain both.
fn one_line(text: &str) -> String {
    let words = text
        .split_whitespace()
        .map(|word| word.chars().filter(|c| !c.is_control()).collect::<String>());
    words.collect::<Vec<_>>().join(" ")
}

/// All findings.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Highest severity of all findings.
    pub level: Level,
    /// Findings in the order of the checks.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Creates a report with the highest severity of the findings.
    pub fn new(findings: Vec<Finding>) -> Self {
        let level = findings
            .iter()
            .map(|finding| finding.level)
            .max()
            .unwrap_or(Level::Ok);
        Self { level, findings }
    }

    /// Prints one line per finding, then the counts.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        for finding in &self.findings {
            write!(
                out,
                "{:<8} {:<22} {}",
                finding.level.word(),
                finding.check,
                finding.found
            )?;
            match &finding.advice {
                Some(advice) => writeln!(out, " → {advice}")?,
                None => writeln!(out)?,
            }
        }
        let count = |level| {
            self.findings
                .iter()
                .filter(|finding| finding.level == level)
                .count()
        };
        writeln!(
            out,
            "\nok: {}, warnings: {}, failed: {}",
            count(Level::Ok),
            count(Level::Warning),
            count(Level::Failed)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_has_the_level_of_its_worst_finding() {
        let ok = Finding::ok("a", "fine");
        let warning = Finding::warning("b", "two\n\u{1b}[31mlines", "look");
        let failed = Finding::failed("c", "broken", "repair");
        assert_eq!(Report::new(vec![]).level, Level::Ok);
        assert_eq!(
            Report::new(vec![ok.clone(), warning.clone()]).level,
            Level::Warning
        );
        let report = Report::new(vec![failed, ok, warning]);
        assert_eq!(report.level, Level::Failed);
        let mut text = Vec::new();
        report.print(&mut text).expect("memory can be written");
        assert_eq!(
            String::from_utf8(text).expect("UTF-8"),
            "failed   c                      broken → repair\n\
             ok       a                      fine\n\
             warning  b                      two [31mlines → look\n\
             \nok: 1, warnings: 1, failed: 1\n"
        );
    }
}

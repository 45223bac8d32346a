//! Scheduled tasks.
//!
//! Every process with the role scheduler follows the same plan. The first one that writes a note on
//! the task's subject begins the run; the others find the note and skip it. The notes are also the
//! history of runs.

pub mod plan;
mod run;
pub mod settings;
mod tasks;
pub mod warnings;

pub use plan::{Plan, Planned};
pub use run::{Scheduler, SchedulerParts};
pub use settings::{BadSchedule, SchedulerSettings};

/// Scheduled task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Releases scheduled mails whose timer was lost, and sets lost timers again.
    DueMails,
    /// Logs the number of mails by status.
    MailStatistics,
    /// Warns of many pending mails, failures and a low success rate.
    MailWarnings,
    /// Deletes expired answers stored for an `Idempotency-Key`.
    ExpiredAnswers,
    /// Deletes expired uploads and reports of rejected rows.
    ExpiredFiles,
}

impl Task {
    /// All tasks.
    pub const ALL: [Self; 5] = [
        Self::DueMails,
        Self::MailStatistics,
        Self::MailWarnings,
        Self::ExpiredAnswers,
        Self::ExpiredFiles,
    ];

    /// Returns the name used in settings, subjects and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DueMails => "due_mails",
            Self::MailStatistics => "mail_statistics",
            Self::MailWarnings => "mail_warnings",
            Self::ExpiredAnswers => "expired_answers",
            Self::ExpiredFiles => "expired_files",
        }
    }

    /// Returns a description for people.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::DueMails => {
                "lets scheduled mails go whose timer was lost, and sets lost timers again"
            }
            Self::MailStatistics => "writes a line with the numbers of mails into the log",
            Self::MailWarnings => {
                "warns of many pending mails, of failures and of a low success rate"
            }
            Self::ExpiredAnswers => "forgets answers kept for an Idempotency-Key that have expired",
            Self::ExpiredFiles => "deletes uploaded files and rejected rows that have expired",
        }
    }

    /// Returns the task with this name, if any.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }
}

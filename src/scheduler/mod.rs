//! Scheduled tasks.
//!
//! Every process with the role scheduler follows the same plan. The first process that writes a
//! note on the task's subject begins the run. The others find the note and skip the run. The notes
//! are also the history of runs.

mod failures;
mod open_work;
pub mod plan;
mod run;
pub mod settings;
mod stuck;
mod tasks;
mod waiting;
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
    /// Warns if many mails are pending, mails failed, or the success rate is low.
    MailWarnings,
    /// Deletes expired responses that are stored for an `Idempotency-Key`.
    ExpiredAnswers,
    /// Deletes expired uploads and reports of rejected rows.
    ExpiredFiles,
    /// Repeats work that was lost.
    StuckWork,
}

impl Task {
    /// All tasks.
    pub const ALL: [Self; 6] = [
        Self::DueMails,
        Self::MailStatistics,
        Self::MailWarnings,
        Self::ExpiredAnswers,
        Self::ExpiredFiles,
        Self::StuckWork,
    ];

    /// Returns the name that settings, subjects and API responses use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DueMails => "due_mails",
            Self::MailStatistics => "mail_statistics",
            Self::MailWarnings => "mail_warnings",
            Self::ExpiredAnswers => "expired_answers",
            Self::ExpiredFiles => "expired_files",
            Self::StuckWork => "stuck_work",
        }
    }

    /// Returns a description of the task for users.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::DueMails => {
                "releases scheduled mails whose timer was lost, and sets lost timers again"
            }
            Self::MailStatistics => "logs the number of mails by status",
            Self::MailWarnings => {
                "warns if many mails are pending, mails failed, or the success rate is low"
            }
            Self::ExpiredAnswers => "deletes expired responses stored for an Idempotency-Key",
            Self::ExpiredFiles => "deletes expired uploads and reports of rejected rows",
            Self::StuckWork => {
                "repeats work that was lost: imports, batches, certificates, mails and notices \
                 without progress that no worker has"
            }
        }
    }

    /// Returns the task with this name, if any.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }
}

//! Tasks that run by the clock.
//!
//! Every process with the role follows the same plan; who begins a run first, by writing so on the task's
//! subject, does it, and the others find it begun. The same notes are the history of runs.

pub mod plan;
mod run;
pub mod settings;
mod tasks;
pub mod warnings;

pub use plan::{Plan, Planned};
pub use run::{Scheduler, SchedulerParts};
pub use settings::{BadSchedule, SchedulerSettings};

/// What runs by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Lets scheduled mails go whose timer was lost, and sets lost timers again.
    DueMails,
    /// Writes a line with the numbers of mails into the log.
    MailStatistics,
    /// Warns of many pending mails, failures and a low success rate.
    MailWarnings,
    /// Forgets answers that were kept for an `Idempotency-Key` and have expired.
    ExpiredAnswers,
    /// Deletes uploaded files and rejected rows that have expired.
    ExpiredFiles,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::DueMails, Self::MailStatistics, Self::MailWarnings, Self::ExpiredAnswers, Self::ExpiredFiles];

    /// Its name in settings, subjects and answers.
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

    /// What it does, for people.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::DueMails => "lets scheduled mails go whose timer was lost, and sets lost timers again",
            Self::MailStatistics => "writes a line with the numbers of mails into the log",
            Self::MailWarnings => "warns of many pending mails, of failures and of a low success rate",
            Self::ExpiredAnswers => "forgets answers kept for an Idempotency-Key that have expired",
            Self::ExpiredFiles => "deletes uploaded files and rejected rows that have expired",
        }
    }

    /// The task of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }
}

//! Settings of the scheduled tasks and of their warnings.

use serde::{Deserialize, Serialize};

use super::Task;
use super::plan::Plan;

/// Settings of the scheduler.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchedulerSettings {
    /// Time zone of all cron expressions, as an IANA name.
    pub time_zone: String,
    /// Number of days for which files under `expiring/` (uploads and reports of rejected rows) are
    /// kept; 1 to 3650.
    pub keep_expiring_days: u32,
    /// Number of minutes without progress after which the task `stuck_work` checks whether work was
    /// lost.
    pub stuck_after_minutes: u32,
    /// Thresholds of the task `mail_warnings`.
    pub warnings: WarningSettings,
    /// Settings of each task.
    pub tasks: TasksSettings,
}

/// Thresholds of the warnings; see `src/scheduler/warnings.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct WarningSettings {
    /// A warning is logged if more mails than this wait for a worker, are being sent, or wait for
    /// another attempt.
    pub max_pending: u32,
    /// A warning is logged if more mails than this ended within the last hour as failed or with an
    /// unknown outcome.
    pub max_failed: u32,
    /// A warning is logged if the percentage of sent mails is below this, among at least 10 mails
    /// that ended within the last hour; 0 to 100.
    pub min_success_percent: u32,
}

/// Settings of each task.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(from = "GivenTasks")]
pub struct TasksSettings {
    /// Releases scheduled mails whose timer was lost, and sets lost timers again.
    pub due_mails: TaskSettings,
    /// Logs the number of mails by status.
    pub mail_statistics: TaskSettings,
    /// Warns if many mails are pending, mails failed, or the success rate is low.
    pub mail_warnings: TaskSettings,
    /// Deletes expired responses that are stored for an `Idempotency-Key`.
    pub expired_answers: TaskSettings,
    /// Deletes expired uploads and reports of rejected rows.
    pub expired_files: TaskSettings,
    /// Repeats work that was lost.
    pub stuck_work: TaskSettings,
}

/// Settings of one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskSettings {
    /// Cron expression: minute, hour, day of month, month, day of week. If it has six fields, the
    /// first one is the second.
    pub cron: String,
    /// True if the task runs on schedule.
    pub enabled: bool,
}

/// Configured part of the tasks' settings. Settings that are missing keep their defaults.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GivenTasks {
    due_mails: GivenTask,
    mail_statistics: GivenTask,
    mail_warnings: GivenTask,
    expired_answers: GivenTask,
    expired_files: GivenTask,
    stuck_work: GivenTask,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GivenTask {
    cron: Option<String>,
    enabled: Option<bool>,
}

impl From<GivenTasks> for TasksSettings {
    fn from(given: GivenTasks) -> Self {
        let default = Self::default();
        let with = |default: TaskSettings, given: GivenTask| TaskSettings {
            cron: given.cron.unwrap_or(default.cron),
            enabled: given.enabled.unwrap_or(default.enabled),
        };
        Self {
            due_mails: with(default.due_mails, given.due_mails),
            mail_statistics: with(default.mail_statistics, given.mail_statistics),
            mail_warnings: with(default.mail_warnings, given.mail_warnings),
            expired_answers: with(default.expired_answers, given.expired_answers),
            expired_files: with(default.expired_files, given.expired_files),
            stuck_work: with(default.stuck_work, given.stuck_work),
        }
    }
}

/// Invalid setting.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct BadSchedule {
    /// Name of the setting, below `scheduler.`.
    pub setting: String,
    /// Problem, and how to correct it.
    pub problem: String,
}

impl TaskSettings {
    fn at(cron: &str) -> Self {
        Self {
            cron: cron.to_owned(),
            enabled: true,
        }
    }
}

impl Default for TasksSettings {
    fn default() -> Self {
        Self {
            due_mails: TaskSettings::at("*/5 * * * *"),
            mail_statistics: TaskSettings::at("0 * * * *"),
            mail_warnings: TaskSettings::at("*/5 * * * *"),
            expired_answers: TaskSettings::at("10 * * * *"),
            expired_files: TaskSettings::at("20 3 * * *"),
            stuck_work: TaskSettings::at("*/5 * * * *"),
        }
    }
}

impl Default for WarningSettings {
    fn default() -> Self {
        Self {
            max_pending: 1_000,
            max_failed: 0,
            min_success_percent: 90,
        }
    }
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            keep_expiring_days: 30,
            stuck_after_minutes: 15,
            warnings: WarningSettings::default(),
            tasks: TasksSettings::default(),
        }
    }
}

impl SchedulerSettings {
    /// Returns a task's settings.
    #[must_use]
    pub const fn of(&self, task: Task) -> &TaskSettings {
        match task {
            Task::DueMails => &self.tasks.due_mails,
            Task::MailStatistics => &self.tasks.mail_statistics,
            Task::MailWarnings => &self.tasks.mail_warnings,
            Task::ExpiredAnswers => &self.tasks.expired_answers,
            Task::ExpiredFiles => &self.tasks.expired_files,
            Task::StuckWork => &self.tasks.stuck_work,
        }
    }

    /// Checks the constraints that the types can't express.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn check(&self) -> Result<(), BadSchedule> {
        let bad = |setting: &str, problem: &str| {
            Err(BadSchedule {
                setting: setting.to_owned(),
                problem: problem.to_owned(),
            })
        };
        if !(1..=3_650).contains(&self.keep_expiring_days) {
            return bad("keep_expiring_days", "must be 1 to 3650");
        }
        if self.warnings.min_success_percent > 100 {
            return bad("warnings.min_success_percent", "must be 0 to 100");
        }
        Plan::of(self).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_settings_have_their_defaults() {
        let json = r#"{"tasks": {"due_mails": {"enabled": false}, "expired_files": {"cron": "0 4 * * *"}}}"#;
        let settings: SchedulerSettings = serde_json::from_str(json).expect("readable");
        let off = TaskSettings {
            cron: "*/5 * * * *".to_owned(),
            enabled: false,
        };
        assert_eq!(settings.of(Task::DueMails), &off);
        assert_eq!(
            settings.of(Task::ExpiredFiles),
            &TaskSettings::at("0 4 * * *")
        );
        assert_eq!(
            settings.of(Task::MailWarnings),
            &TasksSettings::default().mail_warnings
        );
        for bad in [
            r#"{"tasks": {"sweep": {}}}"#,
            r#"{"tasks": {"due_mails": {"crom": ""}}}"#,
        ] {
            assert!(
                serde_json::from_str::<SchedulerSettings>(bad).is_err(),
                "{bad}"
            );
        }
    }
}

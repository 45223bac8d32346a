//! Plan of the tasks: their cron expressions and next times.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use time::OffsetDateTime;

use super::Task;
use super::settings::{BadSchedule, SchedulerSettings};

/// Schedule of one task.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Task.
    pub task: Task,
    /// Cron expression from the configuration.
    pub expression: String,
    /// True if the task runs on schedule.
    pub enabled: bool,
    cron: Cron,
    zone: Tz,
}

/// Schedule of all tasks.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Time zone of all cron expressions.
    pub time_zone: String,
    /// Schedules of the tasks.
    pub tasks: Vec<Planned>,
}

impl Plan {
    /// Parses the time zone and the cron expressions.
    ///
    /// # Errors
    /// The time zone or a cron expression can't be parsed.
    pub fn of(settings: &SchedulerSettings) -> Result<Self, BadSchedule> {
        let time_zone = settings.time_zone.clone();
        let zone = Tz::from_str(&time_zone).map_err(|_| BadSchedule {
            setting: "time_zone".to_owned(),
            problem: "is not a time zone; give a name of the IANA database, such as America/Bogota"
                .to_owned(),
        })?;
        let planned = |task: Task| {
            let set = settings.of(task);
            let cron = Cron::from_str(&set.cron).map_err(|error| BadSchedule {
                setting: format!("tasks.{}.cron", task.name()),
                problem: format!(
                    "is not a cron expression ({error}); give one such as \"*/5 * * * *\""
                ),
            })?;
            Ok(Planned {
                task,
                expression: set.cron.clone(),
                enabled: set.enabled,
                cron,
                zone,
            })
        };
        Ok(Self {
            time_zone,
            tasks: Task::ALL
                .into_iter()
                .map(planned)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Planned {
    /// Returns the first planned time after `now`. Returns `None` if the task is disabled or its
    /// expression matches no future time.
    #[must_use]
    pub fn next_after(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        if !self.enabled {
            return None;
        }
        let now = DateTime::<Utc>::from_timestamp(now.unix_timestamp(), now.nanosecond())?;
        let next = self
            .cron
            .find_next_occurrence(&now.with_timezone(&self.zone), false)
            .ok()?;
        OffsetDateTime::from_unix_timestamp(next.timestamp()).ok()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn plan(zone: &str, cron: &str) -> Result<Plan, BadSchedule> {
        let mut settings = SchedulerSettings {
            time_zone: zone.to_owned(),
            ..SchedulerSettings::default()
        };
        settings.tasks.due_mails.cron = cron.to_owned();
        Plan::of(&settings)
    }

    fn next(zone: &str, cron: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
        plan(zone, cron).expect("readable").tasks[0].next_after(now)
    }

    #[test]
    fn task_runs_at_the_next_matching_time() {
        let now = datetime!(2026-11-21 12:00:00.5 UTC);
        assert_eq!(
            next("UTC", "*/5 * * * *", now),
            Some(datetime!(2026-11-21 12:05 UTC))
        );
        assert_eq!(
            next("UTC", "* * * * * *", now),
            Some(datetime!(2026-11-21 12:00:01 UTC))
        );
        assert_eq!(
            next("UTC", "0 12 * * *", datetime!(2026-11-21 12:00 UTC)),
            Some(datetime!(2026-11-22 12:00 UTC))
        );
        assert_eq!(next("UTC", "0 0 30 2 *", now), None);
    }

    #[test]
    fn hours_follow_the_time_zone_and_its_clock_changes() {
        let nine = |now| next("Europe/Berlin", "0 9 * * *", now);
        assert_eq!(
            nine(datetime!(2026-10-24 08:00 UTC)),
            Some(datetime!(2026-10-25 08:00 UTC))
        );
        assert_eq!(
            nine(datetime!(2026-10-24 06:00 UTC)),
            Some(datetime!(2026-10-24 07:00 UTC))
        );
        assert_eq!(
            next(
                "America/Bogota",
                "0 9 * * *",
                datetime!(2026-11-21 12:00 UTC)
            ),
            Some(datetime!(2026-11-21 14:00 UTC))
        );
    }

    #[test]
    fn invalid_setting_is_named() {
        assert_eq!(
            plan("Mars/Olympus", "* * * * *")
                .expect_err("refused")
                .setting,
            "time_zone"
        );
        for bad in ["", "hourly", "* * *", "61 * * * *", "* * * * * * * * *"] {
            assert_eq!(
                plan("UTC", bad).expect_err(bad).setting,
                "tasks.due_mails.cron"
            );
        }
    }

    #[test]
    fn disabled_task_never_runs() {
        let mut settings = SchedulerSettings::default();
        settings.tasks.due_mails.enabled = false;
        let plan = Plan::of(&settings).expect("readable");
        assert_eq!(
            plan.tasks[0].next_after(datetime!(2026-11-21 12:00 UTC)),
            None
        );
        assert!(
            plan.tasks[1]
                .next_after(datetime!(2026-11-21 12:00 UTC))
                .is_some()
        );
    }
}

//! `GET /jobs/scheduler/status`

use axum::extract::State;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::super::rfc3339;
use super::scheduler_runs::RunAnswer;
use crate::http::answer::Envelope;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs;

/// What the scheduler is at, and what comes next.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "isProcessing": false, "nextExecutionIn": 180_000, "timeZone": "UTC",
    "tasks": [{
        "name": "due_mails", "description": "lets scheduled mails go whose timer was lost, and sets lost timers again",
        "cron": "*/5 * * * *", "enabled": true, "nextRunAt": "2026-11-21T12:10:00Z", "running": false, "lastRun": null
    }]
}))]
pub struct SchedulerStatus {
    /// Whether a task is at work just now.
    is_processing: bool,
    /// Milliseconds until the next scheduled mail is due, 0 if one is; null without one.
    next_execution_in: Option<i64>,
    /// The time zone of the cron expressions.
    time_zone: String,
    /// Each task, as this server is configured.
    tasks: Vec<TaskStatus>,
}

/// One scheduled task.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    /// Its name.
    #[schema(example = "due_mails")]
    name: &'static str,
    /// What it does.
    description: &'static str,
    /// When it runs.
    #[schema(example = "*/5 * * * *")]
    cron: String,
    /// Whether it runs by itself.
    enabled: bool,
    /// When it runs next (RFC 3339); null if never.
    next_run_at: Option<String>,
    /// Whether it is at work just now.
    running: bool,
    /// Its last run.
    last_run: Option<RunAnswer>,
}

/// What the scheduler is at, and what comes next.
#[utoipa::path(
    get, path = "/jobs/scheduler/status",
    responses((status = 200, description = "The status", body = Envelope<SchedulerStatus>))
)]
pub async fn handle(State(http): State<HttpState>) -> Result<Answer, ApiError> {
    let now = http.now();
    let due = jobs::next_due(&http.database().await?).await?;
    let runs = http.commands.log().runs().await?;
    let tasks: Vec<_> = http
        .plan
        .tasks
        .iter()
        .map(|planned| {
            let last = runs.iter().find(|run| run.task == planned.task.name());
            TaskStatus {
                name: planned.task.name(),
                description: planned.task.about(),
                cron: planned.expression.clone(),
                enabled: planned.enabled,
                next_run_at: planned.next_after(now).map(rfc3339),
                running: last.is_some_and(|run| run.is_under_way(now)),
                last_run: last.map(|run| RunAnswer::of(&http, run.clone())),
            }
        })
        .collect();
    Answer::ok(&SchedulerStatus {
        is_processing: tasks.iter().any(|task| task.running),
        next_execution_in: due.map(|due| milliseconds_until(due, now)),
        time_zone: http.plan.time_zone.clone(),
        tasks,
    })
}

fn milliseconds_until(due: OffsetDateTime, now: OffsetDateTime) -> i64 {
    i64::try_from((due - now).whole_milliseconds()).unwrap_or(i64::MAX).max(0)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_is_overdue_is_due_now() {
        let now = datetime!(2026-11-21 12:00 UTC);
        assert_eq!(milliseconds_until(datetime!(2026-11-21 12:00:01.25 UTC), now), 1_250);
        assert_eq!(milliseconds_until(datetime!(2026-11-21 11:00 UTC), now), 0);
    }
}

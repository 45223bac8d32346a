//! `GET /jobs/scheduler/status`

use axum::extract::State;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::scheduler_runs::RunAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::rfc3339;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs;

/// State of the scheduler and its tasks.
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
    /// True while a task is running.
    is_processing: bool,
    /// Milliseconds until the next scheduled mail is due; 0 if one is due, null if none is scheduled.
    next_execution_in: Option<i64>,
    /// Time zone of the cron expressions.
    time_zone: String,
    /// All tasks, with the configuration of this server.
    tasks: Vec<TaskStatus>,
}

/// One scheduled task.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    /// Name of the task.
    #[schema(example = "due_mails")]
    name: &'static str,
    /// Description of the task.
    description: &'static str,
    /// Cron expression of its planned runs.
    #[schema(example = "*/5 * * * *")]
    cron: String,
    /// True if it runs by its cron expression.
    enabled: bool,
    /// Time of the next planned run (RFC 3339); null if there is none.
    next_run_at: Option<String>,
    /// True while it is running.
    running: bool,
    /// The last run.
    last_run: Option<RunAnswer>,
}

/// Returns the state of the scheduler and its tasks.
#[utoipa::path(
    get, path = "/jobs/scheduler/status",
    responses((status = 200, description = "The status", body = Envelope<SchedulerStatus>))
)]
pub async fn get_scheduler_status(State(http): State<HttpState>) -> Result<Answer, ApiError> {
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

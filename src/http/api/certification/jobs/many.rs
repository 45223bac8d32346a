//! Endpoints that cancel or retry many jobs.

use std::collections::HashSet;

use axum::extract::State;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::write::reason;
use crate::commands::{CommandContext, CommandError};
use crate::domain::certification::mail::{Mail, MailCommand};
use crate::domain::{CommandId, MailId};
use crate::event_log::Position;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{FilterBody, Json};
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs::{self, JobRow};
use crate::projection::queries::listing::Conditions;

/// Filter of jobs.
pub type JobsFilter = FilterBody<JobRow>;

/// Largest number of jobs per request. If more jobs meet a filter, the oldest ones are selected.
pub(super) const MOST: usize = 5_000;
/// Number of concurrent commands. Concurrent commands share group commits.
const AT_ONCE: usize = 256;
/// Largest number of refused jobs in a response.
const MOST_LISTED: usize = 100;

/// Jobs that one request selects.
pub(super) struct Selected {
    pub(super) ids: Vec<Uuid>,
    /// True if there are more jobs that meet the filter.
    pub(super) more: bool,
}

/// A job for which the request was refused.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "jobId": "3f6c1c1e-58a4-4c02-9d1b-0f3a55b7c5a1", "code": "WRONG_STATE",
    "message": "only a held or scheduled job can be released"
}))]
pub struct RefusedJob {
    /// Id of the job.
    job_id: Uuid,
    /// Reason for programs: `NOT_FOUND` or `WRONG_STATE`.
    code: &'static str,
    /// Text for people: the reason.
    message: String,
}

/// Outcomes of the commands of one request.
#[derive(Default)]
pub(super) struct Outcomes {
    pub(super) done: Vec<Uuid>,
    /// Number of refused commands.
    pub(super) refused: usize,
    /// The first refused jobs, at most [`MOST_LISTED`].
    pub(super) refusals: Vec<RefusedJob>,
    /// Highest log position of the jobs after the commands.
    pub(super) position: Option<Position>,
}

/// Returns the jobs in `ids`, or the oldest jobs that meet `filter` and are in one of the `states`.
pub(super) async fn select(
    http: &HttpState,
    ids: Option<Vec<Uuid>>,
    filter: Option<&JobsFilter>,
    states: &'static [&'static str],
) -> Result<Selected, ApiError> {
    let conditions = match (ids, filter) {
        (Some(_), Some(_)) => {
            return Err(ApiError::field("filter", "give ids or a filter, not both"));
        }
        (Some(mut ids), None) => {
            if !(1..=MOST).contains(&ids.len()) {
                return Err(ApiError::field(
                    "ids",
                    format!("name 1 to {MOST} jobs per request"),
                ));
            }
            let mut seen = HashSet::new();
            ids.retain(|id| seen.insert(*id));
            return Ok(Selected { ids, more: false });
        }
        (None, Some(filter)) => filter.conditions(http.now())?,
        (None, None) => Conditions::default(),
    };
    let conditions = jobs::in_states(conditions, states);
    let mut ids = jobs::find(&http.database().await?, &conditions, MOST + 1).await?;
    let more = ids.len() > MOST;
    ids.truncate(MOST);
    Ok(Selected { ids, more })
}

/// Executes `command` on each job. The id of each command is derived from that of the request.
pub(super) async fn each(
    http: &HttpState,
    context: &CommandContext,
    ids: &[Uuid],
    command: &MailCommand,
) -> Result<Outcomes, ApiError> {
    let results: Vec<_> = stream::iter(ids.iter().copied())
        .map(|id| async move {
            let own = CommandId(created_by(context.command_id, &id.to_string()));
            let context = CommandContext {
                command_id: own,
                ..context.clone()
            };
            (
                id,
                http.commands
                    .execute::<Mail>(&context, MailId(id), command.clone())
                    .await,
            )
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut outcomes = Outcomes::default();
    for (id, result) in results {
        match result {
            Ok(done) => {
                outcomes.position = outcomes.position.max(Some(done.position));
                outcomes.done.push(id);
            }
            Err(CommandError::Refused(refusal)) => {
                outcomes.refused += 1;
                if outcomes.refusals.len() < MOST_LISTED {
                    let code = refusal.code();
                    let message = refusal.to_string();
                    outcomes.refusals.push(RefusedJob {
                        job_id: id,
                        code,
                        message,
                    });
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(outcomes)
}

/// Result of a request for many jobs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "done": 3, "refused": 0, "refusals": [], "more": false }))]
pub struct Acted {
    /// Number of jobs for which the request was executed, now or by an earlier request with the
    /// same key.
    done: usize,
    /// Number of jobs for which the request was refused.
    refused: usize,
    /// The first 100 refused jobs.
    refusals: Vec<RefusedJob>,
    /// True if more jobs meet the filter than one request handles. Send the request again for the
    /// others.
    more: bool,
}

pub(super) fn acted(outcomes: Outcomes, more: bool) -> Result<Answer, ApiError> {
    let Outcomes {
        done,
        refused,
        refusals,
        position,
    } = outcomes;
    let answer = Answer::ok(&Acted {
        done: done.len(),
        refused,
        refusals,
        more,
    })?;
    Ok(match position {
        Some(position) => answer.at(position),
        None => answer,
    })
}

/// Jobs that a client names by ids or a filter.
struct Jobs {
    ids: Option<Vec<Uuid>>,
    filter: Option<JobsFilter>,
    /// States that a filter can select.
    states: &'static [&'static str],
}

/// Executes `command` on the selected jobs.
async fn execute(
    http: &HttpState,
    context: &CommandContext,
    jobs: Jobs,
    command: &MailCommand,
) -> Result<Answer, ApiError> {
    if jobs.ids.is_none() && jobs.filter.is_none() {
        return Err(ApiError::field(
            "filter",
            "give ids or a filter; {} selects all that can be handled",
        ));
    }
    let selected = select(http, jobs.ids, jobs.filter.as_ref(), jobs.states).await?;
    let outcomes = each(http, context, &selected.ids, command).await?;
    acted(outcomes, selected.more)
}

/// States in which a job can be cancelled.
const CANCELLABLE: [&str; 6] = [
    "queued",
    "retrying",
    "held",
    "scheduled",
    "failed",
    "unknown",
];

/// Mails to cancel. Give either `ids` or `filter`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "filter": { "batchId": ["0b8f5c1e-9a77-4a51-8f0e-3c1d6f2b7e90"], "state": ["held", "scheduled"] },
    "reason": "wrong event name"
}))]
pub struct CancelManyRequest {
    /// Ids of the jobs, 1–5,000.
    ids: Option<Vec<Uuid>>,
    /// Filter of the jobs to cancel. Of the jobs that meet it and can be cancelled, at most the
    /// 5,000 oldest are selected. `{}` selects all.
    filter: Option<JobsFilter>,
    /// Reason, at most 500 characters.
    reason: Option<String>,
}

/// Cancels many unsent mails.
///
/// A mail that was sent, or is being sent at the moment, can't be cancelled. If `ids` contains such
/// mails, the response lists them.
#[utoipa::path(
    post, path = "/jobs/cancel",
    params(Repeatable),
    responses(
        (status = 200, description = "Cancelled; refused jobs are listed", body = Envelope<Acted>),
        (status = 422, description = "VALIDATION_ERROR: neither or both of `ids` and `filter`, too many ids, an invalid filter, or a reason that is too long"),
    )
)]
pub async fn cancel_jobs(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<CancelManyRequest>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, sha256, async |context| {
            let cancel = MailCommand::Cancel {
                reason: reason(value.reason)?,
            };
            let jobs = Jobs {
                ids: value.ids,
                filter: value.filter,
                states: &CANCELLABLE,
            };
            execute(&http, &context, jobs, &cancel).await
        })
        .await
}

/// Mails to retry. Give either `ids` or `filter`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "filter": { "state": ["failed"], "createdFrom": "2026-11-21T00:00:00Z" } }))]
pub struct RetryManyRequest {
    /// Ids of the jobs, 1–5,000.
    ids: Option<Vec<Uuid>>,
    /// Filter of the jobs to retry. Of the failed and unknown jobs that meet it, at most the 5,000
    /// oldest are selected. `{}` selects all.
    filter: Option<JobsFilter>,
}

/// Retries many mails that failed or have an unknown outcome.
///
/// The response is sent when all mails are queued again. `GET /jobs` shows their outcomes. If the
/// outcome of a mail is unknown, the person may get the mail twice. To avoid this, select only
/// failed mails with `state` in the filter.
#[utoipa::path(
    post, path = "/jobs/retry",
    params(Repeatable),
    responses(
        (status = 200, description = "Queued again; refused jobs are listed", body = Envelope<Acted>),
        (status = 422, description = "VALIDATION_ERROR: neither or both of `ids` and `filter`, too many ids, or an invalid filter"),
    )
)]
pub async fn retry_jobs(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<RetryManyRequest>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, sha256, async |context| {
            let jobs = Jobs {
                ids: value.ids,
                filter: value.filter,
                states: &["failed", "unknown"],
            };
            execute(&http, &context, jobs, &MailCommand::Retry).await
        })
        .await
}

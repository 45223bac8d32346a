//! The same asked of many jobs.
//!
//! Which ones is read from the tables, which may be a moment old; whether each may is decided on the log.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::filter::JobsFilter;
use crate::commands::{CommandContext, CommandError};
use crate::domain::email::{Email, EmailCommand};
use crate::domain::{CommandId, EmailId};
use crate::event_log::Position;
use crate::http::idempotency::created_by;
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::projection::queries::jobs;

/// The most jobs that one call takes; of a filter that more meet, the oldest.
pub(super) const MOST: usize = 5_000;
/// How many commands are under way at once; they share group commits.
const AT_ONCE: usize = 256;
/// The most refusals that an answer lists.
const MOST_LISTED: usize = 100;

/// The jobs of one call.
pub(super) struct Selected {
    pub(super) ids: Vec<Uuid>,
    /// Whether the filter is met by more.
    pub(super) more: bool,
}

/// A job of which it could not be done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "3f6c1c1e-58a4-4c02-9d1b-0f3a55b7c5a1", "code": "WRONG_STATE",
    "message": "only a held or scheduled job can be released"
}))]
pub struct RefusedJob {
    /// The job.
    id: Uuid,
    /// Why, for programs: `NOT_FOUND` or `WRONG_STATE`.
    code: &'static str,
    /// Why, for people.
    message: String,
}

/// What became of each job.
#[derive(Default)]
pub(super) struct Outcomes {
    pub(super) done: Vec<Uuid>,
    /// How many were refused.
    pub(super) refused: usize,
    /// The first of them.
    pub(super) refusals: Vec<RefusedJob>,
    /// The last position that was written.
    pub(super) position: Option<Position>,
}

/// The jobs that are named, or the oldest that meet the filter and are in one of these stages.
pub(super) async fn select(
    http: &HttpState,
    ids: Option<Vec<Uuid>>,
    filter: Option<&JobsFilter>,
    stages: &[&str],
) -> Result<Selected, ApiError> {
    let filter = match (ids, filter) {
        (Some(_), Some(_)) => return Err(ApiError::field("filter", "give ids or a filter, not both")),
        (Some(mut ids), None) => {
            if !(1..=MOST).contains(&ids.len()) {
                return Err(ApiError::field("ids", format!("name 1 to {MOST} jobs a call")));
            }
            let mut seen = HashSet::new();
            ids.retain(|id| seen.insert(*id));
            return Ok(Selected { ids, more: false });
        }
        (None, filter) => filter.cloned().unwrap_or_default(),
    };
    let mut filter = filter.checked()?;
    let asked = filter.stages.take();
    let fits = |stage: &&&str| asked.as_ref().is_none_or(|asked| asked.iter().any(|a| a == **stage));
    filter.stages = Some(stages.iter().filter(fits).map(|stage| (*stage).to_owned()).collect());
    let mut ids = jobs::find(&http.database().await?, filter, MOST + 1).await?;
    let more = ids.len() > MOST;
    ids.truncate(MOST);
    Ok(Selected { ids, more })
}

/// Asks the same of each job, by a command of its own that follows from the request's.
pub(super) async fn each(
    http: &HttpState,
    caller: &Caller,
    command_id: CommandId,
    ids: &[Uuid],
    command: &EmailCommand,
) -> Result<Outcomes, ApiError> {
    let whole = &caller.context(command_id);
    let results: Vec<_> = stream::iter(ids.iter().copied())
        .map(|id| async move {
            let own = CommandId(created_by(command_id, &id.to_string()));
            let context = CommandContext { command_id: own, ..whole.clone() };
            (id, http.commands.execute::<Email>(&context, EmailId(id), command.clone()).await)
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
                    let (code, message) = (refusal.code(), refusal.to_string());
                    outcomes.refusals.push(RefusedJob { id, code, message });
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(outcomes)
}

/// What was done to many jobs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "done": 3, "refused": 0, "refusals": [], "more": false }))]
pub struct Acted {
    /// Jobs to which it was done, now or by the same request before.
    done: usize,
    /// Jobs to which it could not be done.
    refused: usize,
    /// The first hundred of them.
    refusals: Vec<RefusedJob>,
    /// Whether more jobs meet the filter than one call takes; call again.
    more: bool,
}

pub(super) fn acted(outcomes: Outcomes, more: bool) -> Result<Answer, ApiError> {
    let Outcomes { done, refused, refusals, position } = outcomes;
    let answer = Answer::ok(&Acted { done: done.len(), refused, refusals, more })?;
    Ok(match position {
        Some(position) => answer.at(position),
        None => answer,
    })
}

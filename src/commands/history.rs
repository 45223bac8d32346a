//! Aggregates with the times of their events.
//!
//! The response to a write has the same content as a read of the resource. The query tables may not
//! contain the write yet, so this content is computed from the log.

use std::fmt::Display;

use time::OffsetDateTime;

use super::{CommandError, Commands};
use crate::domain::{Decider, Refusal};
use crate::event_log::{Position, RecordedEvent};

/// Aggregate at one of its versions, with its events and their times.
pub struct History<D: Decider> {
    /// State at that version.
    pub state: D::State,
    /// State after all events that were read, which may include later ones.
    pub latest: D::State,
    /// Events up to that version with their times, oldest first.
    pub events: Vec<(OffsetDateTime, D::Event)>,
    /// Time of the first event.
    pub created_at: OffsetDateTime,
    /// Time of the last of `events`.
    pub updated_at: OffsetDateTime,
}

impl Commands {
    /// Loads the history of an aggregate up to one of its versions.
    ///
    /// # Errors
    /// The aggregate has no events, the log can't be read, or it lacks the version.
    pub async fn history<D: Decider>(
        &self,
        id: impl Display,
        version: Position,
    ) -> Result<History<D>, CommandError> {
        let id = id.to_string();
        let recorded = self.log.history(D::AGGREGATE, &id, 0, version).await?;
        let decoded = |event: &RecordedEvent| event.decode_as::<D::Event>();
        let (until, later) =
            recorded.split_at(recorded.partition_point(|event| event.position <= version));
        let mut state = D::State::default();
        let mut events = Vec::with_capacity(until.len());
        for event in until {
            let decoded = decoded(event)?;
            state = D::evolve(state, &decoded);
            events.push((event.time, decoded));
        }
        let mut latest = state.clone();
        for event in later {
            latest = D::evolve(latest, &decoded(event)?);
        }
        let (Some((created_at, _)), Some((updated_at, _))) = (events.first(), events.last()) else {
            return Err(Refusal::NotFound(D::AGGREGATE).into());
        };
        Ok(History {
            created_at: *created_at,
            updated_at: *updated_at,
            state,
            latest,
            events,
        })
    }
}

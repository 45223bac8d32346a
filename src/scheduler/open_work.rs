//! Open work of an aggregate, derived from its events.

use crate::domain::Decider;
use crate::domain::DecodeError;
use crate::domain::certification::batch::Batch;
use crate::domain::certification::import::Import;
use crate::domain::certification::issuance::{Issuance, IssuanceStatus};
use crate::domain::kernel::sending::{SendingDecider, Stage};
use crate::event_log::{Position, RecordedEvent};
use crate::workers::flow::{ImporterInput, Input};

/// Position of the event whose work is open; `None` if the aggregate waits for no worker.
type OpenWork = Result<Option<Position>, DecodeError>;

/// Returns the open work of an import: its last request.
pub(super) fn of_import(events: &[RecordedEvent]) -> OpenWork {
    if folded::<Import>(events)?.ended {
        return Ok(None);
    }
    let is_request =
        |event: &&RecordedEvent| ImporterInput::TYPES.contains(&event.event_type.as_str());
    Ok(events
        .iter()
        .rfind(is_request)
        .map(|request| request.position))
}

/// Returns the open work of a batch: its last event, which is a request or the end of the dispatch.
pub(super) fn of_batch(events: &[RecordedEvent]) -> OpenWork {
    let is_open = folded::<Batch>(events)?.is_open();
    Ok(last(events).filter(|_| is_open))
}

/// Returns the open work of an issuance with this status: its last event.
pub(super) fn of_issuance(events: &[RecordedEvent], status: IssuanceStatus) -> OpenWork {
    let is_open = folded::<Issuance>(events)?.status() == status;
    Ok(last(events).filter(|_| is_open))
}

/// Returns the open work of a mail: the event that queued it for the last attempt. A claimed mail
/// waits for the outcome of that attempt.
pub(super) fn of_mail<D: SendingDecider>(events: &[RecordedEvent]) -> OpenWork {
    let mut state = D::State::default();
    let mut queued = None;
    for event in events {
        state = D::evolve(state, &event.decode_as()?);
        if state.stage == Stage::Queued {
            queued = Some(event.position);
        }
    }
    Ok(queued.filter(|_| matches!(state.stage, Stage::Queued | Stage::Claimed)))
}

fn folded<D: Decider>(events: &[RecordedEvent]) -> Result<D::State, DecodeError> {
    let mut state = D::State::default();
    for event in events {
        state = D::evolve(state, &event.decode_as()?);
    }
    Ok(state)
}

fn last(events: &[RecordedEvent]) -> Option<Position> {
    events.last().map(|event| event.position)
}

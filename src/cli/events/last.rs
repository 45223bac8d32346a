//! Search for the last matching events: backwards in growing windows, without reading the whole
//! log.

use std::collections::VecDeque;

use super::filter::Filter;
use super::{BATCH, WAIT};
use crate::event_log::{EventLog, LogError, Position, RecordedEvent};

/// Minimum number of positions in the first window.
const MIN_WINDOW: u64 = 256;
/// Factor by which each further window grows.
const WINDOW_GROWTH: u64 = 8;

/// Returns the last `most` matching events up to position `upto`, in order.
///
/// # Errors
/// Fails if the log can't be read.
pub async fn last(
    log: &EventLog,
    filter: &Filter,
    upto: Position,
    most: usize,
) -> Result<VecDeque<RecordedEvent>, LogError> {
    let mut found = VecDeque::new();
    let mut below = upto;
    let mut width = MIN_WINDOW.max(most as u64);
    while below > 0 && found.len() < most {
        let after = below.saturating_sub(width);
        let mut window = between(log, filter, after, below, most - found.len()).await?;
        window.append(&mut found);
        found = window;
        below = after;
        width = width.saturating_mul(WINDOW_GROWTH);
    }
    Ok(found)
}

/// Returns the last `most` matching events after position `after` and up to `upto`.
async fn between(
    log: &EventLog,
    filter: &Filter,
    after: Position,
    upto: Position,
    most: usize,
) -> Result<VecDeque<RecordedEvent>, LogError> {
    let mut reader = log.read_some_after(after, filter.subjects(log.names()));
    let mut found = VecDeque::new();
    while reader.position() < upto && reader.remaining().await? > 0 {
        for event in reader.next_batch(BATCH, WAIT).await? {
            if event.position <= upto && filter.wants(&event) {
                if found.len() == most {
                    found.pop_front();
                }
                found.push_back(event);
            }
        }
    }
    Ok(found)
}

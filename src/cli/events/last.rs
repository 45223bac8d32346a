//! The last events that match, without reading the log from its beginning: windows that grow backwards.

use std::collections::VecDeque;

use super::filter::Filter;
use super::{BATCH, WAIT};
use crate::event_log::{EventLog, LogError, Position, RecordedEvent};

/// How many positions the first window has at least, and by what each next one is larger.
const FIRST: u64 = 256;
const GROWTH: u64 = 8;

/// The last `most` wanted events up to a position, in order.
///
/// # Errors
/// The log can't be read.
pub async fn last(
    log: &EventLog,
    filter: &Filter,
    upto: Position,
    most: usize,
) -> Result<VecDeque<RecordedEvent>, LogError> {
    let mut found = VecDeque::new();
    let (mut below, mut width) = (upto, FIRST.max(most as u64));
    while below > 0 && found.len() < most {
        let after = below.saturating_sub(width);
        let mut window = between(log, filter, after, below, most - found.len()).await?;
        window.append(&mut found);
        found = window;
        below = after;
        width = width.saturating_mul(GROWTH);
    }
    Ok(found)
}

/// The last `most` wanted events after one position and up to another.
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

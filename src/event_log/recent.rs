//! Last events of the aggregates of a kind that have changed recently.
//!
//! Use it for kinds without query tables that have few events.

use std::collections::HashMap;

use async_nats::HeaderMap;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::availability::patiently;
use super::envelope::recorded;
use super::{EventLog, LogError, RecordedEvent};

/// Maximum number of events per request.
const PER_REQUEST: usize = 1_000;

/// Last events of aggregates.
#[derive(Debug, Default)]
pub struct Recent {
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// Errors about messages that are not events. They are not among the events.
    pub unreadable: Vec<LogError>,
}

impl EventLog {
    /// Returns the last event of each aggregate of a kind that has events since a time. The
    /// responding replica may lag, so the newest events may be missing. Skips messages that are not
    /// events.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn last_events_since(
        &self,
        aggregate: &str,
        since: OffsetDateTime,
    ) -> Result<Recent, LogError> {
        let names = self.names();
        let stream = &names.events();
        let subject = names.all_of(aggregate);
        let since = since.to_offset(UtcOffset::UTC).format(&Rfc3339);
        let since = since.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let mut last: HashMap<String, RecordedEvent> = HashMap::new();
        let mut unreadable = Vec::new();
        let mut ask = json!({
            "next_by_subj": subject, "start_time": since, "batch": PER_REQUEST,
        });
        loop {
            let page = patiently(|wait| {
                let ask = &ask;
                async move {
                    let mut page = Vec::new();
                    let see = |subject: &str, position, headers: &HeaderMap, body| {
                        let event = recorded(names, subject, position, headers, body);
                        page.push((position, event));
                        Ok(())
                    };
                    let end = self.direct_get(stream, ask, wait, see).await?;
                    Ok((page, end.pending > 0))
                }
            });
            let (page, has_more) = page.await?;
            let mut end = None;
            for (position, event) in page {
                end = Some(position);
                match event {
                    Ok(event) => {
                        last.insert(event.id.clone(), event);
                    }
                    Err(error) => unreadable.push(error),
                }
            }
            match end {
                Some(position) if has_more => {
                    ask = json!({
                        "next_by_subj": subject, "seq": position + 1, "batch": PER_REQUEST,
                    });
                }
                _ => {
                    let events = last.into_values().collect();
                    return Ok(Recent { events, unreadable });
                }
            }
        }
    }
}

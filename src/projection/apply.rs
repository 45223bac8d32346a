//! Applies a batch of events to the tables of some projections.

use deadpool_postgres::Transaction;
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;
use time::OffsetDateTime;
use tokio_postgres::types::Json;

use super::definition::Projection;
use super::waves::{NoRowKey, Statement, statements};
use crate::database::DatabaseError;
use crate::event_log::{Position, RecordedEvent};

/// Why a batch was not applied. Carries no data of events: it may be logged and stored.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// An event, or a handler, makes this projection fail every time.
    #[error("projection {projection} can't take {event_type} (positions {first}–{last}): {reason}")]
    Poison {
        /// Which projection.
        projection: String,
        /// The events' type.
        event_type: String,
        /// The first event of the statement that failed.
        first: Position,
        /// The last event of the statement that failed.
        last: Position,
        /// What the database, or the reading of the event, answered.
        reason: String,
    },
    /// Another projector moved these projections' checkpoints.
    #[error("another projector is at work on {}", .0.join(", "))]
    Fenced(Vec<String>),
    /// The database itself failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The shape that handlers see: `$1` is a JSON array of these.
#[derive(Debug, Serialize)]
struct Row<'a> {
    position: Position,
    #[serde(with = "time::serde::rfc3339")]
    time: OffsetDateTime,
    id: &'a str,
    data: Box<RawValue>,
}

/// Applies the events, whose order is that of the log, to all projections. The transaction's
/// search path must name their schemas. Statements go out in one stream without waiting for answers.
pub(super) async fn apply(
    transaction: &Transaction<'_>,
    projections: &[&Projection],
    events: &[RecordedEvent],
) -> Result<(), ApplyError> {
    let mut work = Vec::new();
    for projection in projections {
        let cut = statements(projection, events).map_err(|NoRowKey(event)| {
            poison(
                projection,
                &[event],
                "its data lacks the field that the handler's row key names".to_owned(),
            )
        })?;
        for statement in cut {
            let prepared = transaction.prepare_cached(&statement.handler.sql).await;
            let prepared = prepared.map_err(|error| refused(projection, &statement, error))?;
            let rows = Json(rows(projection, &statement)?);
            work.push((*projection, statement, prepared, rows));
        }
    }
    let running =
        work.iter().map(|(_, _, prepared, rows)| async move { transaction.execute(prepared, &[rows]).await });
    // After a failure the rest fails too, with "transaction is aborted": the first answer tells.
    for (answer, (projection, statement, ..)) in join_all(running).await.into_iter().zip(&work) {
        answer.map_err(|error| refused(projection, statement, error))?;
    }
    Ok(())
}

fn rows<'a>(projection: &Projection, statement: &Statement<'a>) -> Result<Vec<Row<'a>>, ApplyError> {
    let row = |event: &&'a RecordedEvent| {
        let data = without_nul(event).map_err(|error| {
            poison(projection, &[event], format!("its body is not JSON (column {})", error.column()))
        })?;
        Ok(Row { position: event.position, time: event.time, id: &event.id, data })
    };
    statement.events.iter().map(row).collect()
}

/// The event's body. PostgreSQL's text can't hold U+0000, which a mail server's answer may contain:
/// it is shown as U+FFFD, and the log keeps it as it was.
fn without_nul(event: &RecordedEvent) -> Result<Box<RawValue>, serde_json::Error> {
    const ESCAPED_NUL: &[u8] = br"\u0000";
    if !event.body.windows(ESCAPED_NUL.len()).any(|window| window == ESCAPED_NUL) {
        return serde_json::from_slice(&event.body);
    }
    let mut data: Value = serde_json::from_slice(&event.body)?;
    replace_nul(&mut data);
    serde_json::value::to_raw_value(&data)
}

fn replace_nul(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(items) => items.iter_mut().for_each(replace_nul),
        Value::Object(fields) => fields.values_mut().for_each(replace_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn refused(projection: &Projection, statement: &Statement<'_>, error: tokio_postgres::Error) -> ApplyError {
    let error = DatabaseError::from(error);
    if error.is_transient() {
        return error.into();
    }
    poison(projection, &statement.events, error.to_string())
}

fn poison(projection: &Projection, events: &[&RecordedEvent], reason: String) -> ApplyError {
    ApplyError::Poison {
        projection: projection.name.clone(),
        event_type: events.first().map(|event| event.event_type.clone()).unwrap_or_default(),
        first: events.first().map_or(0, |event| event.position),
        last: events.last().map_or(0, |event| event.position),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;

    fn event(body: &'static str) -> RecordedEvent {
        RecordedEvent {
            position: 1,
            time: OffsetDateTime::UNIX_EPOCH,
            aggregate: "email".to_owned(),
            id: "a".to_owned(),
            event_id: Uuid::nil(),
            event_type: "EmailSent".to_owned(),
            command_id: Uuid::nil().into(),
            correlation_id: Uuid::nil(),
            actor: String::new(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn what_postgres_cannot_hold_is_replaced_and_a_written_backslash_is_not() {
        let text = |body| without_nul(&event(body)).map(|raw| raw.get().to_owned()).expect("JSON");
        assert_eq!(text(r#"{"a":["x\u0000y"]}"#), "{\"a\":[\"x\u{fffd}y\"]}");
        assert_eq!(text(r#"{"a":"\\u0000"}"#), r#"{"a":"\\u0000"}"#);
        assert_eq!(text(r#"{ "a": 1 }"#), r#"{ "a": 1 }"#);
    }

    #[test]
    fn a_body_that_is_not_json_is_an_error() {
        assert!(without_nul(&event("{")).is_err());
    }
}

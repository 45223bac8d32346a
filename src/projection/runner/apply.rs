//! Applies a batch of events to the tables of one or more projections.

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use deadpool_postgres::Transaction;
use futures_util::future::join_all;
use serde_json::Value;
use thiserror::Error;
use time::OffsetDateTime;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::waves::{Inapplicable, Statement, statements};
use crate::database::DatabaseError;
use crate::event_log::{Position, RecordedEvent};
use crate::projection::checkpoints::to_sql;
use crate::projection::definition::Projection;

/// Settings of a transaction that applies events. Asynchronous commit is safe: a crash loses rows
/// and checkpoint together, and the events are applied again. The planner settings force handlers
/// to find rows by key, because tables that were never analysed have misleading statistics.
pub(in crate::projection) const SETTINGS: &str = "SET LOCAL synchronous_commit = off; \
    SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;";

/// Error while applying a batch. It contains no event data, so it may be logged and stored.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// This projection fails at each attempt, because of an event or a handler.
    #[error(
        "projection {projection} can't apply {event_type} (positions {first}–{last}): {reason}"
    )]
    Poison {
        /// Name of the projection.
        projection: String,
        /// Type of the events.
        event_type: String,
        /// First event of the failed statement.
        first: Position,
        /// Last event of the failed statement.
        last: Position,
        /// Error from the database or from decoding the event.
        reason: String,
    },
    /// A statement of this projection took too long. A smaller batch may succeed.
    #[error("projection {projection} takes too long: {error}")]
    Slow {
        /// Name of the projection.
        projection: String,
        /// Error from the database.
        error: DatabaseError,
    },
    /// Another projector has moved the checkpoints of these projections.
    #[error("another projector is updating {}", .0.join(", "))]
    Fenced(Vec<String>),
    /// The database failed for a reason that is unrelated to the batch.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Events of a statement, as columns.
struct Columns<'a> {
    positions: Vec<i64>,
    times: Vec<OffsetDateTime>,
    ids: Vec<Uuid>,
    data: Vec<RawJson<'a>>,
}

/// JSON text as stored in the log. The database validates it.
#[derive(Debug)]
struct RawJson<'a>(Cow<'a, [u8]>);

impl ToSql for RawJson<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSON
    }

    to_sql_checked!();
}

/// Applies the events to all projections in log order. The transaction must have [`SETTINGS`] and a
/// search path with the schemas of the projections. Statements are pipelined.
pub(in crate::projection) async fn apply(
    transaction: &Transaction<'_>,
    projections: &[&Projection],
    events: &[RecordedEvent],
) -> Result<(), ApplyError> {
    let mut work = Vec::new();
    for projection in projections {
        let inapplicable = |Inapplicable { event, reason }: Inapplicable<'_>| {
            poison(projection, &[event], reason.to_owned())
        };
        let cut = statements(projection, events).map_err(inapplicable)?;
        for statement in cut {
            let prepared = transaction
                .prepare_cached(&statement.handler.statement())
                .await;
            let prepared = prepared.map_err(|error| refused(projection, &statement, error))?;
            let columns = columns(projection, &statement)?;
            work.push((*projection, statement, prepared, columns));
        }
    }
    let running = work.iter().map(|(_, _, prepared, columns)| async move {
        let Columns {
            positions,
            times,
            ids,
            data,
        } = columns;
        transaction
            .execute(prepared, &[positions, times, ids, data])
            .await
    });
    // After a failure the later statements fail with "transaction is aborted", so the first error
    // has the cause.
    for (answer, (projection, statement, ..)) in join_all(running).await.into_iter().zip(&work) {
        answer.map_err(|error| refused(projection, statement, error))?;
    }
    Ok(())
}

fn columns<'a>(
    projection: &Projection,
    statement: &Statement<'a>,
) -> Result<Columns<'a>, ApplyError> {
    let events = &statement.events;
    let id = |event: &&RecordedEvent| {
        let not_an_id = |_| {
            poison(
                projection,
                &[event],
                "its aggregate's id is not a UUID".to_owned(),
            )
        };
        Uuid::try_parse(&event.id).map_err(not_an_id)
    };
    let data = |event: &&'a RecordedEvent| {
        let unreadable = |error: serde_json::Error| {
            poison(
                projection,
                &[event],
                format!("its body is not JSON (column {})", error.column()),
            )
        };
        without_nul(event).map(RawJson).map_err(unreadable)
    };
    Ok(Columns {
        positions: events.iter().map(|event| to_sql(event.position)).collect(),
        times: events.iter().map(|event| event.time).collect(),
        ids: events.iter().map(id).collect::<Result<_, _>>()?,
        // `unnest` fills up an array that is too short with nulls.
        data: if statement.handler.reads_data() {
            events.iter().map(data).collect::<Result<_, _>>()?
        } else {
            Vec::new()
        },
    })
}

/// Returns the body of an event. Replaces U+0000 with U+FFFD, because PostgreSQL's `text` type
/// can't contain U+0000, and a reply of a mail server may have it. The log keeps the original.
fn without_nul(event: &RecordedEvent) -> Result<Cow<'_, [u8]>, serde_json::Error> {
    const ESCAPED_NUL: &[u8] = br"\u0000";
    // Few bodies contain a backslash, and the check for one is fast.
    let escaped = event.body.contains(&b'\\');
    if !escaped
        || !event
            .body
            .windows(ESCAPED_NUL.len())
            .any(|window| window == ESCAPED_NUL)
    {
        return Ok(Cow::Borrowed(&event.body));
    }
    let mut data: Value = serde_json::from_slice(&event.body)?;
    replace_nul(&mut data);
    serde_json::to_vec(&data).map(Cow::Owned)
}

fn replace_nul(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(items) => items.iter_mut().for_each(replace_nul),
        Value::Object(fields) => fields.values_mut().for_each(replace_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn refused(
    projection: &Projection,
    statement: &Statement<'_>,
    error: tokio_postgres::Error,
) -> ApplyError {
    let error = DatabaseError::from(error);
    if error.is_statement_timeout() {
        return ApplyError::Slow {
            projection: projection.name.clone(),
            error,
        };
    }
    if error.is_transient() {
        return error.into();
    }
    poison(projection, &statement.events, error.to_string())
}

fn poison(projection: &Projection, events: &[&RecordedEvent], reason: String) -> ApplyError {
    ApplyError::Poison {
        projection: projection.name.clone(),
        event_type: events
            .first()
            .map(|event| event.event_type.clone())
            .unwrap_or_default(),
        first: events.first().map_or(0, |event| event.position),
        last: events.last().map_or(0, |event| event.position),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_characters_are_replaced_and_escaped_backslashes_are_kept() {
        let text = |body| {
            let event = RecordedEvent::sample(1, body);
            String::from_utf8(without_nul(&event).expect("JSON").into_owned()).expect("UTF-8")
        };
        assert_eq!(text(r#"{"a":["x\u0000y"]}"#), "{\"a\":[\"x\u{fffd}y\"]}");
        assert_eq!(text(r#"{"a":"\\u0000"}"#), r#"{"a":"\\u0000"}"#);
        assert_eq!(text(r#"{ "a": 1 }"#), r#"{ "a": 1 }"#);
    }
}

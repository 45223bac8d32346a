//! Encoding of an event as a message: CloudEvents 1.0 attributes in NATS headers (binary mode),
//! JSON as body.
//!
//! Header names are case-sensitive in NATS. `Nats-Msg-Id` is not set, because the server would
//! refuse a whole batch for one duplicate. Commands detect duplicates by the command id instead.

use async_nats::{HeaderMap, HeaderName};
use bytes::Bytes;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::upcast::{CURRENT_SCHEMA, Written, upcast};
use super::{LogError, Names, Position, RecordedEvent};
use crate::domain::CommandId;

// Created once. A name that is passed as a string would be allocated for each message.
static ID: HeaderName = HeaderName::from_static("ce-id");
static TYPE: HeaderName = HeaderName::from_static("ce-type");
static SOURCE: HeaderName = HeaderName::from_static("ce-source");
static TIME: HeaderName = HeaderName::from_static("ce-time");
static SPEC: HeaderName = HeaderName::from_static("ce-specversion");
static SCHEMA: HeaderName = HeaderName::from_static("ce-dataschema");
static CORRELATION: HeaderName = HeaderName::from_static("correlation-id");
static CAUSATION: HeaderName = HeaderName::from_static("causation-id");
static ACTOR: HeaderName = HeaderName::from_static("actor");
static TRACE: HeaderName = HeaderName::from_static("traceparent");

const SCHEMA_PREFIX: &str = "urn:laureate:event:";

/// Event to append.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Id of the event.
    pub event_id: Uuid,
    /// Type of the event.
    pub event_type: &'static str,
    /// Time of the event.
    pub time: OffsetDateTime,
    /// Command that caused the event.
    pub command_id: CommandId,
    /// Correlation id: the origin of a chain of commands and events.
    pub correlation_id: Uuid,
    /// Actor: a user's id, or the name of a process.
    pub actor: String,
    /// W3C Trace Context of the request, if any.
    pub traceparent: Option<String>,
    /// Data of the event as JSON.
    pub body: Bytes,
}

impl NewEvent {
    /// Returns the attributes of the envelope as headers.
    pub(crate) fn headers(&self, source: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(SPEC.clone(), "1.0");
        headers.insert(ID.clone(), self.event_id.to_string());
        headers.insert(TYPE.clone(), self.event_type);
        headers.insert(SOURCE.clone(), source);
        // proof: RFC 3339 can format all times of the years 0–9999, and clocks return no other
        // times.
        headers.insert(TIME.clone(), self.time.format(&Rfc3339).unwrap_or_default());
        headers.insert(
            SCHEMA.clone(),
            format!("{SCHEMA_PREFIX}{}:{CURRENT_SCHEMA}", self.event_type),
        );
        headers.insert(CORRELATION.clone(), self.correlation_id.to_string());
        headers.insert(CAUSATION.clone(), self.command_id.to_string());
        headers.insert(ACTOR.clone(), self.actor.as_str());
        if let Some(trace) = &self.traceparent {
            headers.insert(TRACE.clone(), trace.as_str());
        }
        headers
    }
}

/// Decodes an event from a message of the stream and upcasts it to the current schema version.
///
/// # Errors
/// The message lacks an attribute or has an invalid one, or a newer program wrote it.
pub(crate) fn recorded(
    names: &Names,
    subject: &str,
    position: Position,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<RecordedEvent, LogError> {
    let wrong = |reason: String| LogError::Undecodable { position, reason };
    let attribute = |name: &HeaderName| {
        headers
            .get(name.clone())
            .map(async_nats::HeaderValue::as_str)
            .ok_or_else(|| wrong(format!("no header {name}")))
    };
    let id = |name: &HeaderName| {
        Uuid::parse_str(attribute(name)?).map_err(|_| wrong(format!("header {name} is not a UUID")))
    };
    let (aggregate, aggregate_id) = names
        .parse_aggregate(subject)
        .ok_or_else(|| wrong("the subject is not an aggregate's".to_owned()))?;
    let schema = attribute(&SCHEMA)?;
    let version = schema
        .rsplit(':')
        .next()
        .and_then(|version| version.parse().ok());
    let schema = version.ok_or_else(|| wrong(format!("header {SCHEMA} has no version")))?;
    let written = upcast(Written {
        event_type: attribute(&TYPE)?.to_owned(),
        schema,
        body,
    })
    .map_err(wrong)?;
    let time = OffsetDateTime::parse(attribute(&TIME)?, &Rfc3339)
        .map_err(|_| wrong(format!("header {TIME} is not an RFC 3339 time")))?;
    Ok(RecordedEvent {
        position,
        time,
        aggregate: aggregate.to_owned(),
        id: aggregate_id.to_owned(),
        event_id: id(&ID)?,
        event_type: written.event_type,
        command_id: CommandId(id(&CAUSATION)?),
        correlation_id: id(&CORRELATION)?,
        actor: attribute(&ACTOR)?.to_owned(),
        body: written.body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    impl NewEvent {
        pub(in crate::event_log) fn sample() -> Self {
            Self {
                event_id: Uuid::from_u128(1),
                event_type: "EmailSent",
                time: time::macros::datetime!(2026-11-21 12:00 UTC),
                command_id: CommandId(Uuid::from_u128(2)),
                correlation_id: Uuid::from_u128(3),
                actor: "mailer".to_owned(),
                traceparent: None,
                body: Bytes::from_static(b"{}"),
            }
        }
    }

    impl RecordedEvent {
        pub(crate) fn sample(position: Position, body: &'static str) -> Self {
            Self {
                position,
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
    }

    #[test]
    fn event_survives_encoding_and_decoding() {
        let names = Names::new("ns").expect("a good namespace");
        let event = NewEvent::sample();
        let back = recorded(
            &names,
            "ns.ev.email.abc",
            7,
            &event.headers(&names.source()),
            event.body.clone(),
        )
        .expect("our own headers are readable");
        assert_eq!(
            (back.position, back.aggregate.as_str(), back.id.as_str()),
            (7, "email", "abc")
        );
        assert_eq!(
            (back.event_id, back.command_id, back.correlation_id),
            (event.event_id, event.command_id, event.correlation_id)
        );
        assert_eq!(
            (back.time, back.actor, back.event_type.as_str()),
            (event.time, event.actor, "EmailSent")
        );
    }

    #[test]
    fn missing_header_is_named() {
        let names = Names::new("ns").expect("a good namespace");
        let error = recorded(
            &names,
            "ns.ev.email.abc",
            7,
            &HeaderMap::new(),
            Bytes::new(),
        )
        .err();
        assert_eq!(
            error.map(|e| e.to_string()).as_deref(),
            Some("the message at position 7 is not an event: no header ce-dataschema")
        );
    }
}

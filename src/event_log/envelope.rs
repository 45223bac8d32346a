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

use super::upcast::{Written, upcast, written_name};
use super::{CausedBy, LogError, Names, Position, RecordedEvent, Via};
use crate::domain::flow::workers_of;
use crate::domain::{CommandId, DataSubject};

// Created once. A name that is passed as a string would be allocated for each message.
static ID: HeaderName = HeaderName::from_static("ce-id");
static TYPE: HeaderName = HeaderName::from_static("ce-type");
static SOURCE: HeaderName = HeaderName::from_static("ce-source");
static TIME: HeaderName = HeaderName::from_static("ce-time");
static SPEC: HeaderName = HeaderName::from_static("ce-specversion");
static SCHEMA: HeaderName = HeaderName::from_static("ce-dataschema");
static CORRELATION: HeaderName = HeaderName::from_static("correlation-id");
static COMMAND: HeaderName = HeaderName::from_static("command-id");
static CAUSED_BY: HeaderName = HeaderName::from_static("caused-by");
static REQUEST: HeaderName = HeaderName::from_static("request-id");
static VIA: HeaderName = HeaderName::from_static("via");
static DATA_SUBJECT: HeaderName = HeaderName::from_static("data-subject");
static FOR: HeaderName = HeaderName::from_static("for");
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
    /// Schema version of that type.
    pub schema: u32,
    /// Time of the event.
    pub time: OffsetDateTime,
    /// Command that wrote the event.
    pub command_id: CommandId,
    /// Event in response to which a process executed the command, if any.
    pub caused_by: Option<CausedBy>,
    /// Correlation id: the origin of a chain of commands and events.
    pub correlation_id: Uuid,
    /// Actor: a user's id, or the name of a process.
    pub actor: String,
    /// Request with which a person sent the command, if any.
    pub request_id: Option<String>,
    /// Credential of that request, if any.
    pub via: Option<Via>,
    /// Person whose data the event contains, if any.
    pub data_subject: Option<DataSubject>,
    /// W3C Trace Context of the request, if any.
    pub traceparent: Option<String>,
    /// Data of the event as JSON.
    pub body: Bytes,
}

impl NewEvent {
    /// Returns the attributes of the envelope as headers.
    pub(crate) fn headers(&self, source: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let event_type = written_name(self.event_type);
        headers.insert(SPEC.clone(), "1.0");
        headers.insert(ID.clone(), self.event_id.to_string());
        headers.insert(TYPE.clone(), event_type);
        headers.insert(SOURCE.clone(), source);
        // proof: RFC 3339 can format all times of the years 0–9999, and clocks return no other
        // times.
        headers.insert(TIME.clone(), self.time.format(&Rfc3339).unwrap_or_default());
        headers.insert(
            SCHEMA.clone(),
            format!("{SCHEMA_PREFIX}{event_type}:{}", self.schema),
        );
        headers.insert(CORRELATION.clone(), self.correlation_id.to_string());
        headers.insert(COMMAND.clone(), self.command_id.to_string());
        headers.insert(ACTOR.clone(), self.actor.as_str());
        if let Some(cause) = &self.caused_by {
            headers.insert(CAUSED_BY.clone(), cause.to_string());
        }
        if let Some(request) = &self.request_id {
            headers.insert(REQUEST.clone(), request.as_str());
        }
        if let Some(via) = &self.via {
            headers.insert(VIA.clone(), via.to_string());
        }
        if let Some(subject) = &self.data_subject {
            headers.insert(DATA_SUBJECT.clone(), subject.to_string());
        }
        let workers: Vec<_> = workers_of(self.event_type).collect();
        if !workers.is_empty() {
            headers.insert(FOR.clone(), workers.join(","));
        }
        if let Some(trace) = &self.traceparent {
            headers.insert(TRACE.clone(), trace.as_str());
        }
        headers
    }
}

/// Decodes the envelope of an event from a message of the stream, and upcasts the event. The type
/// or version may be unknown if a newer program wrote the event; see
/// [`RecordedEvent::recognition`]. Omits an optional attribute whose value this program doesn't
/// know.
///
/// # Errors
/// The message lacks an attribute or has an invalid one, or it can't be upcast.
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
    let text = |name: &HeaderName| headers.get(name.clone()).map(|value| value.as_str());
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
        schema: written.schema,
        command_id: CommandId(id(&COMMAND)?),
        caused_by: text(&CAUSED_BY).and_then(|cause| cause.parse().ok()),
        correlation_id: id(&CORRELATION)?,
        actor: attribute(&ACTOR)?.to_owned(),
        request_id: text(&REQUEST).map(str::to_owned),
        via: text(&VIA).and_then(|via| via.parse().ok()),
        data_subject: text(&DATA_SUBJECT).and_then(|subject| subject.parse().ok()),
        workers: text(&FOR).unwrap_or_default().to_owned(),
        body: written.body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Recognition;

    impl NewEvent {
        pub(in crate::event_log) fn sample() -> Self {
            Self {
                event_id: Uuid::from_u128(1),
                event_type: "EmailQueued",
                schema: 1,
                time: time::macros::datetime!(2026-11-21 12:00 UTC),
                command_id: CommandId(Uuid::from_u128(2)),
                caused_by: Some(CausedBy {
                    event_id: Uuid::from_u128(4),
                    position: 5,
                }),
                correlation_id: Uuid::from_u128(3),
                actor: "mailer".to_owned(),
                request_id: Some("r-1".to_owned()),
                via: Some(Via::Session(Uuid::from_u128(6).into())),
                data_subject: Some(DataSubject::Attendee(Uuid::from_u128(7))),
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
                aggregate: "mail".to_owned(),
                id: "a".to_owned(),
                event_id: Uuid::nil(),
                event_type: "EmailSent".to_owned(),
                schema: 1,
                command_id: Uuid::nil().into(),
                caused_by: None,
                correlation_id: Uuid::nil(),
                actor: String::new(),
                request_id: None,
                via: None,
                data_subject: None,
                workers: String::new(),
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
            "ns.ev.mail.abc",
            7,
            &event.headers(&names.source()),
            event.body.clone(),
        )
        .expect("our own headers are readable");
        assert_eq!(
            (back.position, back.aggregate.as_str(), back.id.as_str()),
            (7, "mail", "abc")
        );
        assert_eq!(
            (back.event_id, back.command_id, back.correlation_id),
            (event.event_id, event.command_id, event.correlation_id)
        );
        assert_eq!(
            (back.time, back.actor.as_str(), back.event_type.as_str()),
            (event.time, "mailer", "EmailQueued")
        );
        assert_eq!(
            (back.caused_by, back.via, back.data_subject),
            (event.caused_by, event.via, event.data_subject)
        );
        assert_eq!(back.request_id.as_deref(), Some("r-1"));
        assert!(back.is_for("mailer") && !back.is_for("renderer") && !back.is_for(""));
    }

    #[test]
    fn event_of_a_newer_program_has_an_envelope() {
        let names = Names::new("ns").expect("a good namespace");
        let mut headers = NewEvent::sample().headers(&names.source());
        headers.insert(SCHEMA.clone(), "urn:laureate:event:EmailQueued:9");
        headers.insert(VIA.clone(), "passkey:1");
        headers.insert(FOR.clone(), "webhooks,mailer");
        let event = recorded(&names, "ns.ev.mail.abc", 7, &headers, Bytes::new())
            .expect("the envelope is readable");
        assert_eq!(event.recognition(), Recognition::UnknownVersion);
        assert_eq!((event.schema, event.via), (9, None));
        assert!(event.is_for("mailer") && event.is_for("webhooks"));
        headers.insert(TYPE.clone(), "EmailEaten");
        let event = recorded(&names, "ns.ev.mail.abc", 7, &headers, Bytes::new())
            .expect("the envelope is readable");
        assert_eq!(event.recognition(), Recognition::UnknownType);
    }

    #[test]
    fn missing_header_is_named() {
        let names = Names::new("ns").expect("a good namespace");
        let error = recorded(&names, "ns.ev.mail.abc", 7, &HeaderMap::new(), Bytes::new()).err();
        assert_eq!(
            error.map(|e| e.to_string()).as_deref(),
            Some("the message at position 7 is not an event: no header ce-dataschema")
        );
    }
}

//! One event as a line, or as JSON with its whole envelope. Personal data is hidden unless it is
//! requested.

use serde_json::{Value, json};

use super::super::moment;
use super::story;
use crate::domain::kernel::personal::{HIDDEN, hidden};
use crate::event_log::RecordedEvent;

/// Returns the data of an event. Without `reveal`, the values that the event type marks as personal
/// are hidden. If this program doesn't know the type, all data is hidden.
pub fn data(event: &RecordedEvent, reveal: bool) -> Value {
    if reveal {
        return serde_json::from_slice(&event.body).unwrap_or(Value::Null);
    }
    event
        .decode()
        .map_or_else(|_| HIDDEN.into(), |event| hidden(|| event.body()))
}

/// Returns the whole envelope with the data.
pub fn as_json(event: &RecordedEvent, reveal: bool) -> Value {
    json!({
        "position": event.position,
        "time": moment::shown(event.time),
        "type": event.event_type,
        "aggregate": event.aggregate,
        "id": event.id,
        "eventId": event.event_id,
        "schema": event.schema,
        "commandId": event.command_id,
        "causedBy": event.caused_by.map(|cause| cause.to_string()),
        "correlationId": event.correlation_id,
        "actor": event.actor,
        "requestId": event.request_id,
        "via": event.via.map(|via| via.to_string()),
        "dataSubject": event.data_subject.map(|subject| subject.to_string()),
        "for": event.workers.split(',').filter(|name| !name.is_empty()).collect::<Vec<_>>(),
        "data": data(event, reveal),
    })
}

/// Returns position, time, type, aggregate, actor, and a description of the event.
pub fn as_line(event: &RecordedEvent, reveal: bool) -> String {
    format!(
        "{:>9} {} {:<22} {}/{} by {}: {}",
        event.position,
        moment::brief(event.time),
        event.event_type,
        event.aggregate,
        event.id,
        event.actor,
        story::of(event, reveal).what
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::history::samples_of_all;

    const MARK: &str = "PERSONAL-";

    /// Replaces each hidden value with a unique mark.
    fn mark(open: &mut Value, masked: &Value, marks: &mut usize) {
        match (open, masked) {
            (open, Value::String(text)) if text == HIDDEN => {
                *open = format!("{MARK}{marks}").into();
                *marks += 1;
            }
            (Value::Object(open), Value::Object(masked)) => {
                open.iter_mut()
                    .for_each(|(key, value)| mark(value, &masked[key], marks));
            }
            (Value::Array(open), Value::Array(masked)) => {
                open.iter_mut()
                    .zip(masked)
                    .for_each(|(open, masked)| mark(open, masked, marks));
            }
            _ => {}
        }
    }

    /// Returns a sample of every event with marked personal values, and the number of marks in
    /// each.
    fn marked(text: &str, n: u32) -> Vec<(RecordedEvent, usize)> {
        let record = |(aggregate, event): (&str, crate::domain::Event)| {
            let mut body = event.body();
            let mut marks = 0;
            mark(&mut body, &hidden(|| event.body()), &mut marks);
            let recorded = RecordedEvent {
                time: datetime!(2026-11-21 12:00 UTC),
                aggregate: aggregate.to_owned(),
                id: Uuid::from_u128(1).to_string(),
                event_type: event.event_type().to_owned(),
                body: body.to_string().into(),
                ..RecordedEvent::sample(7, "")
            };
            (recorded, marks)
        };
        samples_of_all(text, n).into_iter().map(record).collect()
    }

    fn summary(event: &RecordedEvent, reveal: bool) -> String {
        format!("{:?}", story::of(event, reveal))
    }

    proptest! {
        #[test]
        fn personal_values_are_hidden_by_default(text in "[a-z]{1,8}", n in any::<u32>()) {
            for (event, marks) in marked(&text, n) {
                for shown in [as_line(&event, false), as_json(&event, false).to_string(), summary(&event, false)] {
                    prop_assert!(!shown.contains(MARK), "{}", shown);
                }
                let open = as_json(&event, true).to_string();
                prop_assert!((0..marks).all(|n| open.contains(&format!("{MARK}{n}"))), "{}", open);
            }
        }
    }

    #[test]
    fn unknown_event_shows_no_data() {
        let (event, _) = marked("a", 1)
            .into_iter()
            .find(|(_, marks)| *marks > 0)
            .unwrap();
        let event = RecordedEvent {
            event_type: "AttendeeTeleported".to_owned(),
            ..event
        };
        assert_eq!(as_json(&event, false)["data"], HIDDEN);
        assert!(!as_line(&event, false).contains(MARK) && !summary(&event, false).contains(MARK));
        assert!(as_json(&event, true).to_string().contains(MARK));
    }

    #[test]
    fn every_event_has_a_description() {
        let describe = |(event, _): &(RecordedEvent, usize)| {
            let summary = story::of(event, true);
            let fields: Vec<_> = summary
                .fields
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            format!(
                "{}: {}\n  {}",
                event.event_type,
                summary.what,
                fields.join("; ")
            )
        };
        insta::assert_snapshot!(
            marked("a", 1)
                .iter()
                .map(describe)
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
}

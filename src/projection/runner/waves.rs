//! Divides a batch of events into statements. Two events of one row are never in the same
//! statement, and they are applied in order.
//!
//! An event is in the wave after that of the previous event of its row. So the number of waves is
//! the largest number of events that one row has in the batch. Each wave has one statement per
//! event type.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use crate::domain::Recognition;
use crate::event_log::RecordedEvent;
use crate::projection::definition::{Handler, Projection, RowKey};

/// One execution of a handler.
#[derive(Debug)]
pub(in crate::projection) struct Statement<'a> {
    pub(in crate::projection) handler: &'a Handler,
    pub(in crate::projection) events: Vec<&'a RecordedEvent>,
}

/// Event that a projection handles but can't apply.
#[derive(Debug)]
pub(in crate::projection) struct Inapplicable<'a> {
    pub(in crate::projection) event: &'a RecordedEvent,
    pub(in crate::projection) reason: &'static str,
}

/// Returns the statements of a batch in order. Events without a handler are skipped, and so are
/// types that this program doesn't know.
pub(in crate::projection) fn statements<'a>(
    projection: &'a Projection,
    events: &'a [RecordedEvent],
) -> Result<Vec<Statement<'a>>, Inapplicable<'a>> {
    let mut last_wave_of_row: HashMap<Cow<'a, str>, usize> = HashMap::new();
    let mut waves: Vec<Vec<Statement<'a>>> = Vec::new();
    for event in events {
        let Some(handler) = projection.handler(&event.event_type) else {
            continue;
        };
        let inapplicable = |reason| Inapplicable { event, reason };
        match event.recognition() {
            Recognition::Known => {}
            // An aggregate of a newer program may have a type with the same name.
            Recognition::UnknownType => continue,
            Recognition::UnknownVersion => {
                let reason =
                    "a newer program wrote it with another schema version; use that program";
                return Err(inapplicable(reason));
            }
        }
        let no_key = "its data doesn't have the field that the handler declares as row key";
        let row_key = row_key(&handler.row_key, event).ok_or_else(|| inapplicable(no_key))?;
        let wave = match row_key {
            None => 0,
            Some(key) => *last_wave_of_row
                .entry(key)
                .and_modify(|wave| *wave += 1)
                .or_insert(0),
        };
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        match waves[wave]
            .iter_mut()
            .find(|statement| std::ptr::eq(statement.handler, handler))
        {
            Some(statement) => statement.events.push(event),
            None => waves[wave].push(Statement {
                handler,
                events: vec![event],
            }),
        }
    }
    Ok(waves.into_iter().flatten().collect())
}

/// Returns the key of the row that the event changes. Returns `Some(None)` for a handler that only
/// adds to counters, and `None` if the event doesn't have the field.
fn row_key<'a>(key: &RowKey, event: &'a RecordedEvent) -> Option<Option<Cow<'a, str>>> {
    match key {
        RowKey::AddsUp => Some(None),
        RowKey::Id => Some(Some(Cow::Borrowed(event.id.as_str()))),
        RowKey::Data(field) => {
            let data: Value = serde_json::from_slice(&event.body).ok()?;
            match data.get(field)? {
                Value::String(text) => Some(Some(Cow::Owned(text.clone()))),
                Value::Number(number) => Some(Some(Cow::Owned(number.to_string()))),
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Event;

    fn projection() -> Projection {
        let handlers = [
            ("certificate_requested", "-- row key: id\nSELECT 1"),
            ("certificate_generated", "-- row key: id\nSELECT 2"),
            (
                "certificate_generation_failed",
                "-- row key: none, adds up\nSELECT 3",
            ),
            ("certificate_revoked", "-- row key: data.at\nSELECT 4"),
        ];
        Projection::parse("p", "", &handlers).expect("good handlers")
    }

    const MADE: &str = "CertificateRequested";
    const CHANGED: &str = "CertificateGenerated";
    const COUNTED: &str = "CertificateGenerationFailed";
    const POINTED: &str = "CertificateRevoked";

    fn event(position: u64, event_type: &str, id: &str) -> RecordedEvent {
        RecordedEvent {
            position,
            aggregate: "issuance".to_owned(),
            id: id.to_owned(),
            event_type: event_type.to_owned(),
            schema: Event::schema_of("issuance", event_type).unwrap_or(1),
            body: Bytes::from(format!(r#"{{"at":"{id}"}}"#)),
            ..RecordedEvent::sample(position, "")
        }
    }

    fn cut(events: &[RecordedEvent]) -> Vec<(String, Vec<u64>)> {
        let projection = projection();
        let statements = statements(&projection, events).expect("every event has its key");
        statements
            .iter()
            .map(|s| {
                (
                    s.handler.event_type.clone(),
                    s.events.iter().map(|e| e.position).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn events_of_different_rows_share_a_statement() {
        let events = [
            event(1, MADE, "a"),
            event(2, MADE, "b"),
            event(3, "Other", "a"),
        ];
        assert_eq!(cut(&events), [(MADE.to_owned(), vec![1, 2])]);
    }

    #[test]
    fn events_of_one_row_keep_their_order_across_types() {
        let events = [
            event(1, MADE, "a"),
            event(2, CHANGED, "a"),
            event(3, MADE, "b"),
            event(4, CHANGED, "a"),
        ];
        let expected = [(MADE, vec![1, 3]), (CHANGED, vec![2]), (CHANGED, vec![4])];
        assert_eq!(
            cut(&events),
            expected.map(|(name, positions)| (name.to_owned(), positions))
        );
    }

    #[test]
    fn counters_take_all_events_in_one_statement() {
        let events = [event(1, COUNTED, "a"), event(2, COUNTED, "a")];
        assert_eq!(cut(&events), [(COUNTED.to_owned(), vec![1, 2])]);
    }

    #[test]
    fn unknown_types_are_skipped_and_unknown_versions_are_reported() {
        let of_another_aggregate = RecordedEvent {
            aggregate: "diploma".to_owned(),
            ..event(2, MADE, "a")
        };
        let events = [event(1, MADE, "a"), of_another_aggregate];
        assert_eq!(cut(&events), [(MADE.to_owned(), vec![1])]);
        let newer = RecordedEvent {
            schema: 99,
            ..event(3, MADE, "a")
        };
        let unhandled = RecordedEvent {
            schema: 99,
            aggregate: "mail".to_owned(),
            ..event(2, "EmailSent", "a")
        };
        let projection = projection();
        let events = [event(1, MADE, "a"), unhandled, newer];
        let found = statements(&projection, &events).expect_err("another version");
        assert_eq!(found.event.position, 3);
    }

    #[test]
    fn event_without_a_row_key_is_reported() {
        let lost = RecordedEvent {
            body: Bytes::from_static(b"{}"),
            ..event(7, POINTED, "a")
        };
        let events = [event(6, POINTED, "a"), lost];
        let projection = projection();
        let found = statements(&projection, &events).expect_err("no key");
        assert_eq!(found.event.position, 7);
    }

    proptest! {
        #[test]
        fn every_row_gets_its_events_once_and_in_order(
            history in prop::collection::vec((0..4usize, 0..3usize), 0..40)
        ) {
            let types = [MADE, CHANGED, POINTED, "Other"];
            let rows = ["a", "b", "c"];
            let events: Vec<RecordedEvent> = (1..).zip(&history)
                .map(|(position, (kind, row))| event(position, types[*kind], rows[*row]))
                .collect();
            let projection = projection();
            let statements = statements(&projection, &events).expect("every event has its key");
            for row in rows {
                let expected: Vec<u64> = events.iter()
                    .filter(|e| e.id == row && e.event_type != "Other").map(|e| e.position).collect();
                let mut seen = Vec::new();
                for statement in &statements {
                    let mine: Vec<u64> = statement.events.iter()
                        .filter(|e| e.id == row).map(|e| e.position).collect();
                    prop_assert!(mine.len() <= 1, "a row twice in one statement");
                    seen.extend(mine);
                }
                prop_assert_eq!(seen, expected);
            }
        }
    }
}

//! Tests of properties that every aggregate has, with arbitrary commands in arbitrary order.

mod asked;

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::accounts::admins::Admins;
use super::accounts::api_key::ApiKey;
use super::accounts::notice::Notice;
use super::accounts::second_factor::SecondFactor;
use super::accounts::session::Session;
use super::accounts::user::User;
use super::certification::attendee::Attendee;
use super::certification::batch::Batch;
use super::certification::certificate::Certificate;
use super::certification::design::Design;
use super::certification::import::Import;
use super::certification::issuance::Issuance;
use super::certification::mail::Mail;
use super::certification::template::Template;
use super::kernel::claim::Claim;
use super::kernel::personal::{HIDDEN, hidden};
use super::{DataSubject, Decider, DomainEvent, Event};
use asked::Asked;

/// Checks with arbitrary commands that nothing panics, that every event survives JSON, and that
/// folding the whole history returns the same state as the decisions.
fn any_commands<D: Asked>(asked: &[(u32, String, u32)]) {
    let mut history = Vec::new();
    let mut state = D::State::default();
    for (which, text, n) in asked {
        let Ok(events) = D::decide(&state, &D::command(*which, text, *n)) else {
            continue;
        };
        for event in events {
            survives_json::<D>(&event);
            state = D::evolve(state, &event);
            history.push(event);
        }
        assert_eq!(D::fold(&history), state);
    }
}

/// Checks that any history can be folded and decided on, even a history that no current decider
/// would write.
fn any_events<D: Asked>(happened: &[(u32, String, u32)]) {
    let mut state = D::State::default();
    for (which, text, n) in happened {
        let samples = D::samples(text, *n);
        let event = &samples[*which as usize % samples.len()];
        survives_json::<D>(event);
        state = D::evolve(state, event);
        for which in 0..12 {
            let _ = D::decide(&state, &D::command(which, text, *n));
        }
    }
}

/// Id of the aggregates of samples.
const OWN: &str = "00000000-0000-0000-0000-000000000001";

fn survives_json<D: Asked>(event: &D::Event) {
    let body = event.encode();
    assert_eq!(serde_json::from_slice(&body).ok(), Some(event.body()));
    let schema = D::Event::schema_of(event.event_type()).expect("a known type");
    let back = D::Event::decode(event.event_type(), schema, &body);
    assert_eq!(back.as_ref().ok(), Some(event), "{back:?}");
    let any: Event = event.clone().into();
    let back = Event::decode(D::AGGREGATE, any.event_type(), schema, &body);
    assert_eq!(back.as_ref().ok(), Some(&any), "{back:?}");
}

fn steps() -> impl Strategy<Value = Vec<(u32, String, u32)>> {
    // Mostly few different values, so that commands affect each other; sometimes any text or
    // number.
    let text = prop_oneof![3 => "[ab]", 1 => any::<String>()];
    let number = prop_oneof![4 => 0..4_u32, 1 => any::<u32>()];
    vec((0..12_u32, text, number), 0..24)
}

macro_rules! every_aggregate {
    ($($name:ident: $aggregate:ident),+ $(,)?) => {
        $(mod $name {
            use super::*;

            proptest! {
                #[test]
                fn any_sequence_of_commands_is_accepted_without_panic(asked in steps()) {
                    any_commands::<$aggregate>(&asked);
                }

                #[test]
                fn any_sequence_of_events_folds_without_panic(happened in steps()) {
                    any_events::<$aggregate>(&happened);
                }
            }
        })+

        /// Returns the type of every sample, its data subject, and true if the sample contains
        /// personal data.
        fn data_subjects() -> Vec<(&'static str, Option<DataSubject>, bool)> {
            let mut all = Vec::new();
            $(
                let samples = $aggregate::samples("a", 1);
                let state = samples.first().map_or_else(Default::default, |first| {
                    $aggregate::evolve(Default::default(), first)
                });
                for event in &samples {
                    let body = hidden(|| event.body());
                    let mut personal = Vec::new();
                    name_hidden("", &body, &mut personal);
                    let subject = $aggregate::data_subject(OWN, &state, event);
                    all.push((event.event_type(), subject, !personal.is_empty()));
                }
            )+
            all
        }

        /// Returns samples of every event, each with its aggregate.
        pub(crate) fn samples_of_all(text: &str, n: u32) -> Vec<(&'static str, Event)> {
            let mut all: Vec<(&'static str, Event)> = Vec::new();
            $(for event in $aggregate::samples(text, n) {
                survives_json::<$aggregate>(&event);
                all.push(($aggregate::AGGREGATE, event.into()));
            })+
            all
        }
    };
}

every_aggregate! {
    admins: Admins,
    api_keys: ApiKey,
    attendees: Attendee,
    batches: Batch,
    certificates: Certificate,
    claims: Claim,
    designs: Design,
    mails: Mail,
    imports: Import,
    issuances: Issuance,
    second_factors: SecondFactor,
    notices: Notice,
    sessions: Session,
    templates: Template,
    users: User,
}

#[test]
fn every_event_has_a_sample_that_round_trips_through_json() {
    let sampled: BTreeSet<_> = samples_of_all("a", 1)
        .iter()
        .map(|(aggregate, event)| (*aggregate, event.event_type()))
        .collect();
    let known: BTreeSet<_> = Event::CATALOGUE
        .iter()
        .flat_map(|(aggregate, types)| types.iter().map(|kind| (*aggregate, *kind)))
        .collect();
    assert_eq!(
        sampled, known,
        "an event has no sample here, or is sampled and not in the catalogue"
    );
}

/// Checks that the JSON form of events in the log doesn't change. A change requires a new schema
/// version and an upcaster.
#[test]
fn json_form_of_events_matches_the_snapshot() {
    let lines: Vec<_> = samples_of_all("a", 1)
        .iter()
        .map(|(aggregate, event)| format!("{aggregate} {} {}", event.event_type(), event.body()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// Checks the list of personal fields, which the types define. Before you remove a field from the
/// list, make sure that it contains no personal data.
#[test]
fn personal_fields_match_the_snapshot() {
    let mut lines = BTreeSet::new();
    for (aggregate, event) in samples_of_all("a", 1) {
        let body = hidden(|| event.body());
        let mut names = Vec::new();
        name_hidden("", &body, &mut names);
        lines.extend(
            names
                .iter()
                .map(|name| format!("{aggregate} {}{name}", event.event_type())),
        );
    }
    insta::assert_snapshot!(lines.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Checks that an event with personal data names the person. The exceptions contain free text, which
/// may name any person.
#[test]
fn events_with_personal_data_name_their_data_subject() {
    let mut without = BTreeSet::new();
    let mut lines = BTreeSet::new();
    for (event_type, subject, is_personal) in data_subjects() {
        if is_personal && subject.is_none() {
            without.insert(event_type);
        }
        let subject = subject.map_or("nobody".to_owned(), |subject| subject.to_string());
        lines.insert(format!("{event_type}: {subject}"));
    }
    let expected = ["BatchUndoRequested", "CertificateDefined"];
    assert_eq!(without, expected.into());
    insta::assert_snapshot!(
        "data_subjects",
        lines.into_iter().collect::<Vec<_>>().join("\n")
    );
}

/// Collects the paths of hidden fields.
fn name_hidden(path: &str, value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                name_hidden(&format!("{path} {name}"), value, names);
            }
        }
        value if *value == HIDDEN => names.push(path.to_owned()),
        _ => {}
    }
}

/// Counts the hidden values in `masked`. All other values must be equal in both arguments.
fn count_hidden(masked: &Value, open: &Value) -> usize {
    match (masked, open) {
        (Value::String(text), _) if text == HIDDEN => 1,
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()), "{masked}");
            a.iter()
                .map(|(key, value)| count_hidden(value, &b[key]))
                .sum()
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{masked}");
            a.iter().zip(b).map(|(a, b)| count_hidden(a, b)).sum()
        }
        (masked, open) => {
            assert_eq!(masked, open);
            0
        }
    }
}

proptest! {
    /// Compares the number of hidden values with that in the `Debug` output, which is implemented
    /// differently.
    #[test]
    fn every_personal_value_is_hidden_and_nothing_else(text in "[a-z]{1,8}", n in any::<u32>()) {
        for (_, event) in samples_of_all(&text, n) {
            let hidden = count_hidden(&hidden(|| event.body()), &event.body());
            prop_assert_eq!(hidden, format!("{event:?}").matches("Personal(…)").count(), "{:?}", event);
        }
    }
}

//! Attendee: a person who receives certificates.

use serde::{Deserialize, Serialize};

use super::origin::Origin;
use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, Person, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A person was added, by a row of a file or a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttendeeImported {
    /// The person.
    #[serde(flatten)]
    pub person: Person,
    /// Source of the person. Absent if a request added the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// The person's data changed. The event contains all data, not only the changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttendeeUpdated {
    /// The person after the change.
    #[serde(flatten)]
    pub person: Person,
    /// Source of the change. Absent if a request caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// The person was deleted. A later person with the same e-mail address is a new attendee.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttendeeDeleted {}

domain_events! {
    /// Events of an attendee.
    AttendeeEvent for "attendee" { AttendeeImported, AttendeeUpdated, AttendeeDeleted }
}

/// Source of a person's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Source of the data, such as an import.
    #[serde(flatten)]
    pub origin: Origin,
    /// Number of the row, as a spreadsheet program shows it. Absent if the origin has no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to an attendee. Claims in the same commit ensure that the e-mail address and document
/// number are unique.
#[derive(Clone, Debug)]
pub enum AttendeeCommand {
    /// Adds a person.
    Import {
        /// The person, already checked.
        person: Person,
        /// Source of the person. `None` if a request adds the person.
        source: Option<Source>,
    },
    /// Replaces the person's data.
    Update {
        /// The person after the change, already checked.
        person: Person,
        /// Source of the change. `None` if a request causes it.
        source: Option<Source>,
    },
    /// Deletes the person.
    Delete,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// The person; `None` if the attendee was never added or was deleted. Nothing is remembered about a
/// deleted attendee, because ids are not reused, and a repeated command finds its own events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttendeeState(pub Option<Person>);

/// Decider of attendees.
pub struct Attendee;

impl Decider for Attendee {
    const AGGREGATE: &'static str = "attendee";
    type State = AttendeeState;
    type Command = AttendeeCommand;
    type Event = AttendeeEvent;

    fn decide(
        state: &AttendeeState,
        command: &AttendeeCommand,
    ) -> Result<Vec<AttendeeEvent>, Refusal> {
        match (&state.0, command) {
            (None, AttendeeCommand::Import { person, source }) => Ok(vec![
                AttendeeImported {
                    person: person.clone(),
                    source: source.clone(),
                }
                .into(),
            ]),
            (Some(known), AttendeeCommand::Import { person, .. }) if known == person => {
                Ok(Vec::new())
            }
            (Some(_), AttendeeCommand::Import { .. }) => Err(Refusal::AlreadyExists("attendee")),
            (None, AttendeeCommand::Update { .. } | AttendeeCommand::Delete) => {
                Err(Refusal::NotFound("attendee"))
            }
            (Some(_), AttendeeCommand::Delete) => Ok(vec![AttendeeDeleted {}.into()]),
            (Some(known), AttendeeCommand::Update { person, .. }) if known == person => {
                Ok(Vec::new())
            }
            (Some(_), AttendeeCommand::Update { person, source }) => Ok(vec![
                AttendeeUpdated {
                    person: person.clone(),
                    source: source.clone(),
                }
                .into(),
            ]),
        }
    }

    fn data_subject(id: &str, _: &AttendeeState, event: &AttendeeEvent) -> Option<DataSubject> {
        match event {
            AttendeeEvent::AttendeeImported(_)
            | AttendeeEvent::AttendeeUpdated(_)
            | AttendeeEvent::AttendeeDeleted(_) => DataSubject::attendee(id),
        }
    }

    fn evolve(_: AttendeeState, event: &AttendeeEvent) -> AttendeeState {
        match event {
            AttendeeEvent::AttendeeImported(e) => AttendeeState(Some(e.person.clone())),
            AttendeeEvent::AttendeeUpdated(e) => AttendeeState(Some(e.person.clone())),
            AttendeeEvent::AttendeeDeleted(_) => AttendeeState(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::certification::person::samples::person;
    use crate::domain::kernel::decider::spec::given;

    fn imported(name: &str) -> AttendeeEvent {
        AttendeeImported {
            person: person(name),
            source: None,
        }
        .into()
    }

    fn import(name: &str) -> AttendeeCommand {
        AttendeeCommand::Import {
            person: person(name),
            source: None,
        }
    }

    fn update(name: &str) -> AttendeeCommand {
        AttendeeCommand::Update {
            person: person(name),
            source: None,
        }
    }

    #[test]
    fn a_new_person_is_imported() {
        given::<Attendee>(vec![])
            .when(import("Ada"))
            .then(vec![imported("Ada")]);
    }

    #[test]
    fn importing_the_same_person_again_changes_nothing() {
        given::<Attendee>(vec![imported("Ada")])
            .when(import("Ada"))
            .then_nothing();
    }

    #[test]
    fn import_with_the_id_of_another_person_is_refused() {
        given::<Attendee>(vec![imported("Ada")])
            .when(import("Grace"))
            .then_refused("ALREADY_EXISTS");
    }

    #[test]
    fn an_update_that_changes_something_is_recorded_once() {
        let updated: AttendeeEvent = AttendeeUpdated {
            person: person("Grace"),
            source: None,
        }
        .into();
        given::<Attendee>(vec![imported("Ada")])
            .when(update("Grace"))
            .then(vec![updated.clone()]);
        given::<Attendee>(vec![imported("Ada"), updated])
            .when(update("Grace"))
            .then_nothing();
    }

    #[test]
    fn unknown_person_cannot_be_updated() {
        given::<Attendee>(vec![])
            .when(update("Ada"))
            .then_refused("NOT_FOUND");
    }

    #[test]
    fn deleted_person_is_not_found() {
        let deleted: AttendeeEvent = AttendeeDeleted {}.into();
        given::<Attendee>(vec![imported("Ada")])
            .when(AttendeeCommand::Delete)
            .then(vec![deleted.clone()]);
        let history = vec![imported("Ada"), deleted];
        given::<Attendee>(history.clone())
            .when(AttendeeCommand::Delete)
            .then_refused("NOT_FOUND");
        given::<Attendee>(history)
            .when(update("Ada"))
            .then_refused("NOT_FOUND");
    }
}

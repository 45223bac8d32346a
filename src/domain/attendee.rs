//! Attendee: a person certificates go to.

use serde::{Deserialize, Serialize};

use super::events::domain_events;
use super::{Decider, ImportId, Person, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A person became known, from a row of a file or one at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttendeeImported {
    /// Who it is.
    #[serde(flatten)]
    pub person: Person,
    /// Where the person came from; absent for one entered by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ImportedRow>,
}

/// What is known of a person changed; the event carries all of it, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttendeeUpdated {
    /// The person as known from now on.
    #[serde(flatten)]
    pub person: Person,
    /// The row that changed it; absent for a change by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ImportedRow>,
}

/// Somebody took the person out; whoever has the same e-mail address later is a new person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttendeeDeleted {}

domain_events! {
    /// What can happen to an attendee.
    AttendeeEvent for "attendee" { AttendeeImported, AttendeeUpdated, AttendeeDeleted }
}

/// A row of an imported file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedRow {
    /// The file.
    pub import_id: ImportId,
    /// The row's number as a spreadsheet program shows it.
    pub row: u32,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of an attendee. Uniqueness of e-mail and document is claimed beside it.
#[derive(Clone, Debug)]
pub enum AttendeeCommand {
    /// Make a person known.
    Import {
        /// Who it is, already checked.
        person: Person,
        /// Where it came from.
        source: Option<ImportedRow>,
    },
    /// Replace what is known.
    Update {
        /// The person from now on, already checked.
        person: Person,
        /// Where the change came from.
        source: Option<ImportedRow>,
    },
    /// Forget the person.
    Delete,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// What is known of the attendee: nothing, or the person. One who was deleted is as if never known: ids are
/// not drawn twice, and a command that is sent again finds its own events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttendeeState(pub Option<Person>);

/// The decider of attendees.
pub struct Attendee;

impl Decider for Attendee {
    const AGGREGATE: &'static str = "attendee";
    type State = AttendeeState;
    type Command = AttendeeCommand;
    type Event = AttendeeEvent;

    fn decide(state: &AttendeeState, command: &AttendeeCommand) -> Result<Vec<AttendeeEvent>, Refusal> {
        match (&state.0, command) {
            (None, AttendeeCommand::Import { person, source }) => {
                Ok(vec![AttendeeImported { person: person.clone(), source: *source }.into()])
            }
            (Some(known), AttendeeCommand::Import { person, .. }) if known == person => Ok(Vec::new()),
            (Some(_), AttendeeCommand::Import { .. }) => Err(Refusal::AlreadyExists("attendee")),
            (None, AttendeeCommand::Update { .. } | AttendeeCommand::Delete) => {
                Err(Refusal::NotFound("attendee"))
            }
            (Some(_), AttendeeCommand::Delete) => Ok(vec![AttendeeDeleted {}.into()]),
            (Some(known), AttendeeCommand::Update { person, .. }) if known == person => Ok(Vec::new()),
            (Some(_), AttendeeCommand::Update { person, source }) => {
                Ok(vec![AttendeeUpdated { person: person.clone(), source: *source }.into()])
            }
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
    use crate::domain::decider::spec::given;
    use crate::domain::person::samples::person;

    fn imported(name: &str) -> AttendeeEvent {
        AttendeeImported { person: person(name), source: None }.into()
    }

    fn import(name: &str) -> AttendeeCommand {
        AttendeeCommand::Import { person: person(name), source: None }
    }

    fn update(name: &str) -> AttendeeCommand {
        AttendeeCommand::Update { person: person(name), source: None }
    }

    #[test]
    fn a_new_person_is_imported() {
        given::<Attendee>(vec![]).when(import("Ada")).then(vec![imported("Ada")]);
    }

    #[test]
    fn importing_the_same_person_again_changes_nothing() {
        given::<Attendee>(vec![imported("Ada")]).when(import("Ada")).then_nothing();
    }

    #[test]
    fn importing_over_somebody_else_is_refused() {
        given::<Attendee>(vec![imported("Ada")]).when(import("Grace")).then_refused("ALREADY_EXISTS");
    }

    #[test]
    fn an_update_that_changes_something_is_recorded_once() {
        let updated: AttendeeEvent = AttendeeUpdated { person: person("Grace"), source: None }.into();
        given::<Attendee>(vec![imported("Ada")]).when(update("Grace")).then(vec![updated.clone()]);
        given::<Attendee>(vec![imported("Ada"), updated]).when(update("Grace")).then_nothing();
    }

    #[test]
    fn nobody_cannot_be_updated() {
        given::<Attendee>(vec![]).when(update("Ada")).then_refused("NOT_FOUND");
    }

    #[test]
    fn who_was_deleted_is_not_there() {
        let deleted: AttendeeEvent = AttendeeDeleted {}.into();
        given::<Attendee>(vec![imported("Ada")]).when(AttendeeCommand::Delete).then(vec![deleted.clone()]);
        let history = vec![imported("Ada"), deleted];
        given::<Attendee>(history.clone()).when(AttendeeCommand::Delete).then_refused("NOT_FOUND");
        given::<Attendee>(history).when(update("Ada")).then_refused("NOT_FOUND");
    }
}

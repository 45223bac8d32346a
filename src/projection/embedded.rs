//! Projections of this program: the files in `projections/`, embedded at compile time.

use super::definition::{BadHandler, Projection};
use super::queries::search::with_search_keys;

struct Files {
    name: &'static str,
    schema: &'static str,
    handlers: &'static [(&'static str, &'static str)],
}

macro_rules! files {
    ($name:literal: $($event:literal),+ $(,)?) => {
        Files {
            name: $name,
            schema: include_str!(concat!("../../projections/", $name, "/schema.sql")),
            handlers: &[$((
                $event,
                include_str!(concat!("../../projections/", $name, "/on_", $event, ".sql")),
            )),+],
        }
    };
}

/// List of the files, maintained by hand. A test compares it with the folder.
const PROJECTIONS: &[Files] = &[
    files!("api_keys": "api_key_created", "api_key_revoked"),
    files!("attendees": "attendee_deleted", "attendee_imported", "attendee_updated"),
    files!("batches":
        "batch_cancel_requested", "batch_cancelled", "batch_dispatched", "batch_requested", "batch_undo_requested",
        "batch_undone",
    ),
    files!("certificates":
        "certificate_activated", "certificate_deactivated", "certificate_defined", "certificate_deleted",
        "certificate_redefined",
    ),
    files!("designs": "design_deleted", "design_taken_into_use", "design_uploaded"),
    files!("factors": "second_factor_confirmed", "second_factor_removed"),
    files!("imports":
        "import_cancel_requested", "import_cancelled", "import_completed", "import_failed", "import_requested",
        "import_retry_requested", "import_rows_accepted", "import_rows_rejected",
    ),
    files!("issuances":
        "certificate_generated", "certificate_generation_failed", "certificate_requested", "certificate_revoked",
    ),
    files!("jobs":
        "email_cancelled", "email_failed", "email_outcome_unknown", "email_queued", "email_released",
        "email_rescheduled", "email_retry_requested", "email_sent", "send_claimed",
    ),
    files!("overview":
        "attendee_deleted", "attendee_imported", "batch_requested", "certificate_defined", "certificate_deleted",
        "certificate_generated", "certificate_generation_failed", "certificate_requested", "certificate_revoked",
        "email_cancelled", "email_failed", "email_outcome_unknown", "email_queued", "email_retry_requested",
        "email_sent", "import_requested",
    ),
    files!("sessions": "session_refreshed", "session_revoked", "session_started"),
    files!("templates": "template_activated", "template_created", "template_retired", "template_version_added"),
    files!("users":
        "user_deleted", "user_disabled", "user_enabled", "user_password_changed", "user_profile_changed",
        "user_registered", "user_role_changed", "user_sessions_ended",
    ),
];

/// Returns all projections of this program, sorted by name.
///
/// # Errors
/// Fails if a file violates the rules of the folder. A test checks that all files follow them.
pub fn projections() -> Result<Vec<Projection>, BadHandler> {
    PROJECTIONS
        .iter()
        .map(|files| {
            let schema = with_search_keys(files.schema);
            Projection::parse(files.name, &schema, files.handlers)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::Event;

    /// Projections that must handle every event of an aggregate, each with the name of the
    /// aggregate.
    const FOLDS: &[(&str, &str)] = &[
        ("api_keys", "apikey"),
        ("attendees", "attendee"),
        ("batches", "batch"),
        ("certificates", "certificate"),
        ("designs", "design"),
        ("imports", "import"),
        ("issuances", "issuance"),
        ("jobs", "email"),
        ("sessions", "session"),
        ("templates", "template"),
        ("users", "user"),
    ];

    fn names(path: &std::path::Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(path)
            .expect("the folder is there")
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .into_string()
                    .expect("a plain name")
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn every_handler_in_the_folder_is_embedded() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("projections");
        let mut found = BTreeMap::new();
        for name in names(&root) {
            let mut events = names(&root.join(&name));
            events.retain(|file| file.starts_with("on_"));
            found.insert(name, events);
        }
        let embedded = PROJECTIONS.iter().map(|files| {
            let events = files
                .handlers
                .iter()
                .map(|(event, _)| format!("on_{event}.sql"))
                .collect();
            (files.name.to_owned(), events)
        });
        assert_eq!(found, embedded.collect::<BTreeMap<String, Vec<String>>>());
    }

    #[test]
    fn every_handler_is_for_an_event_that_exists() {
        let known: Vec<&str> = Event::CATALOGUE
            .iter()
            .flat_map(|(_, types)| types.iter().copied())
            .collect();
        for projection in projections().expect("the files follow the rules") {
            for handler in &projection.handlers {
                let event_type = handler.event_type.as_str();
                assert!(
                    known.contains(&event_type),
                    "{}: {event_type}",
                    projection.name
                );
            }
        }
    }

    #[test]
    fn every_table_has_a_primary_key_and_a_position() {
        for projection in projections().expect("the files follow the rules") {
            for table in projection.tables_sql.split("CREATE TABLE").skip(1) {
                let name = table.split_whitespace().next().unwrap_or_default();
                let begins_with = |words: &[&str]| {
                    table.lines().any(|line| {
                        line.split_whitespace()
                            .collect::<Vec<_>>()
                            .starts_with(words)
                    })
                };
                assert!(table.contains("PRIMARY KEY"), "{name} has no primary key");
                assert!(
                    begins_with(&["position", "bigint", "NOT"]),
                    "{name} has no position"
                );
            }
        }
    }

    #[test]
    fn projection_handles_every_event_of_its_aggregate() {
        let projections = projections().expect("the files follow the rules");
        for (name, aggregate) in FOLDS {
            let projection = projections
                .iter()
                .find(|p| p.name == *name)
                .expect("embedded");
            let (_, types) = Event::CATALOGUE
                .iter()
                .find(|(a, _)| a == aggregate)
                .expect("an aggregate");
            for event_type in *types {
                assert!(
                    projection.handler(event_type).is_some(),
                    "{name} has no handler for {event_type}"
                );
            }
        }
    }
}

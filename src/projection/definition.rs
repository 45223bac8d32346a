//! Definition of a projection: its tables, and one set-based statement per event type.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Query tables computed from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Name of the folder under `projections/`.
    pub name: String,
    /// SQL that creates the tables.
    pub tables_sql: String,
    /// SQL that creates the indexes for readers. It runs after the tables are filled.
    pub indexes_sql: String,
    /// One handler per event type, ordered by event type.
    pub handlers: Vec<Handler>,
}

/// Statement that applies a batch of events of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// Event type, for example `AttendeeImported`.
    pub event_type: String,
    /// Row that an event changes.
    pub row_key: RowKey,
    /// One statement that reads the batch from the relation `event(position, time, id, data)`.
    pub sql: String,
}

/// CTE that converts the batch to a relation. Parallel arrays are the fastest way to send rows to
/// PostgreSQL.
const EVENT: &str = "WITH event(position, time, id, data) AS (\
     SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::json[]))";

impl Handler {
    /// Returns the statement for the database. Its parameters are `$1` positions, `$2` times, `$3`
    /// ids and `$4` data.
    #[must_use]
    pub fn statement(&self) -> String {
        let body = self.body();
        match body.strip_prefix("WITH ") {
            Some(rest) => format!("{EVENT}, {rest}"),
            None => format!("{EVENT} {body}"),
        }
    }

    /// Returns true if the statement reads the data of the events. Otherwise, the data is not sent.
    #[must_use]
    pub fn reads_data(&self) -> bool {
        self.body().contains("data")
    }

    /// Returns the statement without the comments at its beginning.
    fn body(&self) -> &str {
        let mut rest = self.sql.as_str();
        while rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, below)| below);
        }
        rest.trim()
    }
}

/// Row that an event changes. Events for the same row must be applied in order, and never in the
/// same statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKey {
    /// Row with the id of the aggregate.
    Id,
    /// Row that this field of the event's data identifies.
    Data(String),
    /// No specific row: the handler adds to counters, so the order of events doesn't matter.
    AddsUp,
}

/// Violation of the rules for the SQL files of a projection.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("projections/{projection}/on_{event}.sql: {problem}")]
pub struct BadHandler {
    projection: String,
    event: String,
    problem: &'static str,
}

impl Projection {
    /// Parses a projection from `schema.sql` and its handlers. Each handler is given with its event
    /// name in snake case.
    ///
    /// # Errors
    /// Fails if a handler doesn't declare its row key on its first line.
    pub fn parse(name: &str, schema: &str, handlers: &[(&str, &str)]) -> Result<Self, BadHandler> {
        let (tables, indexes) = schema.split_once("\n-- indexes\n").unwrap_or((schema, ""));
        let mut handlers = handlers
            .iter()
            .map(|(event, sql)| {
                let row_key = RowKey::parse(sql).ok_or_else(|| BadHandler {
                    projection: name.to_owned(),
                    event: (*event).to_owned(),
                    problem: "begin with \"-- row key: id\", \"-- row key: data.<field>\" or \"-- row key: none, adds up\"",
                })?;
                Ok(Handler { event_type: pascal_case(event), row_key, sql: (*sql).to_owned() })
            })
            .collect::<Result<Vec<_>, BadHandler>>()?;
        handlers.sort_by(|a, b| a.event_type.cmp(&b.event_type));
        Ok(Self {
            name: name.to_owned(),
            tables_sql: tables.to_owned(),
            indexes_sql: indexes.to_owned(),
            handlers,
        })
    }

    /// Returns the handler for an event type, if there is one.
    #[must_use]
    pub fn handler(&self, event_type: &str) -> Option<&Handler> {
        let found = self
            .handlers
            .binary_search_by(|handler| handler.event_type.as_str().cmp(event_type));
        found.ok().map(|index| &self.handlers[index])
    }

    /// Returns the fingerprint: 64 hex digits computed from the name, tables, indexes, handlers and
    /// `upcasters_version`. The rows depend only on these and on the log.
    #[must_use]
    pub fn fingerprint(&self, upcasters_version: u32) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            // With the length first, text can't move from one part to another without changing the
            // hash.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        };
        add(&self.name);
        add(&self.tables_sql);
        add(&self.indexes_sql);
        for handler in &self.handlers {
            add(&handler.event_type);
            add(&handler.sql);
        }
        add(&upcasters_version.to_string());
        HEXLOWER.encode(&hash.finalize())
    }
}

impl RowKey {
    fn parse(sql: &str) -> Option<Self> {
        match sql.lines().next()?.strip_prefix("-- row key: ")?.trim() {
            "id" => Some(Self::Id),
            "none, adds up" => Some(Self::AddsUp),
            other => {
                let field = other.strip_prefix("data.")?;
                let plain = !field.is_empty() && field.bytes().all(|b| b.is_ascii_alphanumeric());
                plain.then(|| Self::Data(field.to_owned()))
            }
        }
    }
}

/// Converts snake case to Pascal case: `attendee_imported` → `AttendeeImported`.
fn pascal_case(snake: &str) -> String {
    snake
        .split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str =
        "CREATE TABLE a (id uuid PRIMARY KEY);\n\n-- indexes\nCREATE INDEX i ON a (id);\n";

    fn parse(sql: &str) -> Result<Projection, BadHandler> {
        Projection::parse("a", SCHEMA, &[("thing_made", sql)])
    }

    #[test]
    fn handler_starts_with_its_row_key() {
        let key = |sql: &str| parse(sql).map(|p| p.handlers[0].row_key.clone());
        assert_eq!(key("-- row key: id\nSELECT 1"), Ok(RowKey::Id));
        assert_eq!(
            key("-- row key: data.attendeeId\nSELECT 1"),
            Ok(RowKey::Data("attendeeId".to_owned()))
        );
        assert_eq!(
            key("-- row key: none, adds up\nSELECT 1"),
            Ok(RowKey::AddsUp)
        );
        for bad in [
            "",
            "SELECT 1",
            "-- row key: data.\nSELECT 1",
            "-- row key: none\nSELECT 1",
        ] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn statement_has_the_batch_before_the_handlers_sql() {
        let handler = |sql: &str| parse(sql).expect("a good handler").handlers.remove(0);
        let plain = handler(
            "-- row key: id\n-- Says why.\nDELETE FROM a USING event WHERE a.id = event.id\n",
        );
        assert!(
            plain
                .statement()
                .ends_with("$4::json[])) DELETE FROM a USING event WHERE a.id = event.id")
        );
        assert!(!plain.reads_data());
        let with = handler("-- row key: id\nWITH gone AS (SELECT event.data FROM event)\nSELECT 1");
        assert!(
            with.statement()
                .ends_with("$4::json[])), gone AS (SELECT event.data FROM event)\nSELECT 1")
        );
        assert!(with.reads_data());
    }

    #[test]
    fn indexes_are_separated_from_tables() {
        let projection = parse("-- row key: id\nSELECT 1").expect("a good handler");
        assert!(
            projection.tables_sql.contains("CREATE TABLE")
                && !projection.tables_sql.contains("INDEX")
        );
        assert_eq!(projection.indexes_sql, "CREATE INDEX i ON a (id);\n");
    }

    #[test]
    fn handlers_are_found_by_event_type() {
        let projection = parse("-- row key: id\nSELECT 1").expect("a good handler");
        assert!(projection.handler("ThingMade").is_some());
        assert!(projection.handler("ThingLost").is_none());
    }

    #[test]
    fn fingerprint_depends_on_each_part() {
        let base = parse("-- row key: id\nSELECT 1").expect("a good handler");
        let changed_sql = parse("-- row key: id\nSELECT 2").expect("a good handler");
        let changed_index = Projection {
            indexes_sql: String::new(),
            ..base.clone()
        };
        let changed_name = Projection {
            name: "b".to_owned(),
            ..base.clone()
        };
        for other in [&changed_sql, &changed_index, &changed_name] {
            assert_ne!(base.fingerprint(1), other.fingerprint(1));
        }
        assert_ne!(base.fingerprint(1), base.fingerprint(2));
        assert_eq!(base.fingerprint(1), base.clone().fingerprint(1));
    }
}

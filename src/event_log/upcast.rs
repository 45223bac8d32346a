//! Upcasting: converts older versions of events to the current one, so that all other code only has
//! to handle the current version.

use bytes::Bytes;

/// Version of the upcasters. Increase it whenever an upcaster is added or changed. It is part of
/// every projection's fingerprint.
pub const UPCASTERS_VERSION: u32 = 1;

/// Schema version with which events are written.
pub const CURRENT_SCHEMA: u32 = 1;

/// Event as it was written: type, schema version and body.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Type of the event.
    pub event_type: String,
    /// Schema version of that type.
    pub schema: u32,
    /// Body as JSON.
    pub body: Bytes,
}

/// Converts an event to the current version of its type. All types have version 1, so this function
/// only rejects events of a newer program.
///
/// # Errors
/// A newer program than this one wrote the event.
pub fn upcast(written: Written) -> Result<Written, String> {
    if written.schema > CURRENT_SCHEMA {
        return Err(format!(
            "{} has schema version {}, this program knows up to {CURRENT_SCHEMA}; use a newer program",
            written.event_type, written.schema
        ));
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(schema: u32) -> Written {
        Written {
            event_type: "EmailSent".to_owned(),
            schema,
            body: Bytes::from_static(b"{}"),
        }
    }

    #[test]
    fn current_schema_is_unchanged() {
        assert_eq!(upcast(written(CURRENT_SCHEMA)), Ok(written(CURRENT_SCHEMA)));
    }

    #[test]
    fn newer_schema_is_refused() {
        assert!(upcast(written(CURRENT_SCHEMA + 1)).is_err());
    }
}

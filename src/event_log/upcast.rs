//! Older versions of events become the present one here, and nowhere else, before anything sees them.

use bytes::Bytes;

/// Changes whenever an upcaster is added or changed; part of every projection's fingerprint.
pub const UPCASTERS_VERSION: u32 = 1;

/// The schema version that events are written with today.
pub const CURRENT_SCHEMA: u32 = 1;

/// An event as it was written: type, schema version and body.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// The event's type.
    pub event_type: String,
    /// The version of that type's schema.
    pub schema: u32,
    /// The JSON.
    pub body: Bytes,
}

/// Brings an event to the present version of its type. Version 1 of everything is current, so
/// today this only tells events of a newer program apart.
///
/// # Errors
/// The event was written by a newer program than this one.
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
        Written { event_type: "EmailSent".to_owned(), schema, body: Bytes::from_static(b"{}") }
    }

    #[test]
    fn the_present_version_passes_unchanged() {
        assert_eq!(upcast(written(CURRENT_SCHEMA)), Ok(written(CURRENT_SCHEMA)));
    }

    #[test]
    fn an_event_of_a_newer_program_is_refused() {
        assert!(upcast(written(CURRENT_SCHEMA + 1)).is_err());
    }
}

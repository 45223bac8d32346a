//! Upcasting: converts older versions of events to the current one, so that all other code only has
//! to handle the current version. Each event type has its own schema versions.

use bytes::Bytes;

/// Version of the upcasters. Increase it whenever an upcaster is added or changed. It is part of
/// every projection's fingerprint.
pub const UPCASTERS_VERSION: u32 = if cfg!(feature = "next-version") { 2 } else { 1 };

/// Conversion of one event type from one schema version to the next.
struct Upcaster {
    event_type: &'static str,
    from: u32,
    convert: fn(&[u8]) -> Result<Vec<u8>, String>,
}

/// All upcasters. There are none yet, because all types have version 1. The feature `next-version`
/// builds a newer program, which has upcasters. Tests use it for upgrades.
const UPCASTERS: &[Upcaster] = if cfg!(feature = "next-version") {
    &[raised("CertificateRequested"), raised("EmailQueued")]
} else {
    &[]
};

/// Event types that the program with the feature `next-version` writes under another name, which
/// the program without it doesn't know.
const RENAMED: &[(&str, &str)] = if cfg!(feature = "next-version") {
    &[("BatchDispatched", "BatchSettled")]
} else {
    &[]
};

/// Returns the name with which events of a type are written.
pub(super) fn written_name(event_type: &'static str) -> &'static str {
    let renamed = RENAMED.iter().find(|(known, _)| *known == event_type);
    renamed.map_or(event_type, |(_, written)| written)
}

/// Returns an upcaster from version 1, which keeps the body.
const fn raised(event_type: &'static str) -> Upcaster {
    Upcaster {
        event_type,
        from: 1,
        convert: |body| Ok(body.to_vec()),
    }
}

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

/// Converts an event to the newest version of its type that an upcaster produces. An event of a
/// newer program keeps its version, which this program may not know.
///
/// # Errors
/// The body can't be converted.
pub fn upcast(mut written: Written) -> Result<Written, String> {
    if let Some((known, _)) = RENAMED.iter().find(|(_, name)| *name == written.event_type) {
        (*known).clone_into(&mut written.event_type);
    }
    upcast_by(UPCASTERS, written)
}

fn upcast_by(upcasters: &[Upcaster], mut written: Written) -> Result<Written, String> {
    while let Some(next) = upcasters
        .iter()
        .find(|one| one.event_type == written.event_type && one.from == written.schema)
    {
        written.body = (next.convert)(&written.body)?.into();
        written.schema += 1;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: &[Upcaster] = &[
        Upcaster {
            event_type: "EmailSent",
            from: 2,
            convert: |body| Ok([body, b"3"].concat()),
        },
        Upcaster {
            event_type: "EmailSent",
            from: 1,
            convert: |body| Ok([body, b"2"].concat()),
        },
    ];

    fn written(event_type: &str, schema: u32, body: &'static str) -> Written {
        Written {
            event_type: event_type.to_owned(),
            schema,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn each_type_is_converted_version_by_version() {
        for (event_type, schema, expected) in [
            ("EmailSent", 1, written("EmailSent", 3, "-23")),
            ("EmailSent", 2, written("EmailSent", 3, "-3")),
            ("EmailSent", 3, written("EmailSent", 3, "-")),
            ("EmailSent", 4, written("EmailSent", 4, "-")),
            ("EmailFailed", 1, written("EmailFailed", 1, "-")),
        ] {
            let converted = upcast_by(CHAIN, written(event_type, schema, "-"));
            assert_eq!(converted, Ok(expected));
        }
    }
}

//! Names of an aggregate's events, and their conversion to and from JSON. A macro generates the
//! code.

use serde_json::Value;
use thiserror::Error;

/// Reason why a recorded event could not be decoded.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The aggregate has no such event type.
    #[error("aggregate \"{aggregate}\" has no event type \"{event_type}\"")]
    UnknownType {
        /// Name of the aggregate in the subject.
        aggregate: &'static str,
        /// Type in the envelope.
        event_type: String,
    },
    /// This program has no such aggregate.
    #[error("there is no aggregate \"{aggregate}\" (event type \"{event_type}\")")]
    UnknownAggregate {
        /// Aggregate in the envelope.
        aggregate: String,
        /// Type in the envelope.
        event_type: String,
    },
    /// Another version of the program wrote the event, and no upcaster converts it.
    #[error("{event_type} has schema version {schema}, and this program knows version {known}")]
    UnknownVersion {
        /// Type in the envelope.
        event_type: String,
        /// Schema version in the envelope.
        schema: u32,
        /// Schema version that this program knows.
        known: u32,
    },
    /// The body is not valid JSON for this event type. The error contains the position, but no
    /// value.
    #[error("the body of a {event_type} is not valid at line {line}, column {column}")]
    Body {
        /// Type in the envelope.
        event_type: String,
        /// Line of the error in the JSON.
        line: usize,
        /// Column of the error in the JSON.
        column: usize,
    },
}

impl DecodeError {
    /// Returns true if this program doesn't know the type or version of the event. A newer program
    /// does.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        !matches!(self, Self::Body { .. })
    }
}

/// Returns 1 for an event type whose schema version is higher in builds with the feature
/// `next-version`, with which tests make an upgrade, otherwise 0.
pub(crate) fn raised_by(event_type: &str) -> u32 {
    let is_raised = ["CertificateRequested", "EmailQueued"].contains(&event_type);
    u32::from(cfg!(feature = "next-version") && is_raised)
}

/// Events of one aggregate.
pub trait DomainEvent: Clone + Send + Sync + Sized + 'static {
    /// All event types of this aggregate, as in the `ce-type` header.
    const TYPES: &'static [&'static str];

    /// Returns the event type, as in the `ce-type` header.
    fn event_type(&self) -> &'static str;

    /// Returns the current schema version of an event type, or `None` if this aggregate has no such
    /// type.
    fn schema_of(event_type: &str) -> Option<u32>;

    /// Returns the schema version with which the event is written.
    fn schema(&self) -> u32 {
        Self::schema_of(self.event_type()).unwrap_or(1)
    }

    /// Returns the event's data as JSON.
    fn body(&self) -> Value;

    /// Returns the event's data as JSON text, which is the body of its message. This is several
    /// times faster than [`Self::body`].
    fn encode(&self) -> Vec<u8>;

    /// Decodes an event from its type, schema version and body.
    ///
    /// # Errors
    /// The type is unknown to this aggregate, it has another version, or the body doesn't match it.
    fn decode(event_type: &str, schema: u32, body: &[u8]) -> Result<Self, DecodeError>;
}

/// Declares the event enum of an aggregate. Each variant contains the struct with the same name. A
/// type has schema version 1, unless another one is given: `CertificateGenerated = 2`.
macro_rules! domain_events {
    (
        $(#[$doc:meta])*
        $name:ident for $aggregate:literal { $($variant:ident $(= $schema:literal)?),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "events are not kept in large numbers")]
        pub enum $name {
            $(
                #[allow(missing_docs, reason = "the payload struct of the same name is documented")]
                $variant($variant),
            )+
        }

        $(
            impl From<$variant> for $name {
                fn from(event: $variant) -> Self {
                    Self::$variant(event)
                }
            }
        )+

        impl $crate::domain::kernel::domain_event::DomainEvent for $name {
            const TYPES: &'static [&'static str] = &[$(stringify!($variant)),+];

            fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($variant),)+
                }
            }

            fn schema_of(event_type: &str) -> Option<u32> {
                match event_type {
                    $(stringify!($variant) => {
                        let versions: &[u32] = &[1, $($schema)?];
                        let raised = $crate::domain::kernel::domain_event::raised_by(event_type);
                        versions.last().map(|version| version + raised)
                    })+
                    _ => None,
                }
            }

            fn body(&self) -> serde_json::Value {
                let body = match self {
                    $(Self::$variant(event) => serde_json::to_value(event),)+
                };
                // proof: payloads have string keys and no fallible Serialize;
                // `every_event_has_a_sample_that_round_trips_through_json` tests it. Clippy doesn't check macros.
                body.expect("an event's payload serialises")
            }

            fn encode(&self) -> Vec<u8> {
                let text = match self {
                    $(Self::$variant(event) => serde_json::to_vec(event),)+
                };
                // proof: as above.
                text.expect("an event's payload serialises")
            }

            fn decode(
                event_type: &str,
                schema: u32,
                body: &[u8],
            ) -> Result<Self, $crate::domain::kernel::domain_event::DecodeError> {
                use $crate::domain::kernel::domain_event::DecodeError;
                let unknown = || DecodeError::UnknownType {
                    aggregate: $aggregate,
                    event_type: event_type.to_owned(),
                };
                let known = Self::schema_of(event_type).ok_or_else(unknown)?;
                if schema != known {
                    let event_type = event_type.to_owned();
                    return Err(DecodeError::UnknownVersion { event_type, schema, known });
                }
                let bad_body = |error: serde_json::Error| DecodeError::Body {
                    event_type: event_type.to_owned(),
                    line: error.line(),
                    column: error.column(),
                };
                match event_type {
                    $(stringify!($variant) => serde_json::from_slice(body).map(Self::$variant).map_err(bad_body),)+
                    _ => Err(unknown()),
                }
            }
        }
    };
}

pub(crate) use domain_events;

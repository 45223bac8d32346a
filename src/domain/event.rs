//! All events of all aggregates as one type, for projections, process managers and tools.

use super::accounts::admins::{Admins, AdminsEvent};
use super::accounts::api_key::{ApiKey, ApiKeyEvent};
use super::accounts::notice::{Notice, NoticeEvent};
use super::accounts::second_factor::{SecondFactor, SecondFactorEvent};
use super::accounts::session::{Session, SessionEvent};
use super::accounts::user::{User, UserEvent};
use super::certification::attendee::{Attendee, AttendeeEvent};
use super::certification::batch::{Batch, BatchEvent};
use super::certification::certificate::{Certificate, CertificateEvent};
use super::certification::design::{Design, DesignEvent};
use super::certification::import::{Import, ImportEvent};
use super::certification::issuance::{Issuance, IssuanceEvent};
use super::certification::mail::{Mail, MailEvent};
use super::certification::template::{Template, TemplateEvent};
use super::kernel::claim::{Claim, ClaimEvent};
use super::{Decider, DecodeError, DomainEvent};

/// Knowledge of this program about the type and version of a recorded event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// This program can decode the event.
    Known,
    /// This program has no such event type, or no such aggregate.
    UnknownType,
    /// This program knows another schema version of the type.
    UnknownVersion,
}

impl Recognition {
    /// Returns the knowledge about an event type with a schema version.
    #[must_use]
    pub fn of(aggregate: &str, event_type: &str, schema: u32) -> Self {
        match Event::schema_of(aggregate, event_type) {
            Some(known) if known == schema => Self::Known,
            Some(_) => Self::UnknownVersion,
            None => Self::UnknownType,
        }
    }
}

macro_rules! all_events {
    ($($aggregate:ident($event:ident)),+ $(,)?) => {
        /// Event of any aggregate.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "events are not kept in large numbers")]
        pub enum Event {
            $(
                #[allow(missing_docs, reason = "the aggregate of the same name is documented")]
                $aggregate($event),
            )+
        }

        impl Event {
            /// All aggregates and their event types, with the names used in subjects and headers.
            pub const CATALOGUE: &'static [(&'static str, &'static [&'static str])] =
                &[$(($aggregate::AGGREGATE, $event::TYPES)),+];

            /// Returns the event type, as in the `ce-type` header.
            #[must_use]
            pub fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$aggregate(event) => event.event_type(),)+
                }
            }

            /// Returns the current schema version of an event type, or `None` if this program has
            /// no such type.
            #[must_use]
            pub fn schema_of(aggregate: &str, event_type: &str) -> Option<u32> {
                match aggregate {
                    $($aggregate::AGGREGATE => $event::schema_of(event_type),)+
                    _ => None,
                }
            }

            /// Returns the event's data as JSON.
            #[must_use]
            pub fn body(&self) -> serde_json::Value {
                match self {
                    $(Self::$aggregate(event) => event.body(),)+
                }
            }

            /// Decodes an event of any aggregate from its aggregate kind, type, schema version and
            /// body.
            ///
            /// # Errors
            /// The aggregate, type or version is unknown, or the body doesn't match the type.
            pub fn decode(
                aggregate: &str,
                event_type: &str,
                schema: u32,
                body: &[u8],
            ) -> Result<Self, DecodeError> {
                match aggregate {
                    $($aggregate::AGGREGATE => {
                        $event::decode(event_type, schema, body).map(Self::$aggregate)
                    })+
                    _ => Err(DecodeError::UnknownAggregate {
                        aggregate: aggregate.to_owned(),
                        event_type: event_type.to_owned(),
                    }),
                }
            }
        }

        $(
            impl From<$event> for Event {
                fn from(event: $event) -> Self {
                    Self::$aggregate(event)
                }
            }
        )+
    };
}

all_events! {
    Admins(AdminsEvent),
    ApiKey(ApiKeyEvent),
    Attendee(AttendeeEvent),
    Batch(BatchEvent),
    Certificate(CertificateEvent),
    Claim(ClaimEvent),
    Design(DesignEvent),
    Mail(MailEvent),
    Import(ImportEvent),
    Issuance(IssuanceEvent),
    SecondFactor(SecondFactorEvent),
    Notice(NoticeEvent),
    Session(SessionEvent),
    Template(TemplateEvent),
    User(UserEvent),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn unknown_type_and_unknown_version_are_distinguished() {
        for (aggregate, event_type, schema, expected) in [
            ("mail", "EmailSent", 1, Recognition::Known),
            ("mail", "EmailSent", 2, Recognition::UnknownVersion),
            ("mail", "EmailEaten", 1, Recognition::UnknownType),
            ("wizard", "EmailSent", 1, Recognition::UnknownType),
        ] {
            assert_eq!(Recognition::of(aggregate, event_type, schema), expected);
            let error = Event::decode(aggregate, event_type, schema, b"[]").expect_err("no object");
            assert_eq!(error.is_unknown(), expected != Recognition::Known);
        }
    }

    #[test]
    fn event_types_are_unique_across_aggregates() {
        let types: Vec<_> = Event::CATALOGUE
            .iter()
            .flat_map(|(_, types)| types.iter())
            .collect();
        let unique: BTreeSet<_> = types.iter().collect();
        assert_eq!(types.len(), unique.len());
    }

    #[test]
    fn unknown_aggregate_or_type_is_named() {
        for (aggregate, event_type, expected) in [
            (
                "wizard",
                "WizardHired",
                "there is no aggregate \"wizard\" (event type \"WizardHired\")",
            ),
            (
                "mail",
                "EmailEaten",
                "aggregate \"mail\" has no event type \"EmailEaten\"",
            ),
        ] {
            let error = Event::decode(aggregate, event_type, 1, b"{}").expect_err(aggregate);
            assert_eq!(error.to_string(), expected);
        }
    }
}

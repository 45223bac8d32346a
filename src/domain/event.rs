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

            /// Returns the event's data as JSON.
            #[must_use]
            pub fn body(&self) -> serde_json::Value {
                match self {
                    $(Self::$aggregate(event) => event.body(),)+
                }
            }

            /// Decodes an event of any aggregate from its aggregate kind, type and body.
            ///
            /// # Errors
            /// The aggregate or type is unknown, or the body doesn't match the type.
            pub fn decode(aggregate: &str, event_type: &str, body: &[u8]) -> Result<Self, DecodeError> {
                match aggregate {
                    $($aggregate::AGGREGATE => $event::decode(event_type, body).map(Self::$aggregate),)+
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
    use super::*;

    #[test]
    fn unknown_aggregate_or_type_is_named() {
        for (aggregate, event_type, expected) in [
            (
                "wizard",
                "WizardHired",
                "there is no aggregate \"wizard\" (event type \"WizardHired\")",
            ),
            (
                "email",
                "EmailEaten",
                "aggregate \"email\" has no event type \"EmailEaten\"",
            ),
        ] {
            let error = Event::decode(aggregate, event_type, b"{}").expect_err(aggregate);
            assert_eq!(error.to_string(), expected);
        }
    }
}

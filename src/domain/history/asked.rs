//! Arbitrary commands and sample events of each aggregate.

mod imports;
mod looks;
mod users;

use std::fmt::Debug;

use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::domain::certification::attendee::{
    Attendee, AttendeeCommand, AttendeeDeleted, AttendeeEvent, AttendeeImported, AttendeeUpdated,
    Source,
};
use crate::domain::certification::batch::{
    Batch, BatchCancelRequested, BatchCancelled, BatchCommand, BatchDispatched, BatchEvent,
    BatchRequested, BatchUndoRequested, BatchUndone, RefusedAttendee,
};
use crate::domain::certification::certificate::samples::definition;
use crate::domain::certification::certificate::{
    Certificate, CertificateActivated, CertificateCommand, CertificateDeactivated,
    CertificateDefined, CertificateDeleted, CertificateEvent, CertificateRedefined, Definition,
    DesignRef, TemplateRef,
};
use crate::domain::certification::issuance::samples::{generated, request, revoked};
use crate::domain::certification::issuance::{
    CertificateGenerationFailed, CertificateRequested, CertificateRevoked, Issuance,
    IssuanceCommand, IssuanceEvent, WhyRevoked,
};
use crate::domain::certification::mail::samples::queued;
use crate::domain::certification::origin::Origin;

use crate::domain::certification::mail::{
    EmailCancelled, EmailFailed, EmailOutcomeUnknown, EmailQueued, EmailReleased, EmailRescheduled,
    EmailRetryRequested, EmailSent, Mail, MailCommand, MailDelivery, MailEvent, OnUnknown,
    SendClaimed,
};
use crate::domain::certification::manifest::{OptionValue, OptionValues};
use crate::domain::certification::person::samples::person;
use crate::domain::certification::template::samples::files;
use crate::domain::kernel::claim::{
    Claim, ClaimCommand, ClaimEvent, ClaimKind, ClaimReleased, ClaimTaken,
};
use crate::domain::{Decider, Event, Person};

const TIME: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn id<T: From<Uuid>>(n: u32) -> T {
    Uuid::from_u128(u128::from(n)).into()
}

/// Arbitrary commands and sample events of an aggregate.
pub(super) trait Asked:
    Decider<State: PartialEq + Debug, Event: PartialEq + Debug + Into<Event>>
{
    /// Creates a command from a text and a number. `which` selects the type of the command.
    fn command(which: u32, text: &str, n: u32) -> Self::Command;
    /// Returns at least one event of each type. Each optional field is present in one of them and
    /// absent in another.
    fn samples(text: &str, n: u32) -> Vec<Self::Event>;
}

impl Asked for Attendee {
    fn command(which: u32, text: &str, n: u32) -> AttendeeCommand {
        let source = n.is_multiple_of(2).then(|| source(n));
        match which % 3 {
            0 => AttendeeCommand::Import {
                person: person(text),
                source,
            },
            1 => AttendeeCommand::Delete,
            _ => AttendeeCommand::Update {
                person: person(text),
                source,
            },
        }
    }

    fn samples(text: &str, n: u32) -> Vec<AttendeeEvent> {
        let whole = Person {
            country: Some("Chile".to_owned().into()),
            document_type: Some("RUT".to_owned().into()),
            gender: Some("F".to_owned().into()),
            ..person(text)
        };
        let source = Some(source(n));
        vec![
            AttendeeImported {
                person: person(text),
                source: None,
            }
            .into(),
            AttendeeImported {
                person: whole.clone(),
                source: source.clone(),
            }
            .into(),
            AttendeeUpdated {
                person: person(text),
                source: None,
            }
            .into(),
            AttendeeUpdated {
                person: whole,
                source,
            }
            .into(),
            AttendeeDeleted {}.into(),
            AttendeeImported {
                person: Person {
                    document_number: None,
                    ..person(text)
                },
                source: None,
            }
            .into(),
        ]
    }
}

/// Returns the `n`th delivery, modulo the number of its variants.
fn delivery(n: u32) -> MailDelivery {
    match n % 3 {
        0 => MailDelivery::Immediate,
        1 => MailDelivery::Held,
        _ => MailDelivery::At(OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(n.into())),
    }
}

/// Returns an issue date.
const fn day() -> time::Date {
    time::macros::date!(2026 - 11 - 20)
}

fn batch(n: u32) -> BatchRequested {
    let attendee_ids = (0..n % 5).map(id).collect();
    BatchRequested {
        certificate_id: id(n),
        attendee_ids,
        delivery: MailDelivery::Immediate,
        issue_date: None,
        import_id: None,
    }
}

fn dispatched(text: &str, n: u32) -> BatchDispatched {
    let refused = vec![RefusedAttendee {
        attendee_id: id(n),
        code: text.to_owned(),
    }];
    BatchDispatched {
        requested: n,
        existing: n,
        refused,
        left: n,
    }
}

fn undo(text: &str) -> BatchUndoRequested {
    BatchUndoRequested {
        reason: WhyRevoked::IssuedInError,
        note: Some(text.to_owned().into()),
    }
}

impl Asked for Batch {
    fn command(which: u32, text: &str, n: u32) -> BatchCommand {
        match which % 6 {
            0 => BatchCommand::Request(batch(n)),
            1 => BatchCommand::RecordDispatch(dispatched(text, n)),
            2 => BatchCommand::Cancel,
            3 => BatchCommand::RecordCancelled(BatchCancelled {
                revoked: n,
                kept: n,
            }),
            4 => BatchCommand::Undo(undo(text)),
            _ => BatchCommand::RecordUndone(BatchUndone { revoked: n }),
        }
    }

    fn samples(text: &str, n: u32) -> Vec<BatchEvent> {
        let delivered = BatchRequested {
            delivery: delivery(n),
            issue_date: Some(day()),
            import_id: Some(id(n)),
            ..batch(n)
        };
        vec![
            batch(n).into(),
            dispatched(text, n).into(),
            delivered.into(),
            BatchCancelRequested {}.into(),
            BatchCancelled {
                revoked: n,
                kept: n,
            }
            .into(),
            undo(text).into(),
            BatchUndoRequested {
                reason: WhyRevoked::Other,
                note: None,
            }
            .into(),
            BatchUndone { revoked: n }.into(),
        ]
    }
}

fn template_with_options(text: &str) -> TemplateRef {
    let logo = DesignRef {
        key: text.to_owned(),
        sha256: "ab".repeat(32),
    };
    let options = OptionValues::from([
        ("signer".to_owned(), text.into()),
        ("logo".to_owned(), OptionValue::Image(logo)),
    ]);
    TemplateRef {
        options,
        ..TemplateRef::new("corporate", 1)
    }
}

fn whole_definition(text: &str) -> Definition {
    Definition {
        design: Some(DesignRef {
            key: text.to_owned(),
            sha256: "ab".repeat(32),
        }),
        event_link: Some("https://example.com/summit".to_owned()),
        sendgrid_template_id: Some(text.to_owned()),
        issue_date: Some(day()),
        ..definition()
    }
}

impl Asked for Certificate {
    fn command(which: u32, text: &str, _: u32) -> CertificateCommand {
        match which % 6 {
            4 => CertificateCommand::Redefine(whole_definition(text)),
            5 => CertificateCommand::Delete,
            0 => CertificateCommand::Define(Definition {
                name: text.to_owned(),
                ..whole_definition(text)
            }),
            1 => CertificateCommand::Define(definition()),
            2 => CertificateCommand::Activate,
            _ => CertificateCommand::Deactivate,
        }
    }

    fn samples(text: &str, _: u32) -> Vec<CertificateEvent> {
        vec![
            CertificateDefined {
                definition: definition(),
            }
            .into(),
            CertificateDefined {
                definition: whole_definition(text),
            }
            .into(),
            CertificateActivated {}.into(),
            CertificateDeactivated {}.into(),
            CertificateRedefined {
                definition: whole_definition(text),
            }
            .into(),
            CertificateDeleted {}.into(),
            CertificateDefined {
                definition: Definition {
                    pdf_template: template_with_options(text),
                    ..definition()
                },
            }
            .into(),
        ]
    }
}

const KINDS: [ClaimKind; 5] = [
    ClaimKind::AttendeeEmail,
    ClaimKind::AttendeeDocument,
    ClaimKind::UserEmail,
    ClaimKind::UserName,
    ClaimKind::AttendeeNameAtEmail,
];

impl Asked for Claim {
    fn command(which: u32, _: &str, n: u32) -> ClaimCommand {
        let kind = KINDS[(n % 4) as usize];
        let owner = id(n);
        match which % 2 {
            0 => ClaimCommand::Take { kind, owner },
            _ => ClaimCommand::Release { kind, owner },
        }
    }

    fn samples(_: &str, n: u32) -> Vec<ClaimEvent> {
        let owner = id(n);
        let taken = KINDS.map(|kind| ClaimTaken { kind, owner }.into());
        let released = KINDS.map(|kind| ClaimReleased { kind, owner }.into());
        [taken, released].concat()
    }
}

impl Asked for Mail {
    fn command(which: u32, text: &str, n: u32) -> MailCommand {
        let on_unknown = if n.is_multiple_of(2) {
            OnUnknown::Park
        } else {
            OnUnknown::Retry
        };
        let said = || text.to_owned().into();
        match which % 13 {
            0 => MailCommand::Queue(Box::new(EmailQueued {
                delivery: delivery(n),
                ..queued(on_unknown)
            })),
            1 | 2 => MailCommand::Claim {
                message_id: text.to_owned(),
            },
            3 => MailCommand::RecordSent(EmailSent {
                attempt: n,
                answer: said(),
            }),
            4 => MailCommand::RecordFailure(EmailFailed {
                attempt: n,
                permanent: n.is_multiple_of(3),
                retry_at: Some(TIME),
                unanswered: false,
                answer: said(),
            }),
            5 => MailCommand::RecordUnknown(EmailOutcomeUnknown {
                attempt: n,
                retry_at: Some(TIME),
                detail: said(),
            }),
            6 => MailCommand::Abandon {
                why: text.to_owned(),
            },
            7 => MailCommand::Release,
            8 => MailCommand::ReleaseDue,
            9 => MailCommand::Reschedule(delivery(n)),
            10 => MailCommand::Cancel { reason: said() },
            11 => MailCommand::RecordUnclaimedFailure(EmailFailed {
                attempt: n,
                permanent: n.is_multiple_of(3),
                retry_at: Some(TIME),
                unanswered: true,
                answer: said(),
            }),
            _ => MailCommand::Retry,
        }
    }

    fn samples(text: &str, n: u32) -> Vec<MailEvent> {
        let n = n % (u32::MAX - 1);
        let mut linked = queued(OnUnknown::Retry);
        linked.event_link = Some("https://example.com/summit".to_owned());
        let said = || text.to_owned().into();
        vec![
            queued(OnUnknown::Park).into(),
            linked.into(),
            SendClaimed {
                attempt: n,
                message_id: text.to_owned(),
            }
            .into(),
            EmailSent {
                attempt: n,
                answer: said(),
            }
            .into(),
            EmailFailed {
                attempt: n,
                permanent: true,
                retry_at: None,
                unanswered: false,
                answer: said(),
            }
            .into(),
            EmailFailed {
                attempt: n,
                permanent: false,
                retry_at: Some(TIME),
                unanswered: false,
                answer: said(),
            }
            .into(),
            EmailOutcomeUnknown {
                attempt: n,
                retry_at: None,
                detail: said(),
            }
            .into(),
            EmailOutcomeUnknown {
                attempt: n,
                retry_at: Some(TIME),
                detail: said(),
            }
            .into(),
            EmailRetryRequested {}.into(),
            EmailQueued {
                delivery: delivery(n),
                ..queued(OnUnknown::Park)
            }
            .into(),
            EmailReleased {}.into(),
            EmailRescheduled {
                delivery: delivery(n + 1),
            }
            .into(),
            EmailRescheduled {
                delivery: delivery(n),
            }
            .into(),
            EmailCancelled { reason: said() }.into(),
        ]
    }
}

fn source(n: u32) -> Source {
    Source {
        origin: Origin::import(id(n)),
        row: Some(n),
    }
}

fn whole_request(text: &str, n: u32) -> CertificateRequested {
    let mut whole = request(text);
    whole.origins = vec![Origin::batch(id(n)), Origin::import(id(n))];
    whole.page.design = whole_definition(text).design;
    whole.page.document_number = Some(text.to_owned().into());
    whole.event_link = Some("https://example.com/summit".to_owned());
    whole
}

fn whole_revocation(text: &str, n: u32) -> CertificateRevoked {
    let reason = WhyRevoked::ALL[n as usize % WhyRevoked::ALL.len()];
    CertificateRevoked {
        batch_id: Some(id(n)),
        ..revoked(reason, Some(text))
    }
}

fn with_options(text: &str) -> CertificateRequested {
    let mut request = request(text);
    request.page.pdf_template = template_with_options(text);
    request.page.own_template = Some(files(text));
    request
}

impl Asked for Issuance {
    fn command(which: u32, text: &str, n: u32) -> IssuanceCommand {
        let code = text.to_owned();
        match which % 7 {
            0 => IssuanceCommand::Request(Box::new(request(text))),
            1 => IssuanceCommand::Request(Box::new(whole_request(text, n))),
            2 => IssuanceCommand::RecordGenerated(generated(text)),
            3 => IssuanceCommand::Revoke(whole_revocation(text, n)),
            4 => IssuanceCommand::RevokeUnfinished(revoked(WhyRevoked::BatchCancelled, None)),
            5 => IssuanceCommand::GiveWay,
            _ => IssuanceCommand::RecordFailure(CertificateGenerationFailed {
                code,
                reason: text.to_owned().into(),
            }),
        }
    }

    fn samples(text: &str, n: u32) -> Vec<IssuanceEvent> {
        let reason = text.to_owned().into();
        vec![
            request(text).into(),
            whole_request(text, n).into(),
            generated(text).into(),
            CertificateGenerationFailed {
                code: text.to_owned(),
                reason,
            }
            .into(),
            CertificateRequested {
                delivery: delivery(n),
                ..request(text)
            }
            .into(),
            whole_revocation(text, n).into(),
            revoked(WhyRevoked::Withdrawn, None).into(),
            with_options(text).into(),
        ]
    }
}

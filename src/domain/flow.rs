//! Flow of events: the table of all events, the worker that handles each event, and the events that
//! may follow.
//!
//! Each recorded event names these workers in its header `for`, so that an older program knows that
//! a newer one handles the event. The workers' subscriptions ([`Input::TYPES`]), the events that the
//! workers match on, and the table in `ARCHITECTURE.md` are derived from this table. An event
//! without a row is a compile error here. A new row is a compile error in its worker until the
//! worker handles the event.

use crate::domain::accounts::admins::AdminsEvent;
use crate::domain::accounts::api_key::ApiKeyEvent;
use crate::domain::accounts::notice::{
    Notice, NoticeEvent, NoticeFailed, NoticeOutcomeUnknown, NoticeQueued, NoticeReleased,
    NoticeRescheduled, NoticeRetryRequested,
};
use crate::domain::accounts::second_factor::SecondFactorEvent;
use crate::domain::accounts::session::SessionEvent;
use crate::domain::accounts::user::UserEvent;
use crate::domain::certification::attendee::AttendeeEvent;
use crate::domain::certification::batch::{
    Batch, BatchCancelRequested, BatchDispatched, BatchEvent, BatchRequested, BatchUndoRequested,
};
use crate::domain::certification::certificate::CertificateEvent;
use crate::domain::certification::design::DesignEvent;
use crate::domain::certification::import::{
    Import, ImportEvent, ImportFailed, ImportRequested, ImportRetryRequested,
};
use crate::domain::certification::issuance::{
    CertificateGenerated, CertificateRequested, CertificateRevoked, Issuance, IssuanceEvent,
};
use crate::domain::certification::mail::{
    EmailFailed, EmailOutcomeUnknown, EmailQueued, EmailReleased, EmailRescheduled,
    EmailRetryRequested, Mail, MailEvent,
};
use crate::domain::certification::template::TemplateEvent;
use crate::domain::kernel::claim::ClaimEvent;
use crate::domain::{Decider, Event};

/// Events that one worker handles.
pub trait Input: Sized + Send {
    /// Name of the worker and of its durable consumer.
    const WORKER: &'static str;
    /// Types of the events.
    const TYPES: &'static [&'static str];

    /// Returns the event as input of the worker, or `None` if the worker doesn't handle it.
    fn of(event: Event) -> Option<Self>;
}

/// Row of the table: one event and the worker that handles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Kind of the aggregate, as in subjects.
    pub aggregate: &'static str,
    /// Type of the event.
    pub event: &'static str,
    /// Name of the worker that handles the event.
    pub worker: &'static str,
    /// Effect of the worker on this event.
    pub effect: &'static str,
    /// Types of the events that may follow.
    pub followed_by: &'static [&'static str],
}

/// Returns the workers that handle events of a type.
pub fn workers_of(event_type: &str) -> impl Iterator<Item = &'static str> {
    FLOW.iter()
        .filter(move |row| row.event == event_type)
        .map(|row| row.worker)
}

macro_rules! flow {
    (
        $(
            $(#[$doc:meta])*
            worker $worker:literal handles $input:ident {
                $(
                    $aggregate:ident($events:ident::$event:ident): $effect:literal
                        => [$($next_events:ident::$next:ident),+ $(,)?];
                )+
            }
        )+
        nothing follows { $($other:ident($other_events:ident: $($ignored:ident),+ $(,)?);)+ }
    ) => {
        /// Events that a worker handles, in the order of the work.
        pub const FLOW: &[Row] = &[$($(
            Row {
                aggregate: $aggregate::AGGREGATE,
                event: stringify!($event),
                worker: $worker,
                effect: $effect,
                followed_by: &[$(stringify!($next)),+],
            },
        )+)+];

        /// Types of the events that no worker handles.
        pub const UNHANDLED: &[&str] = &[$($(stringify!($ignored)),+),+];

        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            #[allow(clippy::large_enum_variant, reason = "events are not kept in large numbers")]
            pub enum $input {
                $(
                    #[allow(missing_docs, reason = "the payload struct of the same name is documented")]
                    $event($event),
                )+
            }

            impl Input for $input {
                const WORKER: &'static str = $worker;
                const TYPES: &'static [&'static str] = &[$(stringify!($event)),+];

                fn of(event: Event) -> Option<Self> {
                    match event {
                        $(Event::$aggregate($events::$event(event)) => Some(Self::$event(event)),)+
                        _ => None,
                    }
                }
            }
        )+

        // Compiles only if each event has a row or is listed as unhandled, and if all following
        // events exist.
        const _: fn(&Event) = |event| {
            $($($(let _ = $next_events::$next;)+)+)+
            match event {
                $($(| Event::$aggregate($events::$event(_)))+)+ => {}
                $($(| Event::$other($other_events::$ignored(_)))+)+ => {}
            }
        };
    };
}

flow! {
    /// Events that the importer handles.
    worker "importer" handles ImporterInput {
        Import(ImportEvent::ImportRequested): "imports the rows of the file and requests the batches" => [
            AttendeeEvent::AttendeeImported, AttendeeEvent::AttendeeUpdated, ClaimEvent::ClaimTaken,
            ClaimEvent::ClaimReleased, ImportEvent::ImportRowsAccepted, ImportEvent::ImportRowsRejected,
            BatchEvent::BatchRequested, ImportEvent::ImportCompleted, ImportEvent::ImportFailed,
            ImportEvent::ImportCancelled,
        ];
        Import(ImportEvent::ImportRetryRequested): "continues the import" => [
            AttendeeEvent::AttendeeImported, AttendeeEvent::AttendeeUpdated, ClaimEvent::ClaimTaken,
            ClaimEvent::ClaimReleased, ImportEvent::ImportRowsAccepted, ImportEvent::ImportRowsRejected,
            BatchEvent::BatchRequested, ImportEvent::ImportCompleted, ImportEvent::ImportFailed,
            ImportEvent::ImportCancelled,
        ];
    }

    /// Events that the process managers handle.
    worker "processes" handles ProcessesInput {
        Import(ImportEvent::ImportFailed): "requests batches for the people of accepted rows" => [
            BatchEvent::BatchRequested,
        ];
        Batch(BatchEvent::BatchRequested): "issues a certificate to each person" => [
            IssuanceEvent::CertificateRequested, BatchEvent::BatchDispatched,
            IssuanceEvent::CertificateRevoked, MailEvent::EmailQueued, MailEvent::EmailCancelled,
        ];
        Batch(BatchEvent::BatchDispatched): "stops the batch if this was requested" => [
            IssuanceEvent::CertificateRevoked, MailEvent::EmailQueued, MailEvent::EmailCancelled,
            BatchEvent::BatchCancelled, BatchEvent::BatchUndone,
        ];
        Batch(BatchEvent::BatchCancelRequested): "revokes unfinished issuances once all are dispatched" => [
            BatchEvent::BatchDispatched, IssuanceEvent::CertificateRevoked, MailEvent::EmailQueued,
            MailEvent::EmailCancelled, BatchEvent::BatchCancelled,
        ];
        Batch(BatchEvent::BatchUndoRequested): "revokes all issuances once all are dispatched" => [
            BatchEvent::BatchDispatched, IssuanceEvent::CertificateRevoked, BatchEvent::BatchUndone,
        ];
        Issuance(IssuanceEvent::CertificateGenerated): "queues the mail unless the issuance is revoked" => [
            MailEvent::EmailQueued,
        ];
        Issuance(IssuanceEvent::CertificateRevoked): "cancels mails that are not sent yet" => [
            MailEvent::EmailCancelled,
        ];
    }

    /// Events that the renderer handles.
    worker "renderer" handles RendererInput {
        Issuance(IssuanceEvent::CertificateRequested): "renders and stores the PDF" => [
            IssuanceEvent::CertificateGenerated, IssuanceEvent::CertificateGenerationFailed,
        ];
    }

    /// Events that the mailer handles.
    worker "mailer" handles MailerInput {
        Mail(MailEvent::EmailQueued): "sends the mail, or sets the timer that releases it" => [
            MailEvent::SendClaimed, MailEvent::EmailSent, MailEvent::EmailFailed,
            MailEvent::EmailOutcomeUnknown, MailEvent::EmailCancelled, MailEvent::EmailReleased,
        ];
        Mail(MailEvent::EmailReleased): "sends the mail" => [
            MailEvent::SendClaimed, MailEvent::EmailSent, MailEvent::EmailFailed,
            MailEvent::EmailOutcomeUnknown, MailEvent::EmailCancelled,
        ];
        Mail(MailEvent::EmailRescheduled): "sets the timer that releases the mail" => [
            MailEvent::EmailReleased,
        ];
        Mail(MailEvent::EmailRetryRequested): "sends the mail" => [
            MailEvent::SendClaimed, MailEvent::EmailSent, MailEvent::EmailFailed,
            MailEvent::EmailOutcomeUnknown, MailEvent::EmailCancelled,
        ];
        Mail(MailEvent::EmailFailed): "sets the timer of the next attempt" => [
            MailEvent::EmailReleased,
        ];
        Mail(MailEvent::EmailOutcomeUnknown): "sets the timer if the mail is sent again" => [
            MailEvent::EmailReleased,
        ];
    }

    /// Events that the notifier handles.
    worker "notifier" handles NotifierInput {
        Notice(NoticeEvent::NoticeQueued): "sends the account mail" => [
            NoticeEvent::NoticeClaimed, NoticeEvent::NoticeSent, NoticeEvent::NoticeFailed,
            NoticeEvent::NoticeOutcomeUnknown, NoticeEvent::NoticeCancelled,
        ];
        Notice(NoticeEvent::NoticeReleased): "sends the account mail" => [
            NoticeEvent::NoticeClaimed, NoticeEvent::NoticeSent, NoticeEvent::NoticeFailed,
            NoticeEvent::NoticeOutcomeUnknown, NoticeEvent::NoticeCancelled,
        ];
        Notice(NoticeEvent::NoticeRescheduled): "sets the timer that releases the mail" => [
            NoticeEvent::NoticeReleased,
        ];
        Notice(NoticeEvent::NoticeRetryRequested): "sends the account mail" => [
            NoticeEvent::NoticeClaimed, NoticeEvent::NoticeSent, NoticeEvent::NoticeFailed,
            NoticeEvent::NoticeOutcomeUnknown, NoticeEvent::NoticeCancelled,
        ];
        Notice(NoticeEvent::NoticeFailed): "sets the timer of the next attempt" => [
            NoticeEvent::NoticeReleased,
        ];
        Notice(NoticeEvent::NoticeOutcomeUnknown): "sets the timer if the mail is sent again" => [
            NoticeEvent::NoticeReleased,
        ];
    }

    nothing follows {
        Admins(AdminsEvent: AdminAppointed, AdminDismissed);
        ApiKey(ApiKeyEvent: ApiKeyCreated, ApiKeyRevoked);
        Attendee(AttendeeEvent: AttendeeImported, AttendeeUpdated, AttendeeDeleted);
        Batch(BatchEvent: BatchCancelled, BatchUndone);
        Certificate(CertificateEvent: CertificateDefined, CertificateActivated, CertificateDeactivated,
            CertificateRedefined, CertificateDeleted);
        Claim(ClaimEvent: ClaimTaken, ClaimReleased);
        Design(DesignEvent: DesignUploaded, DesignTakenIntoUse, DesignDeleted);
        Mail(MailEvent: SendClaimed, EmailSent, EmailCancelled);
        // The importer itself checks for a cancel request after each chunk.
        Import(ImportEvent: ImportRowsAccepted, ImportRowsRejected, ImportCompleted, ImportCancelRequested,
            ImportCancelled);
        Issuance(IssuanceEvent: CertificateGenerationFailed);
        Notice(NoticeEvent: NoticeClaimed, NoticeSent, NoticeCancelled);
        SecondFactor(SecondFactorEvent: SecondFactorBegun, SecondFactorConfirmed, SecondFactorUsed,
            RecoveryCodeUsed, RecoveryCodesRenewed, SecondFactorRemoved);
        Session(SessionEvent: SessionStarted, SessionRefreshed, SessionRevoked);
        Template(TemplateEvent: TemplateCreated, TemplateVersionAdded, TemplateActivated, TemplateRetired);
        User(UserEvent: UserRegistered, UserPasswordChanged, UserProfileChanged, UserRoleChanged,
            UserDisabled, UserEnabled, UserSessionsEnded, UserDeleted);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    /// Returns the aggregates in `filter_subjects` of a consumer's configuration.
    fn filtered(config: &str) -> BTreeSet<String> {
        let config: Value = serde_json::from_str(config).expect("JSON");
        let subjects = config["filter_subjects"]
            .as_array()
            .expect("filter subjects");
        let aggregate = |subject: &Value| {
            let subject = subject.as_str().expect("a subject");
            let inner = subject
                .strip_prefix("$NS.ev.")
                .and_then(|rest| rest.strip_suffix(".*"));
            inner.unwrap_or(subject).to_owned()
        };
        subjects.iter().map(aggregate).collect()
    }

    #[test]
    fn consumers_receive_exactly_the_aggregates_of_the_table() {
        let mut handled: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for row in FLOW {
            handled
                .entry(row.worker)
                .or_default()
                .insert(row.aggregate.to_owned());
        }
        let configured = [
            (
                "importer",
                include_str!("../../nats/consumers/importer.json"),
            ),
            ("mailer", include_str!("../../nats/consumers/mailer.json")),
            (
                "notifier",
                include_str!("../../nats/consumers/notifier.json"),
            ),
            (
                "processes",
                include_str!("../../nats/consumers/processes.json"),
            ),
            (
                "renderer",
                include_str!("../../nats/consumers/renderer.json"),
            ),
        ];
        assert_eq!(
            handled,
            configured
                .map(|(worker, config)| (worker, filtered(config)))
                .into()
        );
    }

    /// If this test fails because an existing type has another worker, raise the type's schema
    /// version. Otherwise a program without this worker's reaction acknowledges the new events.
    #[test]
    fn types_versions_and_workers_are_recorded() {
        let mut lines = Vec::new();
        for (aggregate, types) in Event::CATALOGUE {
            for event_type in *types {
                let schema = Event::schema_of(aggregate, event_type).unwrap_or_default();
                let workers: Vec<_> = workers_of(event_type).collect();
                let line = format!("{event_type} {schema}: {}", workers.join(","));
                lines.push(line.trim_end().to_owned());
            }
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn every_event_has_one_row_per_worker_or_is_unhandled() {
        let known: BTreeSet<&str> = Event::CATALOGUE
            .iter()
            .flat_map(|(_, types)| types.iter().copied())
            .collect();
        let rows: BTreeSet<(&str, &str)> = FLOW.iter().map(|row| (row.worker, row.event)).collect();
        assert_eq!(rows.len(), FLOW.len(), "a worker has two rows for an event");
        let handled: BTreeSet<&str> = FLOW.iter().map(|row| row.event).collect();
        let unhandled: BTreeSet<&str> = UNHANDLED.iter().copied().collect();
        assert!(
            handled.is_disjoint(&unhandled),
            "an event is handled and unhandled"
        );
        assert_eq!(
            handled.union(&unhandled).copied().collect::<BTreeSet<_>>(),
            known
        );
    }

    #[test]
    fn every_followed_by_event_is_in_the_table() {
        let known: BTreeSet<&str> = FLOW
            .iter()
            .map(|row| row.event)
            .chain(UNHANDLED.iter().copied())
            .collect();
        assert!(
            FLOW.iter()
                .flat_map(|row| row.followed_by)
                .all(|event| known.contains(event))
        );
    }

    #[test]
    fn worker_inputs_accept_only_their_own_events() {
        let failed = ImportFailed {
            code: "WORKER_STOPPED".to_owned(),
            reason: "stopped".to_owned(),
        };
        let event = || Event::Import(ImportEvent::ImportFailed(failed.clone()));
        assert_eq!(
            ProcessesInput::of(event()),
            Some(ProcessesInput::ImportFailed(failed.clone()))
        );
        assert_eq!(ImporterInput::of(event()), None);
        assert_eq!(MailerInput::of(event()), None);
    }
}

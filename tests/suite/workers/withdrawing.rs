//! Revocation of single issuances and of whole batches, and the cancellation of their mails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use laureate::commands::Commands;
use laureate::commands::issue::IssuingFacts;
use laureate::domain::certification::attendee::{Attendee, AttendeeCommand};
use laureate::domain::certification::batch::{
    Batch, BatchCommand, BatchEvent, BatchRequested, BatchUndoRequested, BatchUndone,
};
use laureate::domain::certification::certificate::{
    Certificate, CertificateCommand, Definition, TemplateRef,
};
use laureate::domain::certification::issuance::{
    CertificateGenerated, CertificateRevoked, Issuance, IssuanceCommand, WhyRevoked,
};
use laureate::domain::certification::mail::{
    EmailQueued, Mail, MailCommand, MailDelivery, OnUnknown, Stage,
};
use laureate::domain::{
    AttendeeId, BatchId, CertificateId, IssuanceId, Locale, MailId, Person, TimeZone,
};
use laureate::event_log::RecordedEvent;
use laureate::workers::processes::Processes;
use laureate::workers::{Delivery, Verdict, Worker};
use uuid::Uuid;

use super::fixture::{Plant, first_delivery};
use super::issuing::queued_mail;
use super::mailing::{run_mailer, until_stage};
use crate::log::fixture::person;

fn facts() -> IssuingFacts {
    IssuingFacts {
        renderer_version: "1".to_owned(),
        fonts_sha256: "ab".repeat(32),
        public_base_url: "https://certificates.example.com".to_owned(),
        random: || Uuid::new_v4().as_u128(),
        on_unknown: OnUnknown::Park,
        time_zone: TimeZone::default(),
    }
}

pub fn processes(plant: &Plant) -> Processes {
    Processes::new(plant.log.commands.clone(), facts())
}

pub fn definition() -> Definition {
    Definition {
        client: "Acme".to_owned(),
        name: "Speaker".to_owned(),
        event_name: "Summit 2026".to_owned(),
        pdf_template: TemplateRef::new("classic", 1),
        design: None,
        event_link: None,
        sendgrid_template_id: None,
        issue_date: None,
        requires_document: true,
        locale: Locale::En,
        is_active: true,
    }
}

pub async fn defined(commands: &Commands) -> CertificateId {
    let id = CertificateId(Uuid::new_v4());
    commands
        .execute::<Certificate>(&person(), id, CertificateCommand::Define(definition()))
        .await
        .unwrap();
    id
}

/// Creates people without claims on their addresses.
pub async fn people(commands: &Commands, count: usize) -> Vec<AttendeeId> {
    let each = (0..count).map(|n| async move {
        let id = AttendeeId(Uuid::new_v4());
        let known = Person {
            full_name: format!("Ada {n}").into(),
            country: None,
            document_type: None,
            document_number: Some(n.to_string().into()),
            gender: None,
            email: format!("ada{n}@example.com").into(),
        };
        let import = AttendeeCommand::Import {
            person: known,
            source: None,
        };
        commands
            .execute::<Attendee>(&person(), id, import)
            .await
            .unwrap();
        id
    });
    join_all(each).await
}

pub async fn batch(
    commands: &Commands,
    certificate_id: CertificateId,
    people: &[AttendeeId],
) -> BatchId {
    let id = BatchId(Uuid::new_v4());
    let delivery = MailDelivery::Immediate;
    let attendee_ids = people.to_vec();
    let request = BatchRequested {
        certificate_id,
        attendee_ids,
        delivery,
        issue_date: None,
        import_id: None,
    };
    commands
        .execute::<Batch>(&person(), id, BatchCommand::Request(request))
        .await
        .unwrap();
    id
}

pub fn undo() -> BatchCommand {
    let note = Some("the wrong list".to_owned().into());
    BatchCommand::Undo(BatchUndoRequested {
        reason: WhyRevoked::IssuedInError,
        note,
    })
}

pub async fn last_event(plant: &Plant, aggregate: &str, id: impl ToString) -> RecordedEvent {
    plant
        .log
        .log
        .load(aggregate, &id.to_string(), 0)
        .await
        .unwrap()
        .pop()
        .unwrap()
}

/// Runs the process managers on the last event of an aggregate.
pub async fn react(plant: &Plant, aggregate: &str, id: impl ToString) -> Verdict {
    let delivery = first_delivery(last_event(plant, aggregate, id).await);
    processes(plant).work(&[delivery]).await.remove(0)
}

async fn ask(plant: &Plant, id: BatchId, command: BatchCommand) {
    plant
        .log
        .commands
        .execute::<Batch>(&person(), id, command)
        .await
        .unwrap();
}

pub async fn batch_end(plant: &Plant, id: BatchId) -> BatchEvent {
    let event = last_event(plant, "batch", id).await;
    event.decode_as::<BatchEvent>().unwrap()
}

pub async fn generated(plant: &Plant, id: IssuanceId) {
    let pdf = CertificateGenerated {
        certificate_id: Uuid::nil().into(),
        public_id: String::new(),
        object_key: "certificates/a.pdf".to_owned(),
        sha256: "ab".repeat(32),
        size: 9,
    };
    let command = IssuanceCommand::RecordGenerated(pdf);
    plant
        .log
        .commands
        .execute::<Issuance>(&person(), id, command)
        .await
        .unwrap();
}

async fn is_revoked(plant: &Plant, id: IssuanceId) -> bool {
    plant
        .log
        .commands
        .load::<Issuance>(id)
        .await
        .unwrap()
        .state
        .revoked
        .is_some()
}

async fn stage(plant: &Plant, id: IssuanceId) -> Stage {
    plant
        .log
        .commands
        .load::<Mail>(MailId::first_of(id))
        .await
        .unwrap()
        .state
        .stage
}

#[tokio::test]
async fn undo_of_a_batch_revokes_only_its_own_issuances() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, 3).await;
    let earlier = batch(&plant.log.commands, certificate, &known[..1]).await;
    assert_eq!(react(&plant, "batch", earlier).await, Verdict::Done);
    let id = batch(&plant.log.commands, certificate, &known).await;
    assert_eq!(react(&plant, "batch", id).await, Verdict::Done);

    ask(&plant, id, undo()).await;
    assert_eq!(react(&plant, "batch", id).await, Verdict::Done);
    assert_eq!(
        batch_end(&plant, id).await,
        BatchEvent::from(BatchUndone { revoked: 2 })
    );
    let first = |person: AttendeeId| IssuanceId::first_of(certificate, person);
    assert!(
        !is_revoked(&plant, first(known[0])).await,
        "the earlier batch issued it"
    );
    for person in &known[1..] {
        assert!(is_revoked(&plant, first(*person)).await);
    }
    let revoked = plant
        .log
        .commands
        .load::<Issuance>(first(known[1]))
        .await
        .unwrap()
        .state
        .revoked
        .unwrap();
    assert_eq!(
        (revoked.reason, revoked.batch_id),
        (WhyRevoked::IssuedInError, Some(id))
    );
    // A repeated request has no effect.
    let written = plant.log.all().await.len();
    ask(&plant, id, undo()).await;
    assert_eq!(plant.log.all().await.len(), written);
}

#[tokio::test]
async fn certificate_can_be_issued_again_after_a_revocation() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, 1).await;
    let first = batch(&plant.log.commands, certificate, &known).await;
    react(&plant, "batch", first).await;
    let old = IssuanceId::first_of(certificate, known[0]);
    let why = CertificateRevoked {
        reason: WhyRevoked::WrongData,
        note: None,
        batch_id: None,
    };
    plant
        .log
        .commands
        .execute::<Issuance>(&person(), old, IssuanceCommand::Revoke(why))
        .await
        .unwrap();

    for (requested, existing) in [(1, 0), (0, 1)] {
        let again = batch(&plant.log.commands, certificate, &known).await;
        react(&plant, "batch", again).await;
        let BatchEvent::BatchDispatched(outcome) = batch_end(&plant, again).await else {
            panic!("not done")
        };
        assert_eq!((outcome.requested, outcome.existing), (requested, existing));
    }
    let new = IssuanceId::nth_of(certificate, known[0], 2);
    let load = async |id: IssuanceId| plant.log.commands.load::<Issuance>(id).await.unwrap().state;
    let old = load(old).await.request.unwrap();
    let new = load(new).await.request.unwrap();
    assert_ne!(old.public_id, new.public_id);
    // If the first batch is delivered again, it finds the issuances that it has created, even if
    // they are revoked.
    let events = plant
        .log
        .log
        .load("batch", &first.to_string(), 0)
        .await
        .unwrap();
    let written = plant.log.all().await.len();
    processes(&plant)
        .work(&[first_delivery(events[0].clone())])
        .await;
    assert_eq!(plant.log.all().await.len(), written);
}

#[tokio::test]
async fn batch_cancelled_before_its_start_issues_nothing() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, 2).await;
    let id = batch(&plant.log.commands, certificate, &known).await;
    let requested = first_delivery(last_event(&plant, "batch", id).await);
    ask(&plant, id, BatchCommand::Cancel).await;
    let cancelled = first_delivery(last_event(&plant, "batch", id).await);
    // The order does not matter. The event that is processed last causes the cancellation.
    assert_eq!(
        processes(&plant).work(&[cancelled, requested]).await,
        [Verdict::Done, Verdict::Done]
    );
    assert_eq!(react(&plant, "batch", id).await, Verdict::Done);
    let types = plant.history("batch", id).await;
    assert_eq!(
        types,
        [
            "BatchRequested",
            "BatchCancelRequested",
            "BatchDispatched",
            "BatchCancelled"
        ]
    );
    assert_eq!(
        plant
            .log
            .all()
            .await
            .iter()
            .filter(|e| e.event_type == "CertificateRequested")
            .count(),
        0
    );
}

#[tokio::test]
async fn cancelled_batch_keeps_issuances_with_a_pdf_and_cancels_their_mails() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, 2).await;
    let id = batch(&plant.log.commands, certificate, &known).await;
    react(&plant, "batch", id).await;
    let drawn = IssuanceId::first_of(certificate, known[0]);
    let undrawn = IssuanceId::first_of(certificate, known[1]);
    generated(&plant, drawn).await;
    ask(&plant, id, BatchCommand::Cancel).await;
    // The mail is not queued yet, because the event is late or was given up. It is never sent.
    assert_eq!(react(&plant, "batch", id).await, Verdict::Done);
    assert_eq!(stage(&plant, drawn).await, Stage::Cancelled);
    assert_eq!(react(&plant, "issuance", drawn).await, Verdict::Done);
    assert_eq!(stage(&plant, drawn).await, Stage::Cancelled);
    assert!(!is_revoked(&plant, drawn).await && is_revoked(&plant, undrawn).await);
    let BatchEvent::BatchCancelled(end) = batch_end(&plant, id).await else {
        panic!("not cancelled")
    };
    assert_eq!((end.revoked, end.kept), (1, 1));
    // A PDF that is created after the revocation is not recorded.
    generated(&plant, undrawn).await;
    assert_eq!(
        plant.history("issuance", undrawn).await,
        ["CertificateRequested", "CertificateRevoked"]
    );
}

#[tokio::test]
async fn late_run_of_a_dispatch_leaves_the_mails_that_users_queued_after_the_stop() {
    let plant = Plant::new().await;
    let commands = &plant.log.commands;
    let certificate = defined(commands).await;
    let known = people(commands, 1).await;
    let id = batch(commands, certificate, &known).await;
    let requested = first_delivery(last_event(&plant, "batch", id).await);
    react(&plant, "batch", id).await;
    let issuance = IssuanceId::first_of(certificate, known[0]);
    generated(&plant, issuance).await;
    ask(&plant, id, BatchCommand::Cancel).await;
    assert_eq!(react(&plant, "batch", id).await, Verdict::Done);
    assert_eq!(stage(&plant, issuance).await, Stage::Cancelled);
    let queue = MailCommand::Queue(Box::new(EmailQueued {
        issuance_id: issuance,
        delivery: MailDelivery::Held,
        ..queued_mail("ada@example.com", OnUnknown::Park)
    }));
    let second = MailId::nth_of(issuance, 2);
    let queued = commands.execute::<Mail>(&person(), second, queue).await;
    queued.unwrap();
    // As after a lost acknowledgement, or when its dead letter is requeued.
    let verdicts = processes(&plant).work(&[requested]).await;
    assert_eq!(verdicts, [Verdict::Done]);
    let second = commands.load::<Mail>(second).await.unwrap();
    assert_eq!(second.state.stage, Stage::Held);
}

/// A user requested a second mail before the process manager queued the first one.
#[tokio::test]
async fn cancelled_batch_stops_the_first_mail_before_it_is_queued() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, 1).await;
    let id = batch(&plant.log.commands, certificate, &known).await;
    react(&plant, "batch", id).await;
    let issuance = IssuanceId::first_of(certificate, known[0]);
    generated(&plant, issuance).await;
    let queue = MailCommand::Queue(Box::new(EmailQueued {
        issuance_id: issuance,
        ..queued_mail("ada@example.com", OnUnknown::Park)
    }));
    let second = MailId::nth_of(issuance, 2);
    let commands = &plant.log.commands;
    let queued = commands.execute::<Mail>(&person(), second, queue).await;
    queued.unwrap();
    ask(&plant, id, BatchCommand::Cancel).await;
    assert_eq!(react(&plant, "batch", id).await, Verdict::Done);
    let second = commands.load::<Mail>(second).await.unwrap();
    assert_eq!(second.state.stage, Stage::Cancelled);
    react(&plant, "issuance", issuance).await;
    assert_eq!(stage(&plant, issuance).await, Stage::Cancelled);
}

#[tokio::test]
async fn mail_of_a_revoked_issuance_is_not_sent() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, 2).await;
    let id = batch(&plant.log.commands, certificate, &known).await;
    react(&plant, "batch", id).await;
    let why = || CertificateRevoked {
        reason: WhyRevoked::Withdrawn,
        note: None,
        batch_id: None,
    };
    let revoke = async |id: IssuanceId| {
        let command = IssuanceCommand::Revoke(why());
        plant
            .log
            .commands
            .execute::<Issuance>(&person(), id, command)
            .await
            .unwrap();
    };
    // A mail that is queued before the revocation is cancelled.
    let queued = IssuanceId::first_of(certificate, known[0]);
    generated(&plant, queued).await;
    react(&plant, "issuance", queued).await;
    revoke(queued).await;
    assert_eq!(react(&plant, "issuance", queued).await, Verdict::Done);
    assert_eq!(stage(&plant, queued).await, Stage::Cancelled);
    // After a revocation, no mail is queued.
    let late = IssuanceId::first_of(certificate, known[1]);
    generated(&plant, late).await;
    let made = first_delivery(last_event(&plant, "issuance", late).await);
    revoke(late).await;
    assert_eq!(processes(&plant).work(&[made]).await, [Verdict::Done]);
    assert_eq!(stage(&plant, late).await, Stage::Absent);
    // A mail that is queued nevertheless is cancelled by the mailer.
    let queue = MailCommand::Queue(Box::new(EmailQueued {
        issuance_id: late,
        ..queued_mail("late@example.com", OnUnknown::Park)
    }));
    let id = MailId::first_of(late);
    let commands = &plant.log.commands;
    commands
        .execute::<Mail>(&person(), id, queue)
        .await
        .unwrap();
    run_mailer(&plant);
    until_stage(&plant, id, Stage::Cancelled).await;
}

/// Runs process managers that panic when they create their `n`th event.
async fn dies_at_its_event(plant: &Plant, n: usize, delivery: &Delivery) {
    let made = AtomicUsize::new(0);
    let clock = move || {
        assert!(
            made.fetch_add(1, Ordering::Relaxed) + 1 < n,
            "simulated crash"
        );
        time::macros::datetime!(2026-11-21 12:00 UTC)
    };
    let worker = Processes::new(
        Commands::new(plant.log.log.clone(), Arc::new(clock)),
        facts(),
    );
    let delivery = delivery.clone();
    let dying = tokio::spawn(async move { worker.work(&[delivery]).await });
    assert!(
        dying.await.is_err_and(|error| error.is_panic()),
        "the worker did not crash"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dispatch_that_ends_after_the_stop_withdraws_what_it_issued() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, 3).await;
    let id = batch(&plant.log.commands, certificate, &known).await;
    let requested = first_delivery(last_event(&plant, "batch", id).await);
    // The first run is inside its part when a second one starts.
    let (begin, has_begun) = std::sync::mpsc::sync_channel(1);
    let (go, may_go) = std::sync::mpsc::sync_channel::<()>(1);
    let gate = std::sync::Mutex::new(Some((begin, may_go)));
    let clock = move || {
        if let Some((begin, may_go)) = gate.lock().unwrap().take() {
            begin.send(()).unwrap();
            tokio::task::block_in_place(|| may_go.recv().unwrap());
        }
        time::macros::datetime!(2026-11-21 12:00 UTC)
    };
    let commands = Commands::new(plant.log.log.clone(), Arc::new(clock));
    let late = Processes::new(commands, facts());
    let first = requested.clone();
    let running = tokio::spawn(async move { late.work(&[first]).await });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap())
        .await
        .unwrap();
    ask(&plant, id, undo()).await;
    assert_eq!(processes(&plant).work(&[requested]).await, [Verdict::Done]);
    assert_eq!(react(&plant, "batch", id).await, Verdict::Done);
    let undone = BatchEvent::from(BatchUndone { revoked: 0 });
    assert_eq!(batch_end(&plant, id).await, undone);
    go.send(()).unwrap();
    assert_eq!(running.await.unwrap(), [Verdict::Done]);
    for person in known {
        let issuance = IssuanceId::first_of(certificate, person);
        assert!(is_revoked(&plant, issuance).await);
    }
}

#[tokio::test]
async fn batch_cancelled_after_a_crash_counts_its_issuances() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, 40).await;
    let id = batch(&plant.log.commands, certificate, &known).await;
    let requested = first_delivery(last_event(&plant, "batch", id).await);
    dies_at_its_event(&plant, 20, &requested).await;
    ask(&plant, id, BatchCommand::Cancel).await;
    assert_eq!(
        processes(&plant)
            .work(&[Delivery {
                attempt: 2,
                ..requested
            }])
            .await,
        [Verdict::Done]
    );
    let BatchEvent::BatchDispatched(outcome) = batch_end(&plant, id).await else {
        panic!("not dispatched")
    };
    let all = plant.log.all().await;
    let issued = all
        .iter()
        .filter(|event| event.event_type == "CertificateRequested")
        .count();
    assert_eq!(
        (outcome.requested as usize, outcome.requested + outcome.left),
        (issued, 40)
    );
    assert_eq!(react(&plant, "batch", id).await, Verdict::Done);
    let BatchEvent::BatchCancelled(end) = batch_end(&plant, id).await else {
        panic!("not cancelled")
    };
    assert_eq!((end.revoked, end.kept), (outcome.requested, 0));
}

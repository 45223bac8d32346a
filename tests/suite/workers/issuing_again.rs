//! Repeated issuing to a person whose certificate could not be drawn.

use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use laureate::domain::certification::attendee::{Attendee, AttendeeCommand};
use laureate::domain::certification::batch::{Batch, BatchDispatched, BatchEvent};
use laureate::domain::certification::issuance::{
    CertificateGenerated, CertificateGenerationFailed, Issuance, IssuanceCommand, IssuanceState,
    WhyRevoked,
};
use laureate::domain::certification::origin::Origin;
use laureate::domain::{AttendeeId, BatchId, CertificateId, IssuanceId, Person};
use laureate::workers::{Verdict, Worker};

use super::fixture::{Plant, first_delivery};
use super::withdrawing::{batch, batch_end, defined, people, processes, react, undo};
use crate::log::fixture::person;

async fn load(plant: &Plant, id: IssuanceId) -> IssuanceState {
    plant.log.commands.load::<Issuance>(id).await.unwrap().state
}

async fn fails(plant: &Plant, id: IssuanceId) {
    let failure = CertificateGenerationFailed {
        code: "OVERFLOW".to_owned(),
        reason: "name".to_owned().into(),
    };
    let command = IssuanceCommand::RecordFailure(failure);
    plant
        .log
        .commands
        .execute::<Issuance>(&person(), id, command)
        .await
        .unwrap();
}

/// Issues a certificate that can't be drawn. Returns the certificate and the person.
async fn failed(plant: &Plant) -> (CertificateId, AttendeeId) {
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, 1).await;
    dispatched(plant, certificate, &known).await;
    fails(plant, IssuanceId::first_of(certificate, known[0])).await;
    (certificate, known[0])
}

/// Issues a batch, and returns its id and its outcome.
async fn dispatched(
    plant: &Plant,
    certificate: CertificateId,
    people: &[AttendeeId],
) -> (BatchId, BatchDispatched) {
    let id = batch(&plant.log.commands, certificate, people).await;
    assert_eq!(react(plant, "batch", id).await, Verdict::Done);
    let BatchEvent::BatchDispatched(outcome) = batch_end(plant, id).await else {
        panic!("not dispatched")
    };
    (id, outcome)
}

#[tokio::test]
async fn new_issuance_uses_current_data_and_the_failed_one_is_revoked() {
    let plant = Plant::new().await;
    let (certificate, attendee) = failed(&plant).await;
    let corrected = Person {
        full_name: "Augusta Ada King".to_owned().into(),
        country: None,
        document_type: None,
        document_number: Some("0".to_owned().into()),
        gender: None,
        email: "ada0@example.com".to_owned().into(),
    };
    let update = AttendeeCommand::Update {
        person: corrected,
        source: None,
    };
    plant
        .log
        .commands
        .execute::<Attendee>(&person(), attendee, update)
        .await
        .unwrap();

    let (again, outcome) = dispatched(&plant, certificate, &[attendee]).await;
    assert_eq!(
        (outcome.requested, outcome.existing, outcome.refused.len()),
        (1, 0, 0)
    );
    let old = load(&plant, IssuanceId::first_of(certificate, attendee)).await;
    assert_eq!(
        old.revoked.map(|why| why.reason),
        Some(WhyRevoked::GenerationFailed)
    );
    let new = IssuanceId::nth_of(certificate, attendee, 2);
    let request = load(&plant, new).await.request.expect("requested");
    assert_eq!(request.page.full_name.reveal_str(), "Augusta Ada King");
    assert_eq!(Origin::batch_of(&request.origins), Some(again));
    assert_ne!(request.public_id, old.request.expect("requested").public_id);

    // While it is possible that the second issuance will be drawn, it is counted as existing. After
    // it has failed too, a third one is created.
    let (_, outcome) = dispatched(&plant, certificate, &[attendee]).await;
    assert_eq!((outcome.requested, outcome.existing), (0, 1));
    fails(&plant, new).await;
    let (third, outcome) = dispatched(&plant, certificate, &[attendee]).await;
    assert_eq!((outcome.requested, outcome.existing), (1, 0));
    // Undoing a batch revokes the issuances that the batch has created.
    plant
        .log
        .commands
        .execute::<Batch>(&person(), third, undo())
        .await
        .unwrap();
    assert_eq!(react(&plant, "batch", third).await, Verdict::Done);
    let taken_back = load(&plant, IssuanceId::nth_of(certificate, attendee, 3)).await;
    assert_eq!(
        taken_back.revoked.map(|why| why.reason),
        Some(WhyRevoked::IssuedInError)
    );
}

#[tokio::test]
async fn concurrent_batches_create_one_issuance_and_redeliveries_none() {
    let plant = Plant::new().await;
    let (certificate, attendee) = failed(&plant).await;
    let mut batches = Vec::new();
    for _ in 0..6 {
        batches.push(batch(&plant.log.commands, certificate, &[attendee]).await);
    }
    let verdicts = join_all(batches.iter().map(|id| react(&plant, "batch", *id))).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done));
    let mut counted = (0, 0);
    for id in &batches {
        let BatchEvent::BatchDispatched(outcome) = batch_end(&plant, *id).await else {
            panic!("not done")
        };
        counted = (counted.0 + outcome.requested, counted.1 + outcome.existing);
    }
    assert_eq!(counted, (1, 5));

    let written = plant.log.all().await.len();
    for id in batches {
        let events = plant
            .log
            .log
            .load("batch", &id.to_string(), 0)
            .await
            .unwrap();
        processes(&plant)
            .work(&[first_delivery(events[0].clone())])
            .await;
    }
    assert_eq!(plant.log.all().await.len(), written);
}

#[tokio::test]
async fn late_pdf_is_recorded_only_if_no_new_issuance_was_requested() {
    let plant = Plant::new().await;
    let late = async |id: IssuanceId| {
        let pdf = CertificateGenerated {
            certificate_id: uuid::Uuid::nil().into(),
            public_id: String::new(),
            object_key: "a.pdf".to_owned(),
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
    };
    // The request was queued again and drawn after all. The first issuance is then the valid
    // certificate.
    let (certificate, attendee) = failed(&plant).await;
    let first = IssuanceId::first_of(certificate, attendee);
    late(first).await;
    let (_, outcome) = dispatched(&plant, certificate, &[attendee]).await;
    assert_eq!((outcome.requested, outcome.existing), (0, 1));
    // The certificate has been issued again, so this PDF is too late.
    let (certificate, attendee) = failed(&plant).await;
    let first = IssuanceId::first_of(certificate, attendee);
    dispatched(&plant, certificate, &[attendee]).await;
    late(first).await;
    assert!(load(&plant, first).await.generated.is_none());
}

/// Number of people of the batches whose messages are counted.
const MANY: usize = 300;

/// Issues to all of `people`. Returns the number of messages to nats-server per person.
async fn messages_per_person(
    plant: &Plant,
    certificate: CertificateId,
    people: &[AttendeeId],
) -> f64 {
    let statistics = plant.log.log.client().statistics();
    let before = statistics.out_messages.load(Ordering::Relaxed);
    let (_, outcome) = dispatched(plant, certificate, people).await;
    assert_eq!(outcome.requested as usize, people.len());
    let sent = statistics.out_messages.load(Ordering::Relaxed) - before;
    sent as f64 / people.len() as f64
}

#[tokio::test]
async fn batches_need_few_messages_per_person() {
    let plant = Plant::new().await;
    let certificate = defined(&plant.log.commands).await;
    let known = people(&plant.log.commands, MANY).await;
    // A read of the person, and the event.
    let first = messages_per_person(&plant, certificate, &known).await;
    let ids = known
        .iter()
        .map(|person| IssuanceId::first_of(certificate, *person));
    join_all(ids.map(|id| fails(&plant, id))).await;
    // In addition: a read of the failed issuance, the event that closes it, and three requests to
    // the leader that prove the read.
    let again = messages_per_person(&plant, certificate, &known).await;
    assert!(first < 2.5 && again < 7.5, "{first:.2}, {again:.2}");
}

//! Several mails about the same certificate.

use laureate::commands::mails::{MailRequest, mail_again};
use laureate::commands::stop_mails::{Mails, stop_mails};
use laureate::commands::{CommandContext, CommandError, IfVersion};
use laureate::domain::certification::issuance::{
    CertificateRequested, CertificateRevoked, Issuance, IssuanceCommand, WhyRevoked,
};
use laureate::domain::certification::mail::{Mail, MailCommand, MailDelivery, OnUnknown, Stage};
use laureate::domain::{IssuanceId, MailId};
use uuid::Uuid;

use super::fixture::Plant;
use super::issuing::{generated, queued_mail, request, requested, run_renderer};
use super::mailing::{address, caught, run_mailer, state, until_stage};
use crate::log::fixture::person;

/// Returns a request for a mail to the current address of the person.
fn mail(delivery: MailDelivery) -> MailRequest {
    MailRequest {
        to: None,
        delivery,
        on_unknown: OnUnknown::Park,
        if_version: IfVersion::ANY,
    }
}

/// Creates an issuance whose first mail is held.
async fn issued(plant: &Plant) -> IssuanceId {
    let request = CertificateRequested {
        delivery: MailDelivery::Held,
        ..request("Ada", &address(plant, ""))
    };
    run_renderer(plant);
    let id = requested(plant, request).await;
    until_stage(plant, MailId::first_of(id), Stage::Held).await;
    id
}

#[tokio::test]
async fn new_mail_gets_the_next_number_and_a_repeated_request_does_not() {
    let plant = Plant::new().await;
    let issuance = issued(&plant).await;
    let again = async |context: &CommandContext, delivery| {
        mail_again(&plant.log.commands, context, issuance, &mail(delivery))
            .await
            .unwrap()
    };
    let first = person();
    let second = again(&first, MailDelivery::Immediate).await;
    assert_eq!((second.number, second.id), (2, MailId::nth_of(issuance, 2)));
    let third = again(&person(), MailDelivery::Held).await;
    assert_eq!((third.number, third.stage), (3, Stage::Held));
    assert_eq!(
        again(&first, MailDelivery::Immediate).await.id,
        second.id,
        "the same request, the same mail"
    );
    // Requests at the same time get different numbers.
    let contexts: Vec<_> = (0..6).map(|_| person()).collect();
    let asked = contexts
        .iter()
        .map(|context| again(context, MailDelivery::Held));
    let mut numbers: Vec<_> = futures_util::future::join_all(asked)
        .await
        .into_iter()
        .map(|mail| mail.number)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [4, 5, 6, 7, 8, 9]);

    run_mailer(&plant);
    until_stage(&plant, second.id, Stage::Sent).await;
    assert_eq!(caught(&address(&plant, "")).len(), 1);
    let queued = state(&plant, second.id).await.mail.unwrap();
    assert_eq!(queued.sha256, generated(&plant, issuance).await.sha256);
}

#[tokio::test]
async fn issuance_without_a_pdf_is_not_mailed() {
    let plant = Plant::new().await;
    let nobody = IssuanceId(Uuid::new_v4());
    let unfinished = requested(&plant, request("Ada", "ada@example.com")).await;
    for (id, code) in [(nobody, "NOT_FOUND"), (unfinished, "WRONG_STATE")] {
        let commands = &plant.log.commands;
        let who = person();
        let request = mail(MailDelivery::Immediate);
        let refused = mail_again(commands, &who, id, &request);
        let Err(CommandError::Refused(refusal)) = refused.await else {
            panic!("it was mailed")
        };
        assert_eq!(refusal.code(), code);
    }
}

#[tokio::test]
async fn revoked_issuance_is_not_mailed_again() {
    let plant = Plant::new().await;
    let issuance = issued(&plant).await;
    let revoked = CertificateRevoked {
        reason: WhyRevoked::WrongData,
        note: None,
        batch_id: None,
    };
    let commands = &plant.log.commands;
    let who = person();
    commands
        .execute::<Issuance>(&who, issuance, IssuanceCommand::Revoke(revoked))
        .await
        .unwrap();
    let refused = mail_again(
        commands,
        &person(),
        issuance,
        &mail(MailDelivery::Immediate),
    )
    .await;
    let Err(CommandError::Refused(refusal)) = refused else {
        panic!("it was mailed")
    };
    assert_eq!(refusal.code(), "WRONG_STATE");
    assert!(
        plant
            .history("mail", MailId::nth_of(issuance, 2))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn all_unsent_mails_are_cancelled() {
    let plant = Plant::new().await;
    let issuance = issued(&plant).await;
    let commands = &plant.log.commands;
    let again = async |delivery| {
        mail_again(commands, &person(), issuance, &mail(delivery))
            .await
            .unwrap()
            .id
    };
    let sent = again(MailDelivery::Immediate).await;
    run_mailer(&plant);
    until_stage(&plant, sent, Stage::Sent).await;
    let held = again(MailDelivery::Held).await;
    let first = MailId::first_of(issuance);
    for _ in 0..2 {
        let stopped = stop_mails(commands, &person(), issuance, "it was revoked").await;
        assert_eq!(stopped.unwrap(), Mails::Stopped);
    }
    assert_eq!(state(&plant, first).await.stage, Stage::Cancelled);
    assert_eq!(state(&plant, sent).await.stage, Stage::Sent);
    assert_eq!(state(&plant, held).await.stage, Stage::Cancelled);
    assert_eq!(
        plant.history("mail", held).await,
        ["EmailQueued", "EmailCancelled"]
    );
}

#[tokio::test]
async fn later_mails_are_stopped_without_a_first_mail() {
    let plant = Plant::new().await;
    let commands = &plant.log.commands;
    let issuance = IssuanceId(Uuid::new_v4());
    let stop = async || {
        stop_mails(commands, &person(), issuance, "it was revoked")
            .await
            .unwrap()
    };
    assert_eq!(stop().await, Mails::None);
    for number in [2, 3] {
        let queue = MailCommand::Queue(Box::new(queued_mail("ada@example.com", OnUnknown::Park)));
        let id = MailId::nth_of(issuance, number);
        commands
            .execute::<Mail>(&person(), id, queue)
            .await
            .unwrap();
    }
    // The first mail may still be queued, so the stop is not complete.
    assert_eq!(stop().await, Mails::None);
    for number in [2, 3] {
        let id = MailId::nth_of(issuance, number);
        assert_eq!(
            plant.history("mail", id).await,
            ["EmailQueued", "EmailCancelled"]
        );
    }
    assert!(
        plant
            .history("mail", MailId::first_of(issuance))
            .await
            .is_empty()
    );
}

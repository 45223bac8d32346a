//! Notifier: mails to users about their own accounts.

use std::sync::Arc;

use laureate::commands::Commands;
use laureate::domain::accounts::notice::{Notice, NoticeAbout, NoticeCommand, NoticeQueued};
use laureate::domain::accounts::user::{Profile, User, UserCommand, UserRegistered};
use laureate::domain::kernel::sending::Content as _;
use laureate::domain::{Locale, NoticeId, Secret, UserId};
use laureate::workers::notifier::{NoticeSettings, Notifier};
use laureate::workers::timers::TimersOf;
use laureate::workers::{Verdict, Worker};
use uuid::Uuid;

use super::fixture::{Plant, first_delivery};
use super::mailing::{address, caught, run_timers_of, sending, smtp};
use crate::log::fixture::{person, user};
use crate::support::{servers, until};

pub fn notifier(plant: &Plant) -> Arc<Notifier> {
    let settings = NoticeSettings {
        locale: Locale::En,
        reset_page: "https://example.org/reset-password".to_owned(),
        key: Secret::new("a key of this test"),
        time_zone: laureate::domain::TimeZone::default(),
    };
    let parts = sending(plant, smtp(servers().smtp_addr));
    Arc::new(Notifier::new(parts, settings))
}

/// Queues a notice for a new user who has the address `to`.
async fn queued(plant: &Plant, to: &str, about: NoticeAbout) -> NoticeId {
    queued_by(&plant.log.commands, to, about).await
}

pub async fn queued_by(commands: &Commands, to: &str, about: NoticeAbout) -> NoticeId {
    let user_id = UserId(Uuid::new_v4());
    let id = NoticeId(Uuid::new_v4());
    let somebody = user("ada");
    let profile = Profile {
        email: to.to_owned().into(),
        ..somebody.profile
    };
    let register = UserCommand::Register(UserRegistered {
        profile,
        ..somebody
    });
    commands
        .execute::<User>(&person(), user_id, register)
        .await
        .unwrap();
    let queue = NoticeCommand::Queue(Box::new(NoticeQueued { user_id, about }));
    commands
        .execute::<Notice>(&person(), id, queue)
        .await
        .unwrap();
    id
}

#[tokio::test]
async fn redelivery_does_not_send_a_notice_again() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let id = queued(&plant, &to, NoticeAbout::PasswordChanged).await;
    let event = plant
        .log
        .log
        .load("notice", &id.to_string(), 0)
        .await
        .unwrap()
        .remove(0);
    let notifier = notifier(&plant);
    let delivery = first_delivery(event);
    for _ in 0..2 {
        assert_eq!(
            notifier.work(std::slice::from_ref(&delivery)).await,
            [Verdict::Done]
        );
    }
    assert_eq!(
        plant.history("notice", id).await,
        ["NoticeQueued", "NoticeClaimed", "NoticeSent"]
    );
    assert_eq!(caught(&to).len(), 1);
}

#[tokio::test]
async fn refused_notice_is_recorded_and_becomes_a_dead_letter() {
    let plant = Plant::new().await;
    let id = queued(
        &plant,
        &address(&plant, "reject-"),
        NoticeAbout::PasswordChanged,
    )
    .await;
    plant.run(notifier(&plant));
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(
        (letters[0].worker.as_str(), letters[0].id.clone()),
        ("notifier", id.to_string())
    );
    assert_eq!(
        plant.history("notice", id).await,
        ["NoticeQueued", "NoticeFailed"]
    );
    let raw = plant.dead_letters().await;
    assert!(
        !String::from_utf8_lossy(&raw[0]).contains("example.com"),
        "an address in a dead letter"
    );
}

#[tokio::test]
async fn link_that_cannot_be_used_is_not_mailed() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let now = plant.log.commands.now();
    for (expires_at, epoch) in [
        (now, 0),
        // The password was changed, which has started another epoch.
        (now + time::Duration::HOUR, 1),
    ] {
        let about = NoticeAbout::PasswordReset { expires_at, epoch };
        let id = queued(&plant, &to, about).await;
        let events = plant.log.log.load("notice", &id.to_string(), 0).await;
        let delivery = first_delivery(events.unwrap().remove(0));
        let verdicts = notifier(&plant).work(&[delivery]).await;
        assert_eq!(verdicts, [Verdict::Done]);
        assert_eq!(
            plant.history("notice", id).await,
            ["NoticeQueued", "NoticeCancelled"]
        );
    }
    assert!(caught(&to).is_empty());
}

#[tokio::test]
async fn notice_with_an_unknown_outcome_is_sent_again_until_it_becomes_a_dead_letter() {
    let plant = Plant::new().await;
    let to = address(&plant, "hangup-");
    let id = queued(&plant, &to, NoticeAbout::PasswordChanged).await;
    plant.run(notifier(&plant));
    // Notices don't need the consumer of the mails' timers, which may have much to do.
    run_timers_of(&plant, TimersOf::Notices);
    until("it arrives twice", async || caught(&to).len() >= 2).await;
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(letters[0].id, id.to_string());
    assert_eq!(caught(&to).len(), 8);
}

#[tokio::test]
async fn notice_whose_worker_always_stops_after_the_claim_becomes_a_dead_letter() {
    let plant = Plant::new().await;
    let to = address(&plant, "");
    let id = queued(&plant, &to, NoticeAbout::PasswordChanged).await;
    let commands = &plant.log.commands;
    for _ in 0..NoticeQueued::MAX_FAILURES {
        let claim = NoticeCommand::Claim {
            message_id: format!("<{id}@example.org>"),
        };
        commands
            .execute::<Notice>(&person(), id, claim)
            .await
            .unwrap();
    }
    let mut events = plant
        .log
        .log
        .load("notice", &id.to_string(), 0)
        .await
        .unwrap();
    let delivery = first_delivery(events.remove(0));
    let verdicts = notifier(&plant).work(&[delivery]).await;
    assert!(
        matches!(verdicts[..], [Verdict::GiveUp { .. }]),
        "{verdicts:?}"
    );
    let history = plant.history("notice", id).await;
    assert_eq!(history.last().unwrap(), "NoticeOutcomeUnknown");
    assert!(caught(&to).is_empty());
}

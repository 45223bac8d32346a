//! Scheduled task that repeats lost work: which work is lost, and which event is repeated. No worker
//! runs, so that every repetition is visible as a fired timer.

use std::time::Duration;

use laureate::app::Role;
use laureate::commands::CommandContext;
use laureate::domain::accounts::notice::{Notice, NoticeAbout, NoticeCommand, NoticeQueued};
use laureate::domain::certification::batch::{Batch, BatchCommand, BatchRequested};
use laureate::domain::certification::import::{
    FileFormat, Import, ImportCommand, ImportFailed, ImportRequested,
};
use laureate::domain::certification::mail::{
    EmailFailed, EmailQueued, Mail, MailCommand, MailDelivery, OnUnknown, Stage,
};
use laureate::domain::certification::reading::Reading;
use laureate::domain::{BatchId, Decider, ImportId, MailId, NoticeId, SharedEmail};
use laureate::event_log::Position;
use laureate::workers::Delivery;
use laureate::workers::dead_letter::{DeadLetter, keep};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Api;
use super::newer::append;
use super::outages::{lose, lose_from, start};
use crate::support::{TestApp, until};
use crate::workers::issuing::queued_mail;

struct Lost(Api);

impl Lost {
    async fn new() -> Self {
        let settings = [
            "scheduler.stuck_after_minutes=0",
            "scheduler.tasks.stuck_work.enabled=false",
            "scheduler.tasks.due_mails.enabled=false",
        ];
        let roles = [Role::Api, Role::Projector, Role::Scheduler];
        Self(Api::of(TestApp::with_roles(&roles, &settings).await).await)
    }

    /// Executes a command. Returns the position of its last event.
    async fn ask<D: Decider>(&self, id: Uuid, command: D::Command) -> Position {
        let context = CommandContext::of_person(Uuid::new_v4().into(), "test");
        let commands = self.0.app.app.commands();
        let done = commands.execute::<D>(&context, id, command).await;
        done.expect("done").position
    }

    /// Runs the task that repeats lost work. Returns its result.
    async fn run(&self) -> String {
        self.run_task("stuck_work").await
    }

    async fn run_task(&self, name: &str) -> String {
        self.catch_up().await;
        self.run_task_at_once(name).await
    }

    /// Waits until the query tables contain all events.
    async fn catch_up(&self) {
        let app = &self.0.app.app;
        let log = app.commands().log();
        let end = log.info().await.expect("answered").last_position;
        let readers = app.readers();
        readers
            .wait_for(end, Duration::from_secs(60))
            .await
            .expect("the tables catch up");
    }

    /// Runs a task, even if the query tables are behind. Returns its result.
    async fn run_task_at_once(&self, name: &str) -> String {
        let log = self.0.app.app.commands().log();
        let id = Uuid::new_v4();
        log.fire_timer(&format!("task.{name}"), id.to_string().into())
            .await
            .expect("fired");
        let mut result = None;
        until("the task has run", async || {
            let runs = log.runs().await.expect("read");
            let ended = runs.into_iter().find(|run| run.id == id);
            result = ended.and_then(|run| run.ended).map(|ended| ended.result);
            result.is_some()
        })
        .await;
        result.expect("ended")
    }

    /// Returns the number of repetitions of the work of an event.
    async fn repetitions(&self, worker: &str, position: Position) -> usize {
        let log = self.0.app.app.commands().log();
        let due = log.names().due(&format!("work.{worker}.{position}"));
        let timers = log.names().timers();
        log.kept(&timers, &due, 100).await.expect("read").len()
    }

    /// Stores a dead letter of a worker for the event at a position.
    async fn give_up(&self, worker: &str, position: Position) {
        let log = self.0.app.app.commands().log();
        let event = log.event_at(position).await.expect("an event");
        let delivery = Delivery { event, attempt: 10 };
        let letter = DeadLetter::of(worker, &delivery, "nothing helped");
        keep(log, &letter, None).await.expect("kept");
    }
}

fn mail(delivery: MailDelivery) -> MailCommand {
    MailCommand::Queue(Box::new(EmailQueued {
        delivery,
        ..queued_mail("ada@example.com", OnUnknown::Park)
    }))
}

fn claim() -> MailCommand {
    MailCommand::Claim {
        message_id: "<1@example.org>".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_mail_is_repeated_once_and_only_by_the_event_that_queued_it() {
    let lost = Lost::new().await;
    let id = Uuid::new_v4();
    let queued = lost.ask::<Mail>(id, mail(MailDelivery::Immediate)).await;
    assert_eq!(lost.run().await, "nothing was lost", "not delivered yet");
    lose(&lost.0, "mailer", 1).await;
    assert_eq!(lost.run().await, "repeated: mailer 1");
    // The fired timer waits for a mailer.
    assert_eq!(lost.run().await, "nothing was lost");
    assert_eq!(lost.repetitions("mailer", queued).await, 1);
    lose_repetition(&lost, "mailer").await;
    assert_eq!(lost.run().await, "repeated: mailer 1");
    lose_repetition(&lost, "mailer").await;

    // The mail fails, a user retries it, and the retry is lost. The old dead letter doesn't count.
    let why = "nothing helped".to_owned();
    lost.ask::<Mail>(id, MailCommand::Abandon { why }).await;
    lost.give_up("mailer", queued).await;
    assert_eq!(lost.run().await, "nothing was lost", "it has failed");
    let retried = lost.ask::<Mail>(id, MailCommand::Retry).await;
    lose(&lost.0, "mailer", 2).await;
    assert_eq!(lost.run().await, "repeated: mailer 1");
    assert_eq!(lost.repetitions("mailer", retried).await, 1);
    lose_repetition(&lost, "mailer").await;
    lost.give_up("mailer", retried).await;
    assert_eq!(lost.run().await, "nothing was lost", "it was given up");
}

/// Acknowledges the next repetition of a worker without doing the work.
async fn lose_repetition(lost: &Lost, worker: &str) {
    lose_from(&lost.0, "TIMERS", &format!("{worker}_retries"), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claim_of_a_scheduled_mail_is_resolved() {
    let lost = Lost::new().await;
    let held = Uuid::new_v4();
    let scheduled = Uuid::new_v4();
    let soon = MailDelivery::At(OffsetDateTime::now_utc());
    lost.ask::<Mail>(held, mail(MailDelivery::Held)).await;
    lost.ask::<Mail>(scheduled, mail(soon)).await;
    let released = [
        lost.ask::<Mail>(held, MailCommand::Release).await,
        lost.ask::<Mail>(scheduled, MailCommand::ReleaseDue).await,
    ];
    for id in [held, scheduled] {
        lost.ask::<Mail>(id, claim()).await;
    }
    lose(&lost.0, "mailer", 6).await;
    assert_eq!(lost.run().await, "repeated: mailer 2");
    for position in released {
        assert_eq!(lost.repetitions("mailer", position).await, 1);
    }
    start(&lost.0, Role::Mailer).await;
    for id in [held, scheduled] {
        let commands = lost.0.app.app.commands();
        until("the outcome is unknown", async || {
            let mail = commands.load::<Mail>(MailId(id)).await.expect("loaded");
            mail.state.stage == Stage::Unknown
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_of_a_newer_program_does_not_stop_the_release_of_others() {
    let lost = Lost::new().await;
    let now = OffsetDateTime::now_utc();
    let newer = Uuid::new_v4();
    let due = Uuid::new_v4();
    for (id, minutes) in [(newer, 2), (due, 1)] {
        let at = MailDelivery::At(now - time::Duration::minutes(minutes));
        lost.ask::<Mail>(id, mail(at)).await;
    }
    let newer = newer.to_string();
    append(&lost.0, ("mail", newer.as_str()), "EmailPraised", 1, "").await;
    let result = lost.run_task("due_mails").await;
    assert!(
        result.starts_with("1 mails released, 0 timers set; 1 could not be checked: "),
        "{result}"
    );
    let log = lost.0.app.app.commands().log();
    let history = log.load("mail", &due.to_string(), 0).await.expect("loaded");
    let last = history.last().expect("events");
    assert_eq!(last.event_type, "EmailReleased");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_notices_are_repeated_and_released() {
    let lost = Lost::new().await;
    let notice = || {
        let user_id = Uuid::new_v4().into();
        let about = NoticeAbout::PasswordChanged;
        NoticeCommand::Queue(Box::new(NoticeQueued { user_id, about }))
    };
    let queued = Uuid::new_v4();
    let position = lost.ask::<Notice>(queued, notice()).await;
    let retrying = Uuid::new_v4();
    lost.ask::<Notice>(retrying, notice()).await;
    let failure = NoticeCommand::RecordUnclaimedFailure(EmailFailed {
        attempt: 1,
        permanent: false,
        retry_at: Some(OffsetDateTime::now_utc() - time::Duration::MINUTE),
        unanswered: false,
        answer: "421 later".to_owned().into(),
    });
    lost.ask::<Notice>(retrying, failure).await;
    lose(&lost.0, "notifier", 3).await;
    assert_eq!(lost.run().await, "repeated: notifier 1");
    assert_eq!(lost.repetitions("notifier", position).await, 1);
    let log = lost.0.app.app.commands().log();
    let id = NoticeId(retrying).to_string();
    let history = log.load("notice", &id, 0).await.expect("loaded");
    let last = history.last().expect("events");
    assert_eq!(last.event_type, "NoticeReleased");
    lose(&lost.0, "notifier", 1).await;
    assert_eq!(lost.run().await, "repeated: notifier 1");
    assert_eq!(lost.repetitions("notifier", last.position).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_notice_does_not_keep_other_work_lost() {
    let lost = Lost::new().await;
    let id = Uuid::new_v4();
    lost.ask::<Mail>(id, mail(MailDelivery::Immediate)).await;
    lose(&lost.0, "mailer", 1).await;
    lost.catch_up().await;
    let log = lost.0.app.app.commands().log();
    let notice = log.names().aggregate("notice", &Uuid::new_v4().to_string());
    let sent = log.context().publish(notice, "{}".into()).await;
    sent.expect("sent").await.expect("stored");
    let result = lost.run_task_at_once("stuck_work").await;
    assert!(
        result.starts_with("repeated: mailer 1; 1 could not be checked: "),
        "{result}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_import_is_repeated_by_its_last_request() {
    let lost = Lost::new().await;
    let id = ImportId(Uuid::new_v4());
    let request = ImportRequested {
        object_key: "expiring/imports/1/source".to_owned(),
        format: FileFormat::Csv,
        sha256: "aa".to_owned(),
        size: 9,
        update_existing: false,
        certificate_id: None,
        delivery: MailDelivery::Immediate,
        reading: Reading::default(),
        issue_date: None,
        requires_document: true,
        shared_email: SharedEmail::Refuse,
    };
    let first = lost
        .ask::<Import>(id.0, ImportCommand::Request(request))
        .await;
    let failed = ImportCommand::Fail(ImportFailed {
        code: "WORKER_STOPPED".to_owned(),
        reason: "the storage was away".to_owned(),
    });
    lost.ask::<Import>(id.0, failed).await;
    lost.give_up("importer", first).await;
    let second = lost.ask::<Import>(id.0, ImportCommand::Retry).await;
    lose(&lost.0, "importer", 3).await;
    assert_eq!(lost.run().await, "repeated: importer 1");
    assert_eq!(lost.repetitions("importer", first).await, 0);
    assert_eq!(lost.repetitions("importer", second).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_of_a_batch_whose_dispatch_was_given_up_is_repeated_until_it_is_given_up() {
    let lost = Lost::new().await;
    let batches = [Uuid::new_v4(), Uuid::new_v4()];
    let mut stops = Vec::new();
    for id in batches {
        let request = BatchRequested {
            certificate_id: Uuid::new_v4().into(),
            attendee_ids: vec![Uuid::new_v4().into()],
            delivery: MailDelivery::Immediate,
            issue_date: None,
            import_id: None,
        };
        let dispatch = lost.ask::<Batch>(id, BatchCommand::Request(request)).await;
        lost.give_up("processes", dispatch).await;
        stops.push(lost.ask::<Batch>(id, BatchCommand::Cancel).await);
    }
    lose(&lost.0, "processes", 4).await;
    lost.give_up("processes", stops[1]).await;
    assert_eq!(lost.run().await, "repeated: processes 1");
    assert_eq!(lost.repetitions("processes", stops[0]).await, 1);
    start(&lost.0, Role::Processes).await;
    let commands = lost.0.app.app.commands();
    until("the batch is cancelled", async || {
        let batch = commands.load::<Batch>(BatchId(batches[0])).await;
        batch.expect("loaded").state.is_stopped
    })
    .await;
}

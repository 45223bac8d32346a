//! `laureate dead-letters`: lists dead letters and processes them again.

use laureate::domain::certification::batch::{Batch, BatchCommand, BatchRequested};
use laureate::domain::certification::mail::{Mail, MailCommand, MailDelivery, OnUnknown};
use laureate::domain::{BatchId, MailId};
use laureate::workers::Delivery;
use laureate::workers::dead_letter::{DeadLetter, keep};
use uuid::Uuid;

use super::{environment, run_in};
use crate::log::fixture::{Log, person};
use crate::workers::issuing::queued_mail;

/// Stores a dead letter of a worker for the log's last event.
async fn given_up(log: &Log, worker: &str) {
    let event = log.all().await.pop().expect("an event");
    let delivery = Delivery { event, attempt: 20 };
    keep(
        &log.log,
        &DeadLetter::of(worker, &delivery, "nothing helped"),
    )
    .await
    .expect("kept");
}

async fn history(log: &Log, aggregate: &str, id: &str) -> Vec<String> {
    let events = log.log.load(aggregate, id, 0).await.expect("loaded");
    events.into_iter().map(|event| event.event_type).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_and_requeued() {
    let log = Log::provisioned().await;
    let storage = tempfile::tempdir().expect("a temporary folder");
    let environment = environment(log.namespace.name(), &storage.path().to_string_lossy());
    let batch = BatchId(Uuid::new_v4());
    let mail = MailId(Uuid::new_v4());
    let request = BatchRequested {
        certificate_id: Uuid::new_v4().into(),
        attendee_ids: vec![Uuid::new_v4().into()],
        delivery: MailDelivery::Immediate,
        issue_date: None,
        import_id: None,
    };
    log.commands
        .execute::<Batch>(&person(), batch, BatchCommand::Request(request))
        .await
        .expect("done");
    given_up(&log, "processes").await;
    let queue = MailCommand::Queue(Box::new(queued_mail("ada@example.com", OnUnknown::Park)));
    let abandon = MailCommand::Abandon {
        why: "nothing helped".to_owned(),
    };
    for command in [queue, abandon] {
        log.commands
            .execute::<Mail>(&person(), mail, command)
            .await
            .expect("done");
    }
    given_up(&log, "mailer").await;

    let first = format!("1      processes  BatchRequested batch/{batch} at 1: nothing helped\n");
    let second = format!("2      mailer     EmailFailed email/{mail} at 3: nothing helped\n");
    let all = run_in(&environment, &["dead-letters", "list"]);
    assert_eq!(
        (all.code, all.out),
        (0, format!("{first}{second}")),
        "{}",
        all.err
    );
    let some = run_in(
        &environment,
        &["dead-letters", "list", "--worker", "mailer"],
    );
    assert_eq!(some.out, second);
    let missing = run_in(&environment, &["dead-letters", "requeue", "7"]);
    assert!(
        missing.code == 5 && missing.err.contains("no dead letter 7"),
        "{}",
        missing.err
    );

    let done = run_in(&environment, &["dead-letters", "requeue", "--all"]);
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "1: done\n2: the mail is queued again\n"),
        "{}",
        done.err
    );
    assert_eq!(
        history(&log, "batch", &batch.to_string()).await,
        ["BatchRequested", "BatchDispatched"]
    );
    let mails = history(&log, "email", &mail.to_string()).await;
    assert_eq!(mails, ["EmailQueued", "EmailFailed", "EmailRetryRequested"]);
    assert_eq!(run_in(&environment, &["dead-letters", "list"]).out, "");
}

//! `laureate dead-letters`: lists dead letters and requests their work again.

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
async fn given_up(log: &Log, worker: &str, is_requeued_with_all: bool) {
    let event = log.all().await.pop().expect("an event");
    let delivery = Delivery { event, attempt: 20 };
    let letter = DeadLetter {
        is_requeued_with_all,
        ..DeadLetter::of(worker, &delivery, "nothing helped")
    };
    keep(&log.log, &letter, None).await.expect("kept");
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
    given_up(&log, "processes", true).await;
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
    given_up(&log, "mailer", false).await;

    let first = format!("1      processes  BatchRequested batch/{batch} at 1: nothing helped\n");
    let second = format!("2      mailer     EmailFailed mail/{mail} at 3: nothing helped\n");
    let all = run_in(&environment, &["dead-letters", "list"]);
    assert_eq!(
        (all.code, all.out),
        (0, format!("{second}{first}")),
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
        (0, "1: queued again\n"),
        "{}",
        done.err
    );
    let timer = log.log.names().due("work.processes.1");
    let timers = log.log.names().timers();
    let fired = log.log.kept(&timers, &timer, 9).await.expect("read");
    assert_eq!(fired.len(), 1, "a worker does the work");
    let left = run_in(&environment, &["dead-letters", "list"]);
    assert_eq!(left.out, second, "a bounced mail is requeued by its number");
    let done = run_in(&environment, &["dead-letters", "requeue", "2"]);
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "2: queued again\n"),
        "{}",
        done.err
    );
    let mails = history(&log, "mail", &mail.to_string()).await;
    assert_eq!(mails, ["EmailQueued", "EmailFailed", "EmailRetryRequested"]);
    assert_eq!(run_in(&environment, &["dead-letters", "list"]).out, "");

    // The mail continues without the dead letter.
    given_up(&log, "mailer", true).await;
    let done = run_in(&environment, &["dead-letters", "requeue", "--all"]);
    assert_eq!(
        (done.code, done.out.as_str()),
        (0, "5: not needed any more, settled\n"),
        "{}",
        done.err
    );
    assert_eq!(run_in(&environment, &["dead-letters", "list"]).out, "");
}

//! Log whose server answers no writes, although it answers those to another stream. So does
//! nats-server after its disk was full. Subscribers of the test take the part of JetStream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use laureate::event_log::{AppendError, Commit};

use super::fixture::{append, event, open};
use crate::support::{Namespace, servers, until};

#[tokio::test(flavor = "multi_thread")]
async fn unanswered_write_is_a_problem_until_the_log_stores_an_event() {
    let namespace = Namespace::new();
    let log = open(&servers().nats_url, namespace.name()).await;
    let names = log.names();
    let answers = Arc::new(AtomicBool::new(false));
    let checks = Arc::new(AtomicUsize::new(0));
    let mut events = log
        .client()
        .subscribe(names.all())
        .await
        .expect("subscribed");
    let mut others = log
        .client()
        .subscribe(names.probe())
        .await
        .expect("subscribed");
    let client = log.client().clone();
    let is_open = answers.clone();
    let counted = checks.clone();
    tokio::spawn(async move {
        loop {
            let (message, is_answered) = tokio::select! {
                Some(message) = events.next() => {
                    counted.fetch_add(usize::from(message.subject.contains(".ev.probe.")), Ordering::SeqCst);
                    (message, is_open.load(Ordering::SeqCst))
                }
                Some(message) = others.next() => (message, true),
                else => return,
            };
            if let Some(reply) = message.reply.filter(|_| is_answered) {
                let answer = r#"{"stream":"any","seq":1}"#;
                client
                    .publish(reply, answer.into())
                    .await
                    .expect("published");
            }
        }
    });
    log.check_stores_writes()
        .await
        .expect("the other stream answers");
    let commit = Commit::new(names, vec![append("a", 0, vec![event(1)])]);
    assert!(matches!(
        log.append(commit).await,
        Err(AppendError::Unknown(_))
    ));
    for _ in 0..5 {
        // As health does if it has to answer before the server.
        let within = Duration::from_millis(100);
        let _ = tokio::time::timeout(within, log.check_stores_writes()).await;
    }
    for _ in 0..20 {
        let problem = log
            .check_stores_writes()
            .await
            .expect_err("no answer")
            .to_string();
        assert!(problem.contains("restart nats-server"), "{problem}");
    }
    assert_eq!(
        checks.load(Ordering::SeqCst),
        1,
        "the outcome of a check is reused"
    );
    answers.store(true, Ordering::SeqCst);
    until("a check finds that the log stores events", async || {
        log.check_stores_writes().await.is_ok()
    })
    .await;
}

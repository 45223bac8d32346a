//! Connections to the mail server: reuse, limits, and send operations that are dropped.

use laureate::mail::{MailSettings, SendOutcome, SmtpMailer};

use super::peer::{Content, Peer, Script};
use super::{mail_to, mailer, settings};
use crate::support::until;

#[tokio::test]
async fn one_connection_carries_many_mails() {
    let peer = Peer::start(Script::default()).await;
    let mailer = mailer(peer.address);
    for _ in 0..3 {
        let outcome = mailer.send(&mail_to("ada@example.net")).await;
        assert_eq!(
            outcome,
            SendOutcome::Accepted {
                answer: "250 2.0.0 Ok: queued as 4F2A".to_owned()
            }
        );
    }
    let one = ["MAIL", "RCPT", "DATA"];
    assert_eq!(
        peer.verbs(),
        [[&["EHLO"], &one[..], &one[..], &one[..]].concat()]
    );
    mailer.close().await;
    assert_eq!(peer.verbs()[0].last().map(String::as_str), Some("QUIT"));
    let outcome = mailer.send(&mail_to("ada@example.net")).await;
    assert!(
        matches!(outcome, SendOutcome::Unanswered { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn connection_closed_by_the_server_loses_no_mail() {
    let peer = Peer::start(Script {
        mails_per_connection: 1,
        ..Script::default()
    })
    .await;
    let mailer = mailer(peer.address);
    for _ in 0..3 {
        let outcome = mailer.send(&mail_to("ada@example.net")).await;
        assert!(
            matches!(outcome, SendOutcome::Accepted { .. }),
            "{outcome:?}"
        );
    }
    assert_eq!(peer.verbs().len(), 3);
}

#[tokio::test]
async fn number_of_open_connections_is_limited() {
    let peer = Peer::start(Script::default()).await;
    let settings = MailSettings {
        max_connections: 2,
        ..settings(peer.address)
    };
    let mailer = SmtpMailer::new(&settings).expect("the settings are valid");
    let mail = mail_to("ada@example.net");
    let outcomes = futures_util::future::join_all((0..20).map(|_| mailer.send(&mail))).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, SendOutcome::Accepted { .. }))
    );
    assert_eq!(peer.verbs().len(), 2);
}

#[tokio::test]
async fn dropped_send_does_not_affect_the_next_one() {
    let peer = Peer::start(Script {
        content: Content::SilentAfterEnd,
        ..Script::default()
    })
    .await;
    let mailer = mailer(peer.address);
    let first = mail_to("ada@example.net");
    let second = mail_to("ada@example.net");
    tokio::select! {
        outcome = mailer.send(&first) => panic!("the peer never answers: {outcome:?}"),
        () = reached_data(&peer, 1) => {}
    }
    tokio::select! {
        outcome = mailer.send(&second) => panic!("the peer never answers: {outcome:?}"),
        () = reached_data(&peer, 2) => {}
    }
    assert_eq!(
        peer.verbs(),
        [
            ["EHLO", "MAIL", "RCPT", "DATA"],
            ["EHLO", "MAIL", "RCPT", "DATA"]
        ]
    );
}

/// Waits until the peer has received DATA on connection number `connections`.
async fn reached_data(peer: &Peer, connections: usize) {
    let seen = || {
        let verbs = peer.verbs();
        verbs.len() == connections && verbs[connections - 1].contains(&"DATA".to_owned())
    };
    until(
        &format!("the peer sees DATA on connection {connections}"),
        async || seen(),
    )
    .await;
}

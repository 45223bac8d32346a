//! Servers that answer late or not at all.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use laureate::domain::{Locale, Personal};
use laureate::mail::{
    Begun, MailProvider, MailSettings, NoticeMail, NoticeWords, Outgoing, SendOutcome, SmtpMailer,
};

use super::peer::{Content, Peer, Script};
use super::{mail_to, settings};
use crate::support::until;

/// Longest time for mails that must not wait. It is shorter than the time limit for a message.
const SOON: Duration = Duration::from_secs(60);

fn notice_to(address: &str) -> Outgoing {
    let mail = mail_to(address);
    Outgoing::Notice(NoticeMail {
        message_id: mail.message_id,
        to: mail.to,
        locale: Locale::En,
        words: NoticeWords::PasswordChanged { at: mail.date },
        date: mail.date,
        year: 2026,
    })
}

fn certificate_to(address: &str) -> Outgoing {
    Outgoing::Certificate(Box::new(mail_to(address)))
}

/// Returns a peer that never answers about some domains, and a mailer. An answer is slow after 1 s.
async fn silent(max_slow_connections: usize) -> (Peer, SmtpMailer) {
    let peer = Peer::start(Script {
        content: Content::SilentTo("@silent"),
        ..Script::default()
    })
    .await;
    let settings = MailSettings {
        max_slow_connections,
        slow_after_seconds: 1,
        message_timeout_seconds: 600,
        ..settings(peer.address)
    };
    let mailer = SmtpMailer::new(&settings).expect("the settings are valid");
    (peer, mailer)
}

/// Returns the number of recipients whose address contains `text`.
fn recipients(peer: &Peer, text: &str) -> usize {
    let lines = peer.recipients();
    let rcpt = lines.iter().filter(|line| line.starts_with("RCPT"));
    rcpt.filter(|line| line.contains(text)).count()
}

#[tokio::test]
async fn silent_domains_do_not_delay_other_mails() {
    let (peer, mailer) = silent(64).await;
    let provider: &dyn MailProvider = &mailer;
    let mut waiting = FuturesUnordered::new();
    for domain in 0..8 {
        for mail in 0..4 {
            let to = format!("{mail}@silent{domain}.example");
            for mail in [certificate_to(&to), notice_to(&to)] {
                waiting.push(async move { provider.begin(&mail).await });
            }
        }
    }
    // Each dialogue continues with the content, which is never answered.
    let mut open = FuturesUnordered::new();
    let silence = async {
        loop {
            tokio::select! {
                Some(begun) = waiting.next() => match begun {
                    Ok(Begun::Accepted(handover)) => open.push(handover.send()),
                    Ok(Begun::Busy) => {}
                    _ => panic!("the peer accepts every recipient"),
                },
                Some(outcome) = open.next() => panic!("the peer never answers: {outcome:?}"),
                else => std::future::pending().await,
            }
        }
    };
    let others = async {
        until("each silent domain has a mail and a notice", async || {
            (0..8).all(|n| recipients(&peer, &format!("@silent{n}.")) >= 2)
        })
        .await;
        for mail in 0..10 {
            let to = format!("{mail}@example.net");
            for mail in [notice_to(&to), certificate_to(&to)] {
                let outcome = provider.send(&mail).await;
                assert!(
                    matches!(outcome, SendOutcome::Accepted { .. }),
                    "{outcome:?}"
                );
            }
        }
    };
    tokio::select! {
        biased;
        () = silence => {}
        done = tokio::time::timeout(SOON, others) => done.expect("others are sent soon"),
    }
}

#[tokio::test]
async fn silent_domain_gets_a_part_of_the_connections() {
    let (peer, mailer) = silent(8).await;
    let provider: &dyn MailProvider = &mailer;
    let address = |n: usize| Personal::new(format!("{n}@silent.example"));
    assert!(!provider.is_busy(&address(0)));
    let sent = (0..20).map(|n| {
        let mail = certificate_to(address(n).reveal_str());
        async move { provider.send(&mail).await }
    });
    let mut sent: FuturesUnordered<_> = sent.collect();
    let mut busy = 0;
    let all_others = async {
        while busy < 17 {
            let outcome = sent.next().await;
            assert!(
                matches!(outcome, Some(SendOutcome::Temporary { .. })),
                "{outcome:?}"
            );
            busy += 1;
        }
    };
    let ended = tokio::time::timeout(SOON, all_others).await;
    ended.expect("a quarter of 8 connections wait, and the others don't");
    // A third may begin while only one of the first two is slow.
    let begun = recipients(&peer, "@silent.");
    assert!((2..=3).contains(&begun), "{begun}");
    assert!(provider.is_busy(&address(0)));
    // Each good answer adds a connection, so one domain can use all of them.
    peer.set(Script::default());
    let good = (0..200).map(|n| {
        let mail = certificate_to(&format!("{n}@example.net"));
        async move { provider.send(&mail).await }
    });
    let good: Vec<_> = good.collect();
    let outcomes = futures_util::future::join_all(good).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, SendOutcome::Accepted { .. }))
    );
    assert!(peer.verbs().len() > 3 + 2, "{:?}", peer.verbs().len());
}

#[tokio::test]
async fn mails_share_the_connections_that_the_server_allows() {
    let peer = Peer::start(Script {
        content: Content::WaitForPermission,
        ..Script::default()
    })
    .await;
    let mailer = SmtpMailer::new(&settings(peer.address)).expect("the settings are valid");
    let provider: &dyn MailProvider = &mailer;
    let first = certificate_to("ada@example.net");
    let first = async {
        let outcome = provider.send(&first).await;
        // The connection stays open, and another one is still refused.
        assert!(
            matches!(outcome, SendOutcome::Accepted { .. }),
            "{outcome:?}"
        );
    };
    let others = async {
        let has = async |verb: &str| peer.verbs().concat().iter().any(|it| it == verb);
        until("the server has the first mail", async || has("DATA").await).await;
        peer.set(Script {
            greeting: "421 4.7.0 too many connections",
            ..Script::default()
        });
        let mail = certificate_to("bob@example.org");
        let notice = notice_to("bob@example.org");
        let is_accepted =
            async |mail: &Outgoing| matches!(provider.begin(mail).await, Ok(Begun::Accepted(_)));
        let waiting = async {
            let accepted = tokio::join!(is_accepted(&mail), is_accepted(&notice));
            // When the notice tries again, no connection is open any more.
            assert_eq!(accepted, (true, false));
        };
        let reply = async {
            until("both have tried to connect", async || {
                peer.verbs().len() >= 3
            })
            .await;
            peer.reply();
        };
        tokio::join!(waiting, reply);
    };
    let all = async { tokio::join!(first, others) };
    tokio::time::timeout(SOON, all)
        .await
        .expect("the mail goes over the first connection");
    assert_eq!(recipients(&peer, "bob@"), 1);
}

//! Mail over real SMTP, with the mail catcher and with a faulty mail server.

#![allow(clippy::expect_used, reason = "a panic here fails the test")]

mod answers;
mod connections;
pub mod peer;
mod slow;

use std::{net::SocketAddr, path::PathBuf};

use bytes::Bytes;
use laureate::{
    domain::{Locale, Personal, Secret, certification::file_name::attachment_file_name},
    mail::{
        Attachment, MailProvider, MailSettings, MailVariables, OutgoingMail, Recipient, Security,
        SendOutcome, SmtpMailer,
    },
};
use mail_parser::{MessageParser, MimeHeaders};
use peer::{Content, Encryption, Peer, Script};
use uuid::Uuid;

use crate::support::servers;

fn catcher() -> SocketAddr {
    servers().smtp_addr
}

pub fn settings(address: SocketAddr) -> MailSettings {
    let json = serde_json::json!({
        "host": address.ip().to_string(), "port": address.port(), "security": "none",
        "from_name": "Example Academy", "from_address": "hello@academy.example",
        "reply_to": "office@academy.example", "timeout_seconds": 20, "message_timeout_seconds": 20,
    });
    serde_json::from_value(json).expect("the settings are complete")
}

fn mailer(address: SocketAddr) -> SmtpMailer {
    SmtpMailer::new(&settings(address)).expect("the settings are valid")
}

fn mail_to(address: &str) -> OutgoingMail {
    let name = "José Muñoz Ñandú 山田";
    OutgoingMail {
        message_id: format!("<{}@academy.example>", Uuid::new_v4()),
        to: Recipient {
            name: Personal::new(name.to_owned()),
            address: Personal::new(address.to_owned()),
        },
        locale: Locale::Es,
        variables: MailVariables {
            attendee_name: Personal::new(name.to_owned()),
            certificate_name: "Introducción a Rust".to_owned(),
            event_name: "Escuela <de> invierno".to_owned(),
            event_link: Some("https://events.example/winter?a=1&b=2".to_owned()),
            download_link: "https://certificates.example/certificate/x/download".to_owned(),
            verification_link: "https://certificates.example/certificate/x".to_owned(),
            year: 2026,
            client: "Example Academy".to_owned(),
        },
        attachment: Attachment {
            file_name: Personal::new(attachment_file_name(name)),
            // All byte values, and lines that look like the end of a message.
            bytes: (0..=255)
                .cycle()
                .take(100_000)
                .chain(*b"\r\n.\r\n.\r\n..\r\n")
                .collect::<Vec<u8>>()
                .into(),
        },
        date: time::macros::datetime!(2026-03-01 12:30:00 UTC),
    }
}

/// Returns a mail that is larger than the buffers of the sockets.
fn large_mail() -> OutgoingMail {
    let mut mail = mail_to("ada@example.net");
    mail.attachment.bytes = Bytes::from(vec![b'x'; 12 * 1024 * 1024]);
    mail
}

/// Returns the files in the mail catcher's folder that contain a message with this id.
fn caught(message_id: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(&servers().mail_dir).expect("the catcher's folder");
    let paths = files.map(|file| file.expect("a file").path());
    let is_eml = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "eml");
    let holds = |path: &PathBuf| {
        std::fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(message_id))
    };
    paths.filter(is_eml).filter(holds).collect()
}

#[tokio::test]
async fn accepted_mail_arrives_complete() {
    let mail = mail_to("ada.lovelace@example.net");
    let outcome = mailer(catcher()).send(&mail).await;
    let SendOutcome::Accepted { answer } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(answer.starts_with("250 "), "{answer}");
    assert!(!answer.contains("lovelace"), "{answer}");

    let files = caught(&mail.message_id);
    assert_eq!(files.len(), 1);
    let bytes = std::fs::read(&files[0]).expect("the file is there");
    let message = MessageParser::default().parse(&bytes).expect("a message");
    assert_eq!(
        format!("<{}>", message.message_id().expect("an id")),
        mail.message_id
    );
    assert_eq!(
        message.subject(),
        Some("Tu certificado: Introducción a Rust")
    );
    let to = message
        .to()
        .and_then(|to| to.first())
        .expect("one recipient");
    assert_eq!(to.name(), Some(mail.to.name.reveal_str()));
    assert_eq!(to.address(), Some(mail.to.address.reveal_str()));
    let from = message
        .from()
        .and_then(|from| from.first())
        .expect("one sender");
    assert_eq!(
        (from.name(), from.address()),
        (Some("Example Academy"), Some("hello@academy.example"))
    );
    let reply_to = message
        .reply_to()
        .and_then(|to| to.first())
        .and_then(|to| to.address());
    assert_eq!(reply_to, Some("office@academy.example"));
    assert_eq!(
        message.header_raw("Auto-Submitted").map(str::trim),
        Some("auto-generated")
    );
    assert_eq!(
        message.date().expect("a date").to_rfc3339(),
        "2026-03-01T12:30:00Z"
    );

    let plain = message.body_text(0).expect("a text part");
    assert!(plain.contains("Escuela <de> invierno"), "{plain}");
    assert!(
        plain.contains("https://events.example/winter?a=1&b=2"),
        "{plain}"
    );
    let html = message.body_html(0).expect("an HTML part");
    assert!(html.contains("Escuela &lt;de&gt; invierno"), "{html}");
    assert!(
        html.contains("https://certificates.example/certificate/x/download"),
        "{html}"
    );
    assert_eq!(message.attachment_count(), 1);
    let attachment = message.attachment(0).expect("one attachment");
    let raw = String::from_utf8_lossy(&bytes);
    assert!(
        raw.contains(" filename=\"Jose Munoz Nandu Shan Tian_certificate.pdf\";\r\n"),
        "{}",
        attachment.attachment_name().unwrap_or_default()
    );
    assert!(
        raw.contains(" filename*=UTF-8''Jos%C3%A9%20Mu%C3%B1oz"),
        "the name in its original script"
    );
    assert_eq!(
        attachment.content_type().and_then(|kind| kind.subtype()),
        Some("pdf")
    );
    assert!(
        attachment.contents() == mail.attachment.bytes,
        "the attachment has changed on its way"
    );
}

#[tokio::test]
async fn reply_code_decides_if_a_refusal_is_temporary_or_permanent() {
    let mailer = mailer(catcher());
    let outcome = mailer.send(&mail_to("reject-ada@example.net")).await;
    assert_eq!(
        outcome,
        SendOutcome::Permanent {
            answer: "550 5.1.1 no such mailbox".to_owned()
        }
    );
    let outcome = mailer.send(&mail_to("tempfail-ada@example.net")).await;
    assert_eq!(
        outcome,
        SendOutcome::Temporary {
            answer: "451 4.3.0 try again later".to_owned()
        }
    );
    // The connection can still be used for the next mail after a rejection.
    let outcome = mailer.send(&mail_to("ada@example.net")).await;
    assert!(
        matches!(outcome, SendOutcome::Accepted { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn outcome_is_unknown_if_the_server_hangs_up_after_the_mail() {
    let mail = mail_to("hangup-ada@example.net");
    let outcome = mailer(catcher()).send(&mail).await;
    assert!(
        matches!(outcome, SendOutcome::Unknown { .. }),
        "{outcome:?}"
    );
    assert_eq!(
        caught(&mail.message_id).len(),
        1,
        "it was accepted, and only the answer was lost"
    );
}

#[tokio::test]
async fn health_check_contacts_the_server_and_sends_no_mail() {
    let provider: Box<dyn MailProvider> = Box::new(mailer(catcher()));
    provider.check().await.expect("the catcher is there");
    provider.probe().await.expect("the catcher accepts mails");
    let peer = Peer::start(Script::default()).await;
    mailer(peer.address)
        .check()
        .await
        .expect("the peer is there");
    assert_eq!(peer.verbs(), [["EHLO", "NOOP", "QUIT"]]);
    let closing = Script {
        mail: "421 4.3.2 closing",
        ..Script::default()
    };
    let peer = Peer::start(closing).await;
    let provider: Box<dyn MailProvider> = Box::new(mailer(peer.address));
    provider.check().await.expect("the peer is there");
    let closed = provider.probe().await.expect_err("no mail can begin");
    assert!(closed.to_string().contains("421 4.3.2 closing"), "{closed}");
    let nobody = mailer(unused_address().await);
    assert!(
        nobody
            .check()
            .await
            .expect_err("unreachable")
            .to_string()
            .contains("connecting failed")
    );
}

async fn unused_address() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
}

#[tokio::test]
async fn unreachable_server_is_no_answer() {
    let outcome = mailer(unused_address().await)
        .send(&mail_to("ada@example.net"))
        .await;
    let SendOutcome::Unanswered { detail } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(detail.starts_with("connecting failed: "), "{detail}");
}

#[tokio::test]
async fn server_without_the_required_encryption_gets_no_mail() {
    let peer = Peer::start(Script::default()).await;
    for security in [Security::StartTls, Security::Tls] {
        let settings = MailSettings {
            security,
            timeout_seconds: 5,
            ..settings(peer.address)
        };
        let mailer = SmtpMailer::new(&settings).expect("the settings are valid");
        let outcome = mailer.send(&mail_to("ada@example.net")).await;
        assert!(
            matches!(outcome, SendOutcome::Unanswered { .. }),
            "{security:?}: {outcome:?}"
        );
    }
    assert!(!peer.verbs().concat().contains(&"MAIL".to_owned()));
}

/// Returns a mailer that encrypts the connection, trusts the certificate and logs in.
fn encrypting_mailer(peer: &Peer, security: Security, ca_pem: &str) -> SmtpMailer {
    let ca_file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(ca_file.path(), ca_pem).expect("written");
    let settings = MailSettings {
        security,
        ca_file: Some(ca_file.path().to_owned()),
        username: Some("academy".to_owned()),
        password: Some(Secret::new("hunter2")),
        ..settings(peer.address)
    };
    SmtpMailer::new(&settings).expect("the settings are valid")
}

#[tokio::test]
async fn mail_and_password_are_sent_only_after_encryption() {
    let (acceptor, pem) = peer::certificate();
    for (security, encryption, before) in [
        (
            Security::StartTls,
            Encryption::StartTls(acceptor.clone()),
            vec!["EHLO", "STARTTLS"],
        ),
        (
            Security::Tls,
            Encryption::Implicit(acceptor.clone()),
            vec![],
        ),
    ] {
        let peer = Peer::start_with(Script::default(), encryption).await;
        let outcome = encrypting_mailer(&peer, security, &pem)
            .send(&mail_to("ada@example.net"))
            .await;
        assert!(
            matches!(outcome, SendOutcome::Accepted { .. }),
            "{security:?}: {outcome:?}"
        );
        let encrypted = ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"];
        assert_eq!(peer.verbs()[0], [&before[..], &encrypted[..]].concat());
    }
}

#[tokio::test]
async fn unknown_certificate_or_refused_password_is_no_answer() {
    let (acceptor, pem) = peer::certificate();
    let (_, other_pem) = peer::certificate();
    let mail = mail_to("ada@example.net");
    let peer = Peer::start_with(Script::default(), Encryption::Implicit(acceptor.clone())).await;
    let outcome = encrypting_mailer(&peer, Security::Tls, &other_pem)
        .send(&mail)
        .await;
    assert!(
        matches!(&outcome, SendOutcome::Unanswered { detail } if detail.contains("certificate")),
        "{outcome:?}"
    );

    let script = Script {
        auth: "535 5.7.8 wrong password",
        ..Script::default()
    };
    let peer = Peer::start_with(script, Encryption::Implicit(acceptor)).await;
    let outcome = encrypting_mailer(&peer, Security::Tls, &pem)
        .send(&mail)
        .await;
    let SendOutcome::Unanswered { detail: answer } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        answer.starts_with("logging in failed") && answer.contains("535"),
        "{answer}"
    );
    assert!(!answer.contains("hunter2"), "{answer}");
}

/// Sends one mail to a peer. The time limit for the message is 1 s, so that the test ends soon if
/// the peer does not reply.
async fn outcome_with(script: Script, mail: &OutgoingMail) -> SendOutcome {
    let peer = Peer::start(script).await;
    let settings = MailSettings {
        message_timeout_seconds: 1,
        ..settings(peer.address)
    };
    SmtpMailer::new(&settings)
        .expect("the settings are valid")
        .send(mail)
        .await
}

#[tokio::test]
async fn outcome_is_unknown_without_an_answer_after_the_message() {
    for content in [
        Content::CloseAfterEnd,
        Content::SilentAfterEnd,
        Content::Answer("not SMTP at all"),
    ] {
        let script = Script {
            content,
            ..Script::default()
        };
        let outcome = outcome_with(script, &mail_to("ada@example.net")).await;
        assert!(
            matches!(outcome, SendOutcome::Unknown { .. }),
            "{content:?}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn incomplete_message_is_no_answer() {
    for content in [Content::CloseInTheMiddle, Content::StallInTheMiddle] {
        let script = Script {
            content,
            ..Script::default()
        };
        let outcome = outcome_with(script, &large_mail()).await;
        assert!(
            matches!(outcome, SendOutcome::Unanswered { .. }),
            "{content:?}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn answer_is_stored_completely_except_for_the_recipient() {
    let rcpt = "550-5.7.1 <Ada@example.net> is blocked\r\n550 5.7.1 see https://peer.example/why";
    let outcome = outcome_with(
        Script {
            rcpt,
            ..Script::default()
        },
        &mail_to("ada@example.net"),
    )
    .await;
    let answer = "550 5.7.1 <recipient> is blocked see https://peer.example/why".to_owned();
    assert_eq!(outcome, SendOutcome::Permanent { answer });
}

#[tokio::test]
async fn refusals_at_each_step_have_their_own_outcome() {
    let temporary = |answer: &str| SendOutcome::Temporary {
        answer: answer.to_owned(),
    };
    let closing = || SendOutcome::Unanswered {
        detail: "421 4.3.2 closing".to_owned(),
    };
    let permanent = |answer: &str| SendOutcome::Permanent {
        answer: answer.to_owned(),
    };
    let mail = mail_to("ada@example.net");
    let plain = Script::default();
    for (script, expected) in [
        (
            Script {
                mail: "421 4.3.2 closing",
                ..plain
            },
            closing(),
        ),
        (
            Script {
                rcpt: "421 4.3.2 closing",
                ..plain
            },
            closing(),
        ),
        (
            Script {
                content: Content::Answer("421 4.3.2 closing"),
                ..plain
            },
            closing(),
        ),
        (
            Script {
                data: "554 5.5.1 no",
                ..plain
            },
            permanent("554 5.5.1 no"),
        ),
        (
            Script {
                data: "421 4.3.2 closing",
                ..plain
            },
            closing(),
        ),
        (
            Script {
                data: "250 what",
                ..plain
            },
            temporary("unexpected answer to DATA: 250 what"),
        ),
        (
            Script {
                content: Content::Answer("552 5.3.4 too big"),
                ..plain
            },
            permanent("552 5.3.4 too big"),
        ),
        (
            Script {
                content: Content::Answer("452 4.3.1 full"),
                ..plain
            },
            temporary("452 4.3.1 full"),
        ),
    ] {
        assert_eq!(outcome_with(script, &mail).await, expected, "{script:?}");
    }
    // A server that rejects all connections has not rejected this particular mail.
    let outcome = outcome_with(
        Script {
            greeting: "554 no service here",
            ..plain
        },
        &mail,
    )
    .await;
    assert!(
        matches!(&outcome, SendOutcome::Unanswered { detail } if detail.contains("554")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn name_with_a_line_break_is_refused_and_not_shown() {
    let peer = Peer::start(Script::default()).await;
    let mut mail = mail_to("ada@example.net");
    mail.to.name = Personal::new("Ada\r\nBcc: all@example.net".to_owned());
    let outcome = mailer(peer.address).send(&mail).await;
    let SendOutcome::Permanent { answer } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        answer.contains("`to.name`") && !answer.contains("Ada"),
        "{answer}"
    );
    assert!(peer.verbs().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn international_domain_is_sent_in_ascii_to_a_server_without_smtputf8() {
    let people = include_str!("../cases/43-idn-domains.csv");
    let addresses = people
        .lines()
        .skip(1)
        .filter_map(|row| row.split(',').nth(1))
        .map(str::to_owned);
    let own = ["ana@пример.рф", "luis@correo.peña.example"].map(str::to_owned);
    let mut wanted = Vec::new();
    let peer = Peer::start(Script::default()).await;
    let mailer = mailer(peer.address);
    for address in addresses.chain(own) {
        let mut mail = mail_to(&address);
        mail.to.name = Personal::new(String::new());
        let outcome = mailer.send(&mail).await;
        assert!(
            matches!(outcome, SendOutcome::Accepted { .. }),
            "{address}: {outcome:?}"
        );
        wanted.push(address);
    }
    let ascii = [
        "juergen@xn--bcher-kva.example",
        "juergen@xn--bcher-kva.example",
        "zoe@xn--fu-hia.example",
        "ana@xn--e1afmkfd.xn--p1ai",
        "luis@correo.xn--pea-8ma.example",
    ];
    let lines: Vec<String> = ascii
        .iter()
        .flat_map(|to| [format!("RCPT TO:<{to}>"), format!("To: {to}")])
        .collect();
    assert_eq!(peer.recipients(), lines, "{wanted:?}");
}

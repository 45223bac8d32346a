//! Mail catcher over real SMTP, with the client library that the mailer uses.

use std::sync::Arc;

use laureate::dev_stack::mail_catcher::{
    MailCatcher, MailCatcherOptions, Reply, caught_mails, rehearsal,
};
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::{Namespace, servers};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

fn transport(address: std::net::SocketAddr) -> Transport {
    Transport::builder_dangerous(address.ip().to_string())
        .port(address.port())
        .build()
}

async fn send(transport: &Transport, to: &str, text: &str) -> Result<Response, Error> {
    let message = Message::builder()
        .from("Laureate <certificates@example.org>".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("Tu certificado está aquí")
        .header(ContentType::TEXT_PLAIN)
        .body(text.to_owned())
        .unwrap();
    transport.send(message).await
}

fn catcher(options: MailCatcherOptions) -> (tempfile::TempDir, MailCatcher) {
    let folder = tempfile::tempdir().unwrap();
    let catcher = MailCatcher::start(folder.path(), options).unwrap();
    (folder, catcher)
}

#[tokio::test]
async fn message_is_stored_as_it_was_sent() {
    let (_folder, catcher) = catcher(MailCatcherOptions::default());
    let transport = transport(catcher.address());
    let answer = send(
        &transport,
        "ann@example.org",
        "Line\r\n.dot\r\n..two dots\r\n",
    )
    .await;
    assert!(answer.unwrap().is_positive());
    let mails = catcher.list(10).unwrap();
    let [mail] = &mails[..] else {
        panic!("{mails:?}")
    };
    assert_eq!(mail.from, "certificates@example.org");
    assert_eq!(mail.to, ["ann@example.org"]);
    assert_eq!(mail.subject, "Tu certificado está aquí");
    let text = std::fs::read_to_string(&mail.path).unwrap();
    assert!(
        text.contains("\r\n\r\nLine\r\n.dot\r\n..two dots\r\n"),
        "{text}"
    );
    assert_eq!(catcher.count(), 1);
    assert_eq!(catcher.get(&mail.id).unwrap().as_ref(), Some(mail));
}

#[tokio::test]
async fn prefix_of_the_address_selects_a_failure() {
    let namespace = Namespace::new();
    let transport = transport(servers().smtp_addr);
    let to = |prefix: &str| format!("{prefix}{namespace}@example.org");

    let refused = send(&transport, &to("reject-"), "x").await.unwrap_err();
    assert!(refused.is_permanent(), "{refused}");
    let refused = send(&transport, &to("tempfail-"), "x").await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    let first = send(&transport, &to("tempfail-once-"), "x").await;
    assert!(first.unwrap_err().is_transient());
    send(&transport, &to("tempfail-once-"), "x").await.unwrap();
    let unknown = send(&transport, &to("hangup-"), "x").await.unwrap_err();
    assert!(
        !unknown.is_permanent() && !unknown.is_transient(),
        "{unknown}"
    );
    send(&transport, &to(""), "x").await.unwrap();

    let mut kept: Vec<String> = caught_mails(&servers().mail_dir, 100_000)
        .unwrap()
        .into_iter()
        .flat_map(|mail| mail.to)
        .filter(|address| address.contains(namespace.name()))
        .collect();
    kept.sort();
    let mut expected = vec![to(""), to("hangup-"), to("tempfail-once-")];
    expected.sort();
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn too_large_message_is_refused_and_the_next_one_accepted() {
    let (_folder, catcher) = catcher(MailCatcherOptions {
        max_message_bytes: 2000,
        ..MailCatcherOptions::default()
    });
    let transport = transport(catcher.address());
    let large = "0123456789\r\n".repeat(1000);
    let refused = send(&transport, "ann@example.org", &large).await;
    assert!(refused.unwrap_err().is_permanent());
    send(&transport, "ann@example.org", "small").await.unwrap();
    assert_eq!(catcher.count(), 1);
}

#[tokio::test]
async fn full_folder_is_a_temporary_refusal() {
    let (_folder, catcher) = catcher(MailCatcherOptions {
        max_messages: 1,
        ..MailCatcherOptions::default()
    });
    let transport = transport(catcher.address());
    send(&transport, "ann@example.org", "x").await.unwrap();
    let refused = send(&transport, "ann@example.org", "x").await;
    assert!(refused.unwrap_err().is_transient());
}

#[tokio::test]
async fn concurrent_connections_lose_no_message() {
    let (folder, catcher) = catcher(MailCatcherOptions::default());
    let transport = Arc::new(transport(catcher.address()));
    let sends = (0..200).map(|n| {
        let transport = transport.clone();
        async move { send(&transport, &format!("p{n}@example.org"), "x").await }
    });
    for answer in futures_util::future::join_all(sends).await {
        answer.unwrap();
    }
    assert_eq!(catcher.count(), 200);
    drop(catcher);
    assert_eq!(caught_mails(folder.path(), 1000).unwrap().len(), 200);
    let again = MailCatcher::start(folder.path(), MailCatcherOptions::default()).unwrap();
    assert_eq!(again.count(), 200, "earlier messages are counted");
}

#[tokio::test]
async fn connection_beyond_the_limit_is_a_temporary_refusal() {
    let (_folder, catcher) = catcher(MailCatcherOptions {
        max_connections: 1,
        ..MailCatcherOptions::default()
    });
    let mut first = BufReader::new(TcpStream::connect(catcher.address()).await.unwrap());
    let mut greeting = String::new();
    first.read_line(&mut greeting).await.unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");
    let refused = send(&transport(catcher.address()), "ann@example.org", "x").await;
    assert!(refused.unwrap_err().is_transient());
}

#[tokio::test]
async fn endless_line_is_refused() {
    let (_folder, catcher) = catcher(MailCatcherOptions {
        reply: rehearsal(),
        ..MailCatcherOptions::default()
    });
    let mut stream = BufReader::new(TcpStream::connect(catcher.address()).await.unwrap());
    let mut greeting = String::new();
    stream.read_line(&mut greeting).await.unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");
    // The server may close the connection before all bytes are written.
    let _ = stream.write_all(&vec![b'a'; 70_000]).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("500 "), "{answer}");
}

#[tokio::test]
async fn too_many_recipients_are_refused() {
    let (_folder, catcher) = catcher(MailCatcherOptions {
        max_recipients: 2,
        reply: Arc::new(|_| Reply::Accept),
        ..MailCatcherOptions::default()
    });
    let mut stream = TcpStream::connect(catcher.address()).await.unwrap();
    let commands = "EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n\
                    RCPT TO:<c@example.org>\r\nRCPT TO:<d@example.org>\r\nQUIT\r\n";
    stream.write_all(commands.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer.matches("250 2.1.5").count(), 2, "{answer}");
    assert_eq!(answer.matches("452 4.5.3").count(), 1, "{answer}");
}

//! Mail server with deliberate faults, which can't be caused with a real server.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::Notify,
};
use tokio_rustls::{TlsAcceptor, rustls};

const ACCEPTED: &str = "250 2.0.0 Ok: queued as 4F2A";

/// Behaviour of the peer after it has replied 354 to DATA.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Reads the message to its end, and replies.
    Answer(&'static str),
    /// Reads the message to its end, and closes the connection without a reply.
    CloseAfterEnd,
    /// Reads the message to its end, and never replies.
    SilentAfterEnd,
    /// Like [`Self::SilentAfterEnd`] if the recipient contains this text. Replies to others.
    SilentTo(&'static str),
    /// Reads the message to its end, and replies after [`Peer::reply`] is called.
    WaitForPermission,
    /// Reads 4,096 bytes, and closes the connection.
    CloseInTheMiddle,
    /// Reads 4,096 bytes, and then stops reading without closing the connection.
    StallInTheMiddle,
}

/// Behaviour of the peer.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub greeting: &'static str,
    pub auth: &'static str,
    pub mail: &'static str,
    pub rcpt: &'static str,
    pub data: &'static str,
    pub content: Content,
    /// Number of mails after which the peer closes the connection, as servers do with connections
    /// that are idle.
    pub mails_per_connection: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            greeting: "220 peer.example.org ESMTP",
            auth: "235 2.7.0 Welcome",
            mail: "250 2.1.0 Ok",
            rcpt: "250 2.1.5 Ok",
            data: "354 go ahead",
            content: Content::Answer(ACCEPTED),
            mails_per_connection: usize::MAX,
        }
    }
}

/// Encryption of the peer's connections.
#[derive(Clone)]
pub enum Encryption {
    None,
    StartTls(TlsAcceptor),
    Implicit(TlsAcceptor),
}

/// Returns an acceptor that has a self-signed certificate for 127.0.0.1. Also returns the
/// certificate as PEM, for clients.
pub fn certificate() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("key and certificate belong together");
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Dialogue = BufReader<Box<dyn Stream>>;

/// Running peer. It ends together with the runtime of the test.
pub struct Peer {
    pub address: SocketAddr,
    script: Arc<Mutex<Script>>,
    permission: Arc<Notify>,
    log: Arc<Mutex<Vec<Vec<String>>>>,
    recipients: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub async fn start(script: Script) -> Self {
        Self::start_with(script, Encryption::None).await
    }

    pub async fn start_with(script: Script, encryption: Encryption) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let log: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let entries = Arc::clone(&log);
        let recipients: Arc<Mutex<Vec<String>>> = Arc::default();
        let named = Arc::clone(&recipients);
        let script = Arc::new(Mutex::new(script));
        let current = Arc::clone(&script);
        let permission: Arc<Notify> = Arc::default();
        let permitted = Arc::clone(&permission);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut log = entries.lock().expect("no test thread panicked with it");
                    log.push(Vec::new());
                    log.len() - 1
                };
                let entries = Arc::clone(&entries);
                let encryption = encryption.clone();
                let named = Arc::clone(&named);
                let script = Arc::clone(&current);
                let permitted = Arc::clone(&permitted);
                tokio::spawn(async move {
                    // Errors are expected, because the mailer may close the connection at any time.
                    let _ = serve(
                        Box::new(stream),
                        &script,
                        &permitted,
                        encryption,
                        (&entries, number),
                        &named,
                    )
                    .await;
                });
            }
        });
        Self {
            address,
            script,
            permission,
            log,
            recipients,
        }
    }

    /// Changes the behaviour of all connections.
    pub fn set(&self, script: Script) {
        *self.script.lock().expect("no test thread panicked with it") = script;
    }

    /// Lets one connection with [`Content::WaitForPermission`] reply.
    pub fn reply(&self) {
        self.permission.notify_one();
    }

    /// Returns all lines that contain a recipient: RCPT commands and To headers.
    pub fn recipients(&self) -> Vec<String> {
        self.recipients
            .lock()
            .expect("no test thread panicked with it")
            .clone()
    }

    /// Returns the SMTP verbs that the peer has received, by connection.
    pub fn verbs(&self) -> Vec<Vec<String>> {
        self.log
            .lock()
            .expect("no test thread panicked with it")
            .clone()
    }
}

async fn serve(
    stream: Box<dyn Stream>,
    script: &Mutex<Script>,
    permission: &Notify,
    encryption: Encryption,
    (log, number): (&Mutex<Vec<Vec<String>>>, usize),
    named: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (stream, mut upgrade): (Box<dyn Stream>, _) = match encryption {
        Encryption::None => (stream, None),
        Encryption::StartTls(acceptor) => (stream, Some(acceptor)),
        Encryption::Implicit(acceptor) => (Box::new(acceptor.accept(stream).await?), None),
    };
    let mut stream = BufReader::new(stream);
    let mut mails = 0;
    let mut recipient = String::new();
    let current = || *script.lock().expect("no test thread panicked with it");
    say(&mut stream, current().greeting).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let script = current();
        let verb = line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_uppercase();
        log.lock().expect("no test thread panicked with it")[number].push(verb.clone());
        match verb.as_str() {
            "EHLO" if upgrade.is_some() => {
                say(&mut stream, "250-peer.example.org\r\n250 STARTTLS").await?
            }
            "EHLO" => say(&mut stream, "250-peer.example.org\r\n250 AUTH PLAIN").await?,
            "STARTTLS" => {
                say(&mut stream, "220 2.0.0 Ready").await?;
                let Some(acceptor) = upgrade.take() else {
                    return Ok(());
                };
                let plain = stream.into_inner();
                stream = BufReader::new(Box::new(acceptor.accept(plain).await?));
            }
            "AUTH" => say(&mut stream, script.auth).await?,
            "MAIL" => say(&mut stream, script.mail).await?,
            "RCPT" => {
                recipient = line.clone();
                named
                    .lock()
                    .expect("no test thread panicked with it")
                    .push(line.trim().to_owned());
                say(&mut stream, script.rcpt).await?;
            }
            "DATA" => {
                say(&mut stream, script.data).await?;
                if script.data.starts_with("354")
                    && !content(&mut stream, script.content, &recipient, permission, named).await?
                {
                    return Ok(());
                }
                mails += 1;
                if mails == script.mails_per_connection {
                    return Ok(());
                }
            }
            "QUIT" => return say(&mut stream, "221 2.0.0 Bye").await,
            _ => say(&mut stream, "250 2.0.0 Ok").await?,
        }
    }
}

/// Reads the content of a message and replies. Returns true if the dialogue continues.
async fn content(
    stream: &mut Dialogue,
    content: Content,
    recipient: &str,
    permission: &Notify,
    named: &Mutex<Vec<String>>,
) -> std::io::Result<bool> {
    if matches!(
        content,
        Content::CloseInTheMiddle | Content::StallInTheMiddle
    ) {
        let mut little = vec![0; 4096];
        stream.read_exact(&mut little).await?;
        if matches!(content, Content::StallInTheMiddle) {
            std::future::pending::<()>().await;
        }
        return Ok(false);
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(false);
        }
        if line == ".\r\n" {
            break;
        }
        if line.starts_with("To: ") {
            named
                .lock()
                .expect("no test thread panicked with it")
                .push(line.trim().to_owned());
        }
    }
    match content {
        Content::Answer(answer) => say(stream, answer).await.map(|()| true),
        Content::SilentAfterEnd => std::future::pending().await,
        Content::SilentTo(text) if recipient.contains(text) => std::future::pending().await,
        Content::SilentTo(_) => say(stream, ACCEPTED).await.map(|()| true),
        Content::WaitForPermission => {
            permission.notified().await;
            say(stream, ACCEPTED).await.map(|()| true)
        }
        _ => Ok(false),
    }
}

async fn say(stream: &mut Dialogue, text: &str) -> std::io::Result<()> {
    stream
        .get_mut()
        .write_all(format!("{text}\r\n").as_bytes())
        .await
}

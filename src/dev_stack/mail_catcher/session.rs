//! SMTP session on one connection. The length of lines and messages is limited.

use std::io::{self, BufRead};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mailin::{Action, Handler, Response, Session, SessionBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::folder::MailFolder;
use super::{MailCatcherOptions, Reply};

/// Maximum length of a line in bytes. RFC 5321 allows 998 characters, but real senders write longer
/// lines.
const MAX_LINE: usize = 64 * 1024;
const CHUNK: usize = 64 * 1024;

pub(crate) async fn serve(
    mut stream: TcpStream,
    peer: IpAddr,
    folder: Arc<MailFolder>,
    options: &MailCatcherOptions,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let fate = Arc::new(Fate::default());
    let envelope = Envelope::new(folder, options.clone(), fate.clone());
    let mut session = SessionBuilder::new("laureate").build(peer, envelope);
    stream.write_all(&session.greeting().buffer()?).await?;
    let mut buffer = vec![0; CHUNK + MAX_LINE];
    let mut filled = 0;
    loop {
        let read = timeout(options.idle, stream.read(&mut buffer[filled..])).await??;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let mut replies = Vec::new();
        let (used, open) = process(&mut session, &buffer[..filled], &fate, &mut replies)?;
        if !replies.is_empty() {
            timeout(options.idle, stream.write_all(&replies)).await??;
        }
        if !open {
            return stream.shutdown().await;
        }
        buffer.copy_within(used..filled, 0);
        filled -= used;
        if filled > MAX_LINE {
            timeout(
                options.idle,
                stream.write_all(b"500 5.5.2 line too long\r\n"),
            )
            .await??;
            return stream.shutdown().await;
        }
    }
}

/// Rejects a connection because the maximum number is reached.
pub(crate) async fn refuse(mut stream: TcpStream, options: &MailCatcherOptions) -> io::Result<()> {
    let answer = b"421 4.3.2 too many connections, try again later\r\n";
    timeout(options.idle, stream.write_all(answer)).await??;
    stream.shutdown().await
}

/// Actions on the connection that the handler requests. The state machine of `mailin` can't express
/// them.
#[derive(Default)]
struct Fate {
    close: AtomicBool,
    silent: AtomicBool,
}

/// Handles the complete lines in `bytes`. Returns the number of handled bytes, and true if the
/// connection stays open.
fn process(
    session: &mut Session<Envelope>,
    bytes: &[u8],
    fate: &Fate,
    replies: &mut Vec<u8>,
) -> io::Result<(usize, bool)> {
    let mut used = 0;
    loop {
        let rest = &bytes[used..];
        // `skip_until` searches a machine word at a time.
        let length = { rest }.skip_until(b'\n')?;
        let line = &rest[..length];
        if !line.ends_with(b"\n") {
            return Ok((used, true));
        }
        used += length;
        let response = session.process(line);
        if fate.silent.load(Ordering::Relaxed) {
            return Ok((used, false));
        }
        if response.action != Action::NoReply {
            response.write_to(replies)?;
        }
        if response.action == Action::Close || fate.close.load(Ordering::Relaxed) {
            return Ok((used, false));
        }
    }
}

/// Message that is being received.
struct Envelope {
    folder: Arc<MailFolder>,
    options: MailCatcherOptions,
    fate: Arc<Fate>,
    from: String,
    to: Vec<String>,
    body: Vec<u8>,
    too_large: bool,
    hang_up: bool,
}

impl Envelope {
    fn new(folder: Arc<MailFolder>, options: MailCatcherOptions, fate: Arc<Fate>) -> Self {
        Self {
            folder,
            options,
            fate,
            from: String::new(),
            to: Vec::new(),
            body: Vec::new(),
            too_large: false,
            hang_up: false,
        }
    }
}

impl Handler for Envelope {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        from.clone_into(&mut self.from);
        self.to.clear();
        self.hang_up = false;
        reply(250, "2.1.0 sender ok")
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if self.to.len() >= self.options.max_recipients {
            return reply(452, "4.5.3 too many recipients");
        }
        match (self.options.reply)(to) {
            Reply::Accept => {}
            Reply::HangUp => self.hang_up = true,
            Reply::Refuse { code, text } => return Response::custom(code, text),
        }
        self.to.push(to.to_owned());
        reply(250, "2.1.5 recipient ok")
    }

    fn data_start(&mut self, _: &str, _: &str, _: bool, _: &[String]) -> Response {
        self.body.clear();
        self.too_large = false;
        if self.folder.count() >= self.options.max_messages {
            return reply(452, "4.3.1 the folder of caught mail is full");
        }
        mailin::response::OK
    }

    /// Discards the rest of an oversized message, because SMTP allows a reply only at the end.
    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        if self.body.len() + line.len() > self.options.max_message_bytes {
            self.too_large = true;
        }
        if !self.too_large {
            self.body.extend_from_slice(line);
        }
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        if self.hang_up {
            self.fate.silent.store(true, Ordering::Relaxed);
        }
        let kept = if self.too_large {
            Err(reply(552, "5.3.4 message too large"))
        } else {
            self.folder
                .keep(&self.from, &self.to, &self.body)
                .map_err(|error| {
                    tracing::warn!(%error, "mail catcher cannot store a message");
                    reply(452, "4.3.1 cannot keep the message")
                })
        };
        // Keeps up to 512 KiB of the buffer for the next message of the connection.
        self.body.clear();
        self.body.shrink_to(CHUNK * 8);
        match kept {
            Ok(id) => Response::custom(250, format!("2.0.0 kept as {id}")),
            Err(refusal) => {
                // After a rejected message, mailin 0.6 would parse the next command as message
                // text.
                self.fate.close.store(true, Ordering::Relaxed);
                refusal
            }
        }
    }
}

fn reply(code: u16, text: &str) -> Response {
    Response::custom(code, text.to_owned())
}

//! SMTP server whose behaviour changes during a run. It records the accepted mails in memory.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::hold;

/// Start of the addresses that are refused temporarily the first time.
pub const GREYLISTED: &str = "grey-";

/// Step of an SMTP dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Greeting,
    Mail,
    Recipient,
    /// The command DATA, before the content.
    Data,
    /// The content, of which the server has received a part.
    Content,
    /// The end of the content.
    End,
}

/// Behaviour of the server towards all clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Accepts,
    /// No program listens on the port.
    Unreachable,
    /// The server gives this answer at a step. If it begins with 4 or 5, the mail is not accepted.
    Answers(Step, &'static str),
    /// The server closes the connection at a step. At [`Step::End`], it has accepted the mail.
    Drops(Step),
    /// The server doesn't answer at a step until its behaviour changes. At [`Step::End`], it has
    /// accepted the mail.
    Silent(Step),
}

/// Mail that the server has accepted.
#[derive(Clone)]
pub struct Accepted {
    /// Message-ID, with angle brackets.
    pub message_id: String,
    pub to: String,
    pub at: Instant,
}

/// Running server. It ends together with the runtime of the test.
pub struct MailServer {
    pub address: SocketAddr,
    behaviour: watch::Sender<Behaviour>,
    pace: watch::Sender<Duration>,
    records: Arc<Mutex<Records>>,
}

/// Present behaviour, and the time before each acceptance.
#[derive(Clone)]
struct Conduct {
    behaviour: watch::Receiver<Behaviour>,
    pace: watch::Receiver<Duration>,
}

#[derive(Default)]
struct Records {
    accepted: Vec<Accepted>,
    /// Greylisted addresses that were refused once.
    refused: HashSet<String>,
}

impl MailServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (behaviour, current) = watch::channel(Behaviour::Accepts);
        let (pace, current_pace) = watch::channel(Duration::ZERO);
        let records: Arc<Mutex<Records>> = Arc::default();
        let conduct = Conduct {
            behaviour: current,
            pace: current_pace,
        };
        tokio::spawn(accept(listener, address, conduct, records.clone()));
        Self {
            address,
            behaviour,
            pace,
            records,
        }
    }

    /// Sets the time between the end of a mail and the answer.
    pub fn answer_after(&self, time: Duration) {
        self.pace.send_replace(time);
    }

    /// Changes the behaviour for new dialogues, and for the next step of existing ones.
    pub fn behave(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// Returns the accepted mails, in the order of their arrival.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.records.lock().expect("not poisoned").accepted.clone()
    }
}

async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    mut conduct: Conduct,
    records: Arc<Mutex<Records>>,
) {
    let mut listener = Some(listener);
    loop {
        let reachable = *conduct.behaviour.borrow_and_update() != Behaviour::Unreachable;
        if !reachable {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
        }
        let next = async {
            match &listener {
                Some(listener) => listener.accept().await.ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            connection = next => {
                let Some((stream, _)) = connection else { continue };
                let mut changes = conduct.behaviour.clone();
                let conduct = conduct.clone();
                let records = records.clone();
                tokio::spawn(async move {
                    let dialogue = serve(stream, conduct, &records);
                    // Existing connections end, too, when the server becomes unreachable.
                    tokio::select! {
                        _ = dialogue => {}
                        _ = changes.wait_for(|now| *now == Behaviour::Unreachable) => {}
                    }
                });
            }
            changed = conduct.behaviour.changed() => if changed.is_err() { return },
        }
    }
}

/// Result of a step: the dialogue continues, the next command is expected, or the connection ends.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    Refused,
    Close,
}

struct Dialogue {
    stream: BufReader<TcpStream>,
    conduct: Conduct,
}

impl Dialogue {
    async fn say(&mut self, text: &str) -> io::Result<()> {
        let line = format!("{text}\r\n");
        self.stream.get_mut().write_all(line.as_bytes()).await
    }

    /// Applies the present behaviour to a step. `usual` is the answer of a server that works.
    async fn step(&mut self, step: Step, usual: &str) -> io::Result<Next> {
        let behaviour = *self.conduct.behaviour.borrow();
        self.step_as(behaviour, step, usual).await
    }

    async fn step_as(&mut self, behaviour: Behaviour, step: Step, usual: &str) -> io::Result<Next> {
        match behaviour {
            Behaviour::Unreachable => Ok(Next::Close),
            Behaviour::Drops(at) if at == step => Ok(Next::Close),
            Behaviour::Silent(at) if at == step => {
                let mut changes = self.conduct.behaviour.clone();
                let _ = changes.wait_for(|now| *now != behaviour).await;
                self.say(usual).await?;
                Ok(Next::Continue)
            }
            Behaviour::Answers(at, text) if at == step => {
                self.say(text).await?;
                // Code 421 announces that the server closes the connection (RFC 5321 §3.8).
                let closes = text.starts_with("421") || step == Step::Greeting;
                Ok(if closes { Next::Close } else { Next::Refused })
            }
            _ => {
                self.say(usual).await?;
                Ok(Next::Continue)
            }
        }
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let length = self.stream.read_line(&mut line).await?;
        Ok((length > 0).then_some(line))
    }
}

async fn serve(stream: TcpStream, conduct: Conduct, records: &Mutex<Records>) -> io::Result<()> {
    let mut dialogue = Dialogue {
        stream: BufReader::new(stream),
        conduct,
    };
    if dialogue.step(Step::Greeting, "220 test").await? != Next::Continue {
        return Ok(());
    }
    let mut to = String::new();
    while let Some(line) = dialogue.line().await? {
        let verb = line.split_whitespace().next().unwrap_or_default();
        let next = match verb.to_uppercase().as_str() {
            "MAIL" => dialogue.step(Step::Mail, "250 2.1.0 Ok").await?,
            "RCPT" => {
                to = address_in(&line);
                let first = to.starts_with(GREYLISTED)
                    && records
                        .lock()
                        .expect("not poisoned")
                        .refused
                        .insert(to.clone());
                let usual = if first {
                    "451 4.7.1 Greylisted, try again later"
                } else {
                    "250 2.1.5 Ok"
                };
                dialogue.step(Step::Recipient, usual).await?
            }
            "DATA" => match dialogue.step(Step::Data, "354 Go ahead").await? {
                Next::Continue => content(&mut dialogue, &to, records).await?,
                next => next,
            },
            "QUIT" => return dialogue.say("221 2.0.0 Bye").await,
            _ => {
                dialogue.say("250 2.0.0 Ok").await?;
                Next::Continue
            }
        };
        if next == Next::Close {
            return Ok(());
        }
    }
    Ok(())
}

/// Receives the content of a mail, and records the mail unless the server refuses it.
async fn content(dialogue: &mut Dialogue, to: &str, records: &Mutex<Records>) -> io::Result<Next> {
    let mut message_id = String::new();
    loop {
        let Some(line) = dialogue.line().await? else {
            return Ok(Next::Close);
        };
        if line == ".\r\n" {
            break;
        }
        if message_id.is_empty() && line.to_lowercase().starts_with("message-id:") {
            line["message-id:".len()..]
                .trim()
                .clone_into(&mut message_id);
            if *dialogue.conduct.behaviour.borrow() == Behaviour::Drops(Step::Content) {
                return Ok(Next::Close);
            }
        }
    }
    let pace = *dialogue.conduct.pace.borrow();
    hold(pace).await;
    let behaviour = *dialogue.conduct.behaviour.borrow();
    let refuses =
        matches!(behaviour, Behaviour::Answers(Step::End, text) if !text.starts_with('2'));
    if !refuses {
        let to = to.to_owned();
        let at = Instant::now();
        let mail = Accepted { message_id, to, at };
        records.lock().expect("not poisoned").accepted.push(mail);
    }
    let usual = "250 2.0.0 Ok: queued";
    dialogue.step_as(behaviour, Step::End, usual).await
}

/// Returns the address between angle brackets.
fn address_in(line: &str) -> String {
    let after = line.split('<').nth(1).unwrap_or_default();
    after.split('>').next().unwrap_or_default().to_owned()
}

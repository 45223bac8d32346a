//! An SMTP server that delivers nothing: it keeps each message as an `.eml` file in a folder.
//! `up` and `demo` send their mail here, and tests read back what was sent.
//!
//! The protocol is the `mailin` crate's state machine; the connections and their limits are ours,
//! because `mailin-embedded` reads lines without bound, cannot be stopped, and needs TLS to compile.

mod folder;
mod reply;
mod session;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

pub use folder::{CaughtMail, caught_mail, caught_mails};
pub use reply::{Reply, ReplyRule, rehearsal};

use folder::MailFolder;

/// What a mail catcher accepts.
#[derive(Clone)]
pub struct MailCatcherOptions {
    /// Larger messages are refused with 552.
    pub max_message_bytes: usize,
    /// More recipients of one message are refused with 452.
    pub max_recipients: usize,
    /// More connections at once are refused with 421.
    pub max_connections: usize,
    /// Beyond this number of kept messages all are refused with 452.
    pub max_messages: u64,
    /// A connection that says nothing for so long is closed.
    pub idle: Duration,
    /// Asked for each recipient.
    pub reply: ReplyRule,
}

impl Default for MailCatcherOptions {
    /// Accepts every recipient.
    fn default() -> Self {
        Self {
            max_message_bytes: 50 * 1024 * 1024,
            max_recipients: 100,
            max_connections: 256,
            max_messages: 1_000_000,
            idle: Duration::from_secs(120),
            reply: Arc::new(|_| Reply::Accept),
        }
    }
}

/// A running mail catcher. Dropping it closes its port; the messages stay.
pub struct MailCatcher {
    address: SocketAddr,
    folder: Arc<MailFolder>,
    runtime: Option<Runtime>,
}

impl MailCatcher {
    /// Listens on a free port of 127.0.0.1, on threads of its own, and keeps messages in `folder`.
    pub fn start(folder: &Path, options: MailCatcherOptions) -> io::Result<Self> {
        let folder = Arc::new(MailFolder::open(folder)?);
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("mail-catcher")
            .enable_all()
            .build()?;
        {
            let _inside = runtime.enter();
            let listener = TcpListener::from_std(listener)?;
            runtime.spawn(accept(listener, folder.clone(), Arc::new(options)));
        }
        Ok(Self { address, folder, runtime: Some(runtime) })
    }

    /// Where to send mail to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the messages are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How many messages there are, those of earlier runs included.
    pub fn count(&self) -> u64 {
        self.folder.count()
    }

    /// Tells what [`Self::count`] would, also where the catcher itself is lent out.
    pub fn counter(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let folder = self.folder.clone();
        move || folder.count()
    }

    /// The newest `limit` messages, the newest first.
    pub fn list(&self, limit: usize) -> io::Result<Vec<CaughtMail>> {
        caught_mails(self.folder(), limit)
    }

    /// One message by its id.
    pub fn get(&self, id: &str) -> io::Result<Option<CaughtMail>> {
        caught_mail(self.folder(), id)
    }
}

impl Drop for MailCatcher {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for MailCatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailCatcher").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, folder: Arc<MailFolder>, options: Arc<MailCatcherOptions>) {
    let slots = Arc::new(Semaphore::new(options.max_connections));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let slot = slots.clone().try_acquire_owned();
                let (folder, options) = (folder.clone(), options.clone());
                tokio::spawn(async move {
                    let served = match slot {
                        Ok(_slot) => session::serve(stream, peer.ip(), folder, &options).await,
                        Err(_) => session::refuse(stream, &options).await,
                    };
                    if let Err(error) = served {
                        tracing::debug!(%error, "a mail connection ended early");
                    }
                });
            }
            Err(error) => {
                // Out of file handles, for instance: others may be closed meanwhile.
                tracing::warn!(%error, "the mail catcher cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// The path of a message.
fn eml(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.eml"))
}

//! SMTP server that stores each message as an `.eml` file instead of delivering it. `up` and `demo`
//! send mails to it, and tests read them.
//!
//! The SMTP protocol is implemented by the state machine of the `mailin` crate. Connections and
//! limits are implemented here, because `mailin-embedded` reads lines of unlimited length, can't be
//! stopped, and does not compile without TLS.

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

/// Limits and replies of a mail catcher.
#[derive(Clone)]
pub struct MailCatcherOptions {
    /// Maximum size of a message in bytes. Larger messages are rejected with 552.
    pub max_message_bytes: usize,
    /// Maximum number of recipients of a message. Further recipients are rejected with 452.
    pub max_recipients: usize,
    /// Maximum number of simultaneous connections. Further connections are rejected with 421.
    pub max_connections: usize,
    /// Maximum number of stored messages. Further messages are rejected with 452.
    pub max_messages: u64,
    /// Time without input after which a connection is closed.
    pub idle: Duration,
    /// Rule that gives the reply to each recipient.
    pub reply: ReplyRule,
}

impl Default for MailCatcherOptions {
    /// Returns options that accept every recipient.
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

/// Running mail catcher. Its port is closed when it is dropped. The messages remain.
pub struct MailCatcher {
    address: SocketAddr,
    folder: Arc<MailFolder>,
    runtime: Option<Runtime>,
}

impl MailCatcher {
    /// Starts a server on a free port of 127.0.0.1, in separate threads. It stores messages in
    /// `folder`.
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
        Ok(Self {
            address,
            folder,
            runtime: Some(runtime),
        })
    }

    /// Returns the address of the SMTP server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the folder of the messages.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the number of messages, including those of earlier runs.
    pub fn count(&self) -> u64 {
        self.folder.count()
    }

    /// Returns a function that computes [`Self::count`] without borrowing the catcher.
    pub fn counter(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let folder = self.folder.clone();
        move || folder.count()
    }

    /// Returns the newest `limit` messages, newest first.
    pub fn list(&self, limit: usize) -> io::Result<Vec<CaughtMail>> {
        caught_mails(self.folder(), limit)
    }

    /// Returns the message with id `id`, or `None` if it doesn't exist.
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
        f.debug_struct("MailCatcher")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, folder: Arc<MailFolder>, options: Arc<MailCatcherOptions>) {
    let slots = Arc::new(Semaphore::new(options.max_connections));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let slot = slots.clone().try_acquire_owned();
                let folder = folder.clone();
                let options = options.clone();
                tokio::spawn(async move {
                    let served = match slot {
                        Ok(_slot) => session::serve(stream, peer.ip(), folder, &options).await,
                        Err(_) => session::refuse(stream, &options).await,
                    };
                    if let Err(error) = served {
                        tracing::debug!(%error, "mail connection ended early");
                    }
                });
            }
            Err(error) => {
                // The process may be out of file descriptors. Other connections may close in the
                // meantime.
                tracing::warn!(%error, "mail catcher cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Returns the path of the file of a message.
fn eml(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.eml"))
}

//! TCP relay between programs and a server, whose target and delay can be changed.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Maximum number of bytes that are forwarded after one delay.
const CHUNK: usize = 64 * 1024;

/// Relay on a fixed address. It ends together with the runtime of the test.
pub struct Relay {
    address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
    delay: watch::Sender<Duration>,
}

impl Relay {
    /// Starts a relay without a target. Until it has one, it closes each connection.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (target, current) = watch::channel(None);
        let (delay, pace) = watch::channel(Duration::ZERO);
        tokio::spawn(accept(listener, current, pace));
        Self {
            address,
            target,
            delay,
        }
    }

    /// Returns the address for programs.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards new connections to `target`, and closes the existing ones.
    pub fn forward_to(&self, target: Option<SocketAddr>) {
        self.target.send_replace(target);
    }

    /// Delays each chunk of at most 64 KiB in both directions.
    pub fn delay(&self, delay: Duration) {
        self.delay.send_replace(delay);
    }
}

async fn accept(
    listener: TcpListener,
    target: watch::Receiver<Option<SocketAddr>>,
    delay: watch::Receiver<Duration>,
) {
    while let Ok((inside, _)) = listener.accept().await {
        let mut changes = target.clone();
        let Some(address) = *changes.borrow_and_update() else {
            continue;
        };
        let delay = delay.clone();
        tokio::spawn(async move {
            let Ok(outside) = TcpStream::connect(address).await else {
                return;
            };
            let (from_client, to_client) = inside.into_split();
            let (from_server, to_server) = outside.into_split();
            tokio::select! {
                _ = forward(from_client, to_server, delay.clone()) => {}
                _ = forward(from_server, to_client, delay) => {}
                _ = changes.changed() => {}
            }
        });
    }
}

/// Copies until one side closes.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: watch::Receiver<Duration>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        let delay = *delay.borrow();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        to.write_all(&chunk[..length]).await?;
    }
}

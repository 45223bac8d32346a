//! TCP relay between programs and a server, whose target can be changed.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Relay on a fixed address. It ends together with the runtime of the test.
pub struct Relay {
    address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
}

impl Relay {
    /// Starts a relay without a target. Until it has one, it closes each connection.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (target, current) = watch::channel(None);
        tokio::spawn(accept(listener, current));
        Self { address, target }
    }

    /// Returns the address for programs.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards new connections to `target`, and closes the existing ones.
    pub fn forward_to(&self, target: Option<SocketAddr>) {
        self.target.send_replace(target);
    }
}

async fn accept(listener: TcpListener, target: watch::Receiver<Option<SocketAddr>>) {
    while let Ok((mut inside, _)) = listener.accept().await {
        let mut changes = target.clone();
        let Some(address) = *changes.borrow_and_update() else {
            continue;
        };
        tokio::spawn(async move {
            let Ok(mut outside) = TcpStream::connect(address).await else {
                return;
            };
            tokio::select! {
                _ = copy_bidirectional(&mut inside, &mut outside) => {}
                _ = changes.changed() => {}
            }
        });
    }
}

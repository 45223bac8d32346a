//! Proxies between the nodes of a cluster. They delay the replication of a node.
//!
//! nats-server has a connection of its own for the system account, which replicates streams. The
//! other connections between two nodes carry the messages of clients and are never delayed. So a
//! client of the slow node gets a delivery before the node has the event.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Maximum number of chunks of one direction that are on their way.
const CHUNKS: usize = 10_000;
/// Text in the first messages of a connection for the system account.
const SYSTEM: &[u8] = b"\"route_account\":\"$SYS\"";

/// Delays of all nodes.
#[derive(Clone, Default)]
pub struct SlowRoutes(Arc<[AtomicU64; 3]>);

/// Connection between two nodes.
#[derive(Clone)]
struct Route {
    routes: SlowRoutes,
    ends: [usize; 2],
    /// 1 if the connection is that of the system account.
    is_system: Arc<AtomicU64>,
}

impl SlowRoutes {
    /// Delays the replication to and from a node.
    pub fn slow(&self, node: usize, delay: Duration) {
        let delay = u64::try_from(delay.as_millis()).unwrap();
        self.0[node].store(delay, Ordering::Relaxed);
    }

    /// Starts a proxy to the node `to` for connections of the node `from`, and returns its address.
    /// For `from == to`, it closes all connections, so that nodes use only the other proxies.
    pub fn proxy(&self, from: usize, to: usize, address: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let own = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let routes = self.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if from == to {
                    continue;
                }
                // The node may not listen yet, or be down.
                let Ok(far) = TcpStream::connect(address).await else {
                    continue;
                };
                let route = Route {
                    routes: routes.clone(),
                    ends: [from, to],
                    is_system: Arc::default(),
                };
                let (near_reads, near_writes) = near.into_split();
                let (far_reads, far_writes) = far.into_split();
                tokio::spawn(route.clone().forward(near_reads, far_writes));
                tokio::spawn(route.forward(far_reads, near_writes));
            }
        });
        own
    }
}

impl Route {
    fn delay(&self) -> Duration {
        if self.is_system.load(Ordering::Relaxed) == 0 {
            return Duration::ZERO;
        }
        let delays = self
            .ends
            .map(|node| self.routes.0[node].load(Ordering::Relaxed));
        Duration::from_millis(delays.into_iter().max().unwrap_or(0))
    }

    /// Forwards one direction until the connection ends. The order of the bytes stays the same.
    async fn forward(
        self,
        mut from: impl AsyncRead + Unpin + Send + 'static,
        mut to: impl AsyncWrite + Unpin,
    ) {
        let (sender, mut late) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS);
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 << 10];
            loop {
                let read = from.read(&mut buffer).await.unwrap_or(0);
                let bytes = buffer[..read].to_vec();
                if bytes.windows(SYSTEM.len()).any(|part| part == SYSTEM) {
                    self.is_system.store(1, Ordering::Relaxed);
                }
                let due = Instant::now() + self.delay();
                if read == 0 || sender.send((due, bytes)).await.is_err() {
                    return;
                }
            }
        });
        while let Some((due, bytes)) = late.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }
}

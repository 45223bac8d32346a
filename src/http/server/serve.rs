//! HTTP server: accepts connections, limits the resources of each, and shuts down gracefully.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::client_address::TrustedProxies;
use super::connections::ConnectionSettings;
use super::shares::ClientShares;
use super::stalling::Stalling;

/// Delay before the next `accept` after an error of the operating system.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Maximum number of response bytes of one connection that the kernel buffers before it sends them.
/// Bytes that are sent but not yet acknowledged don't count.
const UNSENT_BYTES: u32 = 64 << 10;
/// Size in bytes of a connection's write buffer. Its read buffer has at least this size.
const BUFFER_BYTES: usize = 64 << 10;
/// Response to a connection that exceeds the limit of its client address.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n\
    Content-Type: text/plain\r\nContent-Length: 39\r\n\r\ntoo many connections from your address\n";

/// Limits of connections.
#[derive(Clone, Debug, Default)]
pub struct ConnectionLimits {
    /// Limits that the operator has configured.
    pub settings: ConnectionSettings,
    /// Proxies whose connections are not limited by address, because each proxy serves many
    /// clients.
    pub trusted_proxies: TrustedProxies,
}

impl From<ConnectionSettings> for ConnectionLimits {
    fn from(settings: ConnectionSettings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }
}

/// Serves `router` until `shutdown` is cancelled. Requests in progress then get `grace` to end.
/// Handlers get the address of the peer as [`ConnectInfo`].
///
/// # Errors
/// None at present. An error of one connection ends only that connection, and a failed `accept` is
/// retried.
pub async fn serve(
    listener: TcpListener,
    router: impl Into<Router>,
    limits: impl Into<ConnectionLimits>,
    shutdown: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let ConnectionLimits {
        settings: limits,
        trusted_proxies,
    } = limits.into();
    let of_clients = ClientShares::new(limits.max_open_per_client);
    let router = router.into();
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.max_open));
    loop {
        let accepted = async {
            // The semaphore is never closed, so this always returns a permit.
            let slot = room.clone().acquire_owned().await.ok();
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            accepted = accepted => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let of_client = if trusted_proxies.trusts(peer.ip()) {
                    None
                } else if let Some(share) = of_clients.take(peer.ip().into(), 1) {
                    Some(share)
                } else {
                    refuse(&stream);
                    continue;
                };
                let router = router.clone();
                let watcher = graceful.watcher();
                tokio::spawn(async move {
                    converse(stream, peer, router, limits, watcher).await;
                    drop((slot, of_client));
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "connection not accepted, retrying");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            grace_ms = grace.as_millis(),
            "grace period over, open requests aborted"
        );
    }
    Ok(())
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Sends 429 to a connection, if that is possible without waiting.
fn refuse(stream: &TcpStream) {
    metrics::counter!("laureate_connections_refused_total").increment(1);
    tracing::debug!("connection refused, too many from this address");
    // The connection is new, so its send buffer is empty. An error means that the client has
    // disconnected.
    let _ = stream.try_write(TOO_MANY);
}

/// Limits the unsent bytes in the kernel's send buffer. Without a limit, they can be megabytes per
/// connection.
fn keep_little_unsent(stream: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES) {
        tracing::debug!(%error, "limit of unsent bytes can't be set");
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    let _ = (stream, UNSENT_BYTES);
}

/// Serves the requests of one connection.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: ConnectionSettings,
    watcher: Watcher,
) {
    // Nagle's algorithm would only delay responses, because they are small and written with one
    // call.
    let _ = stream.set_nodelay(true);
    keep_little_unsent(&stream);
    let patience = Duration::from_secs(limits.stall_timeout_seconds);
    let stream = Stalling::new(stream, patience, limits.min_bytes_per_second);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.clone().oneshot(request.map(Body::new));
        async { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.head_timeout_seconds))
        .max_buf_size(limits.max_head_bytes.max(BUFFER_BYTES))
        .max_header_size(limits.max_head_bytes)
        .max_headers(limits.max_headers);
    let connection = protocol.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection failed");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    struct Server {
        address: SocketAddr,
        shutdown: CancellationToken,
        serving: tokio::task::JoinHandle<io::Result<()>>,
    }

    async fn server(router: Router, limits: ConnectionSettings, grace: Duration) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, limits, shutdown.clone(), grace));
        Server {
            address,
            shutdown,
            serving,
        }
    }

    async fn here() -> Server {
        let limits = ConnectionSettings {
            head_timeout_seconds: 1,
            max_head_bytes: 8192,
            ..Default::default()
        };
        server(
            Router::new().route("/", get(|| async { "here" })),
            limits,
            Duration::from_secs(5),
        )
        .await
    }

    /// Sends `said` to the server, and returns all bytes that the server sends until it closes the
    /// connection.
    async fn answer_to(address: SocketAddr, said: &[u8]) -> String {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        // Bytes that arrive before a reset are part of the result.
        let _ = client.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn server_stops_after_the_shutdown_signal() {
        let server = here().await;
        server.shutdown.cancel();
        assert!(server.serving.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn shutdown_ends_requests_after_the_grace_period() {
        let (arrived, arrival) = tokio::sync::oneshot::channel::<()>();
        let arrived = std::sync::Arc::new(std::sync::Mutex::new(Some(arrived)));
        let slow = get(move || {
            arrived.lock().unwrap().take().unwrap().send(()).unwrap();
            std::future::pending::<()>()
        });
        let router = Router::new().route("/", slow);
        let server = server(router, ConnectionSettings::default(), Duration::ZERO).await;
        let mut client = TcpStream::connect(server.address).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        arrival.await.unwrap();
        server.shutdown.cancel();
        assert!(server.serving.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn connection_with_an_incomplete_request_head_is_closed() {
        let server = here().await;
        for unfinished in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
            // The response ends only when the server closes the connection.
            assert!(
                !answer_to(server.address, unfinished.as_bytes())
                    .await
                    .contains(" 200 ")
            );
        }
        let whole = answer_to(
            server.address,
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(whole.ends_with("here"), "{whole}");
    }

    #[tokio::test]
    async fn large_heads_and_many_headers_are_refused() {
        let server = here().await;
        let large = format!(
            "GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n",
            "a".repeat(10_000)
        );
        let many = format!(
            "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
            "X-Many: 1\r\n".repeat(200)
        );
        for head in [large, many] {
            let answer = answer_to(server.address, head.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        }
    }

    #[tokio::test]
    async fn ambiguous_or_malformed_requests_get_400() {
        let server = here().await;
        for head in [
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Content-Length: x\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Bad Header: 1\r\n",
        ] {
            let request = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n");
            let answer = answer_to(server.address, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{head}: {answer}");
        }
    }

    #[tokio::test]
    async fn connections_per_address_are_limited_and_released_when_closed() {
        let limits = ConnectionSettings {
            max_open_per_client: 3,
            ..Default::default()
        };
        let router = Router::new().route("/", get(|| async { "here" }));
        let server = server(router, limits, Duration::from_secs(5)).await;
        let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let mut open = Vec::new();
        for _ in 0..3 {
            let mut client = TcpStream::connect(server.address).await.unwrap();
            client
                .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                .await
                .unwrap();
            client.readable().await.unwrap();
            open.push(client);
        }
        let refused = answer_to(server.address, b"").await;
        assert!(
            refused.starts_with("HTTP/1.1 429 ") && refused.contains("Retry-After: 1"),
            "{refused}"
        );
        let length = refused.split("\r\n\r\n").nth(1).map(str::len);
        assert_eq!(length, Some(39), "{refused}");
        // Clients with another address are not affected.
        let other = tokio::net::TcpSocket::new_v4().unwrap();
        if other.bind("127.0.0.2:0".parse().unwrap()).is_ok() {
            let mut other = other.connect(server.address).await.unwrap();
            other.write_all(request).await.unwrap();
            let mut answer = String::new();
            other.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("here"), "{answer}");
        }
        drop(open);
        while !answer_to(server.address, request).await.ends_with("here") {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn connections_of_a_trusted_proxy_are_not_counted() {
        let settings = ConnectionSettings {
            max_open_per_client: 1,
            ..Default::default()
        };
        let trusted_proxies = "127.0.0.0/8".parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "here" }));
        let shutdown = CancellationToken::new();
        let limits = ConnectionLimits {
            settings,
            trusted_proxies,
        };
        tokio::spawn(serve(listener, router, limits, shutdown, Duration::ZERO));
        let _open = TcpStream::connect(address).await.unwrap();
        let answer = answer_to(
            address,
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(answer.ends_with("here"), "{answer}");
    }
}

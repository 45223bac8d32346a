//! Serving until told to stop: connections, and what one of them may cost.

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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::connections::ConnectionSettings;
use super::stalling::Stalling;

/// How long to wait when the system has no room for another connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Serves a router, or the whole of HTTP for a state, until `shutdown`; requests under way then have `grace` to end.
/// Handlers find the client's address as [`ConnectInfo`].
///
/// # Errors
/// None so far: a connection that breaks ends alone, and what the system refuses is tried again.
pub async fn serve(
    listener: TcpListener,
    router: impl Into<Router>,
    limits: ConnectionSettings,
    shutdown: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let (router, tracker) = (router.into(), TaskTracker::new());
    let room = Arc::new(Semaphore::new(limits.max_open));
    loop {
        let accepted = async {
            // The semaphore is never closed; an error would only mean that there is no limit.
            let slot = room.clone().acquire_owned().await.ok();
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            accepted = accepted => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, shutdown) = (router.clone(), shutdown.clone());
                tracker.spawn(async move {
                    converse(stream, peer, router, limits, shutdown).await;
                    drop(slot);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted; trying again");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    tracker.close();
    if tokio::time::timeout(grace, tracker.wait()).await.is_err() {
        tracing::warn!(grace_ms = grace.as_millis(), "requests were still under way and have been cut off");
    }
    Ok(())
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One client's requests, one after the other.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: ConnectionSettings,
    shutdown: CancellationToken,
) {
    // Answers are small and written whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let stream = Stalling::new(stream, Duration::from_secs(limits.stall_timeout_seconds));
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.clone().oneshot(request.map(Body::new));
        async { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.head_timeout_seconds))
        .max_header_size(limits.max_head_bytes)
        .max_headers(limits.max_headers);
    let connection = protocol.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
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
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(serve(listener, router, limits, shutdown.clone(), grace));
        Server { address, shutdown, serving }
    }

    async fn here() -> Server {
        let limits =
            ConnectionSettings { head_timeout_seconds: 1, max_head_bytes: 8192, ..Default::default() };
        server(Router::new().route("/", get(|| async { "here" })), limits, Duration::from_secs(5)).await
    }

    /// All that a server says to some bytes, until it ends the connection.
    async fn told(address: SocketAddr, said: &[u8]) -> String {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        // A connection that is reset has said what it says.
        let _ = client.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn it_stops_when_told() {
        let server = here().await;
        server.shutdown.cancel();
        assert!(server.serving.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn requests_that_take_too_long_are_cut_off() {
        let (arrived, arrival) = tokio::sync::oneshot::channel::<()>();
        let arrived = std::sync::Arc::new(std::sync::Mutex::new(Some(arrived)));
        let slow = get(move || {
            arrived.lock().unwrap().take().unwrap().send(()).unwrap();
            std::future::pending::<()>()
        });
        let router = Router::new().route("/", slow);
        let server = server(router, ConnectionSettings::default(), Duration::ZERO).await;
        let mut client = TcpStream::connect(server.address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        arrival.await.unwrap();
        server.shutdown.cancel();
        assert!(server.serving.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_head_that_never_ends_does_not_keep_its_connection() {
        let server = here().await;
        for unfinished in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
            // Ends only because the server ends it.
            assert!(!told(server.address, unfinished.as_bytes()).await.contains(" 200 "));
        }
        let whole = told(server.address, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(whole.ends_with("here"), "{whole}");
    }

    #[tokio::test]
    async fn large_heads_and_many_headers_are_refused() {
        let server = here().await;
        let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "a".repeat(10_000));
        let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-Many: 1\r\n".repeat(200));
        for head in [large, many] {
            let answer = told(server.address, head.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        }
    }

    #[tokio::test]
    async fn requests_that_could_be_read_in_two_ways_are_refused() {
        let server = here().await;
        for head in [
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Content-Length: x\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Bad Header: 1\r\n",
        ] {
            let request = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n");
            let answer = told(server.address, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{head}: {answer}");
        }
    }
}

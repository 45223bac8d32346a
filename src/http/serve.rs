//! Serving until told to stop.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves a router, or the whole of HTTP for a state, until `shutdown`; requests under way then have `grace` to end.
///
/// # Errors
/// The listener broke.
pub async fn serve(
    listener: TcpListener,
    router: impl Into<Router>,
    shutdown: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let stop = shutdown.clone();
    let router = router.into().into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    let too_late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = serving.into_future() => ended,
        () = too_late => {
            tracing::warn!(grace_ms = grace.as_millis(), "requests were still under way and have been cut off");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    #[tokio::test]
    async fn it_stops_when_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shutdown = CancellationToken::new();
        let router = Router::new().route("/", get(|| async { "here" }));
        let serving = tokio::spawn(serve(listener, router, shutdown.clone(), Duration::from_secs(5)));
        shutdown.cancel();
        assert!(serving.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn requests_that_take_too_long_are_cut_off() {
        use tokio::io::AsyncWriteExt;

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (arrived, arrival) = tokio::sync::oneshot::channel::<()>();
        let arrived = std::sync::Arc::new(std::sync::Mutex::new(Some(arrived)));
        let slow = get(move || {
            arrived.lock().unwrap().take().unwrap().send(()).unwrap();
            std::future::pending::<()>()
        });
        let shutdown = CancellationToken::new();
        let router = Router::new().route("/", slow);
        let serving = tokio::spawn(serve(listener, router, shutdown.clone(), Duration::ZERO));
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        arrival.await.unwrap();
        shutdown.cancel();
        assert!(serving.await.unwrap().is_ok());
    }
}

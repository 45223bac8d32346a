//! Parts that all tests share: servers, a namespace for each test, and waiting for a condition.

mod app;
mod namespace;
mod relay;
mod restarting;
mod servers;

use std::time::{Duration, Instant};

pub use app::TestApp;
pub use namespace::Namespace;
pub use relay::Relay;
pub use restarting::Restarting;
pub use servers::{laureate, nats_cluster_urls, servers};

/// Waits until `condition` returns true. Panics after 60 s, with `what` in the message.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "not within 60 s: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits, so that a fault lasts for `time`. A test that waits for a result uses [`until`].
pub async fn hold(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Waits until the shared cluster has elected a leader. Returns the addresses of its three nodes.
pub async fn nats_cluster() -> &'static [String] {
    let urls = nats_cluster_urls();
    for url in urls {
        until("the cluster has a leader", async || {
            let Ok(client) = async_nats::connect(url).await else {
                return false;
            };
            async_nats::jetstream::new(client)
                .query_account()
                .await
                .is_ok()
        })
        .await;
    }
    urls
}

/// Connects to the database of the suite. The connection exists as long as the runtime.
pub async fn postgres(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}

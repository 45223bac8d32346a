//! Unique name for the streams, subjects and schemas of one test.

use std::fmt;
use std::time::Duration;

use futures_util::TryStreamExt;

use super::{nats_cluster_urls, postgres, servers};

/// A short unique name such as `t3f9a01c2be`: lower case, fit for a stream, a subject and a schema.
/// When dropped, PostgreSQL schemas and JetStream streams whose names begin with it are removed.
pub struct Namespace {
    name: String,
    /// True if the streams are on the shared cluster.
    on_cluster: bool,
}

impl Namespace {
    #[allow(
        clippy::new_without_default,
        reason = "each call returns another name, which `default` would hide"
    )]
    pub fn new() -> Self {
        Self::on(false)
    }

    /// Creates a namespace whose streams are on the shared cluster.
    pub fn on_cluster() -> Self {
        Self::on(true)
    }

    fn on(on_cluster: bool) -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        Self {
            name: format!("t{}", &id[..10]),
            on_cluster,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Drop for Namespace {
    /// Removes as much as possible. Errors are ignored, because the servers are discarded after the
    /// run.
    fn drop(&mut self) {
        let name = self.name.clone();
        let url = if self.on_cluster {
            &nats_cluster_urls()[0]
        } else {
            &servers().nats_url
        };
        let clear = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            let work = async { tokio::join!(drop_schemas(&name), delete_streams(url, &name)) };
            let bounded = async { tokio::time::timeout(Duration::from_secs(20), work).await };
            let _ = runtime.block_on(bounded);
        };
        let _ = std::thread::spawn(clear).join();
    }
}

async fn drop_schemas(name: &str) {
    let client = postgres(&servers().postgres_url).await;
    let found = client
        .query(
            "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, $1)",
            &[&name],
        )
        .await
        .unwrap_or_default();
    for row in found {
        let schema: String = row.get(0);
        let drop = format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE");
        let _ = client.batch_execute(&drop).await;
    }
}

async fn delete_streams(url: &str, name: &str) {
    let Ok(client) = async_nats::connect(url).await else {
        return;
    };
    let jetstream = async_nats::jetstream::new(client);
    let names: Vec<String> = jetstream
        .stream_names()
        .try_collect()
        .await
        .unwrap_or_default();
    for stream in names {
        if stream.to_lowercase().starts_with(name) {
            let _ = jetstream.delete_stream(stream).await;
        }
    }
}

//! Check that nats-server syncs messages to disk before it acknowledges them (`sync_interval`), and
//! that it has enough disk space. Only its monitoring endpoint shows this.

use std::sync::Arc;
use std::time::Duration;

use indicatif::BinaryBytes;
use serde_json::Value;

use super::Context;
use super::finding::Finding;
use crate::cli::moment;

const CHECK: &str = "log.on-disk";
const ADVICE: &str =
    "set `sync_interval: always` in the jetstream block of nats-server's configuration";
/// Maximum size of the response, in bytes. It usually has about 10 KB.
const MOST_BYTES: usize = 4 << 20;
/// Usage of the disk space from which there is a warning, in percent.
const NEARLY_FULL: u64 = 80;

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let variables = match &context.args.nats_monitor {
        Some(url) => match monitored(url).await {
            Ok(variables) => variables,
            Err(why) => {
                return vec![Finding::failed(
                    CHECK,
                    why,
                    "correct --nats-monitor, or enable `http:` in nats-server",
                )];
            }
        },
        None => {
            let message = match context.log().await {
                Ok(log) => log.variables().await,
                Err(_) => None,
            };
            let Some(variables) = message else {
                return vec![Finding::warning(
                    CHECK,
                    "unknown whether acknowledged events are on disk",
                    format!("use --nats-monitor URL, or {ADVICE}"),
                )];
            };
            variables
        }
    };
    judge(&variables["jetstream"])
}

/// Returns the response of the monitoring endpoint `/varz`.
async fn monitored(url: &str) -> Result<Value, String> {
    let failed = |error: reqwest::Error| {
        format!(
            "nats-server's monitoring does not answer: {}",
            error.without_url()
        )
    };
    // reqwest is built without a TLS provider. Another part of the process may already have
    // installed one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .map_err(failed)?;
    let address = format!("{}/varz", url.trim_end_matches('/'));
    let mut answer = client
        .get(address)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(failed)?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        if body.len() + part.len() > MOST_BYTES {
            return Err("the response of nats-server's monitoring is too large".to_owned());
        }
        body.extend_from_slice(&part);
    }
    serde_json::from_slice(&body)
        .map_err(|_| "this is not nats-server's monitoring: no JSON".to_owned())
}

fn judge(jetstream: &Value) -> Vec<Finding> {
    let config = &jetstream["config"];
    if !config.is_object() {
        return vec![Finding::failed(
            CHECK,
            "JetStream is off",
            "enable JetStream",
        )];
    }
    let mut findings = vec![match (
        config["sync_always"].as_bool(),
        config["sync_interval"].as_i64(),
    ) {
        (Some(true), _) => Finding::ok(
            CHECK,
            "sync_interval is always: acknowledged events are on disk",
        ),
        (_, Some(interval)) => {
            let interval = moment::in_words(time::Duration::nanoseconds(interval));
            let found = format!(
                "sync_interval is {interval}: a power failure may lose acknowledged events of the last {interval}"
            );
            Finding::warning(CHECK, found, ADVICE)
        }
        (_, None) => Finding::warning(
            CHECK,
            "the server does not report its sync_interval",
            ADVICE,
        ),
    }];
    let used = jetstream["stats"]["storage"].as_u64();
    if let (Some(used), Some(most @ 1..)) = (used, config["max_storage"].as_u64()) {
        let found = format!(
            "{} of {} used by JetStream",
            BinaryBytes(used),
            BinaryBytes(most)
        );
        let advice = "increase max_file_store of JetStream; a full log rejects every write";
        findings.push(match used.saturating_mul(100) / most {
            100.. => Finding::failed("log.room", found, advice),
            NEARLY_FULL.. => Finding::warning("log.room", found, advice),
            _ => Finding::ok("log.room", found),
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, routing::get};
    use bytes::Bytes;
    use serde_json::json;

    use super::super::finding::Level;
    use super::*;

    #[tokio::test]
    async fn endless_response_is_refused() {
        let endless = || async {
            let part = Bytes::from(vec![b' '; 64 << 10]);
            Body::from_stream(futures_util::stream::repeat_with(move || {
                Ok::<_, std::convert::Infallible>(part.clone())
            }))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let router = Router::new().route("/varz", get(endless));
        tokio::spawn(async move { axum::serve(listener, router).await });
        assert_eq!(
            monitored(&url).await,
            Err("the response of nats-server's monitoring is too large".to_owned())
        );
    }

    #[test]
    fn sync_interval_other_than_always_is_a_warning() {
        let levels =
            |jetstream: &Value| judge(jetstream).iter().map(|f| f.level).collect::<Vec<_>>();
        let always = json!({ "config": { "sync_always": true, "sync_interval": 120_000_000_000_i64, "max_storage": 1000 },
                             "stats": { "storage": 799 } });
        assert_eq!(levels(&always), [Level::Ok, Level::Ok]);
        let default = json!({ "config": { "sync_interval": 120_000_000_000_i64, "max_storage": 1000 },
                              "stats": { "storage": 800 } });
        assert_eq!(levels(&default), [Level::Warning, Level::Warning]);
        assert!(judge(&default)[0].found.contains("the last 2 min"));
        assert_eq!(levels(&Value::Null), [Level::Failed]);
    }
}

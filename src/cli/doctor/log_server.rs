//! Check of nats-server: availability, version, limits, writes and clock.

use std::sync::Arc;

use indicatif::BinaryBytes;
use time::OffsetDateTime;

use super::finding::Finding;
use super::{Context, clock};
use crate::config::without_secrets;
use crate::event_log::health::{AccountSeen, ServerSeen};

/// Oldest version with atomic batches.
const LEAST: (u32, u32) = (2, 12);
/// Version that our tests use.
const TESTED: &str = "2.15.1";
/// Minimum limit of a message, in bytes. The event of a batch of 10,000 people has about 400 KB.
const LEAST_PAYLOAD: usize = 1 << 20;
/// Usage of an account's limit from which there is a warning, in percent.
const NEARLY_FULL: u64 = 80;

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let log = match context.log().await {
        Ok(log) => log,
        Err(error) => {
            let url = without_secrets(context.config.nats.url.reveal());
            return vec![Finding::failed(
                "log.server",
                format!("{url}: {error}"),
                "start nats-server, or correct nats.url, its user and its password",
            )];
        }
    };
    let mut findings = server(&log.server());
    match log.account().await {
        Ok(account) => findings.push(limits(&account)),
        Err(error) => findings.push(Finding::failed(
            "log.jetstream",
            error.to_string(),
            "enable JetStream with `jetstream { store_dir: … }` in nats-server's configuration, and for this account",
        )),
    }
    findings.push(match log.check_stores_writes().await {
        Ok(()) => Finding::ok("log.writes", "a message was stored in the stream PROBE"),
        Err(error) => Finding::failed(
            "log.writes",
            error.to_string(),
            "see \"When a server is away\" in docs/operations.md",
        ),
    });
    let asked = OffsetDateTime::now_utc();
    if let Some(theirs) = log.server_time().await {
        findings.push(clock::compare(
            "log.clock",
            "nats-server",
            theirs,
            asked,
            OffsetDateTime::now_utc(),
        ));
    }
    findings
}

fn server(seen: &ServerSeen) -> Vec<Finding> {
    let version = &seen.version;
    let wanted = format!(
        "install nats-server {}.{} or later, preferably {TESTED}",
        LEAST.0, LEAST.1
    );
    let mut findings = vec![match parsed(version) {
        Some(found) if found < LEAST => Finding::failed(
            "log.server",
            format!("nats-server {version} does not support atomic batches"),
            wanted,
        ),
        Some(_) if version == TESTED => Finding::ok("log.server", format!("nats-server {version}")),
        Some(_) => Finding::ok(
            "log.server",
            format!("nats-server {version} (tested with {TESTED})"),
        ),
        None => Finding::warning(
            "log.server",
            format!("version \"{version}\" can't be parsed"),
            wanted,
        ),
    }];
    if !seen.jetstream {
        findings.push(Finding::failed(
            "log.jetstream",
            "JetStream is off",
            "add `jetstream { store_dir: … }` to nats-server's configuration",
        ));
    }
    if seen.max_payload < LEAST_PAYLOAD {
        findings.push(Finding::warning(
            "log.max_payload",
            format!(
                "messages of more than {} are rejected; events of large batches are larger",
                BinaryBytes(seen.max_payload as u64)
            ),
            "set max_payload to 1MB or more in nats-server's configuration",
        ));
    }
    findings
}

fn parsed(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn limits(account: &AccountSeen) -> Finding {
    let storage = account.max_storage.map(|most| {
        let used = account.storage.saturating_mul(100) / most.max(1);
        (
            used,
            format!(
                "{} of {} on disk",
                BinaryBytes(account.storage),
                BinaryBytes(most)
            ),
        )
    });
    let count = |what: &str, used: u64, most: Option<u64>| {
        // The counts include our own streams and consumers, and the temporary consumers of readers.
        most.map(|most| {
            (
                used.saturating_mul(100) / most.max(1),
                format!("{used} of {most} {what}"),
            )
        })
    };
    let streams = count("streams", account.streams, account.max_streams);
    let consumers = count("consumers", account.consumers, account.max_consumers);
    let limits: Vec<_> = [storage, streams, consumers]
        .into_iter()
        .flatten()
        .collect();
    let used = limits.iter().map(|(used, _)| *used).max().unwrap_or(0);
    if limits.is_empty() {
        let on_disk = BinaryBytes(account.storage);
        return Finding::ok(
            "log.account",
            format!("{on_disk} on disk, {} streams, no limits", account.streams),
        );
    }
    let found = limits
        .into_iter()
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join(", ");
    let advice = "raise the account's limits; a full log rejects every write";
    match used {
        100.. => Finding::failed("log.account", found, advice),
        NEARLY_FULL.. => Finding::warning("log.account", found, advice),
        _ => Finding::ok("log.account", found),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn seen(version: &str, jetstream: bool, max_payload: usize) -> ServerSeen {
        ServerSeen {
            version: version.to_owned(),
            jetstream,
            max_payload,
            cluster: None,
        }
    }

    #[test]
    fn old_servers_and_those_without_jetstream_fail() {
        let levels = |seen| {
            server(&seen)
                .iter()
                .map(|f| (f.check, f.level))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            levels(seen("2.15.1", true, 1 << 20)),
            [("log.server", Level::Ok)]
        );
        assert_eq!(
            levels(seen("2.12.0-RC.1", true, 1 << 20)),
            [("log.server", Level::Ok)]
        );
        assert_eq!(
            levels(seen("3.0.0", true, 1 << 20)),
            [("log.server", Level::Ok)]
        );
        assert_eq!(
            levels(seen("2.11.9", true, 1 << 20)),
            [("log.server", Level::Failed)]
        );
        assert_eq!(
            levels(seen("dev", true, 1 << 20)),
            [("log.server", Level::Warning)]
        );
        assert_eq!(
            levels(seen("2.15.1", false, 1_000)),
            [
                ("log.server", Level::Ok),
                ("log.jetstream", Level::Failed),
                ("log.max_payload", Level::Warning)
            ]
        );
    }

    #[test]
    fn full_account_is_a_failure_and_nearly_full_one_a_warning() {
        let account = |storage, max_storage| AccountSeen {
            storage,
            max_storage,
            streams: 5,
            max_streams: Some(10),
            consumers: 5,
            max_consumers: None,
        };
        let level = |storage, most| limits(&account(storage, most)).level;
        assert_eq!(level(1_000, None), Level::Ok);
        assert_eq!(level(79, Some(100)), Level::Ok);
        assert_eq!(level(80, Some(100)), Level::Warning);
        assert_eq!(level(100, Some(100)), Level::Failed);
        assert_eq!(
            limits(&account(1 << 20, Some(4 << 20))).found,
            "1.00 MiB of 4.00 MiB on disk, 5 of 10 streams"
        );
    }
}

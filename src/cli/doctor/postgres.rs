//! Check of PostgreSQL: availability, version, durability settings, and room for our connections.

use std::sync::Arc;

use time::OffsetDateTime;

use super::finding::Finding;
use super::{Context, clock};
use crate::app::PROJECTOR_CONNECTIONS;
use crate::config::without_secrets;
use crate::database::{self, ServerSeen};

/// Oldest supported major version.
const LEAST: u32 = 16;

pub async fn check(context: Arc<Context>) -> Vec<Finding> {
    let url = context.config.database.url.reveal();
    let pool = match database::connect(url, None, 1) {
        Ok(pool) => pool,
        Err(error) => {
            return vec![Finding::failed(
                "database.server",
                error.to_string(),
                "correct database.url",
            )];
        }
    };
    let asked = OffsetDateTime::now_utc();
    let seen = match database::look(&pool).await {
        Ok(seen) => seen,
        Err(error) => {
            return vec![Finding::failed(
                "database.server",
                format!("{}: {error}", without_secrets(url)),
                "start PostgreSQL, or correct database.url, its user and its password",
            )];
        }
    };
    let answered = OffsetDateTime::now_utc();
    let mut findings = vec![server(&seen), encoding(&seen), on_disk(&seen)];
    findings.push(connections(&seen, context.config.database.connections));
    findings.push(clock::compare(
        "database.clock",
        "PostgreSQL",
        seen.now,
        asked,
        answered,
    ));
    findings.push(
        match database::pending_migrations(&pool, &context.config.namespace).await {
            Ok(pending) if pending.is_empty() => Finding::ok("database.migrations", "all applied"),
            Ok(pending) => Finding::failed(
                "database.migrations",
                format!("not applied: {}", pending.join(", ")),
                "run `laureate migrate`",
            ),
            Err(error) => Finding::failed(
                "database.migrations",
                error.to_string(),
                "use the program that applied it, or restore the migration",
            ),
        },
    );
    findings
}

fn server(seen: &ServerSeen) -> Finding {
    let found = format!("PostgreSQL {}", seen.version);
    let major = seen
        .version
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .and_then(|text| text.parse::<u32>().ok());
    if major.is_none_or(|major| major < LEAST) {
        return Finding::failed(
            "database.server",
            found,
            format!("install PostgreSQL {LEAST} or later"),
        );
    }
    if seen.is_standby {
        let advice = "set the address of the primary server";
        return Finding::failed(
            "database.server",
            format!("{found}, a read-only standby"),
            advice,
        );
    }
    if !seen.may_create {
        let advice = "GRANT CREATE ON DATABASE to this user: every projection has its own schema";
        return Finding::failed(
            "database.server",
            format!("{found}; this user may not create schemas"),
            advice,
        );
    }
    Finding::ok("database.server", found)
}

fn encoding(seen: &ServerSeen) -> Finding {
    if seen.encoding == "UTF8" {
        return Finding::ok("database.encoding", "UTF8");
    }
    let found = format!("{}: names in other scripts can't be stored", seen.encoding);
    Finding::failed(
        "database.encoding",
        found,
        "create the database with ENCODING 'UTF8'",
    )
}

/// Checks the durability settings. Lost rows can be restored from the log, but nothing detects the
/// loss.
fn on_disk(seen: &ServerSeen) -> Finding {
    let settings = [
        ("fsync", &seen.fsync),
        ("full_page_writes", &seen.full_page_writes),
        ("synchronous_commit", &seen.synchronous_commit),
    ];
    let off: Vec<_> = settings
        .iter()
        .filter(|(_, value)| *value == "off")
        .map(|(name, _)| *name)
        .collect();
    match off.as_slice() {
        [] => Finding::ok(
            "database.on-disk",
            "fsync, full_page_writes and synchronous_commit are on",
        ),
        ["synchronous_commit"] => Finding::warning(
            "database.on-disk",
            "synchronous_commit is off: a crash loses the last answers to Idempotency-Keys",
            "turn it on; the tables themselves catch up from the log",
        ),
        off => Finding::warning(
            "database.on-disk",
            format!("{} off: a crash may leave damaged tables", off.join(", ")),
            "turn them on; after a crash, drop the tables so that they are built again",
        ),
    }
}

fn connections(seen: &ServerSeen, of_requests: usize) -> Finding {
    // A process with all roles. Maintenance needs as many connections as the projector in addition.
    let needed = of_requests + PROJECTOR_CONNECTIONS;
    let room = usize::try_from(
        seen.max_connections
            .saturating_sub(seen.reserved_connections),
    )
    .unwrap_or(0);
    let processes = room / needed.max(1);
    let found = format!(
        "room for {room} connections, {} in use; one process uses up to {needed}",
        seen.connections
    );
    if processes == 0 || room < needed + PROJECTOR_CONNECTIONS {
        let advice = "raise max_connections, or lower database.connections";
        return Finding::failed("database.connections", found, advice);
    }
    if processes == 1 {
        let advice = "raise max_connections before you start a second process, also for upgrades side by side";
        return Finding::warning("database.connections", found, advice);
    }
    Finding::ok(
        "database.connections",
        format!("{found}: enough for {processes} processes"),
    )
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::finding::Level;
    use super::*;

    fn seen() -> ServerSeen {
        ServerSeen {
            version: "18.1 (Debian 18.1-1)".to_owned(),
            encoding: "UTF8".to_owned(),
            fsync: "on".to_owned(),
            synchronous_commit: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            max_connections: 100,
            reserved_connections: 3,
            connections: 5,
            now: datetime!(2026-11-21 12:00 UTC),
            is_standby: false,
            may_create: true,
        }
    }

    #[test]
    fn old_servers_standbys_and_missing_rights_fail() {
        assert_eq!(server(&seen()).level, Level::Ok);
        assert_eq!(
            server(&ServerSeen {
                version: "15.9".to_owned(),
                ..seen()
            })
            .level,
            Level::Failed
        );
        assert_eq!(
            server(&ServerSeen {
                is_standby: true,
                ..seen()
            })
            .level,
            Level::Failed
        );
        assert_eq!(
            server(&ServerSeen {
                may_create: false,
                ..seen()
            })
            .level,
            Level::Failed
        );
        assert_eq!(
            encoding(&ServerSeen {
                encoding: "LATIN1".to_owned(),
                ..seen()
            })
            .level,
            Level::Failed
        );
    }

    #[test]
    fn unsafe_durability_settings_are_a_warning() {
        assert_eq!(on_disk(&seen()).level, Level::Ok);
        let off = || "off".to_owned();
        let lazy = on_disk(&ServerSeen {
            synchronous_commit: off(),
            ..seen()
        });
        assert!(
            lazy.level == Level::Warning && lazy.found.contains("Idempotency-Keys"),
            "{lazy:?}"
        );
        let careless = on_disk(&ServerSeen {
            fsync: off(),
            full_page_writes: off(),
            ..seen()
        });
        assert!(
            careless.found.starts_with("fsync, full_page_writes off"),
            "{careless:?}"
        );
        assert_eq!(
            on_disk(&ServerSeen {
                synchronous_commit: "local".to_owned(),
                ..seen()
            })
            .level,
            Level::Ok
        );
    }

    #[test]
    fn connections_must_suffice_for_a_process_and_its_maintenance() {
        let level = |max_connections| {
            connections(
                &ServerSeen {
                    max_connections,
                    ..seen()
                },
                16,
            )
            .level
        };
        assert_eq!(
            [100, 48, 40, 31, 30, 3].map(level),
            [
                Level::Ok,
                Level::Ok,
                Level::Warning,
                Level::Warning,
                Level::Failed,
                Level::Failed
            ]
        );
    }
}

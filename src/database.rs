//! PostgreSQL: connection pools, errors that are safe to log, and migrations for the tables that
//! can't be rebuilt from the log.

mod server;

use std::str::FromStr;
use std::time::Duration;

use data_encoding::HEXLOWER;
use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio_postgres::NoTls;

pub use server::{ServerSeen, look, pending_migrations};

/// Maximum time to wait for a connection, both for a new one and for one from the pool.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of each connection. They limit statements, lock waits and idle transactions. The time
/// zone is UTC, so that rows in text form are equal on all machines. Pages are cheap, because rows
/// that are read together are mostly in memory; the planner then prefers the index that gives the
/// fewest rows.
const SESSION: &str = "-c statement_timeout=30s -c lock_timeout=10s \
    -c idle_in_transaction_session_timeout=60s -c timezone=UTC -c datestyle=ISO \
    -c random_page_cost=0.1 -c seq_page_cost=0.1";

/// Files in `migrations/`, in order. They create only tables that can't be rebuilt from the log.
const MIGRATIONS: &[(&str, &str)] = &[
    (
        "0001_checkpoints",
        include_str!("../migrations/0001_checkpoints.sql"),
    ),
    (
        "0002_idempotent_answers",
        include_str!("../migrations/0002_idempotent_answers.sql"),
    ),
    (
        "0003_indexed_before_live",
        include_str!("../migrations/0003_indexed_before_live.sql"),
    ),
    (
        "0010_api_key_uses",
        include_str!("../migrations/0010_api_key_uses.sql"),
    ),
    (
        "0014_finished_requests",
        include_str!("../migrations/0014_finished_requests.sql"),
    ),
    (
        "0015_stream_tickets",
        include_str!("../migrations/0015_stream_tickets.sql"),
    ),
    (
        "0016_trigrams",
        include_str!("../migrations/0016_trigrams.sql"),
    ),
];

/// Database error. It never contains values of rows, so it is safe to log.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The URL is invalid.
    #[error(
        "the database URL is not usable: {0}; give postgres://user:password@host:port/database"
    )]
    Url(String),
    /// The server doesn't respond, the connection was lost, or the pool had no free connection in
    /// time.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The server refused a statement.
    #[error("the database refused a statement: SQLSTATE {sqlstate}{}", at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default())]
    Refused {
        /// SQLSTATE (PostgreSQL manual, appendix A).
        sqlstate: String,
        /// Table, column and constraint, or the server's message about a missing object, if known.
        at: Option<String>,
    },
    /// The file of a migration was changed after the migration had been applied.
    #[error(
        "migration {0} was changed after it had been applied; restore its text and add a new migration instead"
    )]
    MigrationChanged(String),
}

impl DatabaseError {
    /// Returns true if a table doesn't exist, because its projection has not been built yet.
    #[must_use]
    pub fn is_missing_table(&self) -> bool {
        matches!(self, Self::Refused { sqlstate, .. } if sqlstate == "42P01")
    }

    /// Returns true if the statement exceeded `statement_timeout` or an operator cancelled it. A
    /// statement that does less work may succeed.
    #[must_use]
    pub fn is_statement_timeout(&self) -> bool {
        matches!(self, Self::Refused { sqlstate, .. } if sqlstate == "57014")
    }

    /// Returns true if the same statement can succeed later, because the cause was the connection,
    /// a conflict or a lack of resources. `docs/operations.md`, "When a server is away", lists the
    /// consequences.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            // Connection, rollback, resources, object state, operator intervention, system error
            // (manual, appendix A).
            Self::Refused { sqlstate, .. } => ["08", "40", "53", "55", "57", "58"]
                .iter()
                .any(|class| sqlstate.starts_with(class)),
            Self::Url(_) | Self::MigrationChanged(_) => false,
        }
    }
}

impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return Self::Unavailable(error.to_string());
        };
        let named = [db.table(), db.column(), db.constraint()];
        let at = named
            .iter()
            .flatten()
            .copied()
            .collect::<Vec<_>>()
            .join(".");
        // Messages of class 42 (syntax, missing objects) quote names of the program's own SQL,
        // never data.
        let text = db
            .code()
            .code()
            .starts_with("42")
            .then(|| db.message().to_owned());
        let at = if at.is_empty() { text } else { Some(at) };
        Self::Refused {
            sqlstate: db.code().code().to_owned(),
            at,
        }
    }
}

impl From<deadpool_postgres::PoolError> for DatabaseError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            deadpool_postgres::PoolError::Timeout(_) => {
                Self::Unavailable("no connection became free in time".to_owned())
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// Creates a pool of at most `max_size` connections. `search_path` is a list as in `SET
/// search_path`; see [`crate::projection::ProjectionSet::search_path`]. Connections are opened on
/// first use.
///
/// # Errors
/// Fails if the URL can't be parsed.
pub fn connect(
    url: &str,
    search_path: Option<&str>,
    max_size: usize,
) -> Result<Pool, DatabaseError> {
    let mut config = tokio_postgres::Config::from_str(url).map_err(|error| {
        DatabaseError::Url(
            std::error::Error::source(&error)
                .map_or_else(|| error.to_string(), ToString::to_string),
        )
    })?;
    let path = search_path
        .map(|path| format!(" -c search_path={}", path.replace(' ', "")))
        .unwrap_or_default();
    let given = config
        .get_options()
        .map(|given| format!("{given} "))
        .unwrap_or_default();
    config.options(format!("{given}{SESSION}{path}"));
    config
        .application_name("laureate")
        .connect_timeout(CONNECT_TIMEOUT);
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    Pool::builder(Manager::from_config(config, NoTls, recycling))
        .max_size(max_size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .build()
        .map_err(|error| DatabaseError::Unavailable(error.to_string()))
}

/// Checks that the database responds.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn check(pool: &Pool) -> Result<(), DatabaseError> {
    pool.get().await?.simple_query("SELECT 1").await?;
    Ok(())
}

/// Applies the pending migrations to the schema `<namespace>_meta`. Several processes may call it
/// at the same time.
///
/// # Errors
/// Fails if the database is unavailable, or if an applied migration has changed.
pub async fn migrate(pool: &Pool, namespace: &str) -> Result<(), DatabaseError> {
    let mut client: Client = pool.get().await?;
    let transaction = client.transaction().await?;
    let schema = meta_schema(namespace);
    transaction
        .execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
            &[&schema],
        )
        .await?;
    let prepare = format!(
        "CREATE SCHEMA IF NOT EXISTS \"{schema}\";
         SET LOCAL search_path = \"{schema}\";
         CREATE TABLE IF NOT EXISTS migrations (
             name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
         );"
    );
    transaction.batch_execute(&prepare).await?;
    for (name, sql) in MIGRATIONS {
        let checksum = HEXLOWER.encode(&Sha256::digest(sql.as_bytes()));
        let known = transaction
            .query_opt("SELECT checksum FROM migrations WHERE name = $1", &[name])
            .await?;
        match known.map(|row| row.get::<_, String>(0)) {
            Some(applied) if applied == checksum => {}
            Some(_) => return Err(DatabaseError::MigrationChanged((*name).to_owned())),
            None => {
                transaction.batch_execute(sql).await?;
                let note = "INSERT INTO migrations (name, checksum) VALUES ($1, $2)";
                transaction.execute(note, &[name, &checksum]).await?;
            }
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Deletes the expired responses that are stored for idempotent requests. Returns their number.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn forget_expired_answers(pool: &Pool, namespace: &str) -> Result<u64, DatabaseError> {
    // Many answers are deleted in parts, so that no statement runs into the time-out each time.
    let table = format!("\"{}\".idempotent_answers", meta_schema(namespace));
    let sql = format!(
        "DELETE FROM {table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {table} WHERE expires_at < now() LIMIT {MOST_ANSWERS}
        ))"
    );
    let client = pool.get().await?;
    let mut deleted = 0;
    loop {
        let part = client.execute(&sql, &[]).await?;
        deleted += part;
        if part < MOST_ANSWERS {
            return Ok(deleted);
        }
    }
}

/// Maximum number of stored answers that one statement deletes.
const MOST_ANSWERS: u64 = 5_000;

/// Returns the name of the schema for the tables that can't be rebuilt from the log.
#[must_use]
pub fn meta_schema(namespace: &str) -> String {
    format!("{namespace}_meta")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_is_embedded_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .into_string()
                    .expect("a plain name")
            })
            .collect();
        files.sort();
        let embedded: Vec<String> = MIGRATIONS
            .iter()
            .map(|(name, _)| format!("{name}.sql"))
            .collect();
        assert_eq!(files, embedded);
    }

    #[test]
    fn conflicts_and_lost_connections_are_transient_and_bad_data_is_not() {
        let refused = |code: &str| DatabaseError::Refused {
            sqlstate: code.to_owned(),
            at: None,
        };
        assert!(DatabaseError::Unavailable(String::new()).is_transient());
        for code in ["40001", "40P01", "08006", "57P01", "57014", "53300"] {
            assert!(refused(code).is_transient(), "{code}");
        }
        assert!(
            refused("57014").is_statement_timeout() && !refused("57P01").is_statement_timeout()
        );
        for code in ["22P02", "23505", "42P01"] {
            assert!(!refused(code).is_transient(), "{code}");
        }
    }

    #[test]
    fn invalid_database_url_is_refused_without_showing_it() {
        let Err(error) = connect("postgres://user:secret@host:notaport/db", None, 1) else {
            panic!("accepted")
        };
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

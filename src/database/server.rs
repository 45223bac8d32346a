//! Information from PostgreSQL about itself, for operators.

use std::collections::HashMap;

use data_encoding::HEXLOWER;
use deadpool_postgres::Pool;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{DatabaseError, MIGRATIONS, meta_schema};

/// SQLSTATE: undefined table (PostgreSQL manual, appendix A).
const UNDEFINED_TABLE: &str = "42P01";

/// Information about the server, and this user's privileges in this database.
#[derive(Clone, Debug)]
pub struct ServerSeen {
    /// Version, such as `18.1`.
    pub version: String,
    /// Encoding of the database, such as `UTF8`.
    pub encoding: String,
    /// Setting `fsync`.
    pub fsync: String,
    /// Setting `synchronous_commit`.
    pub synchronous_commit: String,
    /// Setting `full_page_writes`.
    pub full_page_writes: String,
    /// Maximum number of connections.
    pub max_connections: i32,
    /// Number of these that are reserved for superusers.
    pub reserved_connections: i32,
    /// Current number of client connections.
    pub connections: i64,
    /// Time of the server's clock.
    pub now: OffsetDateTime,
    /// True if the server is a standby.
    pub is_standby: bool,
    /// True if this user may create schemas.
    pub may_create: bool,
}

/// Reads information about the server.
///
/// # Errors
/// The database is not available.
pub async fn look(pool: &Pool) -> Result<ServerSeen, DatabaseError> {
    let sql = "SELECT current_setting('server_version'),
            (SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()),
            current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'),
            current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int,
            (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
            clock_timestamp(), pg_is_in_recovery(), has_database_privilege(current_database(), 'CREATE')";
    let row = pool.get().await?.query_one(sql, &[]).await?;
    Ok(ServerSeen {
        version: row.try_get(0)?,
        encoding: row.try_get(1)?,
        fsync: row.try_get(2)?,
        synchronous_commit: row.try_get(3)?,
        full_page_writes: row.try_get(4)?,
        max_connections: row.try_get(5)?,
        reserved_connections: row.try_get(6)?,
        connections: row.try_get(7)?,
        now: row.try_get(8)?,
        is_standby: row.try_get(9)?,
        may_create: row.try_get(10)?,
    })
}

/// Returns the migrations that are not applied yet, in order. Changes nothing.
///
/// # Errors
/// The database is not available, or an applied migration has changed.
pub async fn pending_migrations(
    pool: &Pool,
    namespace: &str,
) -> Result<Vec<&'static str>, DatabaseError> {
    let sql = format!(
        "SELECT name, checksum FROM \"{}\".migrations",
        meta_schema(namespace)
    );
    let rows = match pool
        .get()
        .await?
        .query(&sql, &[])
        .await
        .map_err(DatabaseError::from)
    {
        Ok(rows) => rows,
        Err(DatabaseError::Refused { sqlstate, .. }) if sqlstate == UNDEFINED_TABLE => Vec::new(),
        Err(error) => return Err(error),
    };
    let applied = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<HashMap<String, String>, DatabaseError>>()?;
    let mut pending = Vec::new();
    for (name, sql) in MIGRATIONS {
        match applied.get(*name) {
            None => pending.push(*name),
            Some(checksum) if *checksum == HEXLOWER.encode(&Sha256::digest(sql.as_bytes())) => {}
            Some(_) => return Err(DatabaseError::MigrationChanged((*name).to_owned())),
        }
    }
    Ok(pending)
}

//! What PostgreSQL tells about itself: for those who operate it.

use std::collections::HashMap;

use deadpool_postgres::Pool;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{DatabaseError, MIGRATIONS, meta_schema};
use crate::domain::hex;

/// PostgreSQL: there is no such table (appendix A of the manual).
const UNDEFINED_TABLE: &str = "42P01";

/// One server, and what this user may do in this database.
#[derive(Clone, Debug)]
pub struct ServerSeen {
    /// Its version, such as `18.1`.
    pub version: String,
    /// The database's encoding, such as `UTF8`.
    pub encoding: String,
    /// The setting of this name.
    pub fsync: String,
    /// The setting of this name.
    pub synchronous_commit: String,
    /// The setting of this name.
    pub full_page_writes: String,
    /// The most connections.
    pub max_connections: i32,
    /// How many of them are for superusers only.
    pub reserved_connections: i32,
    /// How many there are.
    pub connections: i64,
    /// Its clock.
    pub now: OffsetDateTime,
    /// Whether it only follows another server.
    pub is_standby: bool,
    /// Whether this user may create schemas.
    pub may_create: bool,
}

/// Asks the server about itself.
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

/// The migrations that are still to be applied, in order; changes nothing.
///
/// # Errors
/// The database is not available, or a migration was changed after it had been applied.
pub async fn pending_migrations(pool: &Pool, namespace: &str) -> Result<Vec<&'static str>, DatabaseError> {
    let sql = format!("SELECT name, checksum FROM \"{}\".migrations", meta_schema(namespace));
    let rows = match pool.get().await?.query(&sql, &[]).await.map_err(DatabaseError::from) {
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
            Some(checksum) if *checksum == hex(&Sha256::digest(sql.as_bytes())) => {}
            Some(_) => return Err(DatabaseError::MigrationChanged((*name).to_owned())),
        }
    }
    Ok(pending)
}

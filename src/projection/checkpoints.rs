//! The checkpoints table. It stores the position of each projection and prevents two projectors
//! from applying the same events.

use deadpool_postgres::{GenericClient, Transaction};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;

use super::set::{Member, ProjectionSet};
use crate::database::{DatabaseError, meta_schema};
use crate::event_log::{LogInfo, Position};

/// State of a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The first build has not finished.
    Building,
    /// The projection follows the log.
    Live,
    /// The projection applies no more events; [`Checkpoint::error`] is the reason.
    Stopped,
}

/// Checkpoint of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the projection.
    pub projection: String,
    /// Position of the last event that its rows contain.
    pub position: Position,
    /// State of the projection.
    pub state: State,
    /// True if the projection has been live at least once. Only then may its rows be read.
    pub was_live: bool,
    /// Reason why the projection stopped, without personal data.
    pub error: Option<String>,
    /// Creation time of the log from which the projection was filled.
    pub log_created: OffsetDateTime,
}

/// Converts a position to `bigint`, because PostgreSQL has no unsigned integers. A stream never
/// reaches 2⁶³.
pub(super) fn to_sql(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn from_sql(position: i64) -> Position {
    Position::try_from(position).unwrap_or(0)
}

/// Returns the time in microseconds, for comparison: PostgreSQL stores microseconds, nats-server
/// nanoseconds.
pub(super) fn microseconds(time: OffsetDateTime) -> i128 {
    time.unix_timestamp_nanos() / 1_000
}

fn table(set: &ProjectionSet) -> String {
    format!("\"{}\".checkpoints", meta_schema(set.namespace()))
}

fn keys(members: &[&Member]) -> (Vec<String>, Vec<String>) {
    members
        .iter()
        .map(|m| (m.projection.name.clone(), m.fingerprint.clone()))
        .unzip()
}

/// Returns the checkpoints of these members, sorted by name. Omits members without a checkpoint.
pub(super) async fn load(
    client: &impl GenericClient,
    set: &ProjectionSet,
    members: &[&Member],
) -> Result<Vec<Checkpoint>, DatabaseError> {
    select(client, set, members, "").await
}

/// Returns the same as [`load`], and locks the rows until the end of the transaction.
pub(super) async fn lock(
    transaction: &Transaction<'_>,
    set: &ProjectionSet,
    members: &[&Member],
) -> Result<Vec<Checkpoint>, DatabaseError> {
    select(transaction, set, members, "FOR UPDATE").await
}

async fn select(
    client: &impl GenericClient,
    set: &ProjectionSet,
    members: &[&Member],
    lock: &str,
) -> Result<Vec<Checkpoint>, DatabaseError> {
    let sql = format!(
        "SELECT projection, position, status, live_since IS NOT NULL, error, log_created
         FROM {} WHERE (projection, fingerprint) IN (SELECT * FROM unnest($1::text[], $2::text[]))
         ORDER BY projection {lock}",
        table(set)
    );
    let statement = client.prepare_cached(&sql).await?;
    let (names, fingerprints) = keys(members);
    let rows = client.query(&statement, &[&names, &fingerprints]).await?;
    let checkpoint = |row: &tokio_postgres::Row| {
        let state = match row.try_get::<_, &str>(2)? {
            "building" => State::Building,
            "live" => State::Live,
            _ => State::Stopped,
        };
        Ok(Checkpoint {
            projection: row.try_get(0)?,
            position: from_sql(row.try_get(1)?),
            state,
            was_live: row.try_get(3)?,
            error: row.try_get(4)?,
            log_created: row.try_get(5)?,
        })
    };
    rows.iter().map(checkpoint).collect()
}

/// Creates the checkpoint of a member that has none, with empty tables in its building schema. A
/// concurrent insert that conflicts on one of the two unique keys waits for this transaction.
pub(super) async fn create(
    transaction: &Transaction<'_>,
    set: &ProjectionSet,
    member: &Member,
    log: &LogInfo,
) -> Result<(), DatabaseError> {
    let sql = format!(
        "INSERT INTO {} (projection, fingerprint, schema_name, log_created) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        table(set)
    );
    let name = &member.projection.name;
    let fingerprint = &member.fingerprint;
    if transaction
        .execute(&sql, &[name, fingerprint, &member.schema, &log.created])
        .await?
        == 1
    {
        create_tables(
            transaction,
            &member.copy("bld"),
            &member.projection.tables_sql,
        )
        .await?;
    }
    Ok(())
}

/// Creates the checkpoint of a member that a rebuild has filled. Returns `None` if the member has
/// got a checkpoint in the meantime.
pub(super) async fn create_live(
    transaction: &Transaction<'_>,
    set: &ProjectionSet,
    member: &Member,
    log: &LogInfo,
    position: Position,
) -> Result<Option<Checkpoint>, DatabaseError> {
    let sql = format!(
        "INSERT INTO {}
             (projection, fingerprint, schema_name, log_created, position, status, live_since, indexed)
         VALUES ($1, $2, $3, $4, $5, 'live', now(), true) ON CONFLICT DO NOTHING",
        table(set)
    );
    let name = &member.projection.name;
    let fingerprint = &member.fingerprint;
    let values: &[&(dyn ToSql + Sync)] = &[
        name,
        fingerprint,
        &member.schema,
        &log.created,
        &to_sql(position),
    ];
    let made = transaction.execute(&sql, values).await? == 1;
    Ok(made.then(|| Checkpoint {
        projection: name.clone(),
        position,
        state: State::Live,
        was_live: true,
        error: None,
        log_created: log.created,
    }))
}

/// Creates a schema with the empty tables of a projection. Sets the search path to this schema
/// until the end of the transaction.
pub(super) async fn create_tables(
    transaction: &Transaction<'_>,
    schema: &str,
    tables_sql: &str,
) -> Result<(), DatabaseError> {
    let sql = format!(
        "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; SET LOCAL search_path = \"{schema}\"; {tables_sql}"
    );
    Ok(transaction.batch_execute(&sql).await?)
}

/// Member with the state on which the schema of its tables depends.
#[derive(Clone, Copy)]
pub(super) struct MemberState<'a> {
    pub(super) member: &'a Member,
    pub(super) was_live: bool,
}

impl MemberState<'_> {
    /// Returns the schema of the member's tables.
    pub(super) fn schema(&self) -> String {
        if self.was_live {
            self.member.schema.clone()
        } else {
            self.member.copy("bld")
        }
    }
}

/// Moves the checkpoints of the members from `from` to `to`. Returns the names of the moved
/// members: those whose checkpoint is at `from`, that are in the expected schema, and that are not
/// stopped. Locks the rows in name order until the end of the transaction. A second projector
/// therefore waits here and then moves no checkpoint.
pub(super) async fn advance(
    transaction: &Transaction<'_>,
    set: &ProjectionSet,
    members: &[MemberState<'_>],
    from: Position,
    to: Position,
) -> Result<Vec<String>, DatabaseError> {
    let sql = format!(
        "UPDATE {table} AS moved SET position = $5
         FROM (
             SELECT projection, fingerprint FROM {table}
             WHERE (projection, fingerprint, live_since IS NOT NULL) IN (
                     SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[])
                 )
                 AND position = $4 AND status <> 'stopped'
             ORDER BY projection FOR UPDATE
         ) AS held
         WHERE moved.projection = held.projection AND moved.fingerprint = held.fingerprint
         RETURNING moved.projection",
        table = table(set)
    );
    let statement = transaction.prepare_cached(&sql).await?;
    let (names, fingerprints) = keys(&members.iter().map(|state| state.member).collect::<Vec<_>>());
    let were_live: Vec<bool> = members.iter().map(|state| state.was_live).collect();
    let from = to_sql(from);
    let to = to_sql(to);
    let rows = transaction
        .query(&statement, &[&names, &fingerprints, &were_live, &from, &to])
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Marks the indexes of a building member as created. Returns false if they were already marked, or
/// if the member is no longer building at this position.
pub(super) async fn set_indexed(
    transaction: &Transaction<'_>,
    set: &ProjectionSet,
    member: &Member,
    position: Position,
) -> Result<bool, DatabaseError> {
    let sql = format!(
        "UPDATE {} SET indexed = true
         WHERE projection = $1 AND fingerprint = $2 AND position = $3 AND status = 'building' AND NOT indexed",
        table(set)
    );
    let name = &member.projection.name;
    let fingerprint = &member.fingerprint;
    Ok(transaction
        .execute(&sql, &[name, fingerprint, &to_sql(position)])
        .await?
        == 1)
}

/// Returns the highest position of the other versions of this projection that have been live, or 0.
/// Locks their checkpoints until the end of the transaction.
pub(super) async fn hold_other_versions(
    transaction: &Transaction<'_>,
    set: &ProjectionSet,
    member: &Member,
) -> Result<Position, DatabaseError> {
    let sql = format!(
        "SELECT position FROM {}
         WHERE projection = $1 AND fingerprint <> $2 AND live_since IS NOT NULL
         ORDER BY fingerprint FOR SHARE",
        table(set)
    );
    let rows = transaction
        .query(&sql, &[&member.projection.name, &member.fingerprint])
        .await?;
    let positions = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<i64>, _>>()?;
    Ok(positions.into_iter().max().map_or(0, from_sql))
}

/// Makes a member live and renames its schema to the name that readers use. Returns false if the
/// member is no longer building at this position, or has no indexes yet.
pub(super) async fn set_live(
    transaction: &Transaction<'_>,
    set: &ProjectionSet,
    member: &Member,
    position: Position,
) -> Result<bool, DatabaseError> {
    let sql = format!(
        "UPDATE {} SET status = 'live', live_since = now()
         WHERE projection = $1 AND fingerprint = $2 AND position = $3 AND status = 'building' AND indexed",
        table(set)
    );
    let name = &member.projection.name;
    let fingerprint = &member.fingerprint;
    if transaction
        .execute(&sql, &[name, fingerprint, &to_sql(position)])
        .await?
        != 1
    {
        return Ok(false);
    }
    let rename = format!(
        "ALTER SCHEMA \"{}\" RENAME TO \"{}\"",
        member.copy("bld"),
        member.schema
    );
    transaction.batch_execute(&rename).await?;
    Ok(true)
}

/// Marks a member as stopped with the reason `error`. Has no effect if its checkpoint is not at
/// `position`.
pub(super) async fn set_stopped(
    client: &impl GenericClient,
    set: &ProjectionSet,
    member: &Member,
    position: Position,
    error: &str,
) -> Result<(), DatabaseError> {
    let sql = format!(
        "UPDATE {} SET status = 'stopped', error = $4
         WHERE projection = $1 AND fingerprint = $2 AND position = $3",
        table(set)
    );
    let name = &member.projection.name;
    let fingerprint = &member.fingerprint;
    client
        .execute(&sql, &[name, fingerprint, &to_sql(position), &error])
        .await?;
    Ok(())
}

/// Changes stopped members back to `building` or `live`. A new version of the program may have
/// removed the cause.
pub(super) async fn resume(
    client: &impl GenericClient,
    set: &ProjectionSet,
    members: &[&Member],
) -> Result<(), DatabaseError> {
    let sql = format!(
        "UPDATE {} SET error = NULL, status = CASE WHEN live_since IS NULL THEN 'building' ELSE 'live' END
         WHERE status = 'stopped'
             AND (projection, fingerprint) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
        table(set)
    );
    let (names, fingerprints) = keys(members);
    client.execute(&sql, &[&names, &fingerprints]).await?;
    Ok(())
}

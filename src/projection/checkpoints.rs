//! The checkpoints table: how far each projection is, and the fence that keeps two projectors apart.

use deadpool_postgres::{GenericClient, Transaction};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;

use super::set::{Member, ProjectionSet};
use crate::database::{DatabaseError, meta_schema};
use crate::event_log::{LogInfo, Position};

/// Whether a projection's rows can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is being filled for the first time.
    Building,
    /// It follows the log.
    Live,
    /// It failed on an event and takes no more; see [`Checkpoint::error`].
    Stopped,
}

/// How far a projection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The projection's name.
    pub projection: String,
    /// The last event that its rows contain.
    pub position: Position,
    /// Whether it goes on.
    pub state: State,
    /// Whether it had caught up at least once: only then its rows may be read.
    pub was_live: bool,
    /// Why it stopped, without personal data.
    pub error: Option<String>,
    /// When the log that it was filled from was created.
    pub log_created: OffsetDateTime,
}

/// Checkpoints as one number: PostgreSQL has no unsigned integers. Streams end long before 2⁶³.
pub(super) fn to_sql(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn from_sql(position: i64) -> Position {
    Position::try_from(position).unwrap_or(0)
}

/// PostgreSQL keeps microseconds, the log's server nanoseconds.
pub(super) fn microseconds(time: OffsetDateTime) -> i128 {
    time.unix_timestamp_nanos() / 1_000
}

fn table(set: &ProjectionSet) -> String {
    format!("\"{}\".checkpoints", meta_schema(set.namespace()))
}

fn keys(members: &[&Member]) -> (Vec<String>, Vec<String>) {
    members.iter().map(|m| (m.projection.name.clone(), m.fingerprint.clone())).unzip()
}

/// The checkpoints of these members, by name; a member without one is left out.
pub(super) async fn load(
    client: &impl GenericClient,
    set: &ProjectionSet,
    members: &[&Member],
) -> Result<Vec<Checkpoint>, DatabaseError> {
    select(client, set, members, "").await
}

/// As [`load`], and nobody else moves them until this transaction ends.
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

/// Makes the checkpoint of a member that has none, and its empty tables where nobody reads them. Two
/// programs that do so at once wait for each other on the row, whichever of its unique keys they meet at.
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
    let (name, fingerprint) = (&member.projection.name, &member.fingerprint);
    if transaction.execute(&sql, &[name, fingerprint, &member.schema, &log.created]).await? == 1 {
        create_tables(transaction, &member.copy("bld"), &member.projection.tables_sql).await?;
    }
    Ok(())
}

/// Makes the checkpoint of a member that was built by other means; nothing where it has one by now.
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
    let (name, fingerprint) = (&member.projection.name, &member.fingerprint);
    let values: &[&(dyn ToSql + Sync)] =
        &[name, fingerprint, &member.schema, &log.created, &to_sql(position)];
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

/// Makes a schema with a projection's empty tables, and reads from it for the rest of the transaction.
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

/// A member at its place: whether it was live yet tells which schema its tables are in.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) member: &'a Member,
    pub(super) was_live: bool,
}

impl Standing<'_> {
    /// Where its tables are.
    pub(super) fn schema(&self) -> String {
        if self.was_live { self.member.schema.clone() } else { self.member.copy("bld") }
    }
}

/// Moves the checkpoints of members that share one, and tells which of them moved: those that stood
/// at `from` in the schema given and were not stopped. Holds their rows, in the order of their names,
/// until the transaction ends, so that a second projector waits here and then moves nothing.
pub(super) async fn advance(
    transaction: &Transaction<'_>,
    set: &ProjectionSet,
    members: &[Standing<'_>],
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
    let (names, fingerprints) = keys(&members.iter().map(|standing| standing.member).collect::<Vec<_>>());
    let were_live: Vec<bool> = members.iter().map(|standing| standing.was_live).collect();
    let (from, to) = (to_sql(from), to_sql(to));
    let rows = transaction.query(&statement, &[&names, &fingerprints, &were_live, &from, &to]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Notes that a member that is being built has its indexes: false where it has them already, or is
/// not being built at that position any more.
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
    let (name, fingerprint) = (&member.projection.name, &member.fingerprint);
    Ok(transaction.execute(&sql, &[name, fingerprint, &to_sql(position)]).await? == 1)
}

/// How far the readers of other versions of this projection see. Those versions stand still until
/// the transaction ends.
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
    let rows = transaction.query(&sql, &[&member.projection.name, &member.fingerprint]).await?;
    let positions = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    Ok(positions.into_iter().max().map_or(0, from_sql))
}

/// Says that a member has caught up, and puts its tables where they are read: false where it was
/// not being built at that position any more, or has no indexes yet.
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
    let (name, fingerprint) = (&member.projection.name, &member.fingerprint);
    if transaction.execute(&sql, &[name, fingerprint, &to_sql(position)]).await? != 1 {
        return Ok(false);
    }
    let rename = format!("ALTER SCHEMA \"{}\" RENAME TO \"{}\"", member.copy("bld"), member.schema);
    transaction.batch_execute(&rename).await?;
    Ok(true)
}

/// Says that a member failed on the event after `position`.
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
    let (name, fingerprint) = (&member.projection.name, &member.fingerprint);
    client.execute(&sql, &[name, fingerprint, &to_sql(position), &error]).await?;
    Ok(())
}

/// Lets members that had stopped try again: a new start may bring what they lacked.
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

//! Verification: fills copies of projections from the log and compares them with the live tables
//! row by row.

use std::time::{Duration, Instant};

use deadpool_postgres::Transaction;
use serde::Serialize;
use tokio_postgres::IsolationLevel;

use super::copy::Copy;
use super::copy_schema::Purpose;
use super::maintenance::{Absent, Maintenance, MaintenanceError};
use super::progress::Progress;
use super::verify_rows::{digest, first_difference, tables};
use crate::database::DatabaseError;
use crate::event_log::Position;
use crate::projection::checkpoints;
use crate::projection::checkpoints::State;
use crate::projection::set::Member;

/// Time without progress after which tables that are behind the log are compared as they are.
const STALLED_AFTER: Duration = Duration::from_secs(5);
/// Interval at which the checkpoints are read while tables are behind.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Result of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// One entry per projection.
    pub projections: Vec<Verified>,
}

/// Result of a verification for one projection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Name of the projection.
    pub name: String,
    /// Position at which the live tables and the copy were compared.
    pub position: Position,
    /// Number of positions by which the live tables were behind the end that the log had at the
    /// start. It is not 0 only if the tables do not move: no projector runs, or an event has
    /// stopped the projection.
    pub behind: Position,
    /// Number of rows in the live tables.
    pub rows: u64,
    /// True if every live row equals the row rebuilt from the log.
    pub equal: bool,
    /// First difference in each table that differs. Of a row, it contains only the key and the
    /// column names.
    pub differences: Vec<Difference>,
}

/// First difference between a live table and its copy. It contains no values except the key,
/// because a row may contain personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Name of the table.
    pub table: String,
    /// Primary key of the first row that differs, as a JSON array.
    pub key: String,
    /// `changed`, `missing` (only the copy has the row) or `unexpected` (only the live table has
    /// the row).
    pub kind: &'static str,
    /// Columns that differ, if both tables have the row.
    pub columns: Vec<String>,
    /// Position of the last event in the live row, from its `position` column. Absent if there is
    /// no such row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_position: Option<Position>,
    /// Position of the last event in the copied row. Absent if there is no such row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_position: Option<Position>,
}

impl VerifyReport {
    /// Returns true if no table was behind the log.
    #[must_use]
    pub fn current(&self) -> bool {
        self.projections
            .iter()
            .all(|projection| projection.behind == 0)
    }

    /// Returns true if the tables of all projections equal their copies.
    #[must_use]
    pub fn equal(&self) -> bool {
        self.projections.iter().all(|projection| projection.equal)
    }
}

impl Maintenance {
    /// Fills copies of the named projections (of all projections if `names` is empty) up to the
    /// live checkpoint, and compares rows. The live tables are read in one snapshot and are not
    /// locked. First waits until they contain the events that are in the log now, as long as they
    /// move.
    ///
    /// # Errors
    /// Fails if another maintenance operation is running, if a name is unknown, if the log is not
    /// the one from which the tables were filled, if a handler fails, or if the database is
    /// unavailable.
    pub async fn verify(
        &self,
        names: &[&str],
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<VerifyReport, MaintenanceError> {
        let turn = self.take_turn().await?;
        let result = self.verify_all(names, &mut progress).await;
        turn.end().await?;
        result
    }

    async fn verify_all(
        &self,
        names: &[&str],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<VerifyReport, MaintenanceError> {
        let end = self.source.info().await?.last_position;
        self.wait_for(&self.set.select(names)?, end).await?;
        let mut projections = Vec::new();
        for group in self.groups(names, Absent::Refused).await? {
            let copies = || group.iter().map(|member| member.copy("ver"));
            self.drop_schemas(copies()).await?;
            let verified = self.verify_group(&group, progress).await;
            self.drop_schemas(copies()).await?;
            projections.extend(verified?);
        }
        for projection in &mut projections {
            projection.behind = end.saturating_sub(projection.position);
        }
        projections.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(VerifyReport { projections })
    }

    /// Waits until the live tables of these members contain the event at `end`. Ends earlier if
    /// none of them has moved for [`STALLED_AFTER`].
    async fn wait_for(&self, members: &[&Member], end: Position) -> Result<(), MaintenanceError> {
        let mut moved = Instant::now();
        let mut before = Vec::new();
        loop {
            let positions: Vec<Position> = self
                .checkpoints(members)
                .await?
                .into_iter()
                .filter(|checkpoint| checkpoint.state != State::Stopped)
                .map(|checkpoint| checkpoint.position.min(end))
                .collect();
            if positions != before {
                moved = Instant::now();
            }
            let is_there = positions.iter().all(|position| *position >= end);
            if is_there || moved.elapsed() > STALLED_AFTER {
                return Ok(());
            }
            before = positions;
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    }

    async fn verify_group(
        &self,
        group: &[&Member],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Vec<Verified>, MaintenanceError> {
        let members = group
            .iter()
            .map(|member| (*member, member.copy("ver")))
            .collect();
        let lowest = self.lowest(group).await?;
        let purpose = Purpose {
            what: "verify".to_owned(),
            limit: lowest,
        };
        let mut copy = Copy::open(self, members, &purpose).await?;
        copy.advance_to(lowest, progress).await?;

        // Repeatable read: from here on, live tables and checkpoints are one snapshot.
        let mut client = self.pool.get().await.map_err(DatabaseError::from)?;
        let live = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true);
        let live = live.start().await.map_err(DatabaseError::from)?;
        let long =
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
        live.batch_execute(long)
            .await
            .map_err(DatabaseError::from)?;
        let mut held = checkpoints::load(&live, &self.set, group).await?;
        held.sort_by_key(|checkpoint| checkpoint.position);
        let mut verified = Vec::new();
        for checkpoint in held {
            copy.advance_to(checkpoint.position, progress).await?;
            let Some(member) = group
                .iter()
                .find(|m| m.projection.name == checkpoint.projection)
            else {
                continue;
            };
            verified.push(self.compare(&live, member, checkpoint.position).await?);
            copy.leave(member);
        }
        Ok(verified)
    }

    /// Compares the live tables of a member, as transaction `live` reads them, with its copy.
    async fn compare(
        &self,
        live: &Transaction<'_>,
        member: &Member,
        position: Position,
    ) -> Result<Verified, DatabaseError> {
        let mut client = self.pool.get().await?;
        let fresh = client.build_transaction().read_only(true).start().await?;
        fresh
            .batch_execute("SET LOCAL statement_timeout = 0")
            .await?;
        let copy = member.copy("ver");
        let mut rows = 0;
        let mut differences = Vec::new();
        for table in tables(&fresh, &copy).await? {
            let (count, digest_of_live) = digest(live, &member.schema, &table).await?;
            rows += count;
            if digest(&fresh, &copy, &table).await? != (count, digest_of_live) {
                differences.extend(
                    first_difference((live, &member.schema), (&fresh, &copy), &table).await?,
                );
            }
        }
        let name = member.projection.name.clone();
        Ok(Verified {
            name,
            position,
            behind: 0,
            rows,
            equal: differences.is_empty(),
            differences,
        })
    }
}

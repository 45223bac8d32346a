//! The state as of an earlier time, in a schema of its own beside the live tables.

use time::OffsetDateTime;

use super::copy::Copy;
use super::copy_schema::{self, Purpose};
use super::maintenance::{Maintenance, MaintenanceError};
use super::progress::Progress;
use crate::database::DatabaseError;
use crate::event_log::{Position, RecordedEvent};

/// Up to where to rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Up to the log's end as it is now.
    Now,
    /// Up to the last event before the first one that is later than this.
    Time(OffsetDateTime),
    /// Up to and including this position.
    Position(Position),
}

impl Maintenance {
    /// Fills all projections from the log into a schema of its own, as of a time or position: the
    /// state as of then, to be read with `SET search_path`. Gives the last position it contains.
    /// Goes on with what an earlier call for the same time or position left when it was broken off.
    ///
    /// # Errors
    /// The schema exists or isn't a plain name, the position is beyond the log's end, another piece
    /// of maintenance is at work, a handler fails, or the database is not available. What was filled
    /// stays, to go on from, unless a handler failed.
    pub async fn rebuild_into(
        &self,
        schema: &str,
        until: Until,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Position, MaintenanceError> {
        let turn = self.take_turn().await?;
        let result = self.fill_into(schema, until, &mut progress).await;
        if let Err(MaintenanceError::Apply(_)) = &result {
            self.drop_schemas([schema.to_owned()]).await?;
        }
        turn.end().await?;
        result
    }

    /// Drops what a broken-off [`Self::rebuild_into`] has left in this schema, and nothing else.
    ///
    /// # Errors
    /// Another piece of maintenance is at work, or the database is not available.
    pub async fn discard_into(&self, schema: &str) -> Result<(), MaintenanceError> {
        let turn = self.take_turn().await?;
        let discarded = async {
            let mut client = self.pool.get().await?;
            let transaction = client.transaction().await?;
            if is_plain(schema) && copy_schema::is_copy(&transaction, schema).await? {
                copy_schema::drop(&transaction, schema).await?;
            }
            transaction.commit().await.map_err(DatabaseError::from)
        };
        let discarded = discarded.await;
        turn.end().await?;
        Ok(discarded?)
    }

    async fn fill_into(
        &self,
        schema: &str,
        until: Until,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Position, MaintenanceError> {
        let end = self.source.info().await?.last_position;
        match until {
            Until::Position(position) if position > end => {
                return Err(MaintenanceError::BeyondLog { position, end });
            }
            _ => {}
        }
        let purpose = Purpose { what: format!("{until:?}"), limit: end };
        self.make_way(schema, &purpose).await?;
        let within = |event: &RecordedEvent| match until {
            Until::Now => true,
            Until::Time(time) => event.time <= time,
            Until::Position(position) => event.position <= position,
        };
        let members = self.set.members().iter().map(|member| (member, schema.to_owned())).collect();
        let mut copy = Copy::open(self, members, &purpose).await?;
        copy.advance_while(within, progress).await?;
        copy.finish().await?;
        let client = self.pool.get().await.map_err(DatabaseError::from)?;
        client.batch_execute(&copy_schema::forget(schema)).await.map_err(DatabaseError::from)?;
        Ok(copy.position)
    }

    /// Sees to it that the schema isn't there, or holds a copy of everything that can be gone on with.
    async fn make_way(&self, schema: &str, purpose: &Purpose) -> Result<(), MaintenanceError> {
        let log = self.source.info().await?;
        let mut client = self.pool.get().await.map_err(DatabaseError::from)?;
        let transaction = client.transaction().await.map_err(DatabaseError::from)?;
        if !is_plain(schema) {
            return Err(MaintenanceError::BadSchema(schema.to_owned()));
        }
        if copy_schema::exists(&transaction, schema).await? {
            if !copy_schema::is_copy(&transaction, schema).await? {
                return Err(MaintenanceError::BadSchema(schema.to_owned()));
            }
            for member in self.set.members() {
                let note = copy_schema::note(&transaction, schema, member).await?;
                if !note.is_some_and(|note| note.fits(&log, purpose)) {
                    copy_schema::drop(&transaction, schema).await?;
                    break;
                }
            }
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(())
    }
}

fn is_plain(schema: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=63).contains(&schema.len()) && schema.bytes().all(plain)
}

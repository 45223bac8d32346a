//! Rebuild of the tables at an earlier time, in a separate schema beside the live tables.

use time::OffsetDateTime;

use super::copy::Copy;
use super::copy_schema::{self, Purpose};
use super::maintenance::{Maintenance, MaintenanceError};
use super::progress::Progress;
use crate::database::DatabaseError;
use crate::event_log::{Position, RecordedEvent};

/// Point at which a rebuild ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// End of the log at the start of the rebuild.
    Now,
    /// Last event before the first event with a later time.
    Time(OffsetDateTime),
    /// This position, inclusive.
    Position(Position),
}

impl Maintenance {
    /// Fills all projections from the log into the schema `schema`, up to a time or position.
    /// Returns the last position that they contain. Use `SET search_path` to read the result. If an
    /// earlier call with the same `until` was interrupted, resumes it.
    ///
    /// # Errors
    /// Fails if the schema exists or its name is invalid, if the position is beyond the end of the
    /// log, if another maintenance operation is running, if a handler fails, or if the database is
    /// unavailable. Filled rows are kept for the next call, except if a handler failed.
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

    /// Drops the schema if it contains the copy of an interrupted [`Self::rebuild_into`]. Never
    /// drops another schema.
    ///
    /// # Errors
    /// Fails if another maintenance operation is running, or if the database is unavailable.
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
        let purpose = Purpose {
            what: format!("{until:?}"),
            limit: end,
        };
        self.make_way(schema, &purpose).await?;
        let within = |event: &RecordedEvent| match until {
            Until::Now => true,
            Until::Time(time) => event.time <= time,
            Until::Position(position) => event.position <= position,
        };
        let members = self
            .set
            .members()
            .iter()
            .map(|member| (member, schema.to_owned()))
            .collect();
        let mut copy = Copy::open(self, members, &purpose).await?;
        copy.advance_while(within, progress).await?;
        copy.finish().await?;
        let client = self.pool.get().await.map_err(DatabaseError::from)?;
        client
            .batch_execute(&copy_schema::forget(schema))
            .await
            .map_err(DatabaseError::from)?;
        Ok(copy.position)
    }

    /// Checks that the schema doesn't exist, or that it contains a copy that can be resumed.
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

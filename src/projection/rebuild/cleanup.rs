//! Clean-up: drops tables that no program uses. An operator starts it.

use super::maintenance::{Maintenance, MaintenanceError};
use crate::database::{DatabaseError, meta_schema};
use crate::projection::runner::presence;

/// Result of a clean-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CleanUp {
    /// Dropped schemas.
    pub dropped: Vec<String>,
    /// Schemas that were kept because another running program uses them.
    pub in_use: Vec<String>,
}

impl Maintenance {
    /// Drops the projections of this namespace that no program uses. Keeps the projections of this
    /// program, those of other running programs ([`crate::projection::Presence`]), and those in
    /// `keep`. `keep` is a list of full fingerprints, for programs that will be started again. Also
    /// drops the unfinished copies of this program's rebuilds and verifications.
    ///
    /// # Errors
    /// Fails if another maintenance operation is running, or if the database is unavailable.
    pub async fn drop_unused(&self, keep: &[String]) -> Result<CleanUp, MaintenanceError> {
        let turn = self.take_turn().await?;
        let result = self.drop_all_but(keep).await;
        turn.end().await?;
        Ok(result?)
    }

    async fn drop_all_but(&self, keep: &[String]) -> Result<CleanUp, DatabaseError> {
        let own = self.set.members().iter().map(|member| &member.fingerprint);
        let keep: Vec<&String> = own.chain(keep).collect();
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        let checkpoints = format!("\"{}\".checkpoints", meta_schema(self.set.namespace()));
        let sql = format!(
            "SELECT schema_name FROM {checkpoints} WHERE fingerprint <> ALL ($1::text[]) ORDER BY 1"
        );
        let mut found = CleanUp::default();
        for row in transaction.query(&sql, &[&keep]).await? {
            let schema: String = row.try_get(0)?;
            if !presence::is_free(&transaction, &schema).await? {
                found.in_use.push(schema);
                continue;
            }
            let forget = format!("DELETE FROM {checkpoints} WHERE schema_name = $1");
            transaction.execute(&forget, &[&schema]).await?;
            let sql = format!(
                "DROP SCHEMA IF EXISTS \"{schema}\", \"{schema}_new\", \"{schema}_old\", \"{schema}_ver\", \
                 \"{schema}_bld\" CASCADE"
            );
            transaction.batch_execute(&sql).await?;
            found.dropped.push(schema);
        }
        transaction.commit().await?;
        for member in self.set.members() {
            self.drop_schemas(["new", "old", "ver"].map(|kind| member.copy(kind)))
                .await?;
        }
        Ok(found)
    }
}

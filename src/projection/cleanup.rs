//! Clean-up: drops the tables that no program reads any more, when somebody says so.

use super::maintenance::{Maintenance, MaintenanceError};
use super::presence;
use crate::database::{DatabaseError, meta_schema};

/// What a clean-up did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CleanUp {
    /// Schemas that were dropped.
    pub dropped: Vec<String>,
    /// Schemas of other programs that were left alone, because one of them is running.
    pub in_use: Vec<String>,
}

impl Maintenance {
    /// Drops every projection of this namespace that neither this program has nor another one that is
    /// running ([`super::Presence`]), nor `keep` names (by full fingerprint, for programs that are to
    /// be started again); also what rebuilds and verifications of this program have left unfinished.
    ///
    /// # Errors
    /// Another piece of maintenance is at work, or the database is not available.
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
        let sql =
            format!("SELECT schema_name FROM {checkpoints} WHERE fingerprint <> ALL ($1::text[]) ORDER BY 1");
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
            self.drop_schemas(["new", "old", "ver"].map(|kind| member.copy(kind))).await?;
        }
        Ok(found)
    }
}

//! Clean-up: drops the tables that no program reads any more, when somebody says so.

use super::maintenance::{Maintenance, MaintenanceError};
use crate::database::{DatabaseError, meta_schema};

impl Maintenance {
    /// Drops every projection of this namespace that neither this program keeps nor `keep` names (by
    /// full fingerprint, for other programs that still run). Gives the schemas that were dropped.
    ///
    /// # Errors
    /// Another piece of maintenance is at work, or the database is not available.
    pub async fn drop_unused(&self, keep: &[String]) -> Result<Vec<String>, MaintenanceError> {
        let turn = self.take_turn().await?;
        let result = self.drop_all_but(keep).await;
        turn.end().await?;
        Ok(result?)
    }

    async fn drop_all_but(&self, keep: &[String]) -> Result<Vec<String>, DatabaseError> {
        let own = self.set.members().iter().map(|member| &member.fingerprint);
        let keep: Vec<&String> = own.chain(keep).collect();
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        let sql = format!(
            "DELETE FROM \"{}\".checkpoints WHERE fingerprint <> ALL ($1::text[]) RETURNING schema_name",
            meta_schema(self.set.namespace())
        );
        let rows = transaction.query(&sql, &[&keep]).await?;
        let dropped = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        for schema in &dropped {
            let sql = format!(
                "DROP SCHEMA IF EXISTS \"{schema}\", \"{schema}_new\", \"{schema}_old\", \"{schema}_ver\" CASCADE"
            );
            transaction.batch_execute(&sql).await?;
        }
        transaction.commit().await?;
        Ok(dropped)
    }
}

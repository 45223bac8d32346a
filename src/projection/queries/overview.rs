//! Read query for the totals of all kinds of records.

use deadpool_postgres::GenericClient;

use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// Totals of all kinds of records.
    #[derive(Default)]
    pub struct Overview {
        /// Number of attendees.
        pub attendees: i64,
        /// Number of certificates.
        pub certificates: i64,
        /// Number of imports.
        pub imports: i64,
        /// Number of batches.
        pub batches: i64,
        /// Number of issuances in any state.
        pub issuances: i64,
        /// Number of issuances with a PDF.
        pub issuances_generated: i64,
        /// Number of issuances whose PDF could not be generated.
        pub issuances_failed: i64,
        /// Number of revoked issuances.
        pub issuances_revoked: i64,
        /// Number of mails in any state.
        pub mails: i64,
        /// Number of mails that the mail server has accepted.
        pub mails_sent: i64,
        /// Number of mails that failed and will not be retried.
        pub mails_failed: i64,
        /// Number of mails with an unknown outcome.
        pub mails_unknown: i64,
    }
}

/// Returns the totals.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn get(client: &impl GenericClient) -> Result<Overview, DatabaseError> {
    let sql = include_str!("../../../projections/overview/get_overview.sql");
    Ok(query_opt(client, sql, &[]).await?.unwrap_or_default())
}

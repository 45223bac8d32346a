//! Everything at a glance.

use deadpool_postgres::GenericClient;

use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// How much there is of everything.
    #[derive(Default)]
    pub struct Overview {
        /// People known.
        pub attendees: i64,
        /// Certificates defined.
        pub certificates: i64,
        /// Files of people.
        pub imports: i64,
        /// Requests for many people.
        pub batches: i64,
        /// Issuances, in whatever state.
        pub issuances: i64,
        /// Issuances with a PDF.
        pub issuances_generated: i64,
        /// Issuances whose PDF could not be made.
        pub issuances_failed: i64,
        /// Issuances that were revoked.
        pub issuances_revoked: i64,
        /// Mails, in whatever state.
        pub mails: i64,
        /// Mails that a server took.
        pub mails_sent: i64,
        /// Mails that were given up.
        pub mails_failed: i64,
        /// Mails whose outcome nobody knows.
        pub mails_unknown: i64,
    }
}

/// How much there is of everything.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient) -> Result<Overview, DatabaseError> {
    let sql = include_str!("../../../projections/overview/get_overview.sql");
    Ok(query_opt(client, sql, &[]).await?.unwrap_or_default())
}

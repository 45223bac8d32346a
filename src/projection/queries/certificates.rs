//! Certificates: what people earn.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Listed, Page, query, query_opt, row};
use crate::database::DatabaseError;

row! {
    /// A certificate.
    pub struct CertificateRow {
        /// The certificate's id.
        pub id: Uuid,
        /// The organisation that issues.
        pub client: String,
        /// The certificate's name.
        pub name: String,
        /// What was attended or passed.
        pub event_name: String,
        /// The theme that draws it.
        pub theme: String,
        /// The theme's version.
        pub theme_version: i32,
        /// Where the design image is stored.
        pub design_key: Option<String>,
        /// SHA-256 of the design image, 64 hex digits.
        pub design_sha256: Option<String>,
        /// A link shown in the mail.
        pub event_link: Option<String>,
        /// SendGrid's dynamic template.
        pub sendgrid_template_id: Option<String>,
        /// The language, `en` or `es`.
        pub locale: String,
        /// Whether new issuances are allowed.
        pub is_active: bool,
        /// When its first event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// When its last event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Its last event; changes with every change of the row, so it makes an ETag.
        #[serde(skip)]
        pub position: i64,
    }
}

/// One certificate.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<CertificateRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/certificates/get_certificate.sql"), &[&id]).await
}

/// Certificates, newest first; only active or inactive ones, where that is asked for.
///
/// # Errors
/// The database is not available.
pub async fn list(
    client: &impl GenericClient,
    page: Page,
    is_active: Option<bool>,
) -> Result<Listed<CertificateRow>, DatabaseError> {
    let sql = include_str!("../../../projections/certificates/list_certificates.sql");
    let rows = query(client, sql, &[&page.after, &page.fetch(), &is_active]).await?;
    Ok(page.listed(rows, |row: &CertificateRow| row.created_position))
}

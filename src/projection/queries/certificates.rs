//! Read queries of certificates. A certificate is the definition that issuances are made from.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::listing::{Conditions, SortKey, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

row! {
    /// Certificate.
    pub struct CertificateRow {
        /// Certificate id.
        pub id: Uuid,
        /// Issuing organisation.
        pub client: String,
        /// Name of the certificate.
        pub name: String,
        /// Event that was attended or passed.
        pub event_name: String,
        /// Theme of the certificate.
        pub theme: String,
        /// Version of the theme.
        pub theme_version: i32,
        /// Options set on the theme, by name: a text, or a picture's `{key, sha256}`.
        pub theme_options: Personal<Value>,
        /// Storage key of the design image.
        pub design_key: Option<String>,
        /// SHA-256 of the design image, 64 hex digits.
        pub design_sha256: Option<String>,
        /// Link shown in the mail.
        pub event_link: Option<String>,
        /// Id of SendGrid's dynamic template.
        pub sendgrid_template_id: Option<String>,
        /// Date on the certificates; absent for the date of issuing.
        pub issue_date: Option<Date>,
        /// True if people imported for it must have a document number.
        pub requires_document: bool,
        /// Language, `en` or `es`.
        pub locale: String,
        /// True if new issuances are allowed.
        pub is_active: bool,
        /// Time at which its first event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Time at which its last event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Position of its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event. Each change of the row changes it, so it is used as entity
        /// tag.
        #[serde(skip)]
        pub position: i64,
    }
}

/// Returns the certificate with this id, if any.
///
/// # Errors
/// The database is not available.
pub async fn get(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<CertificateRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/certificates/get_certificate.sql"),
        &[&id],
    )
    .await
}

/// Source of lists of certificates.
pub const TABLE: Table = Table {
    columns: "certificates.*",
    from: "certificates",
    tie: "certificates.created_position",
};
/// Order of creation.
pub const BY_CREATION: SortKey = SortKey::Position("certificates.created_position");
/// Order of the last change.
pub const BY_CHANGE: SortKey = SortKey::Position("certificates.position");
/// Order of the name, ignoring case and accents.
pub const BY_NAME: SortKey = SortKey::Text("certificates.name_key");
/// Order of the client, ignoring case and accents.
pub const BY_CLIENT: SortKey = SortKey::Text("certificates.client_key");

/// Filter for certificates. All given fields must match.
#[derive(Clone, Debug, Default)]
pub struct CertificateFilter {
    /// Words contained in the name, event or client.
    pub search: Option<String>,
    /// Client, ignoring case and accents.
    pub client: Option<String>,
    /// True for active certificates only, false for inactive ones only.
    pub is_active: Option<bool>,
}

impl CertificateFilter {
    /// Returns the conditions of a list with this filter.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        Conditions::default()
            .words(
                concat!(
                    "strpos(certificates.name_key || ' ' || certificates.event_key || ' ' || certificates.client_key, ",
                    folded!("$$::text"),
                    ") > 0"
                ),
                self.search.as_deref(),
            )
            .maybe(concat!("certificates.client_key = ", folded!("$$::text")), self.client)
            .maybe("certificates.is_active = $$::boolean", self.is_active)
    }
}

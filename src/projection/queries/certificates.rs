//! Certificates: what people earn.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::listing::{Conditions, SortKey, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

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
        /// What was set on the theme: a text, or a picture's `{key, sha256}`, by the option's name.
        pub theme_options: Personal<Value>,
        /// Where the design image is stored.
        pub design_key: Option<String>,
        /// SHA-256 of the design image, 64 hex digits.
        pub design_sha256: Option<String>,
        /// A link shown in the mail.
        pub event_link: Option<String>,
        /// SendGrid's dynamic template.
        pub sendgrid_template_id: Option<String>,
        /// Date on the certificates; absent for the date of issuing.
        pub issue_date: Option<Date>,
        /// True if a person who is imported for it must have a document number.
        pub requires_document: bool,
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

/// Where certificates are listed from.
pub const TABLE: Table =
    Table { columns: "certificates.*", from: "certificates", tie: "certificates.created_position" };
/// In the order in which they were defined.
pub const BY_CREATION: SortKey = SortKey::Position("certificates.created_position");
/// In the order of their last change.
pub const BY_CHANGE: SortKey = SortKey::Position("certificates.position");
/// By name, whatever the case and accents.
pub const BY_NAME: SortKey = SortKey::Text("certificates.name_key");
/// By client, whatever the case and accents.
pub const BY_CLIENT: SortKey = SortKey::Text("certificates.client_key");

/// Which certificates; those that meet all that is given.
#[derive(Clone, Debug, Default)]
pub struct CertificateFilter {
    /// Words that name, event or client contain.
    pub search: Option<String>,
    /// Of this client, whatever the case and accents.
    pub client: Option<String>,
    /// Only active or only inactive ones.
    pub is_active: Option<bool>,
}

impl CertificateFilter {
    /// The same for a list.
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

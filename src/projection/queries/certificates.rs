//! Read queries of certificates. A certificate is the definition that issuances are made from.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::filters::{Filter, Form, Names};
use super::listing::{Conditions, List, Listed, Table};
use super::search::contains_word;
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

/// Languages of certificates.
pub const LOCALE: Names = Names {
    schema: "LocaleName",
    all: &["en", "es"],
};

/// List of certificates.
pub const LIST: List = List {
    table: Table {
        columns: "certificates.*",
        from: "certificates",
        tie: "certificates.created_position",
    },
    noun: "Certificates",
    created: "certificates.created_at",
    changed: "certificates.position",
    texts: &[
        ("name", "certificates.name_key"),
        ("client", "certificates.client_key"),
    ],
    filters: &[
        Filter::search(
            "Words that the name, event or client contains. Case, accents and punctuation are \
             ignored.",
            contains_word!(
                "(certificates.name_key || ' ' || certificates.event_key || ' ' || \
                 certificates.client_key)"
            ),
        ),
        Filter::texts(
            "client",
            Form::SearchKey,
            "Only certificates of these clients. Case, accents and punctuation are ignored.",
            "certificates.client_key =$$",
        ),
        Filter::texts(
            "theme",
            Form::Exact,
            "Only certificates with these themes, such as `corporate`.",
            "certificates.theme =$$",
        ),
        Filter::names(
            "locale",
            LOCALE,
            "Only certificates in these languages.",
            "certificates.locale =$$",
        ),
        Filter::flag(
            "isActive",
            "If true, only active certificates. If false, only inactive ones.",
            "certificates.is_active = $$::boolean",
        ),
    ],
};

impl Listed for CertificateRow {
    const LIST: &'static List = &LIST;
}

/// Adds the condition that a certificate is active.
#[must_use]
pub fn active(conditions: Conditions) -> Conditions {
    conditions.and("certificates.is_active = $$::boolean", true)
}

//! Read queries for certificates. A certificate is the definition from which issuances are created.

use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::filters::{Filter, Form, Names};
use super::listing::{Conditions, List, Listed, Table};
use super::search::contains_word;
use super::{FromRow, row};
use crate::domain::Personal;
use crate::domain::certification::certificate::{Definition, DesignRef, TemplateRef};

row! {
    /// Certificate.
    pub struct CertificateRow {
        /// Certificate id.
        pub id: Uuid,
        /// Time of the first event.
        pub created_at: OffsetDateTime,
        /// Time of the last event.
        pub updated_at: OffsetDateTime,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        pub position: i64,
    }
    with
    /// Definition of the certificate.
    pub definition: Definition;
}

impl FromRow for Definition {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let options: Personal<Value> = row.try_get("theme_options")?;
        let key: Option<String> = row.try_get("design_key")?;
        let sha256: Option<String> = row.try_get("design_sha256")?;
        let pdf_template = TemplateRef {
            theme: row.try_get("theme")?,
            version: row.try_get::<_, i32>("theme_version")?.unsigned_abs(),
            // The table has the options in the same form as the event.
            options: serde_json::from_value(options.into_revealed()).unwrap_or_default(),
        };
        Ok(Self {
            client: row.try_get("client")?,
            name: row.try_get("name")?,
            event_name: row.try_get("event_name")?,
            pdf_template,
            design: key
                .zip(sha256)
                .map(|(key, sha256)| DesignRef { key, sha256 }),
            event_link: row.try_get("event_link")?,
            sendgrid_template_id: row.try_get("sendgrid_template_id")?,
            issue_date: row.try_get("issue_date")?,
            requires_document: row.try_get("requires_document")?,
            locale: row
                .try_get::<_, &str>("locale")?
                .parse()
                .unwrap_or_default(),
            is_active: row.try_get("is_active")?,
        })
    }
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

//! Read queries for issuances. An issuance is one person's certificate.

use deadpool_postgres::GenericClient;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::listing::{self, Conditions, SortKey, Table, folded};
use super::{query, query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

row! {
    /// Issuance.
    pub struct IssuanceRow {
        /// Issuance id.
        pub id: Uuid,
        /// Certificate that the person earned.
        pub certificate_id: Uuid,
        /// Person who earned it.
        pub attendee_id: Uuid,
        /// Batch that requested the issuance, if there is one.
        pub batch_id: Option<Uuid>,
        /// Import that requested the issuance, if there is one.
        pub import_id: Option<Uuid>,
        /// Public id of the certificate, 32 hex digits.
        pub public_id: String,
        /// `requested`, `generated`, `failed` or `revoked`.
        pub state: String,
        /// Organization that issues the certificate, as printed.
        pub client: String,
        /// Name of the certificate, as printed.
        pub certificate_name: String,
        /// Name of the event, as printed.
        pub event_name: String,
        /// Name of the person, as printed.
        pub full_name: Personal<String>,
        /// Language, `en` or `es`.
        pub locale: String,
        /// Date printed on the certificate.
        pub issue_date: Date,
        /// Storage key of the PDF. Absent until the PDF is generated.
        pub object_key: Option<String>,
        /// SHA-256 of the PDF, 64 hex digits.
        pub sha256: Option<String>,
        /// Size of the PDF in bytes.
        pub size: Option<i64>,
        /// Time at which the PDF was generated.
        #[serde(with = "time::serde::rfc3339::option")]
        pub generated_at: Option<OffsetDateTime>,
        /// Reason why there is no PDF, as a stable code.
        pub failure_code: Option<String>,
        /// Reason why there is no PDF, as a text that may contain the person's name.
        pub failure_reason: Option<Personal<String>>,
        /// Time of the revocation.
        #[serde(with = "time::serde::rfc3339::option")]
        pub revoked_at: Option<OffsetDateTime>,
        /// Reason for the revocation, as a stable code.
        pub revocation_reason: Option<String>,
        /// Reason for the revocation, as free text.
        pub revocation_note: Option<Personal<String>>,
        /// True if a mail about the issuance was sent.
        pub is_sent: bool,
        /// Position of the last event of its mails. Only the query for one issuance by id computes
        /// it; in lists, it is 0.
        #[serde(skip)]
        pub mails_position: i64,
        /// Time of the first event.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Time of the last event.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Position of its first event. It is the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        #[serde(skip)]
        pub position: i64,
    }
}

/// Table for lists of issuances.
pub const TABLE: Table = Table {
    columns: "issuances.*, 0::bigint AS mails_position, EXISTS (\
        SELECT FROM jobs WHERE jobs.issuance_id = issuances.id AND jobs.status = 'sent'\
        ) AS is_sent",
    from: "issuances",
    tie: "issuances.created_position",
};
/// Order by creation.
pub const BY_CREATION: SortKey = SortKey::Position("issuances.created_position");
/// Order by last change.
pub const BY_CHANGE: SortKey = SortKey::Position("issuances.position");
/// Order by the person's name, ignoring case and accents.
pub const BY_NAME: SortKey = SortKey::Text("issuances.name_key");

/// Filter for issuances. All given fields must match.
#[derive(Clone, Debug, Default)]
pub struct IssuanceFilter {
    /// Words that the person's name must contain.
    pub search: Option<String>,
    /// Public id of the issuance.
    pub public_id: Option<String>,
    /// Certificate that was issued.
    pub certificate_id: Option<Uuid>,
    /// Theme that the certificate uses at present.
    pub theme: Option<String>,
    /// Person who earned the certificate.
    pub attendee_id: Option<Uuid>,
    /// Batch that created the issuance.
    pub batch_id: Option<Uuid>,
    /// Import that created the issuance.
    pub import_id: Option<Uuid>,
    /// State of the issuance.
    pub state: Option<String>,
    /// True: only issuances with a sent mail. False: only issuances without one.
    pub is_sent: Option<bool>,
    /// Earliest date on the certificate.
    pub issued_from: Option<Date>,
    /// Latest date on the certificate.
    pub issued_to: Option<Date>,
}

impl IssuanceFilter {
    /// Returns the conditions for a list with this filter.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        Conditions::default()
            .words(
                concat!("strpos(issuances.name_key, ", folded!("$$::text"), ") > 0"),
                self.search.as_deref(),
            )
            .maybe("issuances.public_id = $$::text", self.public_id)
            .maybe("issuances.certificate_id = $$::uuid", self.certificate_id)
            .maybe(
                "issuances.certificate_id IN (SELECT certificates.id FROM certificates WHERE certificates.theme = $$::text)",
                self.theme,
            )
            .maybe("issuances.attendee_id = $$::uuid", self.attendee_id)
            .maybe("issuances.batch_id = $$::uuid", self.batch_id)
            .maybe("issuances.import_id = $$::uuid", self.import_id)
            .maybe("issuances.state = $$::text", self.state)
            .maybe(
                "EXISTS (SELECT FROM jobs WHERE jobs.issuance_id = issuances.id AND jobs.status = 'sent') \
                 = $$::boolean",
                self.is_sent,
            )
            .maybe("issuances.issue_date >= $$::date", self.issued_from)
            .maybe("issuances.issue_date <= $$::date", self.issued_to)
    }
}

/// Returns the issuance with this id, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn get(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<IssuanceRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/issuances/get_issuance.sql"),
        &[&id],
    )
    .await
}

/// Returns the issuance with this public id, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn get_by_public_id(
    client: &impl GenericClient,
    public_id: &str,
) -> Result<Option<IssuanceRow>, DatabaseError> {
    let sql = include_str!("../../../projections/issuances/get_issuance_by_public_id.sql");
    query_opt(client, sql, &[&public_id]).await
}

/// Returns the number of issuances that match the filter. Returns `None` if there are more than
/// [`MAX_COUNTED`](super::listing::MAX_COUNTED).
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn count(
    client: &impl GenericClient,
    filter: IssuanceFilter,
) -> Result<Option<i64>, DatabaseError> {
    listing::count(client, &TABLE, &filter.conditions()).await
}

row! {
    /// Result of a dry run of issuing, for one person.
    pub struct RehearsedRow {
        /// Id of the person.
        pub id: Uuid,
        /// True if the person exists.
        pub is_known: bool,
        /// Name of the person. Absent if the person doesn't exist.
        pub full_name: Option<Personal<String>>,
        /// Document number of the person. Absent if there is none.
        pub document_number: Option<Personal<String>>,
        /// E-mail address of the person. Absent if the person doesn't exist.
        pub email: Option<Personal<String>>,
        /// True if the person already has the certificate.
        pub is_held: bool,
    }
}

/// Performs a dry run of issuing a certificate to people. Returns the current data of each person.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn rehearse(
    client: &impl GenericClient,
    certificate: Uuid,
    people: &[Uuid],
) -> Result<Vec<RehearsedRow>, DatabaseError> {
    let sql = include_str!("../../../projections/issuances/rehearse_issuing.sql");
    query(client, sql, &[&certificate, &people]).await
}

row! {
    /// Issuance of a batch, for the download of all certificates of the batch.
    pub struct BatchFileRow {
        /// Issuance id.
        pub id: Uuid,
        /// Name of the person, as printed.
        pub full_name: Personal<String>,
        /// True if the issuance has a PDF and is not revoked.
        pub has_file: bool,
    }
}

/// Returns at most `most` issuances of a batch in order of creation, from index `skip`.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn batch_files(
    client: &impl GenericClient,
    batch: Uuid,
    skip: i64,
    most: i64,
) -> Result<Vec<BatchFileRow>, DatabaseError> {
    let sql = include_str!("../../../projections/issuances/list_batch_files.sql");
    query(client, sql, &[&batch, &skip, &most]).await
}

row! {
    /// Issuance that has a PDF.
    pub struct DrawnRow {
        /// Issuance id.
        pub id: Uuid,
        /// Position of its first event.
        #[serde(skip)]
        pub created_position: i64,
    }
}

/// Table for lists of issuances that need only the columns of [`DrawnRow`].
pub const DRAWN: Table = Table {
    columns: "issuances.id, issuances.created_position",
    from: TABLE.from,
    tie: TABLE.tie,
};

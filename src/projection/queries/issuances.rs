//! Issuances: one person's certificate each.

use deadpool_postgres::GenericClient;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::listing::{self, Conditions, SortKey, Table, folded};
use super::{query, query_opt, row};
use crate::database::DatabaseError;
use crate::domain::Personal;

row! {
    /// An issuance.
    pub struct IssuanceRow {
        /// The issuance's id.
        pub id: Uuid,
        /// What the person earned.
        pub certificate_id: Uuid,
        /// Who earned it.
        pub attendee_id: Uuid,
        /// The batch that asked for it, if one did.
        pub batch_id: Option<Uuid>,
        /// The import that asked for it, if one did.
        pub import_id: Option<Uuid>,
        /// Addresses the certificate in public, 32 hex digits.
        pub public_id: String,
        /// `requested`, `generated`, `failed` or `revoked`.
        pub state: String,
        /// The organisation that issues, as shown.
        pub client: String,
        /// The certificate's name, as shown.
        pub certificate_name: String,
        /// What was attended or passed, as shown.
        pub event_name: String,
        /// The person's name, as shown.
        pub full_name: Personal<String>,
        /// The language, `en` or `es`.
        pub locale: String,
        /// The date shown.
        pub issue_date: Date,
        /// Where the PDF is stored, once there is one.
        pub object_key: Option<String>,
        /// SHA-256 of the PDF, 64 hex digits.
        pub sha256: Option<String>,
        /// The PDF's size in bytes.
        pub size: Option<i64>,
        /// When the PDF was made.
        #[serde(with = "time::serde::rfc3339::option")]
        pub generated_at: Option<OffsetDateTime>,
        /// Why there is no PDF: a stable code.
        pub failure_code: Option<String>,
        /// Why there is no PDF; may quote the person's name.
        pub failure_reason: Option<Personal<String>>,
        /// When it was revoked.
        #[serde(with = "time::serde::rfc3339::option")]
        pub revoked_at: Option<OffsetDateTime>,
        /// Why it was revoked: a stable code.
        pub revocation_reason: Option<String>,
        /// Why it was revoked, in somebody's own words.
        pub revocation_note: Option<Personal<String>>,
        /// Whether a mail about it was sent.
        pub is_sent: bool,
        /// The last event of any mail about it, where one issuance is read by its id; otherwise 0.
        #[serde(skip)]
        pub mails_position: i64,
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

/// Where issuances are listed from.
pub const TABLE: Table = Table {
    columns: "issuances.*, 0::bigint AS mails_position, EXISTS (\
        SELECT FROM jobs WHERE jobs.issuance_id = issuances.id AND jobs.status = 'sent'\
        ) AS is_sent",
    from: "issuances",
    tie: "issuances.created_position",
};
/// In the order in which they were asked for.
pub const BY_CREATION: SortKey = SortKey::Position("issuances.created_position");
/// In the order of their last change.
pub const BY_CHANGE: SortKey = SortKey::Position("issuances.position");
/// By the person's name, whatever the case and accents.
pub const BY_NAME: SortKey = SortKey::Text("issuances.name_key");

/// Which issuances; those that meet all that is given.
#[derive(Clone, Debug, Default)]
pub struct IssuanceFilter {
    /// Words that the person's name contains.
    pub search: Option<String>,
    /// With this public id.
    pub public_id: Option<String>,
    /// Of this certificate.
    pub certificate_id: Option<Uuid>,
    /// Whose certificate a theme draws now.
    pub theme: Option<String>,
    /// Of this person.
    pub attendee_id: Option<Uuid>,
    /// Made by this batch.
    pub batch_id: Option<Uuid>,
    /// Made by this import.
    pub import_id: Option<Uuid>,
    /// In this state.
    pub state: Option<String>,
    /// Whether a mail about it was sent.
    pub is_sent: Option<bool>,
    /// With this date or a later one.
    pub issued_from: Option<Date>,
    /// With this date or an earlier one.
    pub issued_to: Option<Date>,
}

impl IssuanceFilter {
    /// The same for a list.
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

/// One issuance.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<IssuanceRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/issuances/get_issuance.sql"), &[&id]).await
}

/// The issuance that the public knows by this id.
///
/// # Errors
/// The database is not available.
pub async fn get_by_public_id(
    client: &impl GenericClient,
    public_id: &str,
) -> Result<Option<IssuanceRow>, DatabaseError> {
    let sql = include_str!("../../../projections/issuances/get_issuance_by_public_id.sql");
    query_opt(client, sql, &[&public_id]).await
}

/// How many issuances there are of what meets the conditions, up to
/// [`MAX_COUNTED`](super::listing::MAX_COUNTED); beyond, nothing.
///
/// # Errors
/// The database is not available.
pub async fn count(
    client: &impl GenericClient,
    filter: IssuanceFilter,
) -> Result<Option<i64>, DatabaseError> {
    listing::count(client, &TABLE, &filter.conditions()).await
}

row! {
    /// What issuing to one person would do.
    pub struct RehearsedRow {
        /// The person.
        pub id: Uuid,
        /// Whether there is such a person.
        pub is_known: bool,
        /// The person's name; absent where there is no such person.
        pub full_name: Option<Personal<String>>,
        /// The person's document number; absent where there is none.
        pub document_number: Option<Personal<String>>,
        /// Whether they hold the certificate already.
        pub is_held: bool,
    }
}

/// What issuing a certificate to people would do now.
///
/// # Errors
/// The database is not available.
pub async fn rehearse(
    client: &impl GenericClient,
    certificate: Uuid,
    people: &[Uuid],
) -> Result<Vec<RehearsedRow>, DatabaseError> {
    let sql = include_str!("../../../projections/issuances/rehearse_issuing.sql");
    query(client, sql, &[&certificate, &people]).await
}

row! {
    /// An issuance of a batch, for a file of all its certificates.
    pub struct BatchFileRow {
        /// The issuance's id.
        pub id: Uuid,
        /// The person's name, as shown.
        pub full_name: Personal<String>,
        /// True if it has a PDF and is not revoked.
        pub has_file: bool,
    }
}

/// Issuances of a batch in the order in which they were asked for, from the one with index `skip` on.
///
/// # Errors
/// The database is not available.
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
    /// An issuance that has a PDF.
    pub struct DrawnRow {
        /// The issuance's id.
        pub id: Uuid,
        /// Its first event.
        #[serde(skip)]
        pub created_position: i64,
    }
}

/// Where issuances are listed from by those who need no more of them.
pub const DRAWN: Table =
    Table { columns: "issuances.id, issuances.created_position", from: TABLE.from, tie: TABLE.tie };

//! Read queries for issuances. An issuance is one person's certificate.

use deadpool_postgres::GenericClient;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::attendees::has_code;
use super::filters::{Bound, Filter, Form, Names};
use super::listing::{self, Conditions, List, Listed, Table};
use super::search::{contains_word, document_key};
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
        pub generated_at: Option<OffsetDateTime>,
        /// Reason why there is no PDF, as a stable code.
        pub failure_code: Option<String>,
        /// Reason why there is no PDF, as a text that may contain the person's name.
        pub failure_reason: Option<Personal<String>>,
        /// Time of the revocation.
        pub revoked_at: Option<OffsetDateTime>,
        /// Reason for the revocation, as a stable code.
        pub revocation_reason: Option<String>,
        /// Reason for the revocation, as free text.
        pub revocation_note: Option<Personal<String>>,
        /// True if a mail about the issuance was sent. The query by public id doesn't compute it.
        pub is_sent: bool,
        /// Position of the last event of its mails. Only the query for one issuance by id computes
        /// it; in lists, it is 0.
        pub mails_position: i64,
        /// Time of the first event.
        pub created_at: OffsetDateTime,
        /// Time of the last event.
        pub updated_at: OffsetDateTime,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        pub position: i64,
    }
}

/// States of an issuance.
pub const STATE: Names = Names {
    schema: "IssuanceStateName",
    all: &["requested", "generated", "failed", "revoked"],
};

/// List of issuances.
pub const LIST: List = List {
    table: Table {
        columns: "issuances.*, 0::bigint AS mails_position, EXISTS (\
            SELECT FROM jobs WHERE jobs.issuance_id = issuances.id AND jobs.status = 'sent'\
            ) AS is_sent",
        from: "issuances",
        tie: "issuances.created_position",
    },
    noun: "Issuances",
    created: "issuances.created_at",
    changed: "issuances.position",
    texts: &[("fullName", "issuances.name_key")],
    filters: &[
        Filter::search(
            "Words that the printed name, or the person's e-mail address or document number, \
             contains. Case, accents and punctuation are ignored.",
            // Two queries, because each can use its own index. With OR, PostgreSQL reads all rows.
            concat!(
                "issuances.id IN (SELECT named.id FROM issuances AS named WHERE ",
                contains_word!("named.name_key"),
                " UNION ALL SELECT held.id FROM attendees \
                 JOIN issuances AS held ON held.attendee_id = attendees.id WHERE ",
                has_code!(),
                ")"
            ),
        ),
        Filter::texts(
            "email",
            Form::LowerCase,
            "Only certificates of people who have these e-mail addresses now. Case is ignored.",
            "issuances.attendee_id IN (SELECT attendees.id FROM attendees \
             WHERE attendees.email_key =$$)",
        ),
        Filter::texts(
            "documentNumber",
            Form::Document,
            "Only certificates of people who have these document numbers now. Case, spaces, \
             periods, hyphens and slashes are ignored.",
            concat!(
                "issuances.attendee_id IN (SELECT attendees.id FROM attendees WHERE ",
                document_key!("attendees.document_number"),
                " =$$)"
            ),
        ),
        Filter::numbers(
            "number",
            "Only certificates with these numbers, as printed or as in their addresses.",
            "issuances.public_id =$$",
        ),
        Filter::ids(
            "certificateId",
            "Only issuances of these certificates.",
            "issuances.certificate_id =$$",
        ),
        Filter::ids(
            "attendeeId",
            "Only certificates of these people.",
            "issuances.attendee_id =$$",
        ),
        Filter::ids(
            "batchId",
            "Only certificates that these batches requested.",
            "issuances.batch_id =$$",
        ),
        Filter::ids(
            "importId",
            "Only certificates that these imports requested.",
            "issuances.import_id =$$",
        ),
        Filter::names(
            "state",
            STATE,
            "Only certificates in these states.",
            "issuances.state =$$",
        ),
        Filter::flag(
            "isSent",
            "If true, only certificates about which a mail was sent. If false, only the others.",
            "EXISTS (SELECT FROM jobs WHERE jobs.issuance_id = issuances.id \
             AND jobs.status = 'sent') = $$::boolean",
        ),
        Filter::day(
            "issuedFrom",
            Bound::From,
            "Earliest date on the certificate, inclusive (ISO 8601).",
            "issuances.issue_date",
        ),
        Filter::day(
            "issuedTo",
            Bound::To,
            "Latest date on the certificate, inclusive (ISO 8601).",
            "issuances.issue_date",
        ),
    ],
};

impl Listed for IssuanceRow {
    const LIST: &'static List = &LIST;
}

/// Returns the condition for the issuances of a certificate.
#[must_use]
pub fn of_certificate(certificate: Uuid) -> Conditions {
    Conditions::default().and("issuances.certificate_id = $$::uuid", certificate)
}

/// Returns the condition for the issuances of a person.
#[must_use]
pub fn of_attendee(attendee: Uuid) -> Conditions {
    Conditions::default().and("issuances.attendee_id = $$::uuid", attendee)
}

/// Returns the conditions for issuances that have a PDF and are not revoked: those of a
/// certificate, or of all certificates that use a theme now, or both.
#[must_use]
pub fn drawn(certificate: Option<Uuid>, theme: Option<String>) -> Conditions {
    Conditions::default()
        .and("issuances.state = $$::text", "generated")
        .maybe("issuances.certificate_id = $$::uuid", certificate)
        .maybe(
            "issuances.certificate_id IN (SELECT certificates.id FROM certificates \
             WHERE certificates.theme = $$::text)",
            theme,
        )
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

/// Returns the number of issuances that meet the conditions, or `None` if there are more than
/// [`MAX_COUNTED`](super::listing::MAX_COUNTED).
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn count(
    client: &impl GenericClient,
    conditions: &Conditions,
) -> Result<Option<i64>, DatabaseError> {
    listing::count(client, &LIST.table, conditions).await
}

row! {
    /// Result of a dry run of issuing, for one person.
    pub struct RehearsedRow {
        /// Id of the person.
        pub id: Uuid,
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
        pub created_position: i64,
    }
}

/// Table for lists of issuances that need only the columns of [`DrawnRow`].
pub const DRAWN: Table = Table {
    columns: "issuances.id, issuances.created_position",
    from: LIST.table.from,
    tie: LIST.table.tie,
};

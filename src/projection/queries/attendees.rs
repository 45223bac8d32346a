//! Read queries for attendees, the people who earn certificates.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::{Filter, Form};
use super::listing::{self, Conditions, List, Listed, Table};
use super::search::{contains_word, document_key, search_key};
use super::{columns, row};
use crate::database::DatabaseError;
use crate::domain::Person;

row! {
    /// Attendee.
    pub struct AttendeeRow {
        /// Attendee id.
        pub id: Uuid,
        /// Import that created the attendee. Absent if no import did.
        pub import_id: Option<Uuid>,
        /// Row in the file of that import.
        pub import_row: Option<i32>,
        /// Time of the first event.
        pub created_at: OffsetDateTime,
        /// Time of the last event.
        pub updated_at: OffsetDateTime,
        /// Position of its first event. It is the cursor of lists.
        pub created_position: i64,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        pub position: i64,
    }
    with
    /// Personal data.
    pub person: Person;
}

columns!(Person {
    full_name,
    country,
    document_type,
    document_number,
    gender,
    email
});

/// Pattern of document numbers that contain the search word `$$`; null if the word has no letter or
/// digit.
macro_rules! document_pattern {
    () => {
        $crate::projection::queries::search::pattern!(concat!(
            "nullif(",
            $crate::projection::queries::search::document_key!("$$::text"),
            ", '')"
        ))
    };
}
pub(super) use document_pattern;

/// SQL condition: the attendee's e-mail address or document number contains the search word `$$`. A
/// document number is also found without its spaces, periods, hyphens and slashes. An index of
/// codes in `schema.sql` has the expression of the first part, which also finds e-mail addresses by
/// the word without these characters; the second part excludes them.
macro_rules! has_code {
    () => {
        concat!(
            "((attendees.email_key || E'\\n' || attendees.document_key) LIKE ANY (ARRAY[",
            $crate::projection::queries::search::pattern!("lower($$::text)"),
            ", ",
            $crate::projection::queries::attendees::document_pattern!(),
            "]) AND (attendees.email_key LIKE ",
            $crate::projection::queries::search::pattern!("lower($$::text)"),
            " OR attendees.document_key LIKE ",
            $crate::projection::queries::search::pattern!("lower($$::text)"),
            " OR attendees.document_key LIKE ",
            $crate::projection::queries::attendees::document_pattern!(),
            "))"
        )
    };
}
pub(super) use has_code;

/// List of attendees.
pub const LIST: List = List {
    table: Table {
        columns: "attendees.*",
        from: "attendees",
        tie: "attendees.created_position",
    },
    noun: "Attendees",
    created: "attendees.created_at",
    changed: "attendees.position",
    texts: &[
        ("fullName", "attendees.name_key"),
        ("email", "attendees.email_key"),
    ],
    filters: &[
        Filter::search(
            "Words that the full name, e-mail address or document number contains. Case, accents \
             and punctuation are ignored.",
            concat!(contains_word!("attendees.name_key"), " OR ", has_code!()),
        ),
        Filter::texts(
            "email",
            Form::LowerCase,
            "Only people with these e-mail addresses. Case is ignored.",
            "attendees.email_key =$$",
        ),
        Filter::texts(
            "documentNumber",
            Form::Document,
            "Only people with these document numbers. Case, spaces, periods, hyphens and slashes \
             are ignored.",
            concat!(document_key!("attendees.document_number"), " =$$"),
        ),
        Filter::texts(
            "documentType",
            Form::SearchKey,
            "Only people with these types of document. Case, accents and punctuation are ignored.",
            concat!(search_key!("attendees.document_type"), " =$$"),
        ),
        Filter::texts(
            "country",
            Form::SearchKey,
            "Only people of these countries. Case, accents and punctuation are ignored.",
            concat!(search_key!("attendees.country"), " =$$"),
        ),
        Filter::ids(
            "importId",
            "Only people whom these imports accepted, new or known before.",
            "attendees.id IN (SELECT made.id FROM attendees made WHERE made.import_id =$$ \
             UNION ALL SELECT known.attendee_id FROM import_known_people known \
             WHERE known.import_id =$$)",
        ),
        Filter::ids(
            "certificateId",
            "Only people to whom one of these certificates was issued.",
            "EXISTS (SELECT FROM issuances WHERE issuances.attendee_id = attendees.id \
             AND issuances.certificate_id =$$)",
        ),
    ],
};

impl Listed for AttendeeRow {
    const LIST: &'static List = &LIST;
}

/// Returns the ids of the oldest `most` attendees that meet the conditions.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn ids(
    client: &impl GenericClient,
    conditions: &Conditions,
    most: usize,
) -> Result<Vec<Uuid>, DatabaseError> {
    listing::ids(
        client,
        &Table {
            columns: "attendees.id",
            ..LIST.table
        },
        conditions,
        most,
    )
    .await
}

/// Returns the conditions for the people whom an import accepted, new or known before.
#[must_use]
pub fn of_import(import: Uuid) -> Conditions {
    let sql = "attendees.id IN (SELECT made.id FROM attendees made WHERE made.import_id = $$::uuid \
               UNION ALL SELECT known.attendee_id FROM import_known_people known \
               WHERE known.import_id = $$::uuid)";
    Conditions::default().and(sql, import)
}

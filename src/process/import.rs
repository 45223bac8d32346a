//! Import → attendees → issuances.

use time::Date;
use uuid::Uuid;

use super::Issue;
use crate::domain::email::MailDelivery;
use crate::domain::import::ImportRowsAccepted;
use crate::domain::issuance::Origin;
use crate::domain::{AttendeeId, ImportId};

/// What is to be done with one row's person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowPlan {
    /// Nobody holds the e-mail address or the document number: a new person.
    Create(AttendeeId),
    /// The person is known and is to be changed.
    Update(AttendeeId),
    /// The person is known and stays as known.
    Duplicate {
        /// Who it is.
        attendee_id: AttendeeId,
        /// What told: the API's field name.
        field: &'static str,
    },
    /// E-mail address and document number belong to two different people.
    TwoPeople,
}

/// Decides on a row from who holds its e-mail address and its document number. `own` is the id that
/// the row's person has or would get: a row that was taken in before finds itself, and is created.
#[must_use]
pub fn plan_row(
    own: AttendeeId,
    email: Option<Uuid>,
    document: Option<Uuid>,
    update_existing: bool,
) -> RowPlan {
    let (holder, field) = match (email, document) {
        (None, None) => return RowPlan::Create(own),
        (Some(a), Some(b)) if a == own.0 && b == own.0 => return RowPlan::Create(own),
        (Some(a), Some(b)) if a != b => return RowPlan::TwoPeople,
        (Some(holder), _) => (holder, "email"),
        (None, Some(holder)) => (holder, "documentNumber"),
    };
    let attendee_id = AttendeeId(holder);
    if update_existing { RowPlan::Update(attendee_id) } else { RowPlan::Duplicate { attendee_id, field } }
}

/// The people of these rows are to get what they earned, with mails and date as the import asked for.
pub fn on_rows_accepted(
    id: ImportId,
    event: &ImportRowsAccepted,
    (delivery, issue_date): (MailDelivery, Option<Date>),
) -> impl Iterator<Item = Issue> + use<'_> {
    let origin = Origin { batch_id: None, import_id: Some(id) };
    event.earned.iter().map(move |earned| Issue {
        certificate_id: earned.certificate_id,
        attendee_id: earned.attendee_id,
        origin,
        delivery,
        issue_date,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::import::Earned;

    const OWN: AttendeeId = AttendeeId(Uuid::from_u128(1));
    const ADA: Uuid = Uuid::from_u128(2);
    const GRACE: Uuid = Uuid::from_u128(3);

    #[test]
    fn an_unknown_person_is_created() {
        assert_eq!(plan_row(OWN, None, None, false), RowPlan::Create(OWN));
        assert_eq!(plan_row(OWN, None, None, true), RowPlan::Create(OWN));
    }

    #[test]
    fn a_row_that_was_taken_in_before_finds_itself() {
        assert_eq!(plan_row(OWN, Some(OWN.0), Some(OWN.0), false), RowPlan::Create(OWN));
    }

    #[test]
    fn a_known_person_is_a_duplicate_or_is_updated() {
        let ada = AttendeeId(ADA);
        assert_eq!(
            plan_row(OWN, Some(ADA), None, false),
            RowPlan::Duplicate { attendee_id: ada, field: "email" }
        );
        assert_eq!(
            plan_row(OWN, None, Some(ADA), false),
            RowPlan::Duplicate { attendee_id: ada, field: "documentNumber" }
        );
        assert_eq!(plan_row(OWN, Some(ADA), Some(ADA), true), RowPlan::Update(ada));
    }

    #[test]
    fn a_row_that_matches_two_people_is_neither() {
        assert_eq!(plan_row(OWN, Some(ADA), Some(GRACE), true), RowPlan::TwoPeople);
    }

    #[test]
    fn accepted_rows_lead_to_what_they_earned() {
        let day = Some(time::macros::date!(2026 - 11 - 20));
        let earned = Earned { attendee_id: OWN, certificate_id: GRACE.into() };
        let event = ImportRowsAccepted { through_row: 5, created: 1, updated: 0, earned: vec![earned] };
        let issues: Vec<_> = on_rows_accepted(ADA.into(), &event, (MailDelivery::Held, day)).collect();
        assert_eq!((issues.len(), issues[0].delivery, issues[0].issue_date), (1, MailDelivery::Held, day));
        assert_eq!((issues[0].attendee_id, issues[0].origin.import_id), (OWN, Some(ADA.into())));
    }
}

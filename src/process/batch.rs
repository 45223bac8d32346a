//! Batch → issuances.

use super::Issue;
use crate::domain::BatchId;
use crate::domain::batch::BatchRequested;
use crate::domain::issuance::Origin;

/// Everybody whom the batch names is to get its certificate.
pub fn on_requested(id: BatchId, event: &BatchRequested) -> impl Iterator<Item = Issue> + use<'_> {
    let origin = Origin { batch_id: Some(id), import_id: None };
    let (certificate_id, delivery) = (event.certificate_id, event.delivery);
    event.attendee_ids.iter().map(move |attendee_id| Issue {
        certificate_id,
        attendee_id: *attendee_id,
        origin,
        delivery,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::email::MailDelivery;

    #[test]
    fn a_batch_issues_for_each_of_its_people() {
        let event = BatchRequested {
            certificate_id: Uuid::from_u128(1).into(),
            attendee_ids: vec![Uuid::from_u128(2).into(), Uuid::from_u128(3).into()],
            delivery: MailDelivery::Held,
        };
        let issues: Vec<_> = on_requested(Uuid::from_u128(9).into(), &event).collect();
        assert_eq!(issues.iter().map(|i| i.attendee_id).collect::<Vec<_>>(), event.attendee_ids);
        assert!(issues.iter().all(|i| i.delivery == MailDelivery::Held));
        assert!(issues.iter().all(|i| i.origin.batch_id == Some(Uuid::from_u128(9).into())));
    }
}

//! Batch → issuances; batch that was cancelled or undone → revocations.

use super::{Issue, OfBatch};
use crate::domain::BatchId;
use crate::domain::certification::batch::{BatchRequested, Stop};
use crate::domain::certification::issuance::{CertificateRevoked, WhyRevoked};
use crate::domain::certification::origin::Origin;

/// Returns the issuances to create for a batch, one per person.
pub fn on_requested(id: BatchId, event: &BatchRequested) -> impl Iterator<Item = Issue> + use<'_> {
    let import = event.import_id.map(Origin::import);
    let origins: Vec<_> = [Origin::batch(id)].into_iter().chain(import).collect();
    let certificate_id = event.certificate_id;
    let delivery = event.delivery;
    let issue_date = event.issue_date;
    event.attendee_ids.iter().map(move |attendee_id| Issue {
        certificate_id,
        attendee_id: *attendee_id,
        origins: origins.clone(),
        delivery,
        issue_date,
    })
}

/// Returns the batch's issuances for its people, one per person.
pub fn issued(id: BatchId, event: &BatchRequested) -> impl Iterator<Item = OfBatch> + use<'_> {
    on_requested(id, event).map(move |issue| OfBatch {
        batch_id: id,
        certificate_id: issue.certificate_id,
        attendee_id: issue.attendee_id,
    })
}

/// Returns the revocation for the batch's issuances. The flag is true if only issuances without a
/// PDF are revoked.
#[must_use]
pub fn on_stop(id: BatchId, stop: &Stop) -> (CertificateRevoked, bool) {
    let batch_id = Some(id);
    match stop {
        Stop::Cancel => (
            CertificateRevoked {
                reason: WhyRevoked::BatchCancelled,
                note: None,
                batch_id,
            },
            true,
        ),
        Stop::Undo(undo) => (
            CertificateRevoked {
                reason: undo.reason,
                note: undo.note.clone(),
                batch_id,
            },
            false,
        ),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;
    use uuid::Uuid;

    use super::*;
    use crate::domain::certification::batch::BatchUndoRequested;
    use crate::domain::certification::mail::MailDelivery;

    #[test]
    fn batch_requests_one_issuance_per_person() {
        let event = BatchRequested {
            certificate_id: Uuid::from_u128(1).into(),
            attendee_ids: vec![Uuid::from_u128(2).into(), Uuid::from_u128(3).into()],
            delivery: MailDelivery::Held,
            issue_date: Some(date!(2026 - 11 - 20)),
            import_id: Some(Uuid::from_u128(7).into()),
        };
        let issues: Vec<_> = on_requested(Uuid::from_u128(9).into(), &event).collect();
        assert_eq!(
            issues.iter().map(|i| i.attendee_id).collect::<Vec<_>>(),
            event.attendee_ids
        );
        assert!(
            issues
                .iter()
                .all(|i| i.delivery == MailDelivery::Held && i.issue_date == event.issue_date)
        );
        let import = event.import_id.expect("a batch of an import");
        let batch = BatchId(Uuid::from_u128(9));
        let origins = [Origin::batch(batch), Origin::import(import)];
        assert!(issues.iter().all(|i| i.origins == origins));
    }

    #[test]
    fn undo_revokes_all_issuances_and_cancellation_only_unfinished_ones() {
        let id = BatchId(Uuid::from_u128(9));
        let note = Some("wrong file".to_owned().into());
        let undo = BatchUndoRequested {
            reason: WhyRevoked::IssuedInError,
            note,
        };
        let (revoked, only_unfinished) = on_stop(id, &Stop::Undo(undo.clone()));
        assert_eq!(
            (revoked.reason, revoked.note, revoked.batch_id),
            (undo.reason, undo.note, Some(id))
        );
        assert!(!only_unfinished);
        let (revoked, only_unfinished) = on_stop(id, &Stop::Cancel);
        assert_eq!(
            (revoked.reason, only_unfinished),
            (WhyRevoked::BatchCancelled, true)
        );
    }
}

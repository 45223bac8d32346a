//! Batches of an import: at most 10,000 people with the same certificate per batch.

use std::collections::BTreeMap;

use time::Date;

use crate::domain::certification::batch::{BatchRequested, MAX_ATTENDEES};
use crate::domain::certification::import::{ImportRequested, ImportRowsAccepted};
use crate::domain::certification::mail::MailDelivery;
use crate::domain::{AttendeeId, BatchId, CertificateId, ImportId};

/// People who earned a certificate and are not in a batch yet. The batches depend only on the
/// recorded events. So another worker that continues the import creates the same batches.
#[derive(Debug)]
pub struct DueBatches {
    import_id: ImportId,
    delivery: MailDelivery,
    issue_date: Option<Date>,
    through_row: u32,
    by_certificate: BTreeMap<CertificateId, Due>,
}

#[derive(Debug, Default)]
struct Due {
    made: u32,
    people: Vec<AttendeeId>,
}

/// Batch that must be requested.
#[derive(Clone, Debug, PartialEq)]
pub struct DueBatch {
    /// Id of the batch, which is derived from the import, the certificate, the batch's number and
    /// its number of people.
    pub id: BatchId,
    /// Certificate and people of the batch.
    pub request: BatchRequested,
}

impl DueBatches {
    /// Creates an empty list for an import.
    #[must_use]
    pub fn new(import_id: ImportId, asked: &ImportRequested) -> Self {
        let delivery = asked.delivery;
        let issue_date = asked.issue_date;
        Self {
            import_id,
            delivery,
            issue_date,
            through_row: 0,
            by_certificate: BTreeMap::new(),
        }
    }

    /// Adds the people of recorded rows and returns the batches that are now full. Rows that have
    /// already been added are skipped.
    #[must_use]
    pub fn add(&mut self, event: &ImportRowsAccepted) -> Vec<DueBatch> {
        let mut full = Vec::new();
        if event.through_row <= self.through_row {
            return full;
        }
        self.through_row = event.through_row;
        for earned in &event.earned {
            let due = self
                .by_certificate
                .entry(earned.certificate_id)
                .or_default();
            due.people.push(earned.attendee_id);
            if due.people.len() == MAX_ATTENDEES {
                full.push(self.take(earned.certificate_id));
            }
        }
        full
    }

    /// Returns the batches of all remaining people.
    #[must_use]
    pub fn rest(&mut self) -> Vec<DueBatch> {
        let waiting = self
            .by_certificate
            .iter()
            .filter(|(_, due)| !due.people.is_empty());
        let waiting: Vec<CertificateId> =
            waiting.map(|(certificate_id, _)| *certificate_id).collect();
        waiting
            .into_iter()
            .map(|certificate_id| self.take(certificate_id))
            .collect()
    }

    fn take(&mut self, certificate_id: CertificateId) -> DueBatch {
        let due = self.by_certificate.entry(certificate_id).or_default();
        due.made += 1;
        let request = BatchRequested {
            certificate_id,
            attendee_ids: std::mem::take(&mut due.people),
            delivery: self.delivery,
            issue_date: self.issue_date,
            import_id: Some(self.import_id),
        };
        let people = request.attendee_ids.len();
        DueBatch {
            id: BatchId::of_import(self.import_id, certificate_id, due.made, people),
            request,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::SharedEmail;
    use crate::domain::certification::import::{Earned, FileFormat};

    const IMPORT: ImportId = ImportId(Uuid::from_u128(1));
    const COURSE: CertificateId = CertificateId(Uuid::from_u128(2));
    const OTHER: CertificateId = CertificateId(Uuid::from_u128(3));

    fn due(delivery: MailDelivery) -> DueBatches {
        let asked = ImportRequested {
            object_key: String::new(),
            format: FileFormat::Csv,
            sha256: String::new(),
            size: 1,
            update_existing: false,
            certificate_id: Some(COURSE),
            delivery,
            issue_date: Some(time::macros::date!(2026 - 11 - 20)),
            requires_document: true,
            shared_email: SharedEmail::Refuse,
            reading: crate::domain::certification::reading::Reading::default(),
        };
        DueBatches::new(IMPORT, &asked)
    }

    fn earned(
        through_row: u32,
        certificate_id: CertificateId,
        people: std::ops::Range<u128>,
    ) -> ImportRowsAccepted {
        let earned = people.map(|id| Earned {
            attendee_id: Uuid::from_u128(id).into(),
            certificate_id,
        });
        ImportRowsAccepted {
            through_row,
            created: 1,
            updated: 0,
            existing: 0,
            earned: earned.collect(),
            known: vec![],
        }
    }

    #[test]
    fn rows_with_the_same_certificate_form_one_batch() {
        let mut due = self::due(MailDelivery::Held);
        assert_eq!(due.add(&earned(1, COURSE, 0..3)), []);
        assert_eq!(due.add(&earned(2, COURSE, 3..5)), []);
        assert_eq!(due.add(&earned(2, COURSE, 3..5)), [], "skipped");
        let batches = due.rest();
        assert_eq!(batches.len(), 1);
        let DueBatch { id, request } = &batches[0];
        assert_eq!(*id, BatchId::of_import(IMPORT, COURSE, 1, 5));
        assert_eq!(
            (request.attendee_ids.len(), request.delivery),
            (5, MailDelivery::Held)
        );
        assert_eq!(
            (request.certificate_id, request.import_id),
            (COURSE, Some(IMPORT))
        );
        assert_eq!(
            request.issue_date,
            Some(time::macros::date!(2026 - 11 - 20))
        );
    }

    #[test]
    fn batch_with_more_people_has_another_id() {
        let requested = |rows: &[ImportRowsAccepted]| {
            let mut due = self::due(MailDelivery::Immediate);
            for accepted in rows {
                assert_eq!(due.add(accepted), []);
            }
            due.rest().remove(0)
        };
        let first = requested(&[earned(1, COURSE, 0..3)]);
        let second = requested(&[earned(1, COURSE, 0..3), earned(2, COURSE, 3..5)]);
        assert_ne!(first.id, second.id);
        assert_eq!(second.request.attendee_ids.len(), 5);
        assert_eq!(
            first.id,
            requested(&[earned(1, COURSE, 0..3)]).id,
            "the same people, the same batch"
        );
    }

    #[test]
    fn each_certificate_has_its_own_batch_and_no_batch_is_empty() {
        let mut due = self::due(MailDelivery::Immediate);
        assert_eq!(due.add(&earned(3, COURSE, 0..0)), []);
        assert_eq!(due.add(&earned(4, OTHER, 0..1)), []);
        assert_eq!(due.add(&earned(5, COURSE, 0..2)), []);
        let sizes: Vec<_> = due
            .rest()
            .iter()
            .map(|batch| batch.request.attendee_ids.len())
            .collect();
        assert_eq!(sizes, [2, 1]);
        assert_eq!(self::due(MailDelivery::Immediate).rest(), []);
    }

    #[test]
    fn a_full_batch_is_due_at_once_and_the_next_has_another_id() {
        let most = MAX_ATTENDEES as u128;
        let mut due = self::due(MailDelivery::Immediate);
        let full = due.add(&earned(6, COURSE, 0..most + 1));
        assert_eq!(full.len(), 1);
        assert_eq!(full[0].request.attendee_ids.len(), MAX_ATTENDEES);
        let rest = due.rest();
        assert_eq!(
            rest[0].request.attendee_ids,
            [AttendeeId(Uuid::from_u128(most))]
        );
        assert_ne!(rest[0].id, full[0].id);
    }
}

//! Ids of the context certification, and the rules by which repeated work gets the same id again.

use crate::domain::kernel::ids::{ids, named};

ids! {
    /// Id of an attendee: a person who receives certificates.
    AttendeeId,
    /// Id of a certificate definition.
    CertificateId,
    /// Id of an uploaded design image.
    DesignId,
    /// Id of a certificate template that an issuer wrote.
    TemplateId,
    /// Id of an issuance: one person's certificate.
    IssuanceId,
    /// Id of a batch: one request to issue a certificate to many people.
    BatchId,
    /// Id of an e-mail with one certificate. The API calls it "job".
    MailId,
    /// Id of an import: one uploaded file of people.
    ImportId,
}

impl IssuanceId {
    /// Returns the id of a person's first issuance of a certificate. A repeated request gets the
    /// same id, so no person gets a certificate twice.
    #[must_use]
    pub fn first_of(certificate: CertificateId, attendee: AttendeeId) -> Self {
        Self::nth_of(certificate, attendee, 1)
    }

    /// Returns the id of a person's `n`th issuance of a certificate, starting at 1. It is used if
    /// all earlier issuances were revoked or could not be drawn.
    #[must_use]
    pub fn nth_of(certificate: CertificateId, attendee: AttendeeId, n: u32) -> Self {
        Self(named(&[
            "issuance",
            &certificate.to_string(),
            &attendee.to_string(),
            &n.to_string(),
        ]))
    }
}

impl BatchId {
    /// Returns the id of the `n`th batch, starting at 1, that an import requests for a certificate
    /// and `people` people. If a worker that takes over has read more rows, it requests a larger
    /// batch, which gets another id.
    #[must_use]
    pub fn of_import(import: ImportId, certificate: CertificateId, n: u32, people: usize) -> Self {
        let import = import.to_string();
        let certificate = certificate.to_string();
        Self(named(&[
            "batch",
            &import,
            &certificate,
            &n.to_string(),
            &people.to_string(),
        ]))
    }
}

impl MailId {
    /// Returns the id of the mail that is queued when the certificate is generated.
    #[must_use]
    pub fn first_of(issuance: IssuanceId) -> Self {
        Self::nth_of(issuance, 1)
    }

    /// Returns the id of an issuance's `n`th mail, starting at 1. All mails after the first one are
    /// requested by users.
    #[must_use]
    pub fn nth_of(issuance: IssuanceId, n: u32) -> Self {
        Self(named(&["mail", &issuance.to_string(), &n.to_string()]))
    }
}

impl AttendeeId {
    /// Returns the id of the person that a row of an import creates.
    #[must_use]
    pub fn of_row(import: ImportId, row: u32) -> Self {
        Self(named(&["attendee", &import.to_string(), &row.to_string()]))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_issuance_of_a_person_has_its_own_id() {
        let id = Uuid::from_u128(1);
        let nth = |n| IssuanceId::nth_of(id.into(), id.into(), n);
        assert_eq!(nth(1), IssuanceId::first_of(id.into(), id.into()));
        assert_ne!(nth(1), nth(2));
    }
}

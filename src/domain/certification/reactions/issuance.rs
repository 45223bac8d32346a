//! Issuance that was generated → mail.

use crate::domain::certification::issuance::{CertificateGenerated, CertificateRequested};
use crate::domain::certification::mail::{EmailQueued, MailDelivery, OnUnknown};
use crate::domain::certification::origin::Origin;
use crate::domain::{IssuanceId, MailId};

/// Returns the public URL of a certificate's page. The QR code contains the same URL.
#[must_use]
pub fn public_link(public_base_url: &str, public_id: &str) -> String {
    format!(
        "{}/certificate/{public_id}",
        public_base_url.trim_end_matches('/')
    )
}

/// Returns the first mail with a generated certificate, and its id. `on_unknown` is the operator's
/// policy. The processes worker checks before whether the issuance is revoked.
#[must_use]
pub fn on_generated(
    id: IssuanceId,
    request: &CertificateRequested,
    pdf: &CertificateGenerated,
    on_unknown: OnUnknown,
) -> (MailId, EmailQueued) {
    (
        MailId::first_of(id),
        mail_about(id, request, pdf, request.delivery, on_unknown),
    )
}

/// Returns a mail with a generated certificate, the first one or a later one.
#[must_use]
pub fn mail_about(
    id: IssuanceId,
    request: &CertificateRequested,
    pdf: &CertificateGenerated,
    delivery: MailDelivery,
    on_unknown: OnUnknown,
) -> EmailQueued {
    let page = &request.page;
    EmailQueued {
        issuance_id: id,
        certificate_id: request.certificate_id,
        batch_id: Origin::batch_of(&request.origins),
        previous: None,
        attendee_id: request.attendee_id,
        to_name: page.full_name.clone(),
        to_address: request.email.clone(),
        locale: page.locale,
        client: page.client.clone(),
        certificate_name: page.certificate_name.clone(),
        event_name: page.event_name.clone(),
        event_link: request.event_link.clone(),
        download_link: format!(
            "{}/download",
            public_link(&page.public_base_url, &request.public_id)
        ),
        object_key: pdf.object_key.clone(),
        sha256: pdf.sha256.clone(),
        on_unknown,
        delivery,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::certification::issuance::samples::{generated, request};

    #[test]
    fn mail_refers_to_the_generated_pdf_and_its_public_link() {
        let id = IssuanceId(Uuid::from_u128(5));
        let held = CertificateRequested {
            delivery: MailDelivery::Held,
            ..request("Ada")
        };
        let (mail_id, mail) = on_generated(id, &held, &generated("aa"), OnUnknown::Retry);
        assert_eq!(mail_id, MailId::first_of(id));
        assert_eq!(mail.sha256, "aa");
        assert_eq!(
            (mail.delivery, mail.on_unknown),
            (MailDelivery::Held, OnUnknown::Retry)
        );
        assert_eq!(
            mail.download_link,
            "https://certificates.example.com/certificate/00112233445566778899aabbccddeeff/download"
        );
    }

    #[test]
    fn redelivery_creates_the_same_mail() {
        let id = IssuanceId(Uuid::from_u128(5));
        assert_eq!(
            on_generated(id, &request("Ada"), &generated("aa"), OnUnknown::Park),
            on_generated(id, &request("Ada"), &generated("aa"), OnUnknown::Park)
        );
    }
}

//! Sample mail for tests.

use uuid::Uuid;

use super::*;

pub(crate) fn queued(on_unknown: OnUnknown) -> EmailQueued {
    EmailQueued {
        issuance_id: Uuid::from_u128(3).into(),
        certificate_id: Uuid::from_u128(1).into(),
        batch_id: None,
        previous: None,
        attendee_id: Uuid::from_u128(2).into(),
        to_name: "Ada".to_owned().into(),
        to_address: "ada@example.com".to_owned().into(),
        locale: Locale::En,
        client: "Acme".to_owned(),
        certificate_name: "Speaker".to_owned(),
        event_name: "Summit 2026".to_owned(),
        event_link: None,
        download_link: "https://certificates.example.com/certificate/00/download".to_owned(),
        object_key: "certificates/a.pdf".to_owned(),
        sha256: "aa".to_owned(),
        on_unknown,
        delivery: MailDelivery::Immediate,
    }
}

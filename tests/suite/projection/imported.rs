//! First part of a history: certificates are defined, and people are imported, changed and deleted.

use super::given_log::Happened;
use super::story::*;

/// Returns the events that the rest of the history requires.
pub fn everything() -> Vec<Happened> {
    vec![
        registered(USER, "Grace"),
        defined(CERTIFICATE),
        defined(CERTIFICATE + 1),
        redefined(CERTIFICATE + 1, "Keynote"),
        deactivated(CERTIFICATE),
        activated(CERTIFICATE),
        deactivated(CERTIFICATE + 1),
        import_requested(IMPORT),
        import_requested(IMPORT + 1),
        claim_taken(0x51),
        imported(0xA1, "Ada", Some(2)),
        imported(0xA2, "Alan", Some(3)),
        rows_rejected(IMPORT, &[4, 5]),
        rows_accepted(IMPORT, 5),
        rows_rejected(IMPORT, &[7]),
        import_completed(IMPORT),
        import_failed(IMPORT + 1),
        defined(CERTIFICATE + 2),
        certificate_deleted(CERTIFICATE + 2),
        imported(0xA4, "Barbara", None),
        attendee_deleted(0xA4),
        imported(0xA3, "Edsger", None),
        updated(0xA2, "Barbara"),
    ]
}

//! Held and scheduled mails.

use laureate::domain::certification::mail::{
    EmailCancelled, EmailReleased, EmailRescheduled, Mail, MailDelivery,
};
use time::macros::datetime;

use super::given_log::{Happened, happened};
use super::story::{claimed, failed, queued_again};

fn released(id: u128) -> Happened {
    happened::<Mail>(id, EmailReleased {})
}

fn rescheduled(id: u128, delivery: MailDelivery) -> Happened {
    happened::<Mail>(id, EmailRescheduled { delivery })
}

fn cancelled(id: u128) -> Happened {
    happened::<Mail>(
        id,
        EmailCancelled {
            reason: "the certificate was revoked".to_owned().into(),
        },
    )
}

/// Returns the events of held and scheduled mails. Some of the mails stay unchanged, others are
/// rescheduled, released or cancelled.
pub fn mails_that_wait() -> Vec<Happened> {
    vec![
        queued_again(0x26, 0x11, 0x25, MailDelivery::Held),
        queued_again(
            0x27,
            0x11,
            0x26,
            MailDelivery::At(datetime!(2026-12-01 09:00 UTC)),
        ),
        queued_again(
            0x28,
            0x11,
            0x27,
            MailDelivery::At(datetime!(2026-12-01 09:00 UTC)),
        ),
        queued_again(0x29, 0x11, 0x28, MailDelivery::Held),
        queued_again(
            0x2A,
            0x11,
            0x29,
            MailDelivery::At(datetime!(2026-12-01 09:00 UTC)),
        ),
        released(0x28),
        rescheduled(0x29, MailDelivery::At(datetime!(2026-12-24 18:30:15.5 +1))),
        rescheduled(0x2A, MailDelivery::Held),
        queued_again(0x2B, 0x11, 0x2A, MailDelivery::Immediate),
        claimed(0x2B, 1),
        failed(0x2B, 1, false),
        cancelled(0x2B),
        queued_again(
            0x2C,
            0x11,
            0x2B,
            MailDelivery::At(datetime!(2026-12-01 09:00 UTC)),
        ),
        cancelled(0x2C),
    ]
}

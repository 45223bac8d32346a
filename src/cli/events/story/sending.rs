//! Descriptions of the events that mails with certificates and notices share.

use super::{EventFormatter, Summary, one_line, summary, waits};
use crate::cli::moment;
use crate::domain::kernel::sending::{
    EmailCancelled, EmailFailed, EmailOutcomeUnknown, EmailRescheduled, EmailSent, SendClaimed,
};

pub(super) const RETRIED: &str = "a retry was requested";
pub(super) const RELEASED: &str = "the mail was released";

pub(super) fn rescheduled(other: &EmailRescheduled) -> Summary {
    summary("the mail was rescheduled").with_some("delivery", waits(other.delivery))
}

impl EventFormatter {
    pub(super) fn claimed(&self, claim: &SendClaimed) -> Summary {
        summary(format!("attempt {} started", claim.attempt))
            .with("Message-ID", one_line(&claim.message_id))
    }

    pub(super) fn sent(&self, sent: &EmailSent) -> Summary {
        summary(format!(
            "the mail server accepted the mail (attempt {})",
            sent.attempt
        ))
        .with("answer", self.personal(&sent.answer))
    }

    pub(super) fn failed(&self, failed: &EmailFailed) -> Summary {
        summary(format!(
            "attempt {} failed{}; {}",
            failed.attempt,
            if failed.permanent { " permanently" } else { "" },
            if failed.retry_at.is_some() {
                "a retry follows"
            } else {
                "no automatic retry follows"
            }
        ))
        .with_some("retry at", failed.retry_at.map(moment::shown))
        .with("answer", self.personal(&failed.answer))
    }

    pub(super) fn unknown(&self, unknown: &EmailOutcomeUnknown) -> Summary {
        summary(format!(
            "the outcome of attempt {} is unknown; {}",
            unknown.attempt,
            if unknown.retry_at.is_some() {
                "it is sent again"
            } else {
                "a user must decide"
            }
        ))
        .with_some("retry at", unknown.retry_at.map(moment::shown))
        .with("detail", self.personal(&unknown.detail))
    }

    pub(super) fn cancelled(&self, cancelled: &EmailCancelled) -> Summary {
        summary("the mail was cancelled").with("reason", self.personal(&cancelled.reason))
    }
}

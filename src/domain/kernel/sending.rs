//! Sending of one mail to one recipient. Mails with certificates and notices share the events,
//! states and decisions of this module.
//!
//! SMTP can't deliver a mail exactly once. So a worker claims a mail in the log after the server
//! has accepted the recipient and before it gets the content. If no outcome is recorded for a
//! claim, the mail's policy decides whether the mail is sent again.
//!
//! A mail may wait before an attempt: held until a user releases it, scheduled for a time, or until
//! the next attempt after a temporary failure.

mod claiming;
mod delivery;
mod outcome;
mod waiting;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::{Decider, Personal, Refusal};

pub use claiming::NO_OUTCOME;
use claiming::{abandon, claim};
pub use delivery::MailDelivery;
use outcome::{failure, sent, unclaimed_failure, unknown};
use waiting::{cancel, release, reschedule};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A worker claimed the mail and is about to pass its content to the mail server, which has
/// accepted the recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendClaimed {
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Message-ID of the mail (RFC 5322 §3.6.4), which is the same for all attempts.
    pub message_id: String,
}

/// The mail server accepted the mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailSent {
    /// Number of the attempt.
    pub attempt: u32,
    /// Full response of the mail server.
    pub answer: Personal<String>,
}

/// The mail server rejected the mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailFailed {
    /// Number of the attempt. It is the number of the last attempt if the mail failed before
    /// another one.
    pub attempt: u32,
    /// True if another attempt can't succeed.
    pub permanent: bool,
    /// Time of the next attempt, if one follows automatically.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_at: Option<OffsetDateTime>,
    /// True if the server gave no answer: it closed the connection, or the mail failed before its
    /// content was sent. Only answers count towards [`Content::MAX_FAILURES`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unanswered: bool,
    /// Full response of the mail server, or the reason why the mail failed without one.
    pub answer: Personal<String>,
}

/// The outcome of the attempt is unknown, because the mail server may have accepted the mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailOutcomeUnknown {
    /// Number of the attempt.
    pub attempt: u32,
    /// Time of the next attempt, if the mail's policy is to send it again. Otherwise, a user
    /// decides.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_at: Option<OffsetDateTime>,
    /// Known details.
    pub detail: Personal<String>,
}

/// A user requested another attempt for a failed mail or one with an unknown outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailRetryRequested {}

/// A waiting mail may be sent, because a user released it or its timer fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailReleased {}

/// The delivery of a held or scheduled mail changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailRescheduled {
    /// New delivery. It is never immediate, because an immediate delivery is recorded as a release.
    pub delivery: MailDelivery,
}

/// The mail was cancelled. It is not sent, or not sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailCancelled {
    /// Reason. A user may have written it.
    pub reason: Personal<String>,
}

/// Policy for a mail with a claim that has no recorded outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Waits for a decision of a user: at-most-once delivery.
    #[default]
    Park,
    /// Sends the mail again with the same Message-ID: at-least-once delivery.
    Retry,
}

/// Number of attempts without an answer after which a mail fails. With the usual delays, which
/// grow to 4 hours, this takes about 29 hours for a mail and about 8 hours for a notice.
pub const MAX_UNANSWERED: u32 = 12;

/// Content of a mail, as it was queued.
pub trait Content: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// Noun for users.
    const NOUN: &'static str;
    /// Number of temporary failures in a row after which the mail fails. A retry that a user
    /// requests starts a new count.
    const MAX_FAILURES: u32;
    /// Factor by which the delay before the next attempt grows with each failure.
    const DELAY_FACTOR: u32;
    /// True if the delay before a mail to a slow domain is considered again doesn't grow, because
    /// the mail is soon of no use.
    const IS_URGENT: bool;
    /// True if users see these mails in a list. A dead letter shows the end of other mails.
    const IS_LISTED: bool;

    /// Returns the policy for a claim without a recorded outcome.
    fn on_unknown(&self) -> OnUnknown;

    /// Returns the time at which the mail may be sent.
    fn delivery(&self) -> MailDelivery {
        MailDelivery::Immediate
    }
}

/// Event enum of mails with the content `M`.
pub trait SendingEvent<M>:
    From<M>
    + From<SendClaimed>
    + From<EmailSent>
    + From<EmailFailed>
    + From<EmailOutcomeUnknown>
    + From<EmailRetryRequested>
    + From<EmailReleased>
    + From<EmailRescheduled>
    + From<EmailCancelled>
{
}

impl<M, E> SendingEvent<M> for E where
    E: From<M>
        + From<SendClaimed>
        + From<EmailSent>
        + From<EmailFailed>
        + From<EmailOutcomeUnknown>
        + From<EmailRetryRequested>
        + From<EmailReleased>
        + From<EmailRescheduled>
        + From<EmailCancelled>
{
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a mail with the content `M`.
#[derive(Clone, Debug)]
pub enum SendingCommand<M> {
    /// Queues the mail.
    Queue(Box<M>),
    /// Claims the next attempt. If a claim without a recorded outcome exists, the next attempt is
    /// claimed only if the policy is to send the mail again.
    Claim {
        /// Message-ID for all attempts.
        message_id: String,
    },
    /// Records that the mail server accepted the mail. It is also recorded late, for example after
    /// the outcome was recorded as unknown.
    RecordSent(EmailSent),
    /// Records that the mail server rejected the claimed attempt. `retry_at` is the time of the next
    /// attempt if the mail doesn't fail now.
    RecordFailure(EmailFailed),
    /// Like [`Self::RecordFailure`], for the next attempt, which was not claimed.
    RecordUnclaimedFailure(EmailFailed),
    /// Records that the outcome of the claimed attempt is unknown. `retry_at` is the time of the
    /// next attempt if the policy is to send the mail again.
    RecordUnknown(EmailOutcomeUnknown),
    /// Ends the mail, because no worker continues with it. The outcome of a claimed mail becomes
    /// unknown, because the mail may have been sent. A queued or retrying mail fails, or its outcome
    /// is unknown if that of an earlier attempt is. Other mails don't change.
    Abandon {
        /// Reason, without personal data.
        why: String,
    },
    /// Requests another attempt for a failed mail or one with an unknown outcome.
    Retry,
    /// Releases a held or scheduled mail.
    Release,
    /// Releases a mail whose timer fired. The caller checks that the event that set the timer is
    /// still the last one. Mails that don't wait for a timer don't change.
    ReleaseDue,
    /// Changes the delivery of a held or scheduled mail. Immediate delivery releases the mail.
    Reschedule(MailDelivery),
    /// Cancels the mail. A claimed mail can't be cancelled, because a worker may be sending it.
    Cancel {
        /// Reason.
        reason: Personal<String>,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Stage of a mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// The mail was never queued.
    #[default]
    Absent,
    /// The mail waits for a worker.
    Queued,
    /// A worker is sending the mail, or it stopped before it recorded the outcome.
    Claimed,
    /// The mail waits for another attempt after a temporary failure, until
    /// [`SendingState::due`].
    Retrying,
    /// The mail server accepted the mail.
    Sent,
    /// The mail failed, and there is no further automatic attempt.
    Failed,
    /// The outcome is unknown. A user decides whether the mail is sent again.
    Unknown,
    /// The mail waits until a user releases it.
    Held,
    /// The mail waits for its time, [`SendingState::due`].
    Scheduled,
    /// The mail was cancelled. It is not sent, or not sent again.
    Cancelled,
}

/// State of a mail with the content `M`.
#[derive(Clone, Debug, PartialEq)]
pub struct SendingState<M> {
    /// Stage of the mail.
    pub stage: Stage,
    /// Number of the last attempt; 0 before the first attempt.
    pub attempt: u32,
    /// Number of failed attempts since the mail was queued or a user requested a retry.
    /// Attempts without an answer don't count.
    pub failures: u32,
    /// Number of failed attempts without an answer since then.
    pub unanswered: u32,
    /// True if the last attempt is among those failed attempts. Each counts once, even if an
    /// unknown outcome is followed by a late answer.
    pub is_counted: bool,
    /// First attempt since then with an unknown outcome, which may have been successful; 0 without
    /// one.
    pub unknown_attempt: u32,
    /// The queued mail.
    pub mail: Option<M>,
    /// Time at which a scheduled or retrying mail may be sent; `None` in other stages.
    pub due: Option<OffsetDateTime>,
}

// A derived `Default` would require that the content implements `Default`.
impl<M> Default for SendingState<M> {
    fn default() -> Self {
        Self {
            stage: Stage::Absent,
            attempt: 0,
            failures: 0,
            unanswered: 0,
            is_counted: false,
            unknown_attempt: 0,
            mail: None,
            due: None,
        }
    }
}

/// Returns the events that `command` causes in `state`. See [`crate::domain::Decider::decide`].
///
/// # Errors
/// The command is not allowed in this stage.
pub fn decide<M: Content, E: SendingEvent<M>>(
    state: &SendingState<M>,
    command: &SendingCommand<M>,
) -> Result<Vec<E>, Refusal> {
    match (command, state.stage) {
        (SendingCommand::Queue(mail), Stage::Absent) => Ok(vec![E::from((**mail).clone())]),
        (SendingCommand::Queue(_), _) => Ok(Vec::new()),
        (_, Stage::Absent) => Err(Refusal::NotFound(M::NOUN)),
        (SendingCommand::Claim { message_id }, _) => Ok(claim(state, message_id)),
        (SendingCommand::RecordSent(event), _) => sent(state, event),
        (SendingCommand::RecordFailure(event), _) => failure(state, event),
        (SendingCommand::RecordUnclaimedFailure(event), _) => unclaimed_failure(state, event),
        (SendingCommand::RecordUnknown(event), _) => unknown(state, event),
        (SendingCommand::Abandon { why }, _) => Ok(abandon(state, why)),
        (SendingCommand::Retry, Stage::Failed | Stage::Unknown) => {
            Ok(vec![EmailRetryRequested {}.into()])
        }
        (SendingCommand::Retry, _) => Err(Refusal::WrongState(format!(
            "only a {} in error or with an unknown outcome can be retried",
            M::NOUN
        ))),
        (SendingCommand::Release, stage) => release::<M, E>(stage),
        (SendingCommand::ReleaseDue, Stage::Retrying | Stage::Scheduled) => {
            Ok(vec![EmailReleased {}.into()])
        }
        (SendingCommand::ReleaseDue, _) => Ok(Vec::new()),
        (SendingCommand::Reschedule(delivery), _) => reschedule(state, *delivery),
        (SendingCommand::Cancel { reason }, stage) => cancel::<M, E>(stage, reason),
    }
}

impl<M: Content> SendingState<M> {
    /// Returns the state after the mail was queued.
    #[must_use]
    pub fn queued(mut self, mail: &M) -> Self {
        self.mail = Some(mail.clone());
        self.waiting(mail.delivery())
    }

    /// Returns the state of a mail that waits for this delivery.
    #[must_use]
    pub const fn waiting(mut self, delivery: MailDelivery) -> Self {
        self.due = delivery.due();
        self.stage = match delivery {
            MailDelivery::Immediate => Stage::Queued,
            MailDelivery::Held => Stage::Held,
            MailDelivery::At(_) => Stage::Scheduled,
        };
        self
    }

    /// Returns the state after a claim.
    #[must_use]
    pub const fn claimed(mut self, claim: &SendClaimed) -> Self {
        if matches!(self.stage, Stage::Claimed) {
            // The outcome of the attempt before is unknown.
            self.count_failure(false);
            self.doubt(self.attempt);
        }
        self.set_attempt(claim.attempt);
        self.ended(Stage::Claimed)
    }

    /// Returns the state after a failure.
    #[must_use]
    pub const fn failed(mut self, failure: &EmailFailed) -> Self {
        if self.is_after_claim(failure.attempt) {
            self.doubt(self.attempt);
        } else if self.unknown_attempt == failure.attempt {
            self.unknown_attempt = 0;
        }
        self.set_attempt(failure.attempt);
        self.count_failure(failure.unanswered);
        self.retrying(failure.retry_at, Stage::Failed)
    }

    /// Returns the state after an attempt with an unknown outcome.
    #[must_use]
    pub const fn unknown(mut self, unknown: &EmailOutcomeUnknown) -> Self {
        self.set_attempt(unknown.attempt);
        self.count_failure(false);
        self.doubt(unknown.attempt);
        self.retrying(unknown.retry_at, Stage::Unknown)
    }

    /// Returns the state after a user requested a retry.
    #[must_use]
    pub const fn retried(mut self) -> Self {
        self.failures = 0;
        self.unanswered = 0;
        self.unknown_attempt = 0;
        self.ended(Stage::Queued)
    }

    /// Returns true if the attempt is later than a claimed one without an outcome.
    const fn is_after_claim(&self, attempt: u32) -> bool {
        matches!(self.stage, Stage::Claimed) && attempt > self.attempt
    }

    /// Notes that the outcome of an attempt is unknown.
    const fn doubt(&mut self, attempt: u32) {
        if self.unknown_attempt == 0 {
            self.unknown_attempt = attempt;
        }
    }

    const fn set_attempt(&mut self, attempt: u32) {
        self.is_counted = self.is_counted && attempt == self.attempt;
        self.attempt = attempt;
    }

    /// Counts the failure of the last attempt.
    const fn count_failure(&mut self, unanswered: bool) {
        if self.is_counted {
            return;
        }
        self.is_counted = true;
        if unanswered {
            self.unanswered = self.unanswered.saturating_add(1);
        } else {
            self.failures = self.failures.saturating_add(1);
        }
    }

    /// Returns the state in a stage without a due time.
    #[must_use]
    pub const fn ended(mut self, stage: Stage) -> Self {
        self.due = None;
        self.stage = stage;
        self
    }

    const fn retrying(mut self, retry_at: Option<OffsetDateTime>, otherwise: Stage) -> Self {
        self.due = retry_at;
        self.stage = match retry_at {
            Some(_) => Stage::Retrying,
            None => otherwise,
        };
        self
    }
}

/// Decider of mails with the content [`Self::Content`].
pub trait SendingDecider:
    Decider<State = SendingState<Self::Content>, Command = SendingCommand<Self::Content>>
{
    /// Content of the mails.
    type Content: Content;
}

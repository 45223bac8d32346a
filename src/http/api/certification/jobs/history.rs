//! Attempts to send a mail, read from the event log.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::domain::Personal;
use crate::domain::certification::mail::MailEvent;
use crate::http::protocol::names::AttemptOutcomeName;
use crate::http::protocol::timestamp::Timestamp;

/// Largest number of attempts in a response. If there are more, only the last ones are shown.
const MOST: usize = 100;

/// One attempt to send a mail.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Number of the attempt, from 1.
    #[schema(example = 1)]
    number: u32,
    /// Start of the attempt (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    started_at: Timestamp,
    /// Time at which the outcome of the attempt was recorded (RFC 3339).
    #[schema(example = "2026-11-21T12:00:01Z")]
    ended_at: Option<Timestamp>,
    /// `sent`, `retrying` (another attempt follows), `failed` or `unknown`; null if no outcome is
    /// recorded.
    #[schema(value_type = Option<AttemptOutcomeName>)]
    outcome: Option<&'static str>,
    /// Complete response of the mail server, or a description of the failure.
    #[schema(value_type = Option<String>, example = "250 2.0.0 queued")]
    answer: Option<Personal<String>>,
}

/// Returns the last attempts of a job, oldest first.
pub(super) fn attempts(events: &[(OffsetDateTime, MailEvent)]) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    for (time, event) in events {
        let (number, outcome, answer) = match event {
            MailEvent::SendClaimed(claim) => {
                attempts.push(Attempt {
                    number: claim.attempt,
                    started_at: Timestamp(*time),
                    ended_at: None,
                    outcome: None,
                    answer: None,
                });
                continue;
            }
            MailEvent::EmailSent(e) => (e.attempt, "sent", &e.answer),
            MailEvent::EmailFailed(e) if e.retry_at.is_some() => (e.attempt, "retrying", &e.answer),
            MailEvent::EmailFailed(e) => (e.attempt, "failed", &e.answer),
            MailEvent::EmailOutcomeUnknown(e) => (e.attempt, "unknown", &e.detail),
            MailEvent::EmailQueued(_)
            | MailEvent::EmailRetryRequested(_)
            | MailEvent::EmailReleased(_)
            | MailEvent::EmailRescheduled(_)
            | MailEvent::EmailCancelled(_) => continue,
        };
        let ended = Attempt {
            number,
            started_at: Timestamp(*time),
            ended_at: Some(Timestamp(*time)),
            outcome: Some(outcome),
            answer: Some(answer.clone()),
        };
        let known = attempts.iter_mut().rev().find(|it| it.number == number);
        match known {
            // The outcome of an attempt may be recorded late, after it was unknown.
            Some(attempt) if matches!(attempt.outcome, None | Some("unknown")) => {
                *attempt = Attempt {
                    started_at: attempt.started_at,
                    ..ended
                };
            }
            // The server rejected the recipient, before the mail was claimed.
            None if number > 0 => attempts.push(ended),
            // The mail was abandoned without another attempt.
            _ => {}
        }
    }
    attempts.drain(..attempts.len().saturating_sub(MOST));
    attempts
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::certification::mail::samples::queued;
    use crate::domain::certification::mail::{
        EmailFailed, EmailOutcomeUnknown, EmailRetryRequested, EmailSent, OnUnknown, SendClaimed,
    };

    fn recorded(events: Vec<MailEvent>) -> Vec<(OffsetDateTime, MailEvent)> {
        let time = |n: usize| datetime!(2026-11-21 12:00 UTC) + time::Duration::seconds(n as i64);
        let one = |(n, event)| (time(n), event);
        events.into_iter().enumerate().map(one).collect()
    }

    fn claimed(attempt: u32) -> MailEvent {
        SendClaimed {
            attempt,
            message_id: "<1@example.com>".to_owned(),
        }
        .into()
    }

    #[test]
    fn every_attempt_is_listed_with_its_outcome() {
        let text = |text: &str| -> Personal<String> { text.to_owned().into() };
        let failed = |attempt, will_retry: bool| EmailFailed {
            attempt,
            permanent: !will_retry,
            retry_at: will_retry.then_some(datetime!(2026-11-21 13:00 UTC)),
            unanswered: false,
            answer: text("451 later"),
        };
        let history = recorded(vec![
            queued(OnUnknown::Retry).into(),
            failed(0, false).into(),
            EmailRetryRequested {}.into(),
            claimed(1),
            failed(1, true).into(),
            claimed(2),
            EmailOutcomeUnknown {
                attempt: 2,
                retry_at: None,
                detail: text("no answer"),
            }
            .into(),
            EmailRetryRequested {}.into(),
            claimed(3),
            claimed(4),
            EmailSent {
                attempt: 4,
                answer: text("250 ok"),
            }
            .into(),
            EmailSent {
                attempt: 2,
                answer: text("250 late"),
            }
            .into(),
            failed(5, false).into(),
        ]);
        let attempts = attempts(&history);
        let message: Vec<_> = attempts
            .iter()
            .map(|a| {
                (
                    a.number,
                    a.outcome,
                    a.answer.as_ref().map(Personal::reveal_str),
                )
            })
            .collect();
        assert_eq!(
            message,
            [
                (1, Some("retrying"), Some("451 later")),
                (2, Some("sent"), Some("250 late")),
                (3, None, None),
                (4, Some("sent"), Some("250 ok")),
                (5, Some("failed"), Some("451 later")),
            ]
        );
        assert_eq!(attempts[0].started_at.to_string(), "2026-11-21T12:00:03Z");
        assert_eq!(
            attempts[0].ended_at.map(|at| at.to_string()).as_deref(),
            Some("2026-11-21T12:00:04Z")
        );
    }

    #[test]
    fn only_the_last_100_attempts_are_shown() {
        let shown = attempts(&recorded((1..=250).map(claimed).collect()));
        assert_eq!(
            (shown.len(), shown[0].number, shown[99].number),
            (100, 151, 250)
        );
    }
}

use time::OffsetDateTime;
use time::macros::datetime;

use super::samples::queued;
use super::*;
use crate::domain::kernel::decider::spec::given;
use crate::domain::kernel::sending::{MAX_UNANSWERED, NO_OUTCOME};

fn claimed(attempt: u32) -> MailEvent {
    SendClaimed {
        attempt,
        message_id: "<1@example.com>".to_owned(),
    }
    .into()
}

fn claim_it() -> MailCommand {
    MailCommand::Claim {
        message_id: "<1@example.com>".to_owned(),
    }
}

fn sent(attempt: u32) -> EmailSent {
    EmailSent {
        attempt,
        answer: "250 ok".to_owned().into(),
    }
}

fn failed(attempt: u32, will_retry: bool) -> EmailFailed {
    EmailFailed {
        attempt,
        permanent: !will_retry,
        retry_at: will_retry.then_some(NOON),
        unanswered: false,
        answer: "451 later".to_owned().into(),
    }
}

fn unknown(attempt: u32, retry_at: Option<OffsetDateTime>) -> EmailOutcomeUnknown {
    EmailOutcomeUnknown {
        attempt,
        retry_at,
        detail: "?".to_owned().into(),
    }
}

fn mail(on_unknown: OnUnknown) -> MailEvent {
    queued(on_unknown).into()
}

#[test]
fn a_mail_is_queued_once() {
    let command = MailCommand::Queue(Box::new(queued(OnUnknown::Park)));
    given::<Mail>(vec![])
        .when(command.clone())
        .then(vec![mail(OnUnknown::Park)]);
    given::<Mail>(vec![mail(OnUnknown::Park)])
        .when(command)
        .then_nothing();
}

#[test]
fn mail_is_claimed_before_it_is_sent() {
    given::<Mail>(vec![mail(OnUnknown::Park)])
        .when(claim_it())
        .then(vec![claimed(1)]);
    given::<Mail>(vec![mail(OnUnknown::Park), claimed(1)])
        .when(MailCommand::RecordSent(sent(1)))
        .then(vec![sent(1).into()]);
}

#[test]
fn claim_without_an_outcome_is_parked_by_default() {
    let history = vec![mail(OnUnknown::Park), claimed(1)];
    given::<Mail>(history.clone())
        .when(claim_it())
        .then_nothing();
    given::<Mail>(history)
        .when(MailCommand::RecordUnknown(unknown(1, None)))
        .then(vec![unknown(1, None).into()]);
    // Nothing is claimed if the mail has changed meanwhile.
    let queued_again = vec![
        mail(OnUnknown::Park),
        claimed(1),
        failed(1, true).into(),
        released(),
    ];
    given::<Mail>(queued_again)
        .when(MailCommand::RecordUnknown(unknown(1, None)))
        .then_refused("WRONG_STATE");
}

#[test]
fn claim_without_an_outcome_is_retried_if_the_policy_says_so() {
    given::<Mail>(vec![mail(OnUnknown::Retry), claimed(1)])
        .when(claim_it())
        .then(vec![claimed(2)]);
}

#[test]
fn temporary_failure_is_retried_and_a_permanent_one_is_not() {
    let claimed = vec![mail(OnUnknown::Park), claimed(1)];
    given::<Mail>(claimed.clone())
        .when(MailCommand::RecordFailure(failed(1, true)))
        .then(vec![failed(1, true).into()]);
    let permanent = EmailFailed {
        permanent: true,
        ..failed(1, true)
    };
    given::<Mail>(claimed)
        .when(MailCommand::RecordFailure(permanent))
        .then(vec![failed(1, false).into()]);
}

#[test]
fn recipient_can_be_refused_before_the_claim() {
    given::<Mail>(vec![mail(OnUnknown::Park)])
        .when(MailCommand::RecordUnclaimedFailure(failed(1, true)))
        .then(vec![failed(1, true).into()]);
    let second = vec![mail(OnUnknown::Park), failed(1, true).into(), released()];
    given::<Mail>(second)
        .when(claim_it())
        .then(vec![claimed(2)]);
    // A claim without an outcome is not replaced, unless the mail is sent again.
    let refusal = || MailCommand::RecordUnclaimedFailure(failed(2, true));
    given::<Mail>(vec![mail(OnUnknown::Park), claimed(1)])
        .when(refusal())
        .then_refused("WRONG_STATE");
    given::<Mail>(vec![mail(OnUnknown::Retry), claimed(1)])
        .when(refusal())
        .then(vec![failed(2, true).into()]);
}

#[test]
fn failure_before_the_claim_is_not_the_outcome_of_another_claim() {
    let claim = vec![mail(OnUnknown::Park), claimed(1)];
    let parked = [claim.clone(), vec![unknown(1, None).into()]].concat();
    let sent_again = vec![mail(OnUnknown::Retry), claimed(1)];
    for history in [claim, parked, sent_again] {
        given::<Mail>(history)
            .when(MailCommand::RecordUnclaimedFailure(failed(1, true)))
            .then_refused("WRONG_STATE");
    }
}

#[test]
fn mail_fails_after_six_answers_and_a_retry_starts_a_new_count() {
    let mut history = vec![mail(OnUnknown::Park)];
    for round in 0..2 {
        for n in 1..=6 {
            let attempt = round * 6 + n;
            let done = given::<Mail>(history.clone())
                .when(MailCommand::RecordUnclaimedFailure(failed(attempt, true)));
            let failure = EmailFailed {
                permanent: false,
                ..failed(attempt, n < 6)
            };
            done.then(vec![failure.clone().into()]);
            history.push(failure.into());
            if n < 6 {
                history.push(released());
            }
        }
        history.push(EmailRetryRequested {}.into());
    }
}

#[test]
fn attempts_without_an_answer_do_not_count_as_answers() {
    let silence = |attempt, will_retry| EmailFailed {
        unanswered: true,
        permanent: false,
        ..failed(attempt, will_retry)
    };
    let mut history = vec![mail(OnUnknown::Park)];
    for attempt in 1..=MAX_UNANSWERED {
        let will_retry = attempt < MAX_UNANSWERED;
        given::<Mail>(history.clone())
            .when(MailCommand::RecordUnclaimedFailure(silence(attempt, true)))
            .then(vec![silence(attempt, will_retry).into()]);
        history.push(silence(attempt, will_retry).into());
        history.push(released());
        let answered = MailCommand::RecordUnclaimedFailure(failed(attempt + 1, true));
        if will_retry {
            given::<Mail>(history.clone())
                .when(answered)
                .then(vec![failed(attempt + 1, true).into()]);
        }
    }
}

#[test]
fn each_attempt_counts_once() {
    // A late answer after an unknown outcome belongs to the same attempt.
    let mut history = vec![mail(OnUnknown::Park), claimed(1), unknown(1, None).into()];
    history.extend([failed(1, true).into(), released()]);
    for attempt in 2..=5 {
        given::<Mail>(history.clone())
            .when(MailCommand::RecordUnclaimedFailure(failed(attempt, true)))
            .then(vec![failed(attempt, true).into()]);
        history.extend([failed(attempt, true).into(), released()]);
    }
    let last = EmailFailed {
        retry_at: None,
        ..failed(6, true)
    };
    given::<Mail>(history)
        .when(MailCommand::RecordUnclaimedFailure(failed(6, true)))
        .then(vec![last.into()]);
    // A claim that replaces one without an outcome counts as well.
    let mut history = vec![mail(OnUnknown::Retry)];
    history.extend((1..=6).map(claimed));
    let end = EmailOutcomeUnknown {
        attempt: 6,
        retry_at: None,
        detail: NO_OUTCOME.to_owned().into(),
    };
    given::<Mail>(history)
        .when(claim_it())
        .then(vec![end.into()]);
}

#[test]
fn final_refusal_after_an_unknown_outcome_is_unknown() {
    let refusal = |attempt| EmailFailed {
        permanent: true,
        ..failed(attempt, true)
    };
    let unknown_once = vec![
        mail(OnUnknown::Retry),
        claimed(1),
        unknown(1, Some(NOON)).into(),
        released(),
    ];
    let claimed_twice = [unknown_once.clone(), vec![claimed(2)]].concat();
    let claimed_once = vec![mail(OnUnknown::Retry), claimed(1)];
    for (history, command) in [
        (
            claimed_once,
            MailCommand::RecordUnclaimedFailure(refusal(2)),
        ),
        (
            unknown_once,
            MailCommand::RecordUnclaimedFailure(refusal(2)),
        ),
        (claimed_twice, MailCommand::RecordFailure(refusal(2))),
    ] {
        let detail = "an earlier attempt may have been successful; then: 451 later";
        let end = EmailOutcomeUnknown {
            attempt: 2,
            retry_at: None,
            detail: detail.to_owned().into(),
        };
        given::<Mail>(history).when(command).then(vec![end.into()]);
    }
    // The retry of a user starts anew.
    let retried = vec![
        mail(OnUnknown::Park),
        claimed(1),
        unknown(1, None).into(),
        EmailRetryRequested {}.into(),
    ];
    given::<Mail>(retried)
        .when(MailCommand::RecordUnclaimedFailure(refusal(2)))
        .then(vec![failed(2, false).into()]);
}

#[test]
fn late_outcome_of_an_attempt_is_recorded() {
    let unknown = || -> MailEvent { unknown(1, None).into() };
    let parked = vec![mail(OnUnknown::Park), claimed(1), unknown()];
    let retried = [parked.clone(), vec![EmailRetryRequested {}.into()]].concat();
    let claimed_again = [retried.clone(), vec![claimed(2)]].concat();
    let cancelled = [parked.clone(), vec![cancelled()]].concat();
    for history in [parked.clone(), retried, claimed_again, cancelled] {
        given::<Mail>(history)
            .when(MailCommand::RecordSent(sent(1)))
            .then(vec![sent(1).into()]);
    }
    given::<Mail>(parked.clone())
        .when(MailCommand::RecordFailure(failed(1, true)))
        .then(vec![failed(1, true).into()]);
    let sent_at_last = [parked, vec![sent(1).into()]].concat();
    given::<Mail>(sent_at_last.clone())
        .when(MailCommand::RecordSent(sent(1)))
        .then_nothing();
    given::<Mail>(sent_at_last).when(claim_it()).then_nothing();
}

#[test]
fn unknown_outcome_is_retried_if_the_policy_says_so() {
    let unknown = EmailOutcomeUnknown {
        attempt: 1,
        retry_at: Some(NOON),
        detail: "no answer".to_owned().into(),
    };
    for (policy, retry_at) in [(OnUnknown::Park, None), (OnUnknown::Retry, Some(NOON))] {
        let recorded = EmailOutcomeUnknown {
            retry_at,
            ..unknown.clone()
        };
        given::<Mail>(vec![mail(policy), claimed(1)])
            .when(MailCommand::RecordUnknown(unknown.clone()))
            .then(vec![recorded.into()]);
    }
}

#[test]
fn only_failed_or_unknown_mails_can_be_retried() {
    let retry: MailEvent = EmailRetryRequested {}.into();
    given::<Mail>(vec![
        mail(OnUnknown::Park),
        claimed(1),
        failed(1, false).into(),
    ])
    .when(MailCommand::Retry)
    .then(vec![retry.clone()]);
    given::<Mail>(vec![mail(OnUnknown::Park), claimed(1), sent(1).into()])
        .when(MailCommand::Retry)
        .then_refused("WRONG_STATE");
    given::<Mail>(vec![
        mail(OnUnknown::Park),
        claimed(1),
        failed(1, false).into(),
        retry,
    ])
    .when(claim_it())
    .then(vec![claimed(2)]);
}

#[test]
fn abandoned_mail_fails_or_is_unknown_if_it_may_have_been_sent() {
    let abandon = || MailCommand::Abandon {
        why: "why".to_owned(),
    };
    let answer = || "why".to_owned().into();
    given::<Mail>(vec![mail(OnUnknown::Park)])
        .when(abandon())
        .then(vec![
            EmailFailed {
                attempt: 0,
                permanent: true,
                retry_at: None,
                unanswered: true,
                answer: answer(),
            }
            .into(),
        ]);
    given::<Mail>(vec![mail(OnUnknown::Park), claimed(1)])
        .when(abandon())
        .then(vec![
            EmailOutcomeUnknown {
                attempt: 1,
                retry_at: None,
                detail: answer(),
            }
            .into(),
        ]);
    given::<Mail>(vec![mail(OnUnknown::Park), claimed(1), sent(1).into()])
        .when(abandon())
        .then_nothing();
    let end = EmailFailed {
        attempt: 1,
        permanent: true,
        retry_at: None,
        unanswered: true,
        answer: answer(),
    };
    given::<Mail>(vec![mail(OnUnknown::Park), failed(1, true).into()])
        .when(abandon())
        .then(vec![end.into()]);
}

#[test]
fn abandoned_mail_is_unknown_if_an_earlier_attempt_may_have_been_successful() {
    let retrying = vec![
        mail(OnUnknown::Retry),
        claimed(1),
        unknown(1, Some(NOON)).into(),
    ];
    let queued = [retrying.clone(), vec![released()]].concat();
    for history in [retrying, queued] {
        let detail = "an earlier attempt may have been successful; then: why";
        let end = EmailOutcomeUnknown {
            attempt: 1,
            retry_at: None,
            detail: detail.to_owned().into(),
        };
        let why = "why".to_owned();
        given::<Mail>(history)
            .when(MailCommand::Abandon { why })
            .then(vec![end.into()]);
    }
}

#[test]
fn outcome_of_another_attempt_is_refused() {
    let history = vec![mail(OnUnknown::Retry), claimed(1), claimed(2)];
    given::<Mail>(history.clone())
        .when(MailCommand::RecordSent(sent(3)))
        .then_refused("WRONG_STATE");
    given::<Mail>(history)
        .when(MailCommand::RecordFailure(failed(1, true)))
        .then_refused("WRONG_STATE");
    for command in [
        MailCommand::RecordFailure(failed(1, true)),
        MailCommand::RecordUnknown(unknown(1, None)),
    ] {
        given::<Mail>(vec![mail(OnUnknown::Park), claimed(1), sent(1).into()])
            .when(command)
            .then_refused("WRONG_STATE");
    }
}

const NOON: OffsetDateTime = datetime!(2026-12-01 12:00 UTC);

fn waiting_for(delivery: MailDelivery) -> MailEvent {
    EmailQueued {
        delivery,
        ..queued(OnUnknown::Park)
    }
    .into()
}

fn released() -> MailEvent {
    EmailReleased {}.into()
}

fn rescheduled(delivery: MailDelivery) -> MailEvent {
    EmailRescheduled { delivery }.into()
}

fn cancel_it() -> MailCommand {
    MailCommand::Cancel {
        reason: "revoked".to_owned().into(),
    }
}

fn cancelled() -> MailEvent {
    EmailCancelled {
        reason: "revoked".to_owned().into(),
    }
    .into()
}

#[test]
fn held_mail_is_not_sent_before_its_release() {
    let held = waiting_for(MailDelivery::Held);
    given::<Mail>(vec![held.clone()])
        .when(claim_it())
        .then_nothing();
    given::<Mail>(vec![held.clone()])
        .when(MailCommand::ReleaseDue)
        .then_nothing();
    given::<Mail>(vec![held.clone()])
        .when(MailCommand::Release)
        .then(vec![released()]);
    given::<Mail>(vec![held.clone(), released()])
        .when(claim_it())
        .then(vec![claimed(1)]);
    given::<Mail>(vec![held, released()])
        .when(MailCommand::Release)
        .then_refused("WRONG_STATE");
    given::<Mail>(vec![mail(OnUnknown::Park)])
        .when(MailCommand::Release)
        .then_refused("WRONG_STATE");
}

#[test]
fn waiting_mail_is_released_by_its_timer() {
    let scheduled = waiting_for(MailDelivery::At(NOON));
    given::<Mail>(vec![scheduled.clone()])
        .when(claim_it())
        .then_nothing();
    let retrying = vec![mail(OnUnknown::Park), claimed(1), failed(1, true).into()];
    given::<Mail>(retrying.clone())
        .when(claim_it())
        .then_nothing();
    given::<Mail>(vec![mail(OnUnknown::Park)])
        .when(MailCommand::ReleaseDue)
        .then_nothing();
    for history in [vec![scheduled.clone()], retrying] {
        given::<Mail>(history)
            .when(MailCommand::ReleaseDue)
            .then(vec![released()]);
    }
    given::<Mail>(vec![scheduled.clone()])
        .when(MailCommand::Release)
        .then(vec![released()]);
    given::<Mail>(vec![scheduled, cancelled()])
        .when(MailCommand::ReleaseDue)
        .then_nothing();
    given::<Mail>(vec![])
        .when(MailCommand::ReleaseDue)
        .then_refused("NOT_FOUND");
}

#[test]
fn waiting_mail_can_be_rescheduled() {
    let held = waiting_for(MailDelivery::Held);
    let scheduled = waiting_for(MailDelivery::At(NOON));
    let to = MailCommand::Reschedule;
    let later = MailDelivery::At(NOON + time::Duration::HOUR);
    given::<Mail>(vec![held.clone()])
        .when(to(later))
        .then(vec![rescheduled(later)]);
    given::<Mail>(vec![held.clone()])
        .when(to(MailDelivery::Held))
        .then_nothing();
    given::<Mail>(vec![held])
        .when(to(MailDelivery::Immediate))
        .then(vec![released()]);
    given::<Mail>(vec![scheduled.clone()])
        .when(to(MailDelivery::At(NOON)))
        .then_nothing();
    given::<Mail>(vec![scheduled.clone()])
        .when(to(MailDelivery::Held))
        .then(vec![rescheduled(MailDelivery::Held)]);
    for gone in [released(), cancelled()] {
        given::<Mail>(vec![scheduled.clone(), gone])
            .when(to(later))
            .then_refused("WRONG_STATE");
    }
    given::<Mail>(vec![mail(OnUnknown::Park)])
        .when(to(MailDelivery::Held))
        .then_refused("WRONG_STATE");
}

#[test]
fn unsent_mail_can_be_cancelled_once() {
    let failure = || -> MailEvent { failed(1, false).into() };
    let histories = [
        vec![mail(OnUnknown::Park)],
        vec![waiting_for(MailDelivery::Held)],
        vec![waiting_for(MailDelivery::At(NOON))],
        vec![mail(OnUnknown::Park), claimed(1), failed(1, true).into()],
        vec![mail(OnUnknown::Park), claimed(1), failure()],
        vec![
            mail(OnUnknown::Park),
            claimed(1),
            EmailOutcomeUnknown {
                attempt: 1,
                retry_at: None,
                detail: "?".to_owned().into(),
            }
            .into(),
        ],
    ];
    for mut history in histories {
        given::<Mail>(history.clone())
            .when(cancel_it())
            .then(vec![cancelled()]);
        history.push(cancelled());
        given::<Mail>(history.clone())
            .when(cancel_it())
            .then_nothing();
        given::<Mail>(history.clone())
            .when(claim_it())
            .then_nothing();
        given::<Mail>(history.clone())
            .when(MailCommand::Abandon {
                why: "why".to_owned(),
            })
            .then_nothing();
        given::<Mail>(history.clone())
            .when(MailCommand::Retry)
            .then_refused("WRONG_STATE");
        given::<Mail>(history)
            .when(MailCommand::Release)
            .then_refused("WRONG_STATE");
    }
}

#[test]
fn claimed_or_sent_mail_cannot_be_cancelled() {
    let history = vec![mail(OnUnknown::Park), claimed(1), sent(1).into()];
    given::<Mail>(history[..2].to_vec())
        .when(cancel_it())
        .then_refused("WRONG_STATE");
    given::<Mail>(history)
        .when(cancel_it())
        .then_refused("WRONG_STATE");
    given::<Mail>(vec![])
        .when(cancel_it())
        .then_refused("NOT_FOUND");
}

#[test]
fn mail_without_a_stored_delivery_is_immediate() {
    let mut body = serde_json::to_value(queued(OnUnknown::Park)).expect("serialises");
    assert!(
        body.as_object_mut()
            .expect("an object")
            .remove("delivery")
            .is_none(),
        "it is not written"
    );
    let old: EmailQueued = serde_json::from_value(body).expect("readable");
    assert_eq!(old.delivery, MailDelivery::Immediate);
}

//! Mails about one issuance: sending another one, and cancelling unsent ones.

use super::{CommandContext, CommandError, Commands, IfVersion};
use crate::domain::certification::attendee::Attendee;
use crate::domain::certification::issuance::Issuance;
use crate::domain::certification::mail::{
    EmailQueued, Mail, MailCommand, MailDelivery, OnUnknown, Stage,
};
use crate::domain::certification::reactions::issuance::mail_about;
use crate::domain::{IssuanceId, MailId, Personal, Refusal};
use crate::event_log::Position;

/// Maximum number of mails about one issuance.
pub const MAX_MAILS: u32 = 100;

/// Mail that was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnotherMail {
    /// Id of the mail.
    pub id: MailId,
    /// Number of the mail within its issuance. The first one is sent automatically.
    pub number: u32,
    /// Stage of the mail.
    pub stage: Stage,
    /// Position of its last event.
    pub position: Position,
}

/// Result of cancelling the mails of an issuance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CalledBack {
    /// Number of mails cancelled by this command or before.
    pub cancelled: u32,
    /// Number of mails that had been sent.
    pub sent: u32,
    /// Number of mails that a worker is sending. Check again later.
    pub under_way: u32,
}

/// Request for another mail about an issuance.
#[derive(Clone, Debug)]
pub struct MailRequest {
    /// Recipient of the mail; the person's current address if absent.
    pub to: Option<Personal<String>>,
    /// Time at which the mail may be sent.
    pub delivery: MailDelivery,
    /// Policy for a claim without an outcome.
    pub on_unknown: OnUnknown,
    /// Versions of the issuance that the request applies to.
    pub if_version: IfVersion,
}

/// Queues another mail about an issuance, with the next free number. Without `to` in the request,
/// it goes to the person's current address, or to the address in the issuance if the person was
/// deleted.
///
/// # Errors
/// The issuance does not exist, was revoked, has no PDF, or has too many mails; or the log can't be
/// used.
pub async fn mail_again(
    commands: &Commands,
    context: &CommandContext,
    issuance: IssuanceId,
    mail: &MailRequest,
) -> Result<AnotherMail, CommandError> {
    let committed = commands
        .transact(context, |transaction| async move {
            let MailRequest {
                to,
                delivery,
                on_unknown,
                if_version,
            } = mail.clone();
            let known = transaction.look::<Issuance>(issuance).await?;
            let version = known.position;
            let state = known.state;
            let request = state
                .request
                .ok_or(Refusal::NotFound("generated certificate"))?;
            if_version.check(version)?;
            if state.revoked.is_some() {
                return Err(Refusal::WrongState(
                    "it was revoked and is not mailed any more".to_owned(),
                )
                .into());
            }
            let missing = if state.failure.is_some() {
                "it could not be drawn; correct what its failure names and generate it again"
            } else {
                "it is still being made"
            };
            let pdf = state.generated.ok_or_else(|| {
                Refusal::WrongState(format!("there is no PDF to send: {missing}"))
            })?;
            let person = transaction
                .look::<Attendee>(request.attendee_id)
                .await?
                .state
                .0;
            let to_address = to
                .or_else(|| person.map(|person| person.email))
                .unwrap_or_else(|| request.email.clone());
            // The process manager creates the first mail, perhaps concurrently.
            for number in 2..=MAX_MAILS {
                let id = MailId::nth_of(issuance, number);
                let email = transaction.look::<Mail>(id).await?;
                if email.position != 0 && email.own.is_empty() {
                    continue;
                }
                let mail = mail_about(issuance, &request, &pdf, delivery, on_unknown);
                let queue = MailCommand::Queue(Box::new(EmailQueued { to_address, ..mail }));
                let done = transaction.decide_loaded::<Mail>(id, email, &queue)?;
                let stage = done.state.stage;
                let position = done.position;
                return Ok(AnotherMail {
                    id,
                    number,
                    stage,
                    position,
                });
            }
            Err(Refusal::WrongState(format!("there are {MAX_MAILS} mails about it already")).into())
        })
        .await?;
    let position = committed
        .last_position()
        .unwrap_or(committed.value.position);
    Ok(AnotherMail {
        position,
        ..committed.value
    })
}

/// Mails about an issuance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailsAbout {
    /// True if one was sent.
    pub is_sent: bool,
    /// Position of the last event of a mail; 0 if there is no mail.
    pub position: Position,
}

/// Returns the state of the mails about an issuance.
///
/// # Errors
/// The log can't be read.
pub async fn mails_about(
    commands: &Commands,
    issuance: IssuanceId,
) -> Result<MailsAbout, CommandError> {
    let mut about = MailsAbout::default();
    for number in 1..=MAX_MAILS {
        let mail = commands
            .load::<Mail>(MailId::nth_of(issuance, number))
            .await?;
        // The process manager creates the first mail, perhaps after a user has requested the
        // second.
        if mail.position == 0 && number > 1 {
            break;
        }
        about.is_sent |= mail.state.stage == Stage::Sent;
        about.position = about.position.max(mail.position);
    }
    Ok(about)
}

/// Cancels all unsent mails about an issuance. `context` returns the context of the `n`th
/// cancellation.
///
/// # Errors
/// The log can't be used.
pub async fn call_back(
    commands: &Commands,
    context: impl Fn(usize) -> CommandContext,
    issuance: IssuanceId,
    reason: &Personal<String>,
) -> Result<CalledBack, CommandError> {
    let mut called = CalledBack::default();
    for number in 1..=MAX_MAILS {
        let id = MailId::nth_of(issuance, number);
        let cancel = MailCommand::Cancel {
            reason: reason.clone(),
        };
        match commands
            .execute::<Mail>(&context(number as usize), id, cancel)
            .await
        {
            Ok(_) => called.cancelled += 1,
            Err(CommandError::Refused(Refusal::NotFound(_))) if number == 1 => {}
            Err(CommandError::Refused(Refusal::NotFound(_))) => break,
            Err(CommandError::Refused(Refusal::WrongState(_))) => {
                match commands.load::<Mail>(id).await?.state.stage {
                    Stage::Sent => called.sent += 1,
                    _ => called.under_way += 1,
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(called)
}

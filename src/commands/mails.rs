//! Mails about one issuance: queuing another one, and reading the state of all.

use super::{CommandContext, CommandError, Commands, IfVersion};
use crate::domain::certification::attendee::Attendee;
use crate::domain::certification::issuance::{Issuance, IssuanceStatus};
use crate::domain::certification::mail::{
    EmailQueued, Mail, MailCommand, MailDelivery, OnUnknown, Stage,
};
use crate::domain::certification::reactions::issuance::mail_about;
use crate::domain::{IssuanceId, MailId, Personal, Refusal};
use crate::event_log::Position;

/// Maximum number of mails about one issuance.
pub const MAX_MAILS: u32 = 100;

/// Mail that was queued on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnotherMail {
    /// Id of the mail.
    pub id: MailId,
    /// Number of the mail within its issuance. The mail with number 1 is sent automatically.
    pub number: u32,
    /// Stage of the mail.
    pub stage: Stage,
    /// Position of its last event.
    pub position: Position,
}

/// Request for another mail with a certificate.
#[derive(Clone, Debug)]
pub struct MailRequest {
    /// Address of the recipient; if absent, the person's current address.
    pub to: Option<Personal<String>>,
    /// Time at which the mail may be sent.
    pub delivery: MailDelivery,
    /// Policy for a claim that has no outcome.
    pub on_unknown: OnUnknown,
    /// Versions of the issuance to which the request applies.
    pub if_version: IfVersion,
}

/// Queues another mail with a certificate, with the next free number. If the request has no `to`,
/// the mail is sent to the person's current address. If the person was deleted, it is sent to the
/// address in the issuance.
///
/// # Errors
/// The issuance does not exist, was revoked, has no PDF or has too many mails, or the log can't be
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
            let status = state.status();
            let request = state
                .request
                .ok_or(Refusal::NotFound("generated certificate"))?;
            if_version.check(version)?;
            if status == IssuanceStatus::Revoked {
                return Err(Refusal::WrongState(
                    "it was revoked, so it can't be mailed".to_owned(),
                )
                .into());
            }
            let missing = if status == IssuanceStatus::Failed {
                "it could not be drawn; correct the cause named in its failure and generate it again"
            } else {
                "it is still being generated"
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
            // The process manager creates the first mail, possibly at the same time.
            for number in 2..=MAX_MAILS {
                let id = MailId::nth_of(issuance, number);
                let email = transaction.look::<Mail>(id).await?;
                if email.position != 0 && email.own.is_empty() {
                    continue;
                }
                let mail = mail_about(issuance, &request, &pdf, delivery, on_unknown);
                let queue = MailCommand::Queue(Box::new(EmailQueued {
                    to_address,
                    previous: Some(MailId::nth_of(issuance, number - 1)),
                    ..mail
                }));
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
            Err(Refusal::WrongState(format!("there are already {MAX_MAILS} mails with it")).into())
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

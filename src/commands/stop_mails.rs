//! Cancelling the unsent mails about an issuance, and the check that a mail may still be sent.

use super::mails::MAX_MAILS;
use super::{CommandContext, CommandError, Commands};
use crate::domain::certification::issuance::{Issuance, IssuanceStatus};
use crate::domain::certification::mail::{Mail, MailCommand, Stage};
use crate::domain::{Decider, IssuanceId, MailId};
use crate::event_log::{Consistency, Position};

/// Result of cancelling the mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mails {
    /// The first mail has not been queued yet. No other mail will be sent from now on.
    None,
    /// No mail will be sent from now on.
    Stopped,
    /// A worker is sending a mail.
    Busy,
}

/// Returns true if the issuance is revoked. `generated` is the position of its
/// `CertificateGenerated`, if known. If nothing follows that event, its history is not read.
///
/// # Errors
/// The log can't be read.
pub async fn is_revoked(
    commands: &Commands,
    id: IssuanceId,
    generated: Option<Position>,
    at: &Consistency,
) -> Result<bool, CommandError> {
    let log = commands.log();
    let kind = Issuance::AGGREGATE;
    let last = log.last_position(kind, &id.to_string(), at).await?;
    if generated == Some(last) {
        return Ok(false);
    }
    let issuance = commands.load_until::<Issuance>(id, last).await?;
    Ok(issuance.state.status() == IssuanceStatus::Revoked)
}

/// Cancels the mails that wait to be sent. Mails that have failed or may have been sent are not
/// changed.
///
/// # Errors
/// The log can't be used.
pub async fn stop_mails(
    commands: &Commands,
    context: &CommandContext,
    issuance: IssuanceId,
    why: &str,
) -> Result<Mails, CommandError> {
    let committed = commands
        .transact(context, |transaction| async move {
            let mut mails = Mails::Stopped;
            for n in 1..=MAX_MAILS {
                let id = MailId::nth_of(issuance, n);
                let email = transaction.look::<Mail>(id).await?;
                mails = match (email.state.stage, mails) {
                    (Stage::Claimed, _) => Mails::Busy,
                    // The process manager creates the first mail, possibly after a user has
                    // requested the second one.
                    (Stage::Absent, _) if n == 1 => Mails::None,
                    (Stage::Absent, _) => return Ok(mails),
                    (_, mails) => mails,
                };
                if let Stage::Queued | Stage::Retrying | Stage::Held | Stage::Scheduled =
                    email.state.stage
                {
                    let cancel = MailCommand::Cancel {
                        reason: why.to_owned().into(),
                    };
                    transaction.decide_loaded::<Mail>(id, email, &cancel)?;
                }
            }
            Ok(mails)
        })
        .await?;
    Ok(committed.value)
}

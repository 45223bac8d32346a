//! Stopping the mails about an issuance that are not sent yet.

use super::{CommandContext, CommandError, Commands};
use crate::domain::email::{Email, EmailCommand, Stage};
use crate::domain::{EmailId, IssuanceId};

/// Whether there was a mail at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mails {
    /// None was queued yet.
    None,
    /// Those that were not sent are not sent any more.
    Stopped,
}

/// Stops what is not sent. A mail that a worker is at may have been sent, and stays with it.
///
/// # Errors
/// The log can't be used.
pub async fn stop_mails(
    commands: &Commands,
    context: &CommandContext,
    issuance: IssuanceId,
    why: &str,
) -> Result<Mails, CommandError> {
    let id = EmailId::first_of(issuance);
    let committed = commands
        .transact(context, |transaction| async move {
            let email = transaction.look::<Email>(id).await?;
            match email.state.stage {
                Stage::Absent => return Ok(Mails::None),
                Stage::Queued | Stage::Retrying => {
                    let abandon = EmailCommand::Abandon { why: why.to_owned() };
                    transaction.decide_loaded::<Email>(id, email, &abandon)?;
                }
                Stage::Claimed | Stage::Sent | Stage::Failed | Stage::Unknown => {}
            }
            Ok(Mails::Stopped)
        })
        .await?;
    Ok(committed.value)
}

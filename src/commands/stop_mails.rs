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

/// The most mails of one issuance that are looked at; each after the first was asked for by a person.
const MAX_MAILS: u32 = 1_000;

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
    let committed = commands
        .transact(context, |transaction| async move {
            for n in 1..=MAX_MAILS {
                let id = EmailId::nth_of(issuance, n);
                let email = transaction.look::<Email>(id).await?;
                match email.state.stage {
                    Stage::Absent if n == 1 => return Ok(Mails::None),
                    Stage::Absent => break,
                    Stage::Queued | Stage::Retrying | Stage::Held | Stage::Scheduled => {
                        let cancel = EmailCommand::Cancel { reason: why.to_owned().into() };
                        transaction.decide_loaded::<Email>(id, email, &cancel)?;
                    }
                    Stage::Claimed | Stage::Sent | Stage::Failed | Stage::Unknown | Stage::Cancelled => {}
                }
            }
            Ok(Mails::Stopped)
        })
        .await?;
    Ok(committed.value)
}

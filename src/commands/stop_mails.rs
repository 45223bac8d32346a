//! Stopping the mails about an issuance that are not sent yet.

use super::{CommandContext, CommandError, Commands};
use crate::domain::email::{Email, EmailCommand, Stage};
use crate::domain::{EmailId, IssuanceId};

/// The most mails about one issuance that are looked at; people ask for more one by one.
const MAX_MAILS: u32 = 1_000;

/// What became of the mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mails {
    /// None was queued yet.
    None,
    /// Nothing is sent any more.
    Stopped,
    /// A worker is at one just now.
    Busy,
}

/// Cancels what waits to be sent. What has failed or may have been sent stays as it is.
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
            let mut mails = Mails::None;
            for n in 1..=MAX_MAILS {
                let id = EmailId::nth_of(issuance, n);
                let email = transaction.look::<Email>(id).await?;
                mails = match (email.state.stage, mails) {
                    (Stage::Absent, _) => return Ok(mails),
                    (Stage::Claimed, _) | (_, Mails::Busy) => Mails::Busy,
                    _ => Mails::Stopped,
                };
                if let Stage::Queued | Stage::Retrying | Stage::Held | Stage::Scheduled = email.state.stage {
                    let cancel = EmailCommand::Cancel { reason: why.to_owned().into() };
                    transaction.decide_loaded::<Email>(id, email, &cancel)?;
                }
            }
            Ok(mails)
        })
        .await?;
    Ok(committed.value)
}

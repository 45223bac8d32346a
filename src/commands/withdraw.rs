//! Taking back what a batch issued to one person.

use super::issue::MAX_ISSUANCES;
use super::{CommandContext, CommandError, Commands, Transaction};
use crate::domain::IssuanceId;
use crate::domain::issuance::{CertificateRevoked, Issuance, IssuanceCommand, IssuanceEvent};
use crate::process::OfBatch;

/// Whether a certificate is revoked. Nothing comes after a revocation, so that the last event tells.
///
/// # Errors
/// The log can't be read.
pub async fn is_revoked(commands: &Commands, id: IssuanceId) -> Result<bool, CommandError> {
    let last = commands.load_ending::<Issuance>(id).await?;
    Ok(matches!(last, Some(IssuanceEvent::CertificateRevoked(_))))
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// The batch issued nothing to this person.
    Nothing {
        /// Whether the person holds one all the same.
        is_held: bool,
    },
    /// It is revoked, by this command or before.
    Revoked(IssuanceId),
    /// It has its PDF and stays.
    Kept(IssuanceId),
}

/// Revokes what a batch issued to a person; with `only_unfinished`, what has a PDF stays. Done again,
/// it finds its own work.
///
/// # Errors
/// The log can't be used.
pub async fn withdraw(
    commands: &Commands,
    context: &CommandContext,
    of: OfBatch,
    why: &CertificateRevoked,
    only_unfinished: bool,
) -> Result<Withdrawn, CommandError> {
    let committed = commands
        .transact(context, |transaction| async move {
            let (id, issuance) = match find(&transaction, of).await? {
                Found::Theirs(id, issuance) => (id, issuance),
                Found::Other { is_held } => return Ok(Withdrawn::Nothing { is_held }),
            };
            let command = if only_unfinished {
                IssuanceCommand::RevokeUnfinished(why.clone())
            } else {
                IssuanceCommand::Revoke(why.clone())
            };
            let done = transaction.decide_loaded::<Issuance>(id, *issuance, &command)?;
            let is_revoked = done.state.revoked.is_some();
            Ok(if is_revoked { Withdrawn::Revoked(id) } else { Withdrawn::Kept(id) })
        })
        .await?;
    Ok(committed.value)
}

/// Whether a batch issued something to a person, whatever became of it, and if not, whether they hold one.
///
/// # Errors
/// The log can't be read.
pub async fn issued_by(
    commands: &Commands,
    context: &CommandContext,
    of: OfBatch,
) -> Result<Withdrawn, CommandError> {
    let looked = commands.transact(context, |transaction| async move {
        Ok(match find(&transaction, of).await? {
            Found::Theirs(id, _) => Withdrawn::Kept(id),
            Found::Other { is_held } => Withdrawn::Nothing { is_held },
        })
    });
    Ok(looked.await?.value)
}

enum Found {
    Theirs(IssuanceId, Box<super::Loaded<Issuance>>),
    Other { is_held: bool },
}

/// A person's issuances follow each other, each after the one before was revoked or could not be drawn.
async fn find(transaction: &Transaction, of: OfBatch) -> Result<Found, CommandError> {
    for n in 1..=MAX_ISSUANCES {
        let id = IssuanceId::nth_of(of.certificate_id, of.attendee_id, n);
        let issuance = transaction.look::<Issuance>(id).await?;
        match &issuance.state.request {
            None => return Ok(Found::Other { is_held: false }),
            Some(request) if request.origin.batch_id == Some(of.batch_id) => {
                return Ok(Found::Theirs(id, Box::new(issuance)));
            }
            Some(_) if issuance.state.is_held() => return Ok(Found::Other { is_held: true }),
            Some(_) => {}
        }
    }
    Ok(Found::Other { is_held: false })
}

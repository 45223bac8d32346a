//! Withdrawing the issuance that a batch created for a person.

use super::issue::{MAX_ISSUANCES, prepare_next};
use super::{CommandContext, CommandError, Commands, Transaction};
use crate::domain::IssuanceId;
use crate::domain::certification::issuance::{
    CertificateRevoked, Issuance, IssuanceCommand, IssuanceStatus,
};
use crate::domain::certification::origin::Origin;
use crate::domain::certification::reactions::OfBatch;

/// Outcome of withdrawing one person's issuance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// The batch created no issuance for this person.
    Nothing {
        /// True if the person holds the certificate because of another issuance.
        is_held: bool,
    },
    /// The issuance is revoked, by this command or an earlier one.
    Revoked(IssuanceId),
    /// The issuance has a PDF and is kept.
    Kept(IssuanceId),
}

/// Revokes the issuance that a batch created for a person. If `only_unfinished` is true, an
/// issuance with a PDF is kept. A repeated call has the same result.
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
            Ok(if done.state.status() == IssuanceStatus::Revoked {
                Withdrawn::Revoked(id)
            } else {
                Withdrawn::Kept(id)
            })
        })
        .await?;
    Ok(committed.value)
}

/// Returns `Kept` if the batch created an issuance for the person, regardless of its state.
/// Otherwise returns `Nothing`, with `is_held` true if the person holds another issuance.
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

/// Finds the issuance that the batch created for the person. The issuances of a person are
/// numbered. Each one after the first replaces one that was revoked or could not be drawn.
async fn find(transaction: &Transaction, of: OfBatch) -> Result<Found, CommandError> {
    for n in 1..=MAX_ISSUANCES {
        let id = IssuanceId::nth_of(of.certificate_id, of.attendee_id, n);
        let issuance = transaction.look::<Issuance>(id).await?;
        if n == 1 {
            prepare_next(transaction, of.certificate_id, of.attendee_id, &issuance).await?;
        }
        match &issuance.state.request {
            None => return Ok(Found::Other { is_held: false }),
            Some(request) if Origin::batch_of(&request.origins) == Some(of.batch_id) => {
                return Ok(Found::Theirs(id, Box::new(issuance)));
            }
            Some(_) if issuance.state.status().is_held() => {
                return Ok(Found::Other { is_held: true });
            }
            Some(_) => {}
        }
    }
    Ok(Found::Other { is_held: false })
}

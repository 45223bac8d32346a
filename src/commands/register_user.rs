//! Registering users. The user and the claims on e-mail address and user name are written in one
//! commit. For an admin, the commit also changes the list of admins.

use super::{CommandContext, CommandError, Commands, Transaction};
use crate::domain::UserId;
use crate::domain::accounts::admins::{ALL, Admins, AdminsCommand};
use crate::domain::accounts::user::{
    Profile, Role, User, UserCommand, UserRegistered, normalised_user_name,
};
use crate::domain::certification::person::normalised_email;
use crate::domain::kernel::claim::{Claim, ClaimCommand, ClaimKind};
use crate::event_log::Position;

/// Registers a user. Returns the position of the registration.
///
/// # Errors
/// A field is invalid, another user has the e-mail address or user name, or the log can't be used.
pub async fn register_user(
    commands: &Commands,
    claim_key: &[u8],
    context: &CommandContext,
    id: UserId,
    user: UserRegistered,
) -> Result<Position, CommandError> {
    let user = &user;
    let committed = commands
        .transact(context, |transaction| async move {
            let done = transaction
                .decide::<User>(id, &UserCommand::Register(user.clone()))
                .await?;
            for (kind, subject) in claims_of(claim_key, &user.profile) {
                take(&transaction, id, kind, &subject).await?;
            }
            if user.role == Role::Admin {
                transaction
                    .decide::<Admins>(ALL, &AdminsCommand::Appoint(id))
                    .await?;
            }
            Ok(done.position)
        })
        .await?;
    // The user's event is the first of the commit. A repeated command writes nothing.
    Ok(committed
        .positions
        .first()
        .copied()
        .unwrap_or(committed.value))
}

/// Returns the claims on a user's e-mail address and user name.
pub(super) fn claims_of(claim_key: &[u8], profile: &Profile) -> [(ClaimKind, String); 2] {
    let email = normalised_email(profile.email.reveal_str());
    let name = normalised_user_name(profile.user_name.reveal_str());
    [(ClaimKind::UserEmail, email), (ClaimKind::UserName, name)]
        .map(|(kind, value)| (kind, kind.subject_id(claim_key, &value)))
}

pub(super) async fn take(
    transaction: &Transaction,
    id: UserId,
    kind: ClaimKind,
    subject: &str,
) -> Result<(), CommandError> {
    transaction
        .decide::<Claim>(subject, &ClaimCommand::Take { kind, owner: id.0 })
        .await
        .map(drop)
}

pub(super) async fn release(
    transaction: &Transaction,
    id: UserId,
    kind: ClaimKind,
    subject: &str,
) -> Result<(), CommandError> {
    transaction
        .decide::<Claim>(subject, &ClaimCommand::Release { kind, owner: id.0 })
        .await
        .map(drop)
}

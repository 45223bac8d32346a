//! Registering a user: the user and the claims on e-mail address and user name, together.

use super::{CommandContext, CommandError, Commands};
use crate::domain::UserId;
use crate::domain::claim::{Claim, ClaimCommand, ClaimKind};
use crate::domain::person::normalised_email;
use crate::domain::user::{User, UserCommand, UserRegistered};
use crate::event_log::Position;

/// Lets somebody log in. Answers with the position of the registration.
///
/// # Errors
/// A field is not acceptable, the e-mail address or user name is taken, or the log can't be used.
pub async fn register_user(
    commands: &Commands,
    claim_key: &[u8],
    context: &CommandContext,
    id: UserId,
    user: UserRegistered,
) -> Result<Position, CommandError> {
    let email =
        ClaimKind::UserEmail.subject_id(claim_key, &normalised_email(user.profile.email.reveal_str()));
    let user_name = user.profile.user_name.reveal_str().trim().to_lowercase();
    let user_name = ClaimKind::UserName.subject_id(claim_key, &user_name);
    let (user, email, user_name) = (&user, &email, &user_name);
    let committed = commands
        .transact(context, |transaction| async move {
            let done = transaction.decide::<User>(id, &UserCommand::Register(user.clone())).await?;
            for (kind, subject) in [(ClaimKind::UserEmail, email), (ClaimKind::UserName, user_name)] {
                let take = ClaimCommand::Take { kind, owner: id.0 };
                transaction.decide::<Claim>(subject, &take).await?;
            }
            Ok(done.position)
        })
        .await?;
    // The user's event is the first of the batch; a repeated command has written nothing now.
    Ok(committed.last_position().unwrap_or(committed.value))
}

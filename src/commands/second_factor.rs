//! Commands on a second factor that also change sessions in the same commit: a login with a code,
//! and the removal of a lost factor.

use super::{CommandContext, CommandError, Commands, IfVersion};
use crate::domain::accounts::second_factor::{SecondFactor, SecondFactorCommand, Shown};
use crate::domain::accounts::session::{Session, SessionCommand, SessionStarted};
use crate::domain::accounts::user::{User, UserCommand};
use crate::domain::{SessionId, UserId};
use crate::event_log::Position;

/// Starts a session and marks the code `shown`, if any, as used. If two requests use the same code,
/// only one of them succeeds. Returns the position of the session's event. If the user has a second
/// factor and `shown` is `None`, starts no session and returns `None`.
///
/// # Errors
/// The code is no longer valid (`WrongCode`), or the log can't be used.
pub async fn begin_session(
    commands: &Commands,
    context: &CommandContext,
    user_id: UserId,
    shown: Option<Shown>,
    session: (SessionId, SessionStarted),
) -> Result<Option<Position>, CommandError> {
    let (session_id, started) = session;
    let start = &SessionCommand::Start(started);
    let shown = shown.map(SecondFactorCommand::Use);
    let shown = shown.as_ref();
    let committed = commands
        .transact(context, |transaction| async move {
            let factor = transaction.look::<SecondFactor>(user_id).await?;
            match shown {
                Some(shown) => {
                    transaction.decide_loaded::<SecondFactor>(user_id, factor, shown)?;
                }
                None if factor.state.is_on() => return Ok(None),
                None => {}
            }
            let done = transaction.decide::<Session>(session_id, start).await?;
            Ok(Some(done.position))
        })
        .await?;
    Ok(committed.last_position().or(committed.value))
}

/// Removes the second factor of a user who has lost it, and ends all of the user's sessions.
/// Returns the position of the removal.
///
/// # Errors
/// The user does not exist or has no second factor, or the log can't be used.
pub async fn remove_lost(
    commands: &Commands,
    context: &CommandContext,
    user_id: UserId,
    if_version: &IfVersion,
) -> Result<Position, CommandError> {
    let committed = commands
        .transact(context, |transaction| async move {
            let user = transaction.look::<User>(user_id).await?;
            let version = user.position;
            let ended = transaction.decide_loaded(user_id, user, &UserCommand::EndSessions)?;
            if !ended.repeated {
                if_version.check(version)?;
            }
            let remove = SecondFactorCommand::RemoveLost;
            Ok(transaction
                .decide::<SecondFactor>(user_id, &remove)
                .await?
                .position)
        })
        .await?;
    Ok(committed.last_position().unwrap_or(committed.value))
}

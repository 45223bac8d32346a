//! Commands on a second factor and on what depends on it in the same commit: the session that a
//! code opens, and the sessions that end if the factor is lost.

use super::{CommandContext, CommandError, Commands, IfVersion};
use crate::domain::accounts::second_factor::{SecondFactor, SecondFactorCommand, Shown};
use crate::domain::accounts::session::{Session, SessionCommand, SessionStarted};
use crate::domain::accounts::user::{User, UserCommand};
use crate::domain::{SessionId, UserId};
use crate::event_log::Position;

/// Begins a session and uses up the code `shown`, if any. If two requests show the same code, one
/// succeeds. Returns the position of the session's event.
///
/// # Errors
/// The code is not valid any more (`WrongCode`), or the log can't be used.
pub async fn begin_session(
    commands: &Commands,
    context: &CommandContext,
    user_id: UserId,
    shown: Option<Shown>,
    session: (SessionId, SessionStarted),
) -> Result<Position, CommandError> {
    let (session_id, started) = session;
    let start = SessionCommand::Start(started);
    let Some(shown) = shown else {
        return Ok(commands
            .execute::<Session>(context, session_id, start)
            .await?
            .position);
    };
    let start = &start;
    let uses = &SecondFactorCommand::Use(shown);
    let committed = commands
        .transact(context, |transaction| async move {
            transaction.decide::<SecondFactor>(user_id, uses).await?;
            Ok(transaction
                .decide::<Session>(session_id, start)
                .await?
                .position)
        })
        .await?;
    Ok(committed.last_position().unwrap_or(committed.value))
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
            transaction.decide_loaded(user_id, user, &UserCommand::EndSessions)?;
            if_version.check(version)?;
            let remove = SecondFactorCommand::RemoveLost;
            Ok(transaction
                .decide::<SecondFactor>(user_id, &remove)
                .await?
                .position)
        })
        .await?;
    Ok(committed.last_position().unwrap_or(committed.value))
}

//! Commands on a session that also concern its user: refresh and log-out.

use time::OffsetDateTime;

use super::{CommandContext, CommandError, Commands, Transaction};
use crate::domain::accounts::session::{
    PresentedToken, RevocationReason, Session, SessionCommand, SessionEvent, SessionState,
};
use crate::domain::accounts::user::{Account, User, UserCommand};
use crate::domain::{Refusal, SessionId, UserId};
use crate::event_log::Position;

/// Result of a refresh.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// Position of the session's last event.
    pub position: Position,
    /// The open session; `None` if the token was used before, so that the session has ended.
    pub open: Option<OpenSession>,
}

/// Open session with the account of its user.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// User of the session.
    pub user_id: UserId,
    /// Account of the user.
    pub account: Account,
    /// Latest end of the session.
    pub ends_at: OffsetDateTime,
}

/// Result of a log-out.
#[derive(Clone, Debug)]
pub struct LoggedOut {
    /// Reason why the session has ended; `None` if it had ended before or did not exist, or if the
    /// token was made up.
    pub reason: Option<RevocationReason>,
    /// Position of the session's last event; 0 if the session did not exist.
    pub session: Position,
    /// Position of the user's last event, if all sessions of the user have ended.
    pub user: Option<Position>,
}

/// Exchanges a refresh token. If the user may not log in, or the session has ended, the token is
/// not exchanged. A refusal is verified with the state of the log's leader.
///
/// # Errors
/// The session has ended or the token is not valid (`SessionEnded`), or the log can't be used.
pub async fn refresh(
    commands: &Commands,
    context: &CommandContext,
    id: SessionId,
    token: PresentedToken,
    expires_at: OffsetDateTime,
) -> Result<Refreshed, CommandError> {
    let refresh = &SessionCommand::Refresh { token, expires_at };
    let committed = commands
        .transact(context, |transaction| async move {
            let done = match transaction.decide::<Session>(id, refresh).await {
                // An unknown session gets the same response as a session that has ended.
                Err(CommandError::Refused(Refusal::NotFound(_))) => {
                    return Err(Refusal::SessionEnded.into());
                }
                done => done?,
            };
            let SessionState::Open {
                user_id,
                epoch,
                ends_at,
                ..
            } = done.state
            else {
                return Ok((done.position, None));
            };
            let account = transaction.look::<User>(user_id).await?.state.active();
            let account = account.filter(|account| epoch >= account.epoch);
            let open = OpenSession {
                user_id,
                account: account.ok_or(Refusal::SessionEnded)?,
                ends_at,
            };
            Ok((done.position, Some(open)))
        })
        .await?;
    let written = committed.last_position();
    let (position, open) = committed.value;
    Ok(Refreshed {
        position: written.unwrap_or(position),
        open,
    })
}

/// Ends the session of a refresh token. With `all`, also ends all other sessions of its user,
/// unless the token was used before.
///
/// # Errors
/// The log can't be used.
pub async fn log_out(
    commands: &Commands,
    context: &CommandContext,
    id: SessionId,
    token: PresentedToken,
    all: bool,
) -> Result<LoggedOut, CommandError> {
    let log_out = &SessionCommand::LogOut(token);
    let committed = commands
        .transact(context, |transaction| async move {
            let loaded = transaction.look::<Session>(id).await?;
            let user_id = match loaded.state {
                SessionState::Open { user_id, .. } => Some(user_id),
                SessionState::Absent | SessionState::Revoked => None,
            };
            let done = match transaction.decide_loaded::<Session>(id, loaded, log_out) {
                Err(CommandError::Refused(Refusal::NotFound(_))) => None,
                done => Some(done?),
            };
            let reason = done
                .iter()
                .flat_map(|done| &done.events)
                .find_map(reason_of);
            let mut logged_out = LoggedOut {
                reason,
                session: done.map_or(0, |done| done.position),
                user: None,
            };
            if let Some(user_id) = user_id
                && all
                && reason == Some(RevocationReason::LoggedOut)
            {
                logged_out.user = end_all(&transaction, user_id).await?;
            }
            Ok(logged_out)
        })
        .await?;
    let mut logged_out = committed.value;
    if let Some(first) = committed.positions.first() {
        logged_out.session = *first;
    }
    if logged_out.user.is_some()
        && let Some(last) = committed.positions.last()
    {
        logged_out.user = Some(*last);
    }
    Ok(logged_out)
}

fn reason_of(event: &SessionEvent) -> Option<RevocationReason> {
    match event {
        SessionEvent::SessionRevoked(end) => Some(end.reason),
        SessionEvent::SessionStarted(_) | SessionEvent::SessionRefreshed(_) => None,
    }
}

/// Ends all sessions of a user. Returns the position of the user's last event, or `None` if the
/// user was deleted.
async fn end_all(transaction: &Transaction, id: UserId) -> Result<Option<Position>, CommandError> {
    match transaction
        .decide::<User>(id, &UserCommand::EndSessions)
        .await
    {
        Err(CommandError::Refused(Refusal::NotFound(_))) => Ok(None),
        done => Ok(Some(done?.position)),
    }
}

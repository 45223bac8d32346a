//! Changing and deleting users. The same commit also changes everything that depends on the user:
//! claims, the list of admins, and the new session after a password change.

use super::register_user::{claims_of, release, take};
use super::reset_password::queue_password_notice;
use super::{
    CommandContext, CommandError, Commands, Committed, Done, IfVersion, Loaded, Transaction,
};
use crate::domain::accounts::admins::{ALL, Admins, AdminsCommand};
use crate::domain::accounts::session::{Session, SessionCommand, SessionStarted};
use crate::domain::accounts::user::{Account, Role, User, UserChange, UserCommand, UserState};
use crate::domain::{Personal, Refusal, SessionId, UserId};
use crate::event_log::Position;

/// User after a change.
#[derive(Clone, Debug)]
pub struct ChangedUser {
    /// User account.
    pub account: Account,
    /// Version of the user.
    pub version: Position,
}

/// Conversion from a commit with the user's position, number of events and account.
impl From<Committed<(Position, usize, Account)>> for ChangedUser {
    fn from(committed: Committed<(Position, usize, Account)>) -> Self {
        let (known, events, account) = committed.value;
        let version = version(&committed.positions, events, known);
        Self { account, version }
    }
}

/// Changes a user that has the expected version. `change` gets the current account and returns the
/// change or a refusal.
///
/// # Errors
/// `change` refuses, the user does not exist or has another version, a field is invalid or taken,
/// the user is the last admin, or the log can't be used.
pub async fn change_user(
    commands: &Commands,
    claim_key: &[u8],
    context: &CommandContext,
    id: UserId,
    if_version: &IfVersion,
    change: impl Fn(&Account) -> Result<UserChange, Refusal>,
) -> Result<ChangedUser, CommandError> {
    let change = &change;
    let committed = commands
        .transact(context, |transaction| async move {
            let loaded = look(&transaction, id, if_version).await?;
            let before = loaded
                .state
                .clone()
                .account()
                .ok_or(Refusal::NotFound("user"))?;
            let change = change(&before)?;
            let is_appointed_again = change.role.is_some();
            let has_password = change.password.is_some();
            let done = transaction.decide_loaded(id, loaded, &UserCommand::Change(change))?;
            let account = done
                .state
                .clone()
                .account()
                .ok_or(Refusal::NotFound("user"))?;
            let claims = claims_of(claim_key, &before.profile)
                .into_iter()
                .zip(claims_of(claim_key, &account.profile));
            for ((kind, old), (_, new)) in claims.filter(|((_, old), (_, new))| old != new) {
                take(&transaction, id, kind, &new).await?;
                release(&transaction, id, kind, &old).await?;
            }
            let command = match (administers(&before), administers(&account)) {
                (true, false) => Some(AdminsCommand::Dismiss(id)),
                (false, true) => Some(AdminsCommand::Appoint(id)),
                (true, true) if is_appointed_again => Some(AdminsCommand::Appoint(id)),
                _ => None,
            };
            if let Some(command) = command {
                transaction.decide::<Admins>(ALL, &command).await?;
            }
            if has_password {
                queue_password_notice(&transaction, id).await?;
            }
            Ok((done.position, done.events.len(), account))
        })
        .await?;
    Ok(committed.into())
}

/// Deletes a user and releases the user name and e-mail address. Returns the position of the
/// deletion. `may` refuses if the caller may not delete the user.
///
/// # Errors
/// `may` refuses, the user does not exist, has another version or is the last admin, or the log
/// can't be used.
pub async fn delete_user(
    commands: &Commands,
    claim_key: &[u8],
    context: &CommandContext,
    id: UserId,
    if_version: &IfVersion,
    may: impl Fn(&Account) -> Result<(), Refusal>,
) -> Result<Position, CommandError> {
    let may = &may;
    let committed = commands
        .transact(context, |transaction| async move {
            let loaded = look(&transaction, id, if_version).await?;
            let before = loaded.state.clone().account();
            if let Some(before) = &before {
                may(before)?;
            }
            let done = transaction.decide_loaded(id, loaded, &UserCommand::Delete)?;
            // If the user has no account, this command has already been executed, and its other
            // events were written, too.
            if let Some(before) = before {
                for (kind, subject) in claims_of(claim_key, &before.profile) {
                    release(&transaction, id, kind, &subject).await?;
                }
                if administers(&before) {
                    transaction
                        .decide::<Admins>(ALL, &AdminsCommand::Dismiss(id))
                        .await?;
                }
            }
            Ok((done.position, done.events.len()))
        })
        .await?;
    let (known, events) = committed.value;
    Ok(version(&committed.positions, events, known))
}

/// Sets a user's own password, ends all sessions and starts a new one. Queues a mail that informs
/// the user. API keys are also revoked, unless `keeps_api_keys` is true. `verified` is the version
/// of the user at which the current password was verified. Returns the user after the change.
///
/// # Errors
/// The user does not exist or has another version (`Busy`, because the password may have changed),
/// or the log can't be used.
pub async fn change_password(
    commands: &Commands,
    context: &CommandContext,
    id: UserId,
    verified: Position,
    password_hash: Personal<String>,
    keeps_api_keys: bool,
    session: (SessionId, SessionStarted),
) -> Result<ChangedUser, CommandError> {
    let (session_id, session) = &session;
    let change = &UserCommand::ChangePassword {
        password_hash,
        keeps_api_keys,
    };
    let committed = commands
        .transact(context, |transaction| async move {
            let loaded = look(&transaction, id, &IfVersion::ANY).await?;
            if loaded.own.is_empty() && loaded.position != verified {
                return Err(CommandError::Busy);
            }
            let done: Done<User> = transaction.decide_loaded(id, loaded, change)?;
            let account = done
                .state
                .clone()
                .active()
                .ok_or(Refusal::NotFound("user"))?;
            let start = SessionCommand::Start(SessionStarted {
                epoch: account.epoch,
                ..session.clone()
            });
            transaction.decide::<Session>(session_id, &start).await?;
            queue_password_notice(&transaction, id).await?;
            Ok((done.position, done.events.len(), account))
        })
        .await?;
    Ok(committed.into())
}

/// Loads a user and checks the version. If the command has already been executed, the check is
/// skipped.
pub(super) async fn look(
    transaction: &Transaction,
    id: UserId,
    if_version: &IfVersion,
) -> Result<Loaded<User>, CommandError> {
    let loaded = transaction.look::<User>(id).await?;
    // The check applies only to an existing user.
    if loaded.own.is_empty() && matches!(loaded.state, UserState::Known(_)) {
        if_version.check(loaded.position)?;
    }
    Ok(loaded)
}

/// Returns the user's version. The user's events are the first of the commit. If this call wrote
/// nothing, the version is `known`.
fn version(positions: &[Position], events: usize, known: Position) -> Position {
    let last = events.checked_sub(1).and_then(|last| positions.get(last));
    last.copied().unwrap_or(known)
}

fn administers(account: &Account) -> bool {
    account.is_active && account.role == Role::Admin
}

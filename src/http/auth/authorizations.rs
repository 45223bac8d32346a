//! In-memory authorization state, kept current from the event log: users, ended sessions and API
//! keys.
//!
//! An access token is valid for minutes and contains the state of its user at the time of issue.
//! Every request is also checked against the state in memory. So a token is rejected before it
//! expires if its user was disabled, removed, logged out or given another role. The state is behind
//! the log by the delivery time of one message, usually milliseconds. A consumer that delivers no
//! event for [`follow::RENEW_AFTER`] is replaced. After [`MAX_SILENCE`] without news from the log,
//! all tokens are rejected.
//!
//! An event that this program doesn't know may withdraw any permission. So this state stops at such
//! an event, and from then on every request with a token is answered with 503. The process keeps
//! running. A newer program has to replace it.

mod follow;

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio::sync::watch;

use super::access::Permission;
use super::api_key_token::ApiKeyToken;
use super::principal::{By, Principal};
use super::tokens::Bearer;
use crate::domain::accounts::api_key::{ApiKey, ApiKeyCreated, ApiKeyState};
use crate::domain::accounts::second_factor::SecondFactorEvent;
use crate::domain::accounts::session::SessionEvent;
use crate::domain::accounts::user::{Account, User, UserState};
use crate::domain::{ApiKeyId, Decider as _, Event, Personal, SessionId, UserId};
use crate::event_log::{Position, RecordedEvent};
use crate::http::{ApiError, ErrorCode};

/// Longest time without news from the log before all tokens are rejected.
pub const MAX_SILENCE: Duration = Duration::from_secs(60);
/// Longest time that a request waits: at the start, until this process has read the log; after a
/// write, until this process has applied it.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Value of `Retry-After` if permissions can't be checked.
const SOON: Duration = Duration::from_secs(1);

/// In-memory authorization state.
pub struct Authorizations {
    known: RwLock<Known>,
    users: watch::Sender<Progress>,
    sessions: watch::Sender<Progress>,
}

#[derive(Default)]
struct Known {
    users: HashMap<UserId, UserState>,
    keys: HashMap<ApiKeyId, ApiKeyState>,
    /// Users who have a confirmed second factor.
    factors: HashSet<UserId>,
    /// Sessions that have ended, with the time at which this process read the end from the log. An
    /// entry is removed when the access tokens of its session must have expired.
    ended: HashMap<SessionId, Instant>,
}

/// Progress in following the log.
#[derive(Clone, Default)]
struct Progress {
    /// Position of the last applied event.
    position: Position,
    /// Time at which this state was last known to be current.
    level_at: Option<Instant>,
    /// Event at which this state has stopped, because this program doesn't know it.
    unknown: Option<String>,
}

impl Progress {
    fn is_fresh(&self) -> bool {
        self.unknown.is_none()
            && self
                .level_at
                .is_some_and(|then| then.elapsed() < MAX_SILENCE)
    }

    fn is_settled(&self) -> bool {
        self.is_fresh() || self.unknown.is_some()
    }
}

impl Default for Authorizations {
    fn default() -> Self {
        let users = watch::Sender::default();
        let sessions = watch::Sender::default();
        Self {
            known: RwLock::default(),
            users,
            sessions,
        }
    }
}

impl Authorizations {
    /// Waits until the states of users and of sessions are current, at most 5 s for each. They
    /// usually are current, so the call usually returns at once.
    ///
    /// # Errors
    /// 503 if the state has not been current during the last [`MAX_SILENCE`], or has stopped at an
    /// unknown event.
    pub async fn fresh(&self) -> Result<(), ApiError> {
        for progress in [&self.users, &self.sessions] {
            if progress.borrow().is_fresh() {
                continue;
            }
            let mut progress = progress.subscribe();
            let settled = progress.wait_for(Progress::is_settled);
            let problem = match tokio::time::timeout(MAX_WAIT, settled).await {
                Ok(Ok(progress)) if progress.is_fresh() => continue,
                Ok(Ok(progress)) => progress.unknown.clone(),
                Ok(Err(_)) | Err(_) => None,
            };
            let problem = problem.unwrap_or_else(|| "the log is silent".to_owned());
            let message = "permissions can't be checked at the moment; try again";
            return Err(ApiError::new(ErrorCode::Unavailable, message)
                .because(problem)
                .retry_after(SOON));
        }
        Ok(())
    }

    /// Returns the event at which this state has stopped, if any.
    #[must_use]
    pub fn unknown_event(&self) -> Option<String> {
        [&self.users, &self.sessions]
            .iter()
            .find_map(|progress| progress.borrow().unknown.clone())
    }

    /// Waits at most 5 s until this process has applied the event at `position`, which this process
    /// has written about a user or an API key. The next request of the client to this process then
    /// uses the new state. Other processes apply the event independently.
    pub async fn wait_until_user_applied(&self, position: Position) {
        wait_until_applied(&self.users, position).await;
    }

    /// Waits at most 5 s until this process has applied the event at `position`, which this process
    /// has written about a session.
    pub async fn wait_until_session_applied(&self, position: Position) {
        wait_until_applied(&self.sessions, position).await;
    }

    /// Returns the sender of a request with an access token. Returns `None` if the session has
    /// ended, or if the user no longer has the state in the token.
    #[must_use]
    pub fn of_token(&self, bearer: &Bearer) -> Option<Principal> {
        let known = self.known();
        if known.ended.contains_key(&bearer.session_id) {
            return None;
        }
        // This process may not have applied the user's events yet. The process that signed the
        // token had.
        let holds = match known.users.get(&bearer.user_id) {
            Some(UserState::Known(account)) => {
                account.is_active && account.role == bearer.role && account.epoch <= bearer.epoch
            }
            Some(UserState::Deleted) => false,
            Some(UserState::Absent) | None => true,
        };
        let by = By::Session(bearer.session_id);
        let Bearer {
            user_id,
            role,
            epoch,
            has_first_password,
            ..
        } = *bearer;
        holds.then_some(Principal {
            user_id,
            role,
            epoch,
            by,
            has_first_password,
        })
    }

    /// Returns the sender of a request with an API key. Returns `None` if the key is not valid or
    /// its owner is not active.
    #[must_use]
    pub fn of_key(&self, token: &ApiKeyToken, now: OffsetDateTime) -> Option<Principal> {
        let known = self.known();
        let ApiKeyState::Valid(key) = known.keys.get(&token.id)? else {
            return None;
        };
        let owner = known.active(key.owner)?;
        let scopes = key
            .scopes
            .iter()
            .filter_map(|scope| Permission::of_scope(scope))
            .collect();
        let holds =
            token.is_of(&key.secret_sha256) && now < key.expires_at && is_in_force(key, owner);
        let by = By::ApiKey(token.id, scopes);
        let user_id = key.owner;
        let role = owner.role;
        let epoch = owner.epoch;
        holds.then_some(Principal {
            user_id,
            role,
            epoch,
            by,
            has_first_password: false,
        })
    }

    /// Returns true if a user has a second factor.
    #[must_use]
    pub fn has_second_factor(&self, user: UserId) -> bool {
        self.known().factors.contains(&user)
    }

    /// Returns the number of valid API keys of `owner`. The number may be slightly out of date,
    /// which is harmless: it is used only to limit how many keys a user can have.
    #[must_use]
    pub fn keys_of(&self, owner: UserId, now: OffsetDateTime) -> usize {
        let known = self.known();
        let account = known.active(owner);
        let counts = |state: &&ApiKeyState| match state {
            ApiKeyState::Valid(key) => {
                key.owner == owner
                    && now < key.expires_at
                    && account.is_none_or(|account| is_in_force(key, account))
            }
            ApiKeyState::Absent | ApiKeyState::Revoked(_) => false,
        };
        known.keys.values().filter(counts).count()
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        // The data of a poisoned lock is consistent, because events are folded before the result is
        // inserted.
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies events.
    ///
    /// # Errors
    /// The event that this program doesn't know. The events before it are applied.
    fn apply(&self, events: &[RecordedEvent]) -> Result<(), String> {
        let mut known = self.known_mut();
        for event in events {
            let decoded = event.decode();
            let position = event.position;
            let decoded = decoded.map_err(|error| format!("event {position}: {error}"))?;
            known.apply(&event.id, &decoded);
        }
        Ok(())
    }

    /// Removes the ended sessions whose access tokens must have expired by now.
    fn forget(&self, older_than: Duration) {
        self.known_mut()
            .ended
            .retain(|_, heard| heard.elapsed() < older_than);
    }
}

async fn wait_until_applied(progress: &watch::Sender<Progress>, position: Position) {
    let mut progress = progress.subscribe();
    // A stopped state applies nothing any more, and all tokens are rejected.
    let is_settled =
        |progress: &Progress| progress.position >= position || progress.unknown.is_some();
    let settled = progress.wait_for(is_settled);
    if tokio::time::timeout(MAX_WAIT, settled).await.is_err() {
        tracing::warn!(position, "own event not applied in time");
    }
}

impl Known {
    fn active(&self, id: UserId) -> Option<&Account> {
        match self.users.get(&id)? {
            UserState::Known(account) if account.is_active => Some(account),
            UserState::Known(_) | UserState::Absent | UserState::Deleted => None,
        }
    }

    fn apply(&mut self, id: &str, event: &Event) {
        match event {
            Event::User(event) => {
                let Ok(id) = id.parse::<UserId>() else { return };
                let state = self.users.get(&id).cloned().unwrap_or_default();
                self.users
                    .insert(id, without_hash(User::evolve(state, event)));
            }
            Event::ApiKey(event) => {
                let Ok(id) = id.parse::<ApiKeyId>() else {
                    return;
                };
                let state = self.keys.get(&id).cloned().unwrap_or_default();
                self.keys.insert(id, ApiKey::evolve(state, event));
            }
            Event::SecondFactor(event) => {
                let Ok(id) = id.parse::<UserId>() else { return };
                match event {
                    SecondFactorEvent::SecondFactorConfirmed(_) => drop(self.factors.insert(id)),
                    SecondFactorEvent::SecondFactorRemoved(_) => drop(self.factors.remove(&id)),
                    SecondFactorEvent::SecondFactorBegun(_)
                    | SecondFactorEvent::SecondFactorUsed(_)
                    | SecondFactorEvent::RecoveryCodeUsed(_)
                    | SecondFactorEvent::RecoveryCodesRenewed(_) => {}
                }
            }
            Event::Session(event) => match event {
                SessionEvent::SessionRevoked(_) => {
                    let Ok(id) = id.parse::<SessionId>() else {
                        return;
                    };
                    self.ended.insert(id, Instant::now());
                }
                SessionEvent::SessionStarted(_) | SessionEvent::SessionRefreshed(_) => {}
            },
            // These aggregates are not followed.
            Event::Admins(_)
            | Event::Attendee(_)
            | Event::Batch(_)
            | Event::Certificate(_)
            | Event::Claim(_)
            | Event::Design(_)
            | Event::Mail(_)
            | Event::Import(_)
            | Event::Issuance(_)
            | Event::Notice(_)
            | Event::Template(_) => {}
        }
    }
}

/// Returns true unless the owner has got a new password after the key was created and the change of
/// password also ended the API keys.
const fn is_in_force(key: &ApiKeyCreated, owner: &Account) -> bool {
    key.owner_epoch >= owner.keys_from_epoch
}

/// Removes the password hash, which authorization does not need.
fn without_hash(state: UserState) -> UserState {
    match state {
        UserState::Known(account) => UserState::Known(Account {
            password_hash: Personal::default(),
            ..account
        }),
        UserState::Absent | UserState::Deleted => state,
    }
}

#[cfg(test)]
mod tests;

//! Session: one log-in and its chain of refresh tokens.
//!
//! Each refresh token works once. One that is used again was stolen, or was not the thief's: the
//! whole session ends (RFC 9700 §4.14.2).

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::events::domain_events;
use super::{Decider, Refusal, UserId};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// Somebody logged in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionStarted {
    /// Who.
    pub user_id: UserId,
    /// SHA-256 of the refresh token that counts now, 64 hex digits.
    pub refresh_sha256: String,
    /// Until when it counts.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// The refresh token was exchanged for the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRefreshed {
    /// SHA-256 of the refresh token that counts now, 64 hex digits.
    pub refresh_sha256: String,
    /// Until when it counts.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// The session is over; none of its tokens counts any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRevoked {
    /// Why.
    pub reason: RevocationReason,
}

domain_events! {
    /// What can happen to a session.
    SessionEvent for "session" { SessionStarted, SessionRefreshed, SessionRevoked }
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RevocationReason {
    /// A refresh token was used a second time.
    TokenReuse,
    /// The user logged out.
    LoggedOut,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of a session.
#[derive(Clone, Debug)]
pub enum SessionCommand {
    /// Begin.
    Start(SessionStarted),
    /// Exchange the refresh token. A token that was used before ends the session: look at the
    /// events, or at the state after, to tell.
    Refresh {
        /// SHA-256 of the token that was presented.
        presented_sha256: String,
        /// SHA-256 of the token to follow.
        next_sha256: String,
        /// The time now.
        now: OffsetDateTime,
        /// Until when the next token counts.
        expires_at: OffsetDateTime,
    },
    /// End it.
    LogOut,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Where the session stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionState {
    /// No history.
    #[default]
    Absent,
    /// Its last token counts.
    Open {
        /// Who logged in.
        user_id: UserId,
        /// SHA-256 of the token that counts.
        refresh_sha256: String,
        /// Until when.
        expires_at: OffsetDateTime,
    },
    /// Over.
    Revoked,
}

/// The decider of sessions.
pub struct Session;

impl Decider for Session {
    const AGGREGATE: &'static str = "session";
    type State = SessionState;
    type Command = SessionCommand;
    type Event = SessionEvent;

    fn decide(state: &SessionState, command: &SessionCommand) -> Result<Vec<SessionEvent>, Refusal> {
        match (state, command) {
            (SessionState::Absent, SessionCommand::Start(start)) => Ok(vec![start.clone().into()]),
            (_, SessionCommand::Start(_)) => Err(Refusal::AlreadyExists("session")),
            (SessionState::Absent, _) => Err(Refusal::NotFound("session")),
            (SessionState::Revoked, SessionCommand::Refresh { .. }) => Err(Refusal::SessionEnded),
            (
                SessionState::Open { refresh_sha256, expires_at: until, .. },
                SessionCommand::Refresh { presented_sha256, next_sha256, now, expires_at },
            ) => {
                if presented_sha256 != refresh_sha256 {
                    return Ok(vec![SessionRevoked { reason: RevocationReason::TokenReuse }.into()]);
                }
                if now >= until {
                    return Err(Refusal::SessionEnded);
                }
                let refresh_sha256 = next_sha256.clone();
                Ok(vec![SessionRefreshed { refresh_sha256, expires_at: *expires_at }.into()])
            }
            (SessionState::Open { .. }, SessionCommand::LogOut) => {
                Ok(vec![SessionRevoked { reason: RevocationReason::LoggedOut }.into()])
            }
            (SessionState::Revoked, SessionCommand::LogOut) => Ok(Vec::new()),
        }
    }

    fn evolve(state: SessionState, event: &SessionEvent) -> SessionState {
        match (event, state) {
            (SessionEvent::SessionStarted(e), _) => SessionState::Open {
                user_id: e.user_id,
                refresh_sha256: e.refresh_sha256.clone(),
                expires_at: e.expires_at,
            },
            (SessionEvent::SessionRefreshed(e), SessionState::Open { user_id, .. }) => SessionState::Open {
                user_id,
                refresh_sha256: e.refresh_sha256.clone(),
                expires_at: e.expires_at,
            },
            (SessionEvent::SessionRefreshed(_), state) => state,
            (SessionEvent::SessionRevoked(_), _) => SessionState::Revoked,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::decider::spec::given;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const LATER: OffsetDateTime = datetime!(2026-11-28 12:00 UTC);

    fn started() -> SessionStarted {
        SessionStarted { user_id: Uuid::from_u128(1).into(), refresh_sha256: "one".into(), expires_at: LATER }
    }

    fn refresh(presented: &str, next: &str, now: OffsetDateTime) -> SessionCommand {
        SessionCommand::Refresh {
            presented_sha256: presented.into(),
            next_sha256: next.into(),
            now,
            expires_at: LATER,
        }
    }

    fn refreshed(next: &str) -> SessionEvent {
        SessionRefreshed { refresh_sha256: next.into(), expires_at: LATER }.into()
    }

    fn reused() -> SessionEvent {
        SessionRevoked { reason: RevocationReason::TokenReuse }.into()
    }

    #[test]
    fn a_token_is_exchanged_for_the_next() {
        given::<Session>(vec![started().into()])
            .when(refresh("one", "two", NOW))
            .then(vec![refreshed("two")]);
    }

    #[test]
    fn a_token_used_again_ends_the_session_for_all_its_tokens() {
        let history = vec![started().into(), refreshed("two")];
        given::<Session>(history.clone()).when(refresh("one", "three", NOW)).then(vec![reused()]);
        let ended = [history, vec![reused()]].concat();
        given::<Session>(ended).when(refresh("two", "three", NOW)).then_refused("SESSION_ENDED");
    }

    #[test]
    fn an_old_token_is_refused() {
        given::<Session>(vec![started().into()])
            .when(refresh("one", "two", LATER))
            .then_refused("SESSION_ENDED");
    }

    #[test]
    fn logging_out_twice_ends_it_once() {
        let out: SessionEvent = SessionRevoked { reason: RevocationReason::LoggedOut }.into();
        given::<Session>(vec![started().into()]).when(SessionCommand::LogOut).then(vec![out.clone()]);
        given::<Session>(vec![started().into(), out]).when(SessionCommand::LogOut).then_nothing();
    }
}

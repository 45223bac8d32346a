//! Session: one login and its chain of refresh tokens.
//!
//! Each refresh token can be used once. A token that is used twice is known to both the user and a
//! thief. The server can't distinguish them and ends the whole session (RFC 9700 §4.14.2). A token
//! that was never issued is not a sign of theft and changes nothing.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, Refusal, UserId};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A user logged in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionStarted {
    /// The user.
    pub user_id: UserId,
    /// SHA-256 of the current refresh token, 64 hex digits.
    pub refresh_sha256: String,
    /// Time at which the current refresh token expires.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Latest end of the session, regardless of refreshes. Sessions that began before this field
    /// existed don't have it; they end when their first token expires.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub ends_at: Option<OffsetDateTime>,
    /// The user's epoch at the login. The session ends when the user's epoch increases.
    #[serde(default)]
    pub epoch: u32,
}

/// The refresh token was exchanged for the next one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRefreshed {
    /// SHA-256 of the current refresh token, 64 hex digits.
    pub refresh_sha256: String,
    /// Time at which the current refresh token expires.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// The session was revoked. All its tokens are invalid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRevoked {
    /// Reason.
    pub reason: RevocationReason,
}

domain_events! {
    /// Events of a session.
    SessionEvent for "session" { SessionStarted, SessionRefreshed, SessionRevoked }
}

/// Reason for the revocation of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RevocationReason {
    /// A refresh token was used a second time.
    TokenReuse,
    /// The user logged out.
    LoggedOut,
    /// The user ended the session from another session.
    EndedByUser,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a session.
#[derive(Clone, Debug)]
pub enum SessionCommand {
    /// Starts the session.
    Start(SessionStarted),
    /// Exchanges the refresh token. If the token was used before, the session is revoked instead.
    /// The command also succeeds in this case, so the caller must check the events or the new
    /// state.
    Refresh {
        /// SHA-256 of the presented token.
        presented_sha256: String,
        /// True if the presented token carries proof that the server issued it, as the current
        /// token or an earlier one.
        was_issued: bool,
        /// SHA-256 of the next token.
        next_sha256: String,
        /// Current time.
        now: OffsetDateTime,
        /// Time at which the next token expires, unless the session ends earlier.
        expires_at: OffsetDateTime,
    },
    /// Ends the session with one of its tokens. A token that was used before also ends the session.
    LogOut {
        /// SHA-256 of the presented token.
        presented_sha256: String,
        /// True if the presented token carries proof that the server issued it, as the current
        /// token or an earlier one.
        was_issued: bool,
    },
    /// Ends the session without a token.
    End {
        /// User who ends the session. It must be the session's user.
        by: UserId,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// State of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionState {
    /// The session was never started.
    #[default]
    Absent,
    /// The session is not revoked. Its current token is valid until it expires.
    Open {
        /// User who logged in.
        user_id: UserId,
        /// SHA-256 of the current token.
        refresh_sha256: String,
        /// Time at which the current token expires.
        expires_at: OffsetDateTime,
        /// Latest end of the session.
        ends_at: OffsetDateTime,
        /// The user's epoch at the start of the session.
        epoch: u32,
    },
    /// The session was revoked.
    Revoked,
}

/// Decider of sessions.
pub struct Session;

impl Decider for Session {
    const AGGREGATE: &'static str = "session";
    type State = SessionState;
    type Command = SessionCommand;
    type Event = SessionEvent;

    fn decide(
        state: &SessionState,
        command: &SessionCommand,
    ) -> Result<Vec<SessionEvent>, Refusal> {
        match (state, command) {
            (SessionState::Absent, SessionCommand::Start(start)) => Ok(vec![start.clone().into()]),
            (_, SessionCommand::Start(_)) => Err(Refusal::AlreadyExists("session")),
            (SessionState::Absent, _) => Err(Refusal::NotFound("session")),
            (SessionState::Revoked, SessionCommand::Refresh { .. }) => Err(Refusal::SessionEnded),
            (
                SessionState::Open {
                    refresh_sha256,
                    expires_at: until,
                    ends_at,
                    ..
                },
                SessionCommand::Refresh {
                    presented_sha256,
                    was_issued,
                    next_sha256,
                    now,
                    expires_at,
                },
            ) => {
                match Presented::of(presented_sha256, *was_issued, refresh_sha256) {
                    Presented::Current => {}
                    Presented::Former => return Ok(vec![ended(RevocationReason::TokenReuse)]),
                    Presented::MadeUp => return Err(Refusal::SessionEnded),
                }
                if now >= until || now >= ends_at {
                    return Err(Refusal::SessionEnded);
                }
                let refresh_sha256 = next_sha256.clone();
                let expires_at = *expires_at.min(ends_at);
                Ok(vec![
                    SessionRefreshed {
                        refresh_sha256,
                        expires_at,
                    }
                    .into(),
                ])
            }
            (
                SessionState::Open { refresh_sha256, .. },
                SessionCommand::LogOut {
                    presented_sha256,
                    was_issued,
                },
            ) => match Presented::of(presented_sha256, *was_issued, refresh_sha256) {
                Presented::Current => Ok(vec![ended(RevocationReason::LoggedOut)]),
                Presented::Former => Ok(vec![ended(RevocationReason::TokenReuse)]),
                Presented::MadeUp => Ok(Vec::new()),
            },
            (SessionState::Open { user_id, .. }, SessionCommand::End { by }) if user_id == by => {
                Ok(vec![ended(RevocationReason::EndedByUser)])
            }
            (SessionState::Open { .. }, SessionCommand::End { .. }) => {
                Err(Refusal::NotFound("session"))
            }
            (SessionState::Revoked, SessionCommand::LogOut { .. } | SessionCommand::End { .. }) => {
                Ok(Vec::new())
            }
        }
    }

    fn data_subject(_: &str, state: &SessionState, event: &SessionEvent) -> Option<DataSubject> {
        match event {
            SessionEvent::SessionStarted(e) => Some(DataSubject::User(e.user_id.0)),
            SessionEvent::SessionRefreshed(_) | SessionEvent::SessionRevoked(_) => match state {
                SessionState::Open { user_id, .. } => Some(DataSubject::User(user_id.0)),
                SessionState::Absent | SessionState::Revoked => None,
            },
        }
    }

    fn evolve(state: SessionState, event: &SessionEvent) -> SessionState {
        match (event, state) {
            (SessionEvent::SessionStarted(e), _) => SessionState::Open {
                user_id: e.user_id,
                refresh_sha256: e.refresh_sha256.clone(),
                expires_at: e.expires_at,
                ends_at: e.ends_at.unwrap_or(e.expires_at),
                epoch: e.epoch,
            },
            (
                SessionEvent::SessionRefreshed(e),
                SessionState::Open {
                    user_id,
                    ends_at,
                    epoch,
                    ..
                },
            ) => SessionState::Open {
                user_id,
                refresh_sha256: e.refresh_sha256.clone(),
                expires_at: e.expires_at,
                ends_at,
                epoch,
            },
            (SessionEvent::SessionRefreshed(_), state) => state,
            (SessionEvent::SessionRevoked(_), _) => SessionState::Revoked,
        }
    }
}

/// Relation of a presented token to the tokens of an open session.
enum Presented {
    /// The current token.
    Current,
    /// A token that was issued and used before.
    Former,
    /// A token that was never issued.
    MadeUp,
}

impl Presented {
    fn of(sha256: &str, was_issued: bool, current_sha256: &str) -> Self {
        match (sha256 == current_sha256, was_issued) {
            (true, _) => Self::Current,
            (false, true) => Self::Former,
            (false, false) => Self::MadeUp,
        }
    }
}

fn ended(reason: RevocationReason) -> SessionEvent {
    SessionRevoked { reason }.into()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::kernel::decider::spec::given;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const LATER: OffsetDateTime = datetime!(2026-11-28 12:00 UTC);

    const END: OffsetDateTime = datetime!(2026-12-21 12:00 UTC);
    const ADA: UserId = UserId(Uuid::from_u128(1));

    fn started() -> SessionStarted {
        SessionStarted {
            user_id: ADA,
            refresh_sha256: "one".into(),
            expires_at: LATER,
            ends_at: Some(END),
            epoch: 0,
        }
    }

    fn refresh(presented: &str, next: &str, now: OffsetDateTime) -> SessionCommand {
        SessionCommand::Refresh {
            presented_sha256: presented.into(),
            was_issued: true,
            next_sha256: next.into(),
            now,
            expires_at: LATER,
        }
    }

    fn refreshed(next: &str) -> SessionEvent {
        SessionRefreshed {
            refresh_sha256: next.into(),
            expires_at: LATER,
        }
        .into()
    }

    fn reused() -> SessionEvent {
        ended(RevocationReason::TokenReuse)
    }

    fn log_out(presented: &str) -> SessionCommand {
        SessionCommand::LogOut {
            presented_sha256: presented.into(),
            was_issued: true,
        }
    }

    #[test]
    fn refresh_token_is_exchanged_for_a_new_one() {
        given::<Session>(vec![started().into()])
            .when(refresh("one", "two", NOW))
            .then(vec![refreshed("two")]);
    }

    #[test]
    fn reused_token_ends_the_session() {
        let history = vec![started().into(), refreshed("two")];
        given::<Session>(history.clone())
            .when(refresh("one", "three", NOW))
            .then(vec![reused()]);
        let ended = [history, vec![reused()]].concat();
        given::<Session>(ended)
            .when(refresh("two", "three", NOW))
            .then_refused("SESSION_ENDED");
    }

    #[test]
    fn forged_token_is_refused_and_does_not_end_the_session() {
        let history = vec![started().into(), refreshed("two")];
        let refresh = SessionCommand::Refresh {
            presented_sha256: "made up".into(),
            was_issued: false,
            next_sha256: "three".into(),
            now: NOW,
            expires_at: LATER,
        };
        given::<Session>(history.clone())
            .when(refresh)
            .then_refused("SESSION_ENDED");
        let out = SessionCommand::LogOut {
            presented_sha256: "made up".into(),
            was_issued: false,
        };
        given::<Session>(history.clone()).when(out).then_nothing();
        // Tokens without proof of issue, from earlier versions: the current one is still valid.
        let last = SessionCommand::LogOut {
            presented_sha256: "two".into(),
            was_issued: false,
        };
        given::<Session>(history)
            .when(last)
            .then(vec![ended(RevocationReason::LoggedOut)]);
    }

    #[test]
    fn expired_token_is_refused() {
        given::<Session>(vec![started().into()])
            .when(refresh("one", "two", LATER))
            .then_refused("SESSION_ENDED");
    }

    #[test]
    fn refreshed_token_expires_at_the_end_of_the_session_at_the_latest() {
        let days = time::Duration::days;
        let beyond = SessionCommand::Refresh {
            presented_sha256: "two".into(),
            was_issued: true,
            next_sha256: "three".into(),
            now: END - days(1),
            expires_at: END + days(6),
        };
        let second = SessionRefreshed {
            refresh_sha256: "two".into(),
            expires_at: END,
        };
        let last = SessionRefreshed {
            refresh_sha256: "three".into(),
            expires_at: END,
        };
        given::<Session>(vec![started().into(), second.into()])
            .when(beyond)
            .then(vec![last.clone().into()]);
        given::<Session>(vec![started().into(), last.into()])
            .when(refresh("three", "four", END))
            .then_refused("SESSION_ENDED");
    }

    #[test]
    fn session_without_a_stored_end_ends_with_its_first_token() {
        let old = SessionStarted {
            ends_at: None,
            ..started()
        };
        given::<Session>(vec![old.into()])
            .when(SessionCommand::Refresh {
                presented_sha256: "one".into(),
                was_issued: true,
                next_sha256: "two".into(),
                now: NOW,
                expires_at: END,
            })
            .then(vec![refreshed("two")]);
    }

    #[test]
    fn second_logout_changes_nothing() {
        let out = ended(RevocationReason::LoggedOut);
        given::<Session>(vec![started().into()])
            .when(log_out("one"))
            .then(vec![out.clone()]);
        given::<Session>(vec![started().into(), out])
            .when(log_out("one"))
            .then_nothing();
    }

    #[test]
    fn logout_with_a_used_token_ends_the_session_as_reuse() {
        let history = vec![started().into(), refreshed("two")];
        given::<Session>(history)
            .when(log_out("one"))
            .then(vec![reused()]);
    }

    #[test]
    fn session_can_only_be_ended_by_its_user() {
        let end = |by| SessionCommand::End { by };
        let gone = ended(RevocationReason::EndedByUser);
        given::<Session>(vec![started().into()])
            .when(end(ADA))
            .then(vec![gone]);
        let somebody = UserId(Uuid::from_u128(2));
        given::<Session>(vec![started().into()])
            .when(end(somebody))
            .then_refused("NOT_FOUND");
    }
}

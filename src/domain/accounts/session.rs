//! Session: one login and its chain of refresh tokens.
//!
//! Each refresh token can be used once. A token that is used twice is known to both the user and a
//! thief. The server can't distinguish them and ends the whole session (RFC 9700 §4.14.2). A token
//! that was never issued is not a sign of theft and changes nothing.
//!
//! A client may repeat a refresh because its answer was lost, or two tabs of a browser may refresh
//! at the same time. So the last refresh can be repeated for 30 s. The next token is derived from
//! the presented one, so a repetition gives the same token and has no events. During this time, the
//! previous token can also end the session.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, Refusal, UserId};

/// Time after a refresh during which it can be repeated.
pub const REPEATABLE_FOR: Duration = Duration::seconds(30);

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
    /// Time of the refresh.
    #[serde(with = "time::serde::rfc3339")]
    pub refreshed_at: OffsetDateTime,
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

/// Refresh token that a client presents.
#[derive(Clone, Debug)]
pub struct PresentedToken {
    /// SHA-256 of the token.
    pub sha256: String,
    /// True if the token carries proof that the server issued it, as the current token or an
    /// earlier one.
    pub was_issued: bool,
    /// SHA-256 of the next token, which is derived from this one.
    pub next_sha256: String,
    /// Current time.
    pub at: OffsetDateTime,
}

/// Commands to a session.
#[derive(Clone, Debug)]
pub enum SessionCommand {
    /// Starts the session.
    Start(SessionStarted),
    /// Exchanges the refresh token. A repetition of the last refresh within [`REPEATABLE_FOR`] has
    /// no events. If the token was used before in another way, the session is revoked instead. The
    /// command also succeeds in this case, so the caller must check the events or the new state.
    Refresh {
        /// Token to exchange.
        token: PresentedToken,
        /// Time at which the next token expires, unless the session ends earlier.
        expires_at: OffsetDateTime,
    },
    /// Ends the session with one of its tokens. A token that was used before also ends the session,
    /// as reuse unless its refresh can still be repeated.
    LogOut(PresentedToken),
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
        /// Time of the last refresh, if any.
        refreshed_at: Option<OffsetDateTime>,
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
                    refreshed_at,
                    ..
                },
                SessionCommand::Refresh { token, expires_at },
            ) => {
                let now = token.at;
                let is_over = now >= *until || now >= *ends_at;
                match token.standing(refresh_sha256, *refreshed_at) {
                    Standing::MadeUp => Err(Refusal::SessionEnded),
                    _ if is_over => Err(Refusal::SessionEnded),
                    Standing::Current => Ok(vec![
                        SessionRefreshed {
                            refresh_sha256: token.next_sha256.clone(),
                            refreshed_at: now,
                            expires_at: *expires_at.min(ends_at),
                        }
                        .into(),
                    ]),
                    Standing::Previous => Ok(Vec::new()),
                    Standing::Former => Ok(vec![ended(RevocationReason::TokenReuse)]),
                }
            }
            (
                SessionState::Open {
                    refresh_sha256,
                    refreshed_at,
                    ..
                },
                SessionCommand::LogOut(token),
            ) => match token.standing(refresh_sha256, *refreshed_at) {
                Standing::Current | Standing::Previous => {
                    Ok(vec![ended(RevocationReason::LoggedOut)])
                }
                Standing::Former => Ok(vec![ended(RevocationReason::TokenReuse)]),
                Standing::MadeUp => Ok(Vec::new()),
            },
            (SessionState::Open { user_id, .. }, SessionCommand::End { by }) if user_id == by => {
                Ok(vec![ended(RevocationReason::EndedByUser)])
            }
            (SessionState::Open { .. }, SessionCommand::End { .. }) => {
                Err(Refusal::NotFound("session"))
            }
            (SessionState::Revoked, SessionCommand::LogOut(_) | SessionCommand::End { .. }) => {
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
                refreshed_at: None,
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
                refreshed_at: Some(e.refreshed_at),
            },
            (SessionEvent::SessionRefreshed(_), state) => state,
            (SessionEvent::SessionRevoked(_), _) => SessionState::Revoked,
        }
    }
}

/// Relation of a presented token to the tokens of an open session.
enum Standing {
    /// The current token.
    Current,
    /// The token before it, while its refresh can be repeated.
    Previous,
    /// Any other token that was issued before.
    Former,
    /// A token that was never issued.
    MadeUp,
}

impl PresentedToken {
    fn standing(&self, current_sha256: &str, refreshed_at: Option<OffsetDateTime>) -> Standing {
        if self.sha256 == current_sha256 {
            return Standing::Current;
        }
        if !self.was_issued {
            return Standing::MadeUp;
        }
        // Only the previous token has the current one as its next token.
        let is_previous = self.next_sha256 == current_sha256;
        if is_previous && refreshed_at.is_some_and(|at| self.at < at + REPEATABLE_FOR) {
            Standing::Previous
        } else {
            Standing::Former
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

    fn token(sha256: &str, next: &str, at: OffsetDateTime) -> PresentedToken {
        PresentedToken {
            sha256: sha256.into(),
            was_issued: true,
            next_sha256: next.into(),
            at,
        }
    }

    fn refresh(presented: &str, next: &str, now: OffsetDateTime) -> SessionCommand {
        SessionCommand::Refresh {
            token: token(presented, next, now),
            expires_at: LATER,
        }
    }

    fn refreshed(next: &str) -> SessionEvent {
        SessionRefreshed {
            refresh_sha256: next.into(),
            refreshed_at: NOW,
            expires_at: LATER,
        }
        .into()
    }

    fn reused() -> SessionEvent {
        ended(RevocationReason::TokenReuse)
    }

    fn log_out(presented: &str, next: &str, now: OffsetDateTime) -> SessionCommand {
        SessionCommand::LogOut(token(presented, next, now))
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
    fn last_refresh_can_be_repeated_for_30_seconds() {
        let history = vec![started().into(), refreshed("two")];
        let seconds = Duration::seconds;
        given::<Session>(history.clone())
            .when(refresh("one", "two", NOW + seconds(29)))
            .then_nothing();
        given::<Session>(history.clone())
            .when(refresh("one", "two", NOW + seconds(30)))
            .then(vec![reused()]);
        // The next token was used as well, so the presented one is older than the previous one.
        let twice = [history, vec![refreshed("three")]].concat();
        given::<Session>(twice)
            .when(refresh("one", "two", NOW))
            .then(vec![reused()]);
    }

    #[test]
    fn forged_token_is_refused_and_does_not_end_the_session() {
        let history = vec![started().into(), refreshed("two")];
        let without_proof = |sha256| PresentedToken {
            was_issued: false,
            ..token(sha256, "three", NOW)
        };
        let refresh = SessionCommand::Refresh {
            token: without_proof("made up"),
            expires_at: LATER,
        };
        given::<Session>(history.clone())
            .when(refresh)
            .then_refused("SESSION_ENDED");
        given::<Session>(history.clone())
            .when(SessionCommand::LogOut(without_proof("made up")))
            .then_nothing();
        // Tokens without proof of issue, from earlier versions: the current one is still valid.
        let last = SessionCommand::LogOut(without_proof("two"));
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
            token: token("two", "three", END - days(1)),
            expires_at: END + days(6),
        };
        let second = SessionRefreshed {
            refresh_sha256: "two".into(),
            refreshed_at: NOW,
            expires_at: END,
        };
        let last = SessionRefreshed {
            refresh_sha256: "three".into(),
            refreshed_at: END - days(1),
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
                token: token("one", "two", NOW),
                expires_at: END,
            })
            .then(vec![refreshed("two")]);
    }

    #[test]
    fn second_logout_changes_nothing() {
        let out = ended(RevocationReason::LoggedOut);
        given::<Session>(vec![started().into()])
            .when(log_out("one", "two", NOW))
            .then(vec![out.clone()]);
        given::<Session>(vec![started().into(), out])
            .when(log_out("one", "two", NOW))
            .then_nothing();
    }

    #[test]
    fn logout_with_a_used_token_is_reuse_after_30_seconds() {
        let history = vec![started().into(), refreshed("two")];
        let log_out = |seconds| log_out("one", "two", NOW + Duration::seconds(seconds));
        given::<Session>(history.clone())
            .when(log_out(29))
            .then(vec![ended(RevocationReason::LoggedOut)]);
        given::<Session>(history.clone())
            .when(log_out(30))
            .then(vec![reused()]);
        let twice = [history, vec![refreshed("three")]].concat();
        given::<Session>(twice)
            .when(log_out(0))
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

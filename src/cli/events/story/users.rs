//! Descriptions of events of users, administrators, sessions, second factors, notices and API keys.

use super::sending::{RELEASED, RETRIED, rescheduled};
use super::{EventFormatter, Summary, one_line, summary};
use crate::cli::moment;
use crate::domain::accounts::admins::AdminsEvent;
use crate::domain::accounts::api_key::ApiKeyEvent;
use crate::domain::accounts::notice::{NoticeAbout, NoticeEvent};
use crate::domain::accounts::second_factor::{SecondFactorEvent, WhyRemoved};
use crate::domain::accounts::session::{RevocationReason, SessionEvent};
use crate::domain::accounts::user::{Profile, UserEvent};

pub(super) fn user(formatter: &EventFormatter, event: &UserEvent) -> Summary {
    match event {
        UserEvent::UserRegistered(user) => {
            let who = formatter.personal(&user.profile.user_name);
            named(
                formatter,
                format!("{who} was registered as {}", user.role.name()),
                &user.profile,
            )
        }
        UserEvent::UserProfileChanged(change) => {
            let who = formatter.personal(&change.profile.user_name);
            named(
                formatter,
                format!("the profile of {who} was changed"),
                &change.profile,
            )
        }
        UserEvent::UserRoleChanged(change) => {
            summary(format!("the role was changed to {}", change.role.name()))
        }
        UserEvent::UserPasswordChanged(change) => match change.first_password_until {
            None if change.keeps_api_keys => {
                summary("the password was changed, and API keys were kept")
            }
            None => summary("the password was changed"),
            Some(until) => summary("another person set a password, which the user must change")
                .with("until", moment::shown(until)),
        },
        UserEvent::UserDisabled(_) => summary("the user was disabled"),
        UserEvent::UserEnabled(_) => summary("the user was enabled"),
        UserEvent::UserSessionsEnded(_) => summary("all sessions of the user were ended"),
        UserEvent::UserDeleted(_) => summary("the user was removed"),
    }
}

fn named(formatter: &EventFormatter, what: String, profile: &Profile) -> Summary {
    let name = format!(
        "{} {}",
        formatter.personal(&profile.name),
        formatter.personal(&profile.last_name)
    );
    summary(what)
        .with("name", name)
        .with("e-mail", formatter.personal(&profile.email))
}

pub(super) fn session(event: &SessionEvent) -> Summary {
    match event {
        SessionEvent::SessionStarted(start) => summary("the user logged in")
            .with("user", start.user_id)
            .with("until", moment::shown(start.expires_at)),
        SessionEvent::SessionRefreshed(next) => {
            summary("the session was refreshed").with("until", moment::shown(next.expires_at))
        }
        SessionEvent::SessionRevoked(end) => summary(match end.reason {
            RevocationReason::TokenReuse => "the session was ended: a refresh token was used twice",
            RevocationReason::LoggedOut => "the user logged out",
            RevocationReason::EndedByUser => "the user ended the session from another session",
        }),
    }
}

pub(super) fn second_factor(event: &SecondFactorEvent) -> Summary {
    match event {
        SecondFactorEvent::SecondFactorBegun(_) => {
            summary("the setup of a second factor was started")
        }
        SecondFactorEvent::SecondFactorConfirmed(on) => summary("the second factor was activated")
            .with("recovery codes", on.recovery_sha256.len()),
        SecondFactorEvent::SecondFactorUsed(used) => {
            summary("a code of the second factor was used").with("time step", used.step)
        }
        SecondFactorEvent::RecoveryCodeUsed(_) => summary("a recovery code was used"),
        SecondFactorEvent::RecoveryCodesRenewed(new) => summary("new recovery codes were created")
            .with("recovery codes", new.recovery_sha256.len()),
        SecondFactorEvent::SecondFactorRemoved(removed) => summary(match removed.reason {
            WhyRemoved::ByUser => "the user removed the second factor",
            WhyRemoved::Lost => "the second factor was lost, and another person removed it",
        }),
    }
}

pub(super) fn notice(formatter: &EventFormatter, event: &NoticeEvent) -> Summary {
    match event {
        NoticeEvent::NoticeQueued(notice) => match notice.about {
            NoticeAbout::PasswordReset { expires_at, .. } => {
                summary("a mail with a password reset link was queued")
                    .with("until", moment::shown(expires_at))
            }
            NoticeAbout::PasswordChanged => summary("a mail about a changed password was queued"),
        }
        .with("user", notice.user_id),
        NoticeEvent::NoticeClaimed(claim) => formatter.claimed(claim),
        NoticeEvent::NoticeSent(sent) => formatter.sent(sent),
        NoticeEvent::NoticeFailed(failed) => formatter.failed(failed),
        NoticeEvent::NoticeOutcomeUnknown(unknown) => formatter.unknown(unknown),
        NoticeEvent::NoticeRetryRequested(_) => summary(RETRIED),
        NoticeEvent::NoticeReleased(_) => summary(RELEASED),
        NoticeEvent::NoticeRescheduled(other) => rescheduled(other),
        NoticeEvent::NoticeCancelled(cancelled) => formatter.cancelled(cancelled),
    }
}

pub(super) fn admins(event: &AdminsEvent) -> Summary {
    match event {
        AdminsEvent::AdminAppointed(admin) => {
            summary("the user became an administrator").with("user", admin.user_id)
        }
        AdminsEvent::AdminDismissed(admin) => {
            summary("the user is no longer an administrator").with("user", admin.user_id)
        }
    }
}

pub(super) fn api_key(event: &ApiKeyEvent) -> Summary {
    match event {
        ApiKeyEvent::ApiKeyCreated(key) => {
            summary(format!("the API key “{}” was created", one_line(&key.name)))
                .with("user", key.owner)
                .with("scopes", one_line(&key.scopes.join(", ")))
                .with("until", moment::shown(key.expires_at))
        }
        ApiKeyEvent::ApiKeyRevoked(_) => summary("the API key was revoked"),
    }
}

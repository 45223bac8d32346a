//! Descriptions of events of users, administrators, sessions, second factors, notices and API keys.

use super::{Teller, Told, one_line, told};
use crate::cli::moment;
use crate::domain::accounts::admins::AdminsEvent;
use crate::domain::accounts::api_key::ApiKeyEvent;
use crate::domain::accounts::notice::{NoticeAbout, NoticeEvent};
use crate::domain::accounts::second_factor::{SecondFactorEvent, WhyRemoved};
use crate::domain::accounts::session::{RevocationReason, SessionEvent};
use crate::domain::accounts::user::{Profile, UserEvent};

pub(super) fn user(teller: &Teller, event: &UserEvent) -> Told {
    match event {
        UserEvent::UserRegistered(user) => {
            let who = teller.personal(&user.profile.user_name);
            named(
                teller,
                format!("{who} became {}", user.role.name()),
                &user.profile,
            )
        }
        UserEvent::UserProfileChanged(change) => {
            let who = teller.personal(&change.profile.user_name);
            named(
                teller,
                format!("{who} is called and reached so from now on"),
                &change.profile,
            )
        }
        UserEvent::UserRoleChanged(change) => {
            told(format!("the user is {} now", change.role.name()))
        }
        UserEvent::UserPasswordChanged(change) => match change.first_password_until {
            None if change.keeps_api_keys => {
                told("the password was changed, and API keys were kept")
            }
            None => told("the password was changed"),
            Some(until) => told("somebody else has set a password, which is to be changed")
                .with("until", moment::shown(until)),
        },
        UserEvent::UserDisabled(_) => told("the user may not log in any more"),
        UserEvent::UserEnabled(_) => told("the user may log in again"),
        UserEvent::UserSessionsEnded(_) => told("all sessions of the user were ended"),
        UserEvent::UserDeleted(_) => told("the user was removed"),
    }
}

fn named(teller: &Teller, what: String, profile: &Profile) -> Told {
    let name = format!(
        "{} {}",
        teller.personal(&profile.name),
        teller.personal(&profile.last_name)
    );
    told(what)
        .with("name", name)
        .with("e-mail", teller.personal(&profile.email))
}

pub(super) fn session(event: &SessionEvent) -> Told {
    match event {
        SessionEvent::SessionStarted(start) => told("somebody logged in")
            .with("user", start.user_id)
            .with("until", moment::shown(start.expires_at)),
        SessionEvent::SessionRefreshed(next) => {
            told("the session was prolonged").with("until", moment::shown(next.expires_at))
        }
        SessionEvent::SessionRevoked(end) => told(match end.reason {
            RevocationReason::TokenReuse => "the session was ended: a refresh token was used twice",
            RevocationReason::LoggedOut => "the user logged out",
            RevocationReason::EndedByUser => "the user ended the session from elsewhere",
        }),
    }
}

pub(super) fn second_factor(event: &SecondFactorEvent) -> Told {
    match event {
        SecondFactorEvent::SecondFactorBegun(_) => told("a second factor is being set up"),
        SecondFactorEvent::SecondFactorConfirmed(on) => {
            told("the second factor is on").with("recovery codes", on.recovery_sha256.len())
        }
        SecondFactorEvent::SecondFactorUsed(used) => {
            told("a code of the second factor was used").with("time step", used.step)
        }
        SecondFactorEvent::RecoveryCodeUsed(_) => told("a recovery code was used"),
        SecondFactorEvent::RecoveryCodesRenewed(new) => {
            told("there are other recovery codes").with("recovery codes", new.recovery_sha256.len())
        }
        SecondFactorEvent::SecondFactorRemoved(removed) => told(match removed.reason {
            WhyRemoved::ByUser => "the user switched the second factor off",
            WhyRemoved::Lost => "the second factor was lost, and somebody else removed it",
        }),
    }
}

pub(super) fn notice(teller: &Teller, event: &NoticeEvent) -> Told {
    match event {
        NoticeEvent::NoticeQueued(notice) => match notice.about {
            NoticeAbout::PasswordReset { expires_at, .. } => {
                told("a link for a forgotten password is to be mailed")
                    .with("until", moment::shown(expires_at))
            }
            NoticeAbout::PasswordChanged => told("a mail is to tell of a changed password"),
        }
        .with("user", notice.user_id),
        NoticeEvent::NoticeSent(sent) => {
            told("the mail server took the mail").with("answer", teller.personal(&sent.answer))
        }
        NoticeEvent::NoticeFailed(failed) => {
            told("the mail is not going to be sent").with("answer", teller.personal(&failed.answer))
        }
        NoticeEvent::NoticeLinkUsed(_) => told("a password was set by the mail's link"),
    }
}

pub(super) fn admins(event: &AdminsEvent) -> Told {
    match event {
        AdminsEvent::AdminAppointed(admin) => {
            told("somebody administers from now on").with("user", admin.user_id)
        }
        AdminsEvent::AdminDismissed(admin) => {
            told("somebody administers no more").with("user", admin.user_id)
        }
    }
}

pub(super) fn api_key(event: &ApiKeyEvent) -> Told {
    match event {
        ApiKeyEvent::ApiKeyCreated(key) => {
            told(format!("the API key “{}” was made", one_line(&key.name)))
                .with("user", key.owner)
                .with("scopes", one_line(&key.scopes.join(", ")))
                .with("until", moment::shown(key.expires_at))
        }
        ApiKeyEvent::ApiKeyRevoked(_) => told("the API key counts no more"),
    }
}

//! Descriptions of events of users, administrators, sessions, second factors, notices and API keys.

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
                format!("{who} became {}", user.role.name()),
                &user.profile,
            )
        }
        UserEvent::UserProfileChanged(change) => {
            let who = formatter.personal(&change.profile.user_name);
            named(
                formatter,
                format!("{who} is called and reached so from now on"),
                &change.profile,
            )
        }
        UserEvent::UserRoleChanged(change) => {
            summary(format!("the user is {} now", change.role.name()))
        }
        UserEvent::UserPasswordChanged(change) => match change.first_password_until {
            None if change.keeps_api_keys => {
                summary("the password was changed, and API keys were kept")
            }
            None => summary("the password was changed"),
            Some(until) => summary("somebody else has set a password, which is to be changed")
                .with("until", moment::shown(until)),
        },
        UserEvent::UserDisabled(_) => summary("the user may not log in any more"),
        UserEvent::UserEnabled(_) => summary("the user may log in again"),
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
        SessionEvent::SessionStarted(start) => summary("somebody logged in")
            .with("user", start.user_id)
            .with("until", moment::shown(start.expires_at)),
        SessionEvent::SessionRefreshed(next) => {
            summary("the session was prolonged").with("until", moment::shown(next.expires_at))
        }
        SessionEvent::SessionRevoked(end) => summary(match end.reason {
            RevocationReason::TokenReuse => "the session was ended: a refresh token was used twice",
            RevocationReason::LoggedOut => "the user logged out",
            RevocationReason::EndedByUser => "the user ended the session from elsewhere",
        }),
    }
}

pub(super) fn second_factor(event: &SecondFactorEvent) -> Summary {
    match event {
        SecondFactorEvent::SecondFactorBegun(_) => summary("a second factor is being set up"),
        SecondFactorEvent::SecondFactorConfirmed(on) => {
            summary("the second factor is on").with("recovery codes", on.recovery_sha256.len())
        }
        SecondFactorEvent::SecondFactorUsed(used) => {
            summary("a code of the second factor was used").with("time step", used.step)
        }
        SecondFactorEvent::RecoveryCodeUsed(_) => summary("a recovery code was used"),
        SecondFactorEvent::RecoveryCodesRenewed(new) => summary("there are other recovery codes")
            .with("recovery codes", new.recovery_sha256.len()),
        SecondFactorEvent::SecondFactorRemoved(removed) => summary(match removed.reason {
            WhyRemoved::ByUser => "the user switched the second factor off",
            WhyRemoved::Lost => "the second factor was lost, and somebody else removed it",
        }),
    }
}

pub(super) fn notice(formatter: &EventFormatter, event: &NoticeEvent) -> Summary {
    match event {
        NoticeEvent::NoticeQueued(notice) => match notice.about {
            NoticeAbout::PasswordReset { expires_at, .. } => {
                summary("a link for a forgotten password is to be mailed")
                    .with("until", moment::shown(expires_at))
            }
            NoticeAbout::PasswordChanged => summary("a mail is to tell of a changed password"),
        }
        .with("user", notice.user_id),
        NoticeEvent::NoticeSent(sent) => summary("the mail server took the mail")
            .with("answer", formatter.personal(&sent.answer)),
        NoticeEvent::NoticeFailed(failed) => summary("the mail is not going to be sent")
            .with("answer", formatter.personal(&failed.answer)),
        NoticeEvent::NoticeLinkUsed(_) => summary("a password was set by the mail's link"),
    }
}

pub(super) fn admins(event: &AdminsEvent) -> Summary {
    match event {
        AdminsEvent::AdminAppointed(admin) => {
            summary("somebody administers from now on").with("user", admin.user_id)
        }
        AdminsEvent::AdminDismissed(admin) => {
            summary("somebody administers no more").with("user", admin.user_id)
        }
    }
}

pub(super) fn api_key(event: &ApiKeyEvent) -> Summary {
    match event {
        ApiKeyEvent::ApiKeyCreated(key) => {
            summary(format!("the API key “{}” was made", one_line(&key.name)))
                .with("user", key.owner)
                .with("scopes", one_line(&key.scopes.join(", ")))
                .with("until", moment::shown(key.expires_at))
        }
        ApiKeyEvent::ApiKeyRevoked(_) => summary("the API key counts no more"),
    }
}

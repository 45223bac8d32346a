//! Arbitrary commands and sample events of users, sessions, second factors, admins, API keys and
//! notices.

use super::{Asked, TIME, id};
use crate::domain::accounts::admins::{
    AdminAppointed, AdminDismissed, Admins, AdminsCommand, AdminsEvent,
};
use crate::domain::accounts::api_key::samples::key;
use crate::domain::accounts::api_key::{ApiKey, ApiKeyCommand, ApiKeyEvent, ApiKeyRevoked};
use crate::domain::accounts::notice::{
    Notice, NoticeAbout, NoticeCancelled, NoticeClaimed, NoticeCommand, NoticeEvent, NoticeFailed,
    NoticeOutcomeUnknown, NoticeQueued, NoticeReleased, NoticeRescheduled, NoticeRetryRequested,
    NoticeSent,
};
use crate::domain::accounts::second_factor::{
    RecoveryCodeUsed, RecoveryCodesRenewed, SecondFactor, SecondFactorBegun, SecondFactorCommand,
    SecondFactorConfirmed, SecondFactorEvent, SecondFactorRemoved, SecondFactorUsed, Shown,
    WhyRemoved,
};
use crate::domain::accounts::session::{
    PresentedToken, RevocationReason, Session, SessionCommand, SessionEvent, SessionRefreshed,
    SessionRevoked, SessionStarted,
};
use crate::domain::accounts::user::{
    NewPassword, Profile, Role, User, UserChange, UserCommand, UserDeleted, UserDisabled,
    UserEnabled, UserEvent, UserPasswordChanged, UserProfileChanged, UserRegistered,
    UserRoleChanged, UserSessionsEnded,
};
use crate::domain::kernel::sending::MailDelivery;

impl Asked for Session {
    fn command(which: u32, text: &str, n: u32) -> SessionCommand {
        let token = PresentedToken {
            sha256: text.to_owned(),
            was_issued: n.is_multiple_of(3),
            next_sha256: if n.is_multiple_of(2) { "a" } else { "b" }.to_owned(),
            at: TIME - time::Duration::seconds(2) + time::Duration::seconds(i64::from(n)),
        };
        match which % 5 {
            0 => SessionCommand::Start(started(text, n)),
            1 | 2 => SessionCommand::Refresh {
                token,
                expires_at: TIME,
            },
            3 => SessionCommand::LogOut(token),
            _ => SessionCommand::End { by: id(n) },
        }
    }

    fn samples(text: &str, n: u32) -> Vec<SessionEvent> {
        vec![
            started(text, n).into(),
            SessionStarted {
                ends_at: None,
                epoch: 0,
                ..started(text, n)
            }
            .into(),
            SessionRefreshed {
                refresh_sha256: text.to_owned(),
                refreshed_at: TIME,
                expires_at: TIME,
            }
            .into(),
            SessionRevoked {
                reason: RevocationReason::TokenReuse,
            }
            .into(),
            SessionRevoked {
                reason: RevocationReason::LoggedOut,
            }
            .into(),
            SessionRevoked {
                reason: RevocationReason::EndedByUser,
            }
            .into(),
        ]
    }
}

fn started(text: &str, n: u32) -> SessionStarted {
    SessionStarted {
        user_id: id(n),
        refresh_sha256: text.to_owned(),
        expires_at: TIME,
        ends_at: Some(TIME),
        epoch: n,
    }
}

fn profile(text: &str) -> Profile {
    let text = || text.to_owned().into();
    let email = "ada@example.com".to_owned().into();
    Profile {
        user_name: text(),
        name: text(),
        last_name: text(),
        email,
    }
}

fn registered(text: &str, role: Role) -> UserRegistered {
    UserRegistered {
        profile: profile(text),
        role,
        password_hash: text.to_owned().into(),
        first_password_until: (role == Role::Viewer).then_some(TIME),
    }
}

impl Asked for SecondFactor {
    fn command(which: u32, text: &str, n: u32) -> SecondFactorCommand {
        let sealed_secret = || text.to_owned().into();
        let recovery_sha256 = vec!["a".to_owned(), text.to_owned()];
        let shown = match n % 3 {
            0 => Shown::RecoveryCode {
                sha256: text.to_owned(),
            },
            _ => Shown::Code {
                sealed_secret: sealed_secret(),
                step: n.into(),
            },
        };
        match which % 6 {
            0 => SecondFactorCommand::Begin {
                sealed_secret: sealed_secret(),
            },
            1 => SecondFactorCommand::Confirm {
                shown,
                recovery_sha256,
            },
            2 => SecondFactorCommand::Use(shown),
            3 => SecondFactorCommand::RenewRecoveryCodes {
                shown,
                recovery_sha256,
            },
            4 => SecondFactorCommand::Remove(shown),
            _ => SecondFactorCommand::RemoveLost,
        }
    }

    fn samples(text: &str, n: u32) -> Vec<SecondFactorEvent> {
        let recovery_sha256 = || vec![text.to_owned()];
        vec![
            SecondFactorBegun {
                sealed_secret: text.to_owned().into(),
            }
            .into(),
            SecondFactorConfirmed {
                step: n.into(),
                recovery_sha256: recovery_sha256(),
            }
            .into(),
            SecondFactorUsed { step: n.into() }.into(),
            RecoveryCodeUsed {
                sha256: text.to_owned(),
            }
            .into(),
            RecoveryCodesRenewed {
                recovery_sha256: recovery_sha256(),
            }
            .into(),
            SecondFactorRemoved {
                reason: WhyRemoved::ByUser,
            }
            .into(),
            SecondFactorRemoved {
                reason: WhyRemoved::Lost,
            }
            .into(),
        ]
    }
}

impl Asked for User {
    fn command(which: u32, text: &str, n: u32) -> UserCommand {
        match which % 5 {
            0 => UserCommand::Register(registered(text, Role::Admin)),
            1 => UserCommand::ChangePassword {
                password_hash: text.to_owned().into(),
                keeps_api_keys: n.is_multiple_of(2),
            },
            2 => UserCommand::EndSessions,
            3 => UserCommand::Change(UserChange {
                profile: n.is_multiple_of(2).then(|| profile(text)),
                role: Some(if n > 1 { Role::Viewer } else { Role::Admin }),
                is_active: Some(n.is_multiple_of(2)),
                password: (n == 3).then(|| NewPassword {
                    hash: text.to_owned().into(),
                    first_until: Some(TIME),
                    keeps_api_keys: false,
                }),
            }),
            _ => UserCommand::Delete,
        }
    }

    fn samples(text: &str, _: u32) -> Vec<UserEvent> {
        let mut all: Vec<UserEvent> = [Role::Admin, Role::Operator, Role::Viewer]
            .map(|role| registered(text, role).into())
            .to_vec();
        all.extend([
            UserPasswordChanged {
                password_hash: text.to_owned().into(),
                first_password_until: None,
                keeps_api_keys: false,
            }
            .into(),
            UserPasswordChanged {
                password_hash: text.to_owned().into(),
                first_password_until: Some(TIME),
                keeps_api_keys: false,
            }
            .into(),
            UserProfileChanged {
                profile: profile(text),
            }
            .into(),
            UserRoleChanged { role: Role::Viewer }.into(),
            UserDisabled {}.into(),
            UserEnabled {}.into(),
            UserSessionsEnded {}.into(),
            UserDeleted {}.into(),
        ]);
        all
    }
}

impl Asked for Admins {
    fn command(which: u32, _: &str, n: u32) -> AdminsCommand {
        match which % 2 {
            0 => AdminsCommand::Appoint(id(n)),
            _ => AdminsCommand::Dismiss(id(n)),
        }
    }

    fn samples(_: &str, n: u32) -> Vec<AdminsEvent> {
        vec![
            AdminAppointed { user_id: id(n) }.into(),
            AdminDismissed { user_id: id(n) }.into(),
        ]
    }
}

impl Asked for ApiKey {
    fn command(which: u32, text: &str, n: u32) -> ApiKeyCommand {
        let now = TIME - time::Duration::seconds(2) + time::Duration::seconds(i64::from(n));
        match which % 2 {
            0 => ApiKeyCommand::Create {
                key: key(text, TIME),
                now,
            },
            _ => ApiKeyCommand::Revoke,
        }
    }

    fn samples(text: &str, _: u32) -> Vec<ApiKeyEvent> {
        vec![key(text, TIME).into(), ApiKeyRevoked {}.into()]
    }
}

fn reset(n: u32) -> NoticeQueued {
    let about = NoticeAbout::PasswordReset {
        expires_at: TIME,
        epoch: n,
    };
    NoticeQueued {
        user_id: id(n),
        about,
    }
}

impl Asked for Notice {
    fn command(which: u32, text: &str, n: u32) -> NoticeCommand {
        let said = || text.to_owned().into();
        match which % 8 {
            0 | 1 => NoticeCommand::Queue(Box::new(reset(n))),
            2 => NoticeCommand::Claim {
                message_id: text.to_owned(),
            },
            3 => NoticeCommand::RecordSent(NoticeSent {
                attempt: n,
                answer: said(),
            }),
            4 => NoticeCommand::RecordFailure(NoticeFailed {
                attempt: n,
                permanent: n.is_multiple_of(3),
                retry_at: Some(TIME),
                unanswered: false,
                answer: said(),
            }),
            5 => NoticeCommand::RecordUnknown(NoticeOutcomeUnknown {
                attempt: n,
                retry_at: Some(TIME),
                detail: said(),
            }),
            6 => NoticeCommand::ReleaseDue,
            _ => NoticeCommand::Retry,
        }
    }

    fn samples(text: &str, n: u32) -> Vec<NoticeEvent> {
        let said = || text.to_owned().into();
        vec![
            reset(n).into(),
            NoticeQueued {
                about: NoticeAbout::PasswordChanged,
                ..reset(n)
            }
            .into(),
            NoticeClaimed {
                attempt: n,
                message_id: text.to_owned(),
            }
            .into(),
            NoticeSent {
                attempt: n,
                answer: said(),
            }
            .into(),
            NoticeFailed {
                attempt: n,
                permanent: false,
                retry_at: Some(TIME),
                unanswered: false,
                answer: said(),
            }
            .into(),
            NoticeOutcomeUnknown {
                attempt: n,
                retry_at: Some(TIME),
                detail: said(),
            }
            .into(),
            NoticeRetryRequested {}.into(),
            NoticeReleased {}.into(),
            NoticeRescheduled {
                delivery: MailDelivery::Held,
            }
            .into(),
            NoticeCancelled { reason: said() }.into(),
        ]
    }
}

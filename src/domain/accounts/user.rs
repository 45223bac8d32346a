//! User: a person who may log in.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use unicode_normalization::UnicodeNormalization as _;

use crate::domain::certification::person::text;
use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, FieldError, Personal, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A user was registered and may log in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// Names and address of the user.
    #[serde(flatten)]
    pub profile: Profile,
    /// Role of the user.
    pub role: Role,
    /// Hash of the password as a PHC string (argon2id). The log never contains the password.
    pub password_hash: Personal<String>,
    /// Expiry of a password that another user set. The user must change such a password. Absent if
    /// the user chose the password.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_password_until: Option<OffsetDateTime>,
}

/// The password was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPasswordChanged {
    /// Hash of the password as a PHC string (argon2id). The log never contains the password.
    pub password_hash: Personal<String>,
    /// Expiry of a password that another user set. The user must change such a password. Absent if
    /// the user chose the password.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_password_until: Option<OffsetDateTime>,
    /// True if the user's API keys stay valid. If false, the change ends all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_api_keys: bool,
}

/// The user's names or address changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserProfileChanged {
    /// The whole profile after the change.
    #[serde(flatten)]
    pub profile: Profile,
}

/// The user's role changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRoleChanged {
    /// The new role.
    pub role: Role,
}

/// The user was disabled and can't log in. All sessions of the user ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserDisabled {}

/// The user was enabled and may log in again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserEnabled {}

/// All sessions of the user were ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSessionsEnded {}

/// The user was deleted. Other users can take the user name and the e-mail address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserDeleted {}

domain_events! {
    /// Events of a user.
    UserEvent for "user" {
        UserRegistered, UserPasswordChanged, UserProfileChanged, UserRoleChanged, UserDisabled, UserEnabled,
        UserSessionsEnded, UserDeleted,
    }
}

/// Names and address of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Unique name for the login, 1–100 characters.
    pub user_name: Personal<String>,
    /// First name, 1–100 characters.
    pub name: Personal<String>,
    /// Last name, 1–100 characters.
    pub last_name: Personal<String>,
    /// Unique e-mail address.
    pub email: Personal<String>,
}

/// Role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// All permissions.
    Admin,
    /// All permissions except those for users and settings.
    Operator,
    /// Read-only access.
    Viewer,
}

impl Role {
    /// Returns the name of the role in tokens and responses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
        }
    }
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a user. Claims in the same commit ensure that the e-mail address and user name are
/// unique.
#[derive(Clone, Debug)]
pub enum UserCommand {
    /// Registers a user.
    Register(UserRegistered),
    /// Sets a password that the user chose. Ends all earlier sessions.
    ChangePassword {
        /// Hash of the password.
        password_hash: Personal<String>,
        /// True if the user's API keys stay valid.
        keeps_api_keys: bool,
    },
    /// Changes the given properties. Only properties that differ cause events.
    Change(UserChange),
    /// Ends all existing sessions.
    EndSessions,
    /// Deletes the user.
    Delete,
}

/// Changes of a user. `None` keeps the current value.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Names and address.
    pub profile: Option<Profile>,
    /// Role.
    pub role: Option<Role>,
    /// True if the user may log in.
    pub is_active: Option<bool>,
    /// New password.
    pub password: Option<NewPassword>,
}

/// A new password.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// Hash of the password as a PHC string.
    pub hash: Personal<String>,
    /// Expiry of the password if another user sets it, so that the user must change it.
    pub first_until: Option<OffsetDateTime>,
    /// True if the user's API keys stay valid.
    pub keeps_api_keys: bool,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// State of a user.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum UserState {
    /// The user was never registered.
    #[default]
    Absent,
    /// The user exists.
    Known(Account),
    /// The user was deleted. The id is never reused.
    Deleted,
}

/// An existing user.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Names and address.
    pub profile: Profile,
    /// Role of the user.
    pub role: Role,
    /// Hash of the current password.
    pub password_hash: Personal<String>,
    /// True if the user may log in.
    pub is_active: bool,
    /// Counter that increases when all sessions of the user end. Sessions of an earlier epoch have
    /// ended.
    pub epoch: u32,
    /// First epoch whose API keys are valid. It is the epoch that began with the last password
    /// change that didn't keep API keys.
    pub keys_from_epoch: u32,
    /// Number of changes of the e-mail address.
    pub address_changes: u32,
    /// Expiry of the password if another user set it, so that the user must change it.
    pub first_password_until: Option<OffsetDateTime>,
}

impl Account {
    /// Returns the counter that increases when links to set a password become invalid: when all
    /// sessions end, and when the e-mail address, to which links were sent, changes.
    #[must_use]
    pub const fn link_epoch(&self) -> u32 {
        self.epoch.saturating_add(self.address_changes)
    }

    /// Returns true if another user set the password and it has expired.
    #[must_use]
    pub fn first_password_is_over(&self, now: OffsetDateTime) -> bool {
        self.first_password_until.is_some_and(|until| now >= until)
    }
}

impl UserState {
    /// Returns the account if the user exists.
    #[must_use]
    pub fn account(self) -> Option<Account> {
        match self {
            Self::Known(account) => Some(account),
            Self::Absent | Self::Deleted => None,
        }
    }

    /// Returns the account if the user exists and may log in.
    #[must_use]
    pub fn active(self) -> Option<Account> {
        self.account().filter(|account| account.is_active)
    }
}

/// Decider of users.
pub struct User;

impl Decider for User {
    const AGGREGATE: &'static str = "user";
    type State = UserState;
    type Command = UserCommand;
    type Event = UserEvent;

    fn decide(state: &UserState, command: &UserCommand) -> Result<Vec<UserEvent>, Refusal> {
        match (command, state) {
            (UserCommand::Register(user), UserState::Absent) => {
                check(&user.profile)?;
                Ok(vec![user.clone().into()])
            }
            (UserCommand::Register(_), _) => Err(Refusal::AlreadyExists("user")),
            (_, UserState::Absent | UserState::Deleted) => Err(Refusal::NotFound("user")),
            (
                UserCommand::ChangePassword {
                    password_hash,
                    keeps_api_keys,
                },
                UserState::Known(_),
            ) => Ok(vec![
                own_password(password_hash.clone(), *keeps_api_keys).into(),
            ]),
            (UserCommand::Change(change), UserState::Known(account)) => changes(account, change),
            (UserCommand::EndSessions, UserState::Known(_)) => {
                Ok(vec![UserSessionsEnded {}.into()])
            }
            (UserCommand::Delete, UserState::Known(_)) => Ok(vec![UserDeleted {}.into()]),
        }
    }

    fn data_subject(id: &str, _: &UserState, event: &UserEvent) -> Option<DataSubject> {
        match event {
            UserEvent::UserRegistered(_)
            | UserEvent::UserPasswordChanged(_)
            | UserEvent::UserProfileChanged(_)
            | UserEvent::UserRoleChanged(_)
            | UserEvent::UserDisabled(_)
            | UserEvent::UserEnabled(_)
            | UserEvent::UserSessionsEnded(_)
            | UserEvent::UserDeleted(_) => DataSubject::user(id),
        }
    }

    fn evolve(state: UserState, event: &UserEvent) -> UserState {
        if let UserEvent::UserRegistered(e) = event {
            return UserState::Known(Account {
                profile: e.profile.clone(),
                role: e.role,
                password_hash: e.password_hash.clone(),
                is_active: true,
                epoch: 0,
                keys_from_epoch: 0,
                address_changes: 0,
                first_password_until: e.first_password_until,
            });
        }
        let UserState::Known(mut account) = state else {
            return state;
        };
        match event {
            UserEvent::UserRegistered(_) => {}
            UserEvent::UserPasswordChanged(e) => {
                account.password_hash = e.password_hash.clone();
                account.first_password_until = e.first_password_until;
                account.epoch = account.epoch.saturating_add(1);
                if !e.keeps_api_keys {
                    account.keys_from_epoch = account.epoch;
                }
            }
            UserEvent::UserProfileChanged(e) => {
                if account.profile.email != e.profile.email {
                    account.address_changes = account.address_changes.saturating_add(1);
                }
                account.profile = e.profile.clone();
            }
            UserEvent::UserRoleChanged(e) => account.role = e.role,
            UserEvent::UserDisabled(_) => {
                account.is_active = false;
                account.epoch = account.epoch.saturating_add(1);
            }
            UserEvent::UserEnabled(_) => account.is_active = true,
            UserEvent::UserSessionsEnded(_) => account.epoch = account.epoch.saturating_add(1),
            UserEvent::UserDeleted(_) => return UserState::Deleted,
        }
        UserState::Known(account)
    }
}

fn changes(account: &Account, change: &UserChange) -> Result<Vec<UserEvent>, Refusal> {
    let mut events: Vec<UserEvent> = Vec::new();
    if let Some(profile) = change
        .profile
        .as_ref()
        .filter(|profile| **profile != account.profile)
    {
        check(profile)?;
        events.push(
            UserProfileChanged {
                profile: profile.clone(),
            }
            .into(),
        );
    }
    if let Some(role) = change.role.filter(|role| *role != account.role) {
        events.push(UserRoleChanged { role }.into());
    }
    match change
        .is_active
        .filter(|is_active| *is_active != account.is_active)
    {
        Some(true) => events.push(UserEnabled {}.into()),
        Some(false) => events.push(UserDisabled {}.into()),
        None => {}
    }
    if let Some(NewPassword {
        hash,
        first_until,
        keeps_api_keys,
    }) = change.password.clone()
    {
        let changed = UserPasswordChanged {
            password_hash: hash,
            first_password_until: first_until,
            keeps_api_keys,
        };
        events.push(changed.into());
    }
    Ok(events)
}

const fn own_password(
    password_hash: Personal<String>,
    keeps_api_keys: bool,
) -> UserPasswordChanged {
    UserPasswordChanged {
        password_hash,
        first_password_until: None,
        keeps_api_keys,
    }
}

/// Returns the form of a user name that must be unique: NFKC, in lower case, without blanks at both
/// ends.
#[must_use]
pub fn normalised_user_name(name: &str) -> String {
    let folded: String = name.nfkc().flat_map(char::to_lowercase).collect();
    text::clean(&folded.nfkc().collect::<String>())
}

fn check(profile: &Profile) -> Result<(), Refusal> {
    let mut wrong = Vec::new();
    let texts = [
        ("userName", &profile.user_name),
        ("name", &profile.name),
        ("lastName", &profile.last_name),
    ];
    for (field, value) in texts {
        wrong.extend(text::check_line(field, value.reveal_str(), 100).err());
    }
    if let Err(message) =
        crate::domain::certification::person::check_email(profile.email.reveal_str())
    {
        wrong.push(FieldError {
            field: "email",
            code: "INVALID_EMAIL",
            message: message.to_owned(),
        });
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Invalid(wrong))
    }
}

#[cfg(test)]
mod tests;

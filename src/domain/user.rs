//! User: a person who administers.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use unicode_normalization::UnicodeNormalization as _;

use super::events::domain_events;
use super::person::text;
use super::{Decider, InvalidField, Personal, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// Somebody may log in from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// Who it is.
    #[serde(flatten)]
    pub profile: Profile,
    /// What the user may do.
    pub role: Role,
    /// The password's hash as a PHC string (argon2id); never the password.
    pub password_hash: Personal<String>,
    /// Somebody else has set it: it has to be changed, and counts until then. Absent for one's own.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub first_password_until: Option<OffsetDateTime>,
}

/// Another password counts from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPasswordChanged {
    /// The password's hash as a PHC string (argon2id); never the password.
    pub password_hash: Personal<String>,
    /// Somebody else has set it: it has to be changed, and counts until then. Absent for one's own.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub first_password_until: Option<OffsetDateTime>,
    /// True if the user's API keys stay valid. Otherwise the change ends all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_api_keys: bool,
}

/// The user is called or reached otherwise from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserProfileChanged {
    /// All of it, as it is now.
    #[serde(flatten)]
    pub profile: Profile,
}

/// The user may do something else from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRoleChanged {
    /// What the user may do now.
    pub role: Role,
}

/// The user may not log in any more, and whoever is logged in is out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserDisabled {}

/// The user may log in again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserEnabled {}

/// All sessions that the user had begun are over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSessionsEnded {}

/// The user is gone; name and e-mail address are free again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserDeleted {}

domain_events! {
    /// What can happen to a user.
    UserEvent for "user" {
        UserRegistered, UserPasswordChanged, UserProfileChanged, UserRoleChanged, UserDisabled, UserEnabled,
        UserSessionsEnded, UserDeleted,
    }
}

/// How a user is called and reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The name for logging in, unique, 1–100 characters.
    pub user_name: Personal<String>,
    /// First name, 1–100 characters.
    pub name: Personal<String>,
    /// Last name, 1–100 characters.
    pub last_name: Personal<String>,
    /// E-mail address, unique.
    pub email: Personal<String>,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Everything but users and settings.
    Operator,
    /// Looking only.
    Viewer,
}

impl Role {
    /// The role's name in tokens and answers.
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

/// What can be asked of a user. Uniqueness of e-mail and user name is claimed beside it.
#[derive(Clone, Debug)]
pub enum UserCommand {
    /// Let somebody log in.
    Register(UserRegistered),
    /// Set a password of one's own. Ends all sessions begun before.
    ChangePassword {
        /// Its hash.
        password_hash: Personal<String>,
        /// True if the user's API keys stay valid.
        keeps_api_keys: bool,
    },
    /// Change what is given, and leave the rest. Only what differs becomes an event.
    Change(UserChange),
    /// End all sessions begun before.
    EndSessions,
    /// Remove the user.
    Delete,
}

/// What is to be changed of a user.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Names and address.
    pub profile: Option<Profile>,
    /// What the user may do.
    pub role: Option<Role>,
    /// Whether the user may log in.
    pub is_active: Option<bool>,
    /// Another password.
    pub password: Option<NewPassword>,
}

/// A password that is to count.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// Its hash as a PHC string.
    pub hash: Personal<String>,
    /// Where somebody else sets it: until when it counts, unless it is changed.
    pub first_until: Option<OffsetDateTime>,
    /// True if the user's API keys stay valid.
    pub keeps_api_keys: bool,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// A user as the history has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum UserState {
    /// No history.
    #[default]
    Absent,
    /// There.
    Known(Account),
    /// Gone; the id is never used again.
    Deleted,
}

/// A user who is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Names and address.
    pub profile: Profile,
    /// What the user may do.
    pub role: Role,
    /// The hash of the password that counts now.
    pub password_hash: Personal<String>,
    /// Whether the user may log in.
    pub is_active: bool,
    /// How often all sessions were ended: those begun in an earlier epoch are over.
    pub epoch: u32,
    /// First epoch whose API keys are valid. Keys made in an earlier epoch were ended by a new password.
    pub keys_from_epoch: u32,
    /// Until when the password counts, if somebody else has set it and it has to be changed.
    pub first_password_until: Option<OffsetDateTime>,
}

impl Account {
    /// Whether the password is one that somebody else set, and is too old to let anybody in.
    #[must_use]
    pub fn first_password_is_over(&self, now: OffsetDateTime) -> bool {
        self.first_password_until.is_some_and(|until| now >= until)
    }
}

impl UserState {
    /// The user, if there.
    #[must_use]
    pub fn account(self) -> Option<Account> {
        match self {
            Self::Known(account) => Some(account),
            Self::Absent | Self::Deleted => None,
        }
    }

    /// The user, if there and allowed to log in.
    #[must_use]
    pub fn active(self) -> Option<Account> {
        self.account().filter(|account| account.is_active)
    }
}

/// The decider of users.
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
            (UserCommand::ChangePassword { password_hash, keeps_api_keys }, UserState::Known(_)) => {
                Ok(vec![own_password(password_hash.clone(), *keeps_api_keys).into()])
            }
            (UserCommand::Change(change), UserState::Known(account)) => changes(account, change),
            (UserCommand::EndSessions, UserState::Known(_)) => Ok(vec![UserSessionsEnded {}.into()]),
            (UserCommand::Delete, UserState::Known(_)) => Ok(vec![UserDeleted {}.into()]),
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
                first_password_until: e.first_password_until,
            });
        }
        let UserState::Known(mut account) = state else { return state };
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
            UserEvent::UserProfileChanged(e) => account.profile = e.profile.clone(),
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
    if let Some(profile) = change.profile.as_ref().filter(|profile| **profile != account.profile) {
        check(profile)?;
        events.push(UserProfileChanged { profile: profile.clone() }.into());
    }
    if let Some(role) = change.role.filter(|role| *role != account.role) {
        events.push(UserRoleChanged { role }.into());
    }
    match change.is_active.filter(|is_active| *is_active != account.is_active) {
        Some(true) => events.push(UserEnabled {}.into()),
        Some(false) => events.push(UserDisabled {}.into()),
        None => {}
    }
    if let Some(NewPassword { hash, first_until, keeps_api_keys }) = change.password.clone() {
        let changed =
            UserPasswordChanged { password_hash: hash, first_password_until: first_until, keeps_api_keys };
        events.push(changed.into());
    }
    Ok(events)
}

const fn own_password(password_hash: Personal<String>, keeps_api_keys: bool) -> UserPasswordChanged {
    UserPasswordChanged { password_hash, first_password_until: None, keeps_api_keys }
}

/// Returns the form of a user name that is unique among users: NFKC, lower case, without blanks around it.
#[must_use]
pub fn normalised_user_name(name: &str) -> String {
    let folded: String = name.nfkc().flat_map(char::to_lowercase).collect();
    text::clean(&folded.nfkc().collect::<String>())
}

fn check(profile: &Profile) -> Result<(), Refusal> {
    let mut wrong = Vec::new();
    let texts = [("userName", &profile.user_name), ("name", &profile.name), ("lastName", &profile.last_name)];
    for (field, value) in texts {
        wrong.extend(text::check_line(field, value.reveal_str(), 100).err());
    }
    if let Err(message) = super::person::check_email(profile.email.reveal_str()) {
        wrong.push(InvalidField { field: "email", message: message.to_owned() });
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::Invalid(wrong)) }
}

#[cfg(test)]
mod tests;

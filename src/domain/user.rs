//! User: a person who administers.

use serde::{Deserialize, Serialize};

use super::events::domain_events;
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
}

/// Another password counts from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPasswordChanged {
    /// The password's hash as a PHC string (argon2id); never the password.
    pub password_hash: Personal<String>,
}

domain_events! {
    /// What can happen to a user.
    UserEvent for "user" { UserRegistered, UserPasswordChanged }
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
    /// Set another password.
    ChangePassword {
        /// Its hash.
        password_hash: Personal<String>,
    },
}

/// The rule for new passwords: at least 8 characters with an upper-case, a lower-case letter and a
/// digit; at most 128 bytes, so that hashing one can't be made expensive.
///
/// # Errors
/// The password breaks the rule; the text says which part.
pub fn check_password(password: &str) -> Result<(), Refusal> {
    let strong = password.chars().count() >= 8
        && password.chars().any(char::is_uppercase)
        && password.chars().any(char::is_lowercase)
        && password.chars().any(|c| c.is_ascii_digit());
    if strong && password.len() <= 128 {
        return Ok(());
    }
    Err(Refusal::field(
        "password",
        "use 8 to 128 characters with at least one upper-case letter, one lower-case letter and one digit",
    ))
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// The user as registered, with the password that counts now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserState(pub Option<UserRegistered>);

/// The decider of users.
pub struct User;

impl Decider for User {
    const AGGREGATE: &'static str = "user";
    type State = UserState;
    type Command = UserCommand;
    type Event = UserEvent;

    fn decide(state: &UserState, command: &UserCommand) -> Result<Vec<UserEvent>, Refusal> {
        match (command, &state.0) {
            (UserCommand::Register(user), None) => {
                check(&user.profile)?;
                Ok(vec![user.clone().into()])
            }
            (UserCommand::Register(_), Some(_)) => Err(Refusal::AlreadyExists("user")),
            (UserCommand::ChangePassword { .. }, None) => Err(Refusal::NotFound("user")),
            (UserCommand::ChangePassword { password_hash }, Some(_)) => {
                Ok(vec![UserPasswordChanged { password_hash: password_hash.clone() }.into()])
            }
        }
    }

    fn evolve(mut state: UserState, event: &UserEvent) -> UserState {
        match event {
            UserEvent::UserRegistered(e) => return UserState(Some(e.clone())),
            UserEvent::UserPasswordChanged(e) => {
                if let Some(user) = &mut state.0 {
                    user.password_hash = e.password_hash.clone();
                }
            }
        }
        state
    }
}

fn check(profile: &Profile) -> Result<(), Refusal> {
    let mut wrong = Vec::new();
    let texts = [("userName", &profile.user_name), ("name", &profile.name), ("lastName", &profile.last_name)];
    for (field, text) in texts {
        let text = text.reveal_str();
        if text.trim().is_empty() || text.chars().count() > 100 || text.chars().any(char::is_control) {
            let message = "give 1 to 100 characters, without control characters".to_owned();
            wrong.push(InvalidField { field, message });
        }
    }
    if let Err(message) = super::person::check_email(profile.email.reveal_str()) {
        wrong.push(InvalidField { field: "email", message: message.to_owned() });
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::Invalid(wrong)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decider::spec::given;

    fn registered(email: &str) -> UserRegistered {
        UserRegistered {
            profile: Profile {
                user_name: "ada".to_owned().into(),
                name: "Ada".to_owned().into(),
                last_name: "Lovelace".to_owned().into(),
                email: email.to_owned().into(),
            },
            role: Role::Admin,
            password_hash: "$argon2id$…".to_owned().into(),
        }
    }

    #[test]
    fn a_user_is_registered_once() {
        let user = registered("ada@example.com");
        given::<User>(vec![]).when(UserCommand::Register(user.clone())).then(vec![user.clone().into()]);
        given::<User>(vec![user.clone().into()])
            .when(UserCommand::Register(user))
            .then_refused("ALREADY_EXISTS");
    }

    #[test]
    fn a_bad_address_is_refused() {
        given::<User>(vec![])
            .when(UserCommand::Register(registered("nowhere")))
            .then_refused("VALIDATION_ERROR");
    }

    #[test]
    fn a_changed_password_is_the_one_that_counts() {
        let changed: UserEvent = UserPasswordChanged { password_hash: "new".to_owned().into() }.into();
        let state = User::fold(&[registered("ada@example.com").into(), changed]);
        assert_eq!(state.0.map(|user| user.password_hash), Some("new".to_owned().into()));
    }

    #[test]
    fn passwords_need_both_cases_and_a_digit() {
        assert!(check_password("Correct-horse-1").is_ok());
        for weak in ["Short1", "alllower1", "ALLUPPER1", "NoDigitsHere", &"Aa1".repeat(50)] {
            assert!(check_password(weak).is_err(), "accepted");
        }
    }
}

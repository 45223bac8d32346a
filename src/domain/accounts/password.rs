//! Rules for new passwords.

use super::user::Profile;
use crate::domain::Refusal;

/// Minimum length of a password, in characters.
const MIN_CHARS: usize = 8;
/// Maximum length of a password, in characters. It limits the cost of hashing.
const MAX_CHARS: usize = 128;
/// Minimum length, in characters, of the names that a password must not contain. Shorter names
/// occur in too many words.
const MIN_NAME_CHARS: usize = 4;

/// The most common passwords in the form that `core` returns: in lower case, without digits and
/// signs before and after the word, and with the usual replacements turned back into letters.
const COMMON: [&str; 60] = [
    "a",
    "aa",
    "ab",
    "abc",
    "abcd",
    "abcdef",
    "access",
    "admin",
    "administrator",
    "asdf",
    "asdfgh",
    "baseball",
    "batman",
    "bienvenido",
    "certificate",
    "changeme",
    "charlie",
    "computer",
    "contrasena",
    "contraseña",
    "default",
    "dragon",
    "flower",
    "football",
    "freedom",
    "guest",
    "hello",
    "hola",
    "hunter",
    "iloveyou",
    "jennifer",
    "laureate",
    "letmein",
    "login",
    "master",
    "michael",
    "monkey",
    "mustang",
    "ninja",
    "pass",
    "password",
    "passwort",
    "princess",
    "q",
    "qaz",
    "qwer",
    "qwert",
    "qwerty",
    "qwertyuiop",
    "root",
    "secret",
    "shadow",
    "spring",
    "summer",
    "sunshine",
    "superman",
    "test",
    "user",
    "welcome",
    "winter",
];

/// Checks a new password. It must have 8 to 128 characters, with an upper-case letter, a lower-case
/// letter and a digit. Common passwords and those that contain the user's own name or address are
/// rejected. `field` is the field that the refusal names.
///
/// # Errors
/// The password breaks a rule, which the message names.
pub fn check_password(
    field: &'static str,
    password: &str,
    profile: Option<&Profile>,
) -> Result<(), Refusal> {
    let length = password.chars().count();
    let strong = (MIN_CHARS..=MAX_CHARS).contains(&length)
        && password.chars().any(char::is_uppercase)
        && password.chars().any(char::is_lowercase)
        && password.chars().any(|c| c.is_ascii_digit());
    if !strong {
        let rule = "use 8 to 128 characters with at least one upper-case letter, one lower-case letter and one digit";
        return Err(Refusal::field(field, rule));
    }
    let spelled = core(password, false);
    let read = core(password, true);
    if COMMON
        .iter()
        .any(|common| spelled == *common || read == *common)
    {
        return Err(Refusal::field(
            field,
            "is a common password that is easy to guess; choose a longer one",
        ));
    }
    if profile
        .is_some_and(|profile| names(profile).any(|name| password.to_lowercase().contains(&name)))
    {
        return Err(Refusal::field(
            field,
            "contains the user's own name or address; choose another one",
        ));
    }
    Ok(())
}

/// Returns the word in the middle of the password, in lower case. If `replaced` is true, the usual
/// replacements are turned back into letters.
fn core(password: &str, replaced: bool) -> String {
    let letter = |c: char| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    let lower = password.to_lowercase();
    let middle = lower.trim_matches(|c: char| !(c.is_alphabetic() || replaced && "@$".contains(c)));
    if replaced {
        middle.chars().map(letter).collect()
    } else {
        middle.to_owned()
    }
}

fn names(profile: &Profile) -> impl Iterator<Item = String> {
    let email = profile.email.reveal_str();
    let local = email.split('@').next().unwrap_or_default();
    [
        profile.user_name.reveal_str(),
        profile.name.reveal_str(),
        profile.last_name.reveal_str(),
        local,
    ]
    .map(|name| name.trim().to_lowercase())
    .into_iter()
    .filter(|name| name.chars().count() >= MIN_NAME_CHARS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepted(password: &str) -> bool {
        check_password("password", password, None).is_ok()
    }

    #[test]
    fn passwords_need_both_cases_and_a_digit() {
        assert!(accepted("Correct-horse-1"));
        for weak in [
            "Short1",
            "alllower1",
            "ALLUPPER1",
            "NoDigitsHere",
            &"Aa1é".repeat(33),
        ] {
            assert!(!accepted(weak), "{weak}");
        }
    }

    #[test]
    fn common_passwords_are_refused() {
        for common in [
            "Password1",
            "P@ssw0rd1!",
            "Qwerty123456",
            "12345Abc",
            "Welcome2026!",
            "aA111111",
            "$ecret1X1",
        ] {
            assert_eq!(accepted(common), common == "$ecret1X1", "{common}");
        }
    }

    #[test]
    fn password_with_the_users_name_is_refused_except_for_short_names() {
        let text = |text: &str| text.to_owned().into();
        let user_name = text("ada.l");
        let email = text("countess@example.com");
        let profile = Profile {
            user_name,
            name: text("Ada"),
            last_name: text("Lovelace"),
            email,
        };
        let refused = |password| check_password("newPassword", password, Some(&profile)).is_err();
        assert!(refused("my-LOVELACE-1") && refused("Countess-12") && refused("x1Ada.L-long"));
        assert!(!refused("Adamant-1815"));
    }

    proptest! {
        #[test]
        fn check_never_panics(text in any::<String>()) {
            let _ = accepted(&text);
        }
    }
}

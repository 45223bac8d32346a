//! Settings of authentication.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::second_factor::SecondFactorRule;
use crate::domain::Locale;
use crate::http::settings::{HttpSettingsError, is_base_url};

/// Largest length of an issuer name, in characters. A QR code has a limited capacity.
const MAX_ISSUER: usize = 64;

/// The `[auth]` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// Users who must have a second factor.
    pub second_factor: SecondFactorRule,
    /// Name of this installation in authenticator apps.
    pub issuer: String,
    /// File of breached passwords, which are rejected. It must be the SHA-1 version of "Pwned
    /// Passwords", ordered by hash.
    pub breached_passwords: Option<PathBuf>,
    /// Lifetime of a password that an administrator has set for another user, in hours.
    pub first_password_hours: u32,
    /// Lifetime of the link in a password reset mail, in minutes.
    pub reset_minutes: u32,
    /// URL of the page that the link in a password reset mail opens. The default is
    /// `/reset-password` below `http.public_base_url`.
    pub reset_url: Option<String>,
    /// Language of mails that users get about their own accounts.
    pub locale: Locale,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            second_factor: SecondFactorRule::default(),
            issuer: "Laureate".to_owned(),
            breached_passwords: None,
            first_password_hours: 7 * 24,
            reset_minutes: 30,
            reset_url: None,
            locale: Locale::default(),
        }
    }
}

impl AuthSettings {
    /// Checks the settings for values that the types allow but the program does not.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn check(&self) -> Result<(), HttpSettingsError> {
        let wrong = |setting, problem| Err(HttpSettingsError { setting, problem });
        let length = self.issuer.trim().chars().count();
        let is_plain = !self.issuer.contains(|c: char| c.is_control() || c == ':');
        if !(1..=MAX_ISSUER).contains(&length) || !is_plain {
            return wrong("issuer", "must have 1 to 64 characters, without colons");
        }
        if self.first_password_hours == 0 {
            return wrong("first_password_hours", "must be at least 1");
        }
        // A link that is valid for more than a day would be as dangerous as a second password.
        if !(1..=24 * 60).contains(&self.reset_minutes) {
            return wrong("reset_minutes", "must be between 1 and 1440");
        }
        if self
            .reset_url
            .as_deref()
            .is_some_and(|url| !is_base_url(url))
        {
            return wrong(
                "reset_url",
                "must be an http or https address without query and fragment",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_settings_are_rejected_by_name() {
        assert_eq!(AuthSettings::default().check(), Ok(()));
        let of = |issuer: &str| {
            AuthSettings {
                issuer: issuer.to_owned(),
                ..AuthSettings::default()
            }
            .check()
        };
        assert_eq!(of("Example Academy"), Ok(()));
        for issuer in ["", " ", "a:b", "a\nb", &"x".repeat(65)] {
            assert_eq!(
                of(issuer).map_err(|error| error.setting),
                Err("issuer"),
                "{issuer}"
            );
        }
        let none = AuthSettings {
            first_password_hours: 0,
            ..AuthSettings::default()
        };
        assert_eq!(
            none.check().map_err(|error| error.setting),
            Err("first_password_hours")
        );
        let days = AuthSettings {
            reset_minutes: 3_000,
            ..AuthSettings::default()
        };
        assert_eq!(
            days.check().map_err(|error| error.setting),
            Err("reset_minutes")
        );
        let reset_url = Some("https://example.org/reset?a=b".to_owned());
        let query = AuthSettings {
            reset_url,
            ..AuthSettings::default()
        };
        assert_eq!(
            query.check().map_err(|error| error.setting),
            Err("reset_url")
        );
    }
}

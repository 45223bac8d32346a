//! What an operator can set about how people log in.

use serde::{Deserialize, Serialize};

use super::second_factor::SecondFactorRule;
use super::settings::HttpSettingsError;

/// The longest issuer, in characters: a QR code has its limits.
const MAX_ISSUER: usize = 64;

/// The `[auth]` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// Who has to have a second factor.
    pub second_factor: SecondFactorRule,
    /// What authenticators call this installation.
    pub issuer: String,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self { second_factor: SecondFactorRule::default(), issuer: "Laureate".to_owned() }
    }
}

impl AuthSettings {
    /// Checks what the types don't.
    ///
    /// # Errors
    /// The first setting that can't be used.
    pub fn check(&self) -> Result<(), HttpSettingsError> {
        let wrong = |setting, problem| Err(HttpSettingsError { setting, problem });
        let length = self.issuer.trim().chars().count();
        let is_plain = !self.issuer.contains(|c: char| c.is_control() || c == ':');
        if !(1..=MAX_ISSUER).contains(&length) || !is_plain {
            return wrong("issuer", "must have 1 to 64 characters, without colons");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        assert_eq!(AuthSettings::default().check(), Ok(()));
        let of = |issuer: &str| AuthSettings { issuer: issuer.to_owned(), ..AuthSettings::default() }.check();
        assert_eq!(of("Example Academy"), Ok(()));
        for issuer in ["", " ", "a:b", "a\nb", &"x".repeat(65)] {
            assert_eq!(of(issuer).map_err(|error| error.setting), Err("issuer"), "{issuer}");
        }
    }
}

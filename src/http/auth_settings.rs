//! What an operator can set about how people log in.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::settings::HttpSettingsError;

/// The `[auth]` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// Passwords that are known from breaches and not taken: "Pwned Passwords" by SHA-1, ordered by hash.
    pub breached_passwords: Option<PathBuf>,
    /// How long a password counts that an administrator has set for somebody else, in hours.
    pub first_password_hours: u32,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self { breached_passwords: None, first_password_hours: 7 * 24 }
    }
}

impl AuthSettings {
    /// Checks what the types don't.
    ///
    /// # Errors
    /// The first setting that can't be used.
    pub fn check(&self) -> Result<(), HttpSettingsError> {
        if self.first_password_hours == 0 {
            return Err(HttpSettingsError { setting: "first_password_hours", problem: "must be at least 1" });
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
        let none = AuthSettings { first_password_hours: 0, ..AuthSettings::default() };
        assert_eq!(none.check().map_err(|error| error.setting), Err("first_password_hours"));
    }
}

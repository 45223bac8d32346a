//! Setting that makes second factors mandatory.

use serde::{Deserialize, Serialize};

use crate::domain::accounts::user::Role;

/// Users who must have a second factor. Without one, such a user can do nothing but set one up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactorRule {
    /// No users. A user who has set up a second factor must still use it at each log-in.
    #[default]
    Optional,
    /// Admins.
    Admins,
    /// All users who log in with a password.
    Everyone,
}

impl SecondFactorRule {
    /// Returns true if users with this role must have a second factor.
    #[must_use]
    pub fn asks(self, role: Role) -> bool {
        match self {
            Self::Optional => false,
            Self::Admins => role == Role::Admin,
            Self::Everyone => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_requires_a_second_factor_by_role() {
        let asked = |rule: SecondFactorRule| {
            [Role::Viewer, Role::Operator, Role::Admin].map(|role| rule.asks(role))
        };
        assert_eq!(asked(SecondFactorRule::Optional), [false, false, false]);
        assert_eq!(asked(SecondFactorRule::Admins), [false, false, true]);
        assert_eq!(asked(SecondFactorRule::Everyone), [true, true, true]);
    }
}

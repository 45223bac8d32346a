//! Setting for mandatory second factors.

use serde::{Deserialize, Serialize};

use crate::domain::accounts::user::Role;

/// Users who must have a second factor. A user who must have one and has none can only set one up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactorRule {
    /// No users. Those who have set up a second factor must use it.
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
    fn the_rule_tells_roles_apart() {
        let asked = |rule: SecondFactorRule| {
            [Role::Viewer, Role::Operator, Role::Admin].map(|role| rule.asks(role))
        };
        assert_eq!(asked(SecondFactorRule::Optional), [false, false, false]);
        assert_eq!(asked(SecondFactorRule::Admins), [false, false, true]);
        assert_eq!(asked(SecondFactorRule::Everyone), [true, true, true]);
    }
}

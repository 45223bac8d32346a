//! Who has to have a second factor.

use serde::{Deserialize, Serialize};

use crate::domain::user::Role;

/// Who has to have a second factor. Whoever has none and should can do nothing but set one up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactorRule {
    /// Nobody; it is asked of those who have switched it on.
    #[default]
    Optional,
    /// Those who administer.
    Admins,
    /// Everybody who logs in with a password.
    Everyone,
}

impl SecondFactorRule {
    /// Whether somebody of this role has to have one.
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
        let asked =
            |rule: SecondFactorRule| [Role::Viewer, Role::Operator, Role::Admin].map(|role| rule.asks(role));
        assert_eq!(asked(SecondFactorRule::Optional), [false, false, false]);
        assert_eq!(asked(SecondFactorRule::Admins), [false, false, true]);
        assert_eq!(asked(SecondFactorRule::Everyone), [true, true, true]);
    }
}

//! Authenticated sender of a request, and its permissions.

use super::access::{Access, Permission};
use crate::domain::accounts::user::Role;
use crate::domain::{ApiKeyId, SessionId, UserId};
use crate::http::{ApiError, ErrorCode};

/// Authenticated sender of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Id of the user. For a program, this is the owner of its API key.
    pub user_id: UserId,
    /// Current role of the user.
    pub role: Role,
    /// The user's epoch to which the token belongs.
    pub epoch: u32,
    /// Means of authentication.
    pub by: By,
    /// True if an administrator has set the password, so that the user must change it before
    /// anything else.
    pub has_first_password: bool,
}

/// Means of authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Access token of this session.
    Session(SessionId),
    /// API key, which has at most these permissions.
    ApiKey(ApiKeyId, Vec<Permission>),
}

impl Principal {
    /// Returns true if the role has the permission. For an API key, its scopes must include it too.
    #[must_use]
    pub fn holds(&self, permission: Permission) -> bool {
        let is_granted = match &self.by {
            By::Session(_) => true,
            By::ApiKey(_, scopes) => scopes.contains(&permission),
        };
        is_granted && permission.is_held_by(self.role)
    }

    /// Rejects a user who must change the password first.
    ///
    /// # Errors
    /// 403 if the password must be changed.
    pub fn check_password(&self) -> Result<(), ApiError> {
        if self.has_first_password {
            let message = "somebody else has set your password; change it first, by POST /auth/change-password";
            return Err(ApiError::new(ErrorCode::PasswordChangeRequired, message));
        }
        Ok(())
    }

    /// Rejects a sender who lacks the access that a route requires.
    ///
    /// # Errors
    /// 403 if the access is missing.
    pub fn check(&self, access: Access) -> Result<(), ApiError> {
        let forbidden = |message: &str| Err(ApiError::new(ErrorCode::Forbidden, message));
        match (access, &self.by) {
            (Access::Public, _) | (Access::SignedIn, By::Session(_)) => Ok(()),
            (Access::SignedIn | Access::InPerson(_), By::ApiKey(..)) => {
                forbidden("this is for people; an API key can't do it")
            }
            (Access::May(permission) | Access::InPerson(permission), By::Session(_)) => {
                permission.check(self.role)
            }
            (Access::May(permission), By::ApiKey(..)) if self.holds(permission) => Ok(()),
            (Access::May(permission), By::ApiKey(..)) => {
                let scope = permission.scope();
                forbidden(&format!(
                    "this API key, or whoever made it, may not do this; it needs {scope}"
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn principal(role: Role, by: By) -> Principal {
        Principal {
            user_id: Uuid::from_u128(1).into(),
            role,
            epoch: 0,
            by,
            has_first_password: false,
        }
    }

    fn key(role: Role, scopes: &[Permission]) -> Principal {
        principal(role, By::ApiKey(Uuid::from_u128(2).into(), scopes.to_vec()))
    }

    #[test]
    fn a_key_may_what_both_its_scopes_and_its_owner_may() {
        let scopes = [Permission::Issue, Permission::ManageUsers];
        assert!(
            key(Role::Operator, &scopes)
                .check(Access::May(Permission::Issue))
                .is_ok()
        );
        assert!(
            key(Role::Admin, &scopes)
                .check(Access::May(Permission::ManageUsers))
                .is_ok()
        );
        for (role, permission) in [
            (Role::Operator, Permission::ManageUsers),
            (Role::Viewer, Permission::Issue),
            (Role::Admin, Permission::ReadJobs),
        ] {
            let refused = key(role, &scopes)
                .check(Access::May(permission))
                .unwrap_err();
            assert_eq!(
                refused.code,
                ErrorCode::Forbidden,
                "{role:?} {permission:?}"
            );
        }
    }

    #[test]
    fn a_key_is_no_person() {
        let key = key(Role::Admin, Permission::ALL);
        for in_person in [
            Access::SignedIn,
            Access::InPerson(Permission::ManageApiKeys),
        ] {
            assert_eq!(key.check(in_person).unwrap_err().code, ErrorCode::Forbidden);
        }
        let admin = principal(Role::Admin, By::Session(Uuid::from_u128(3).into()));
        assert!(
            admin
                .check(Access::InPerson(Permission::ManageApiKeys))
                .is_ok()
        );
        let person = principal(Role::Viewer, By::Session(Uuid::from_u128(3).into()));
        assert!(person.check(Access::SignedIn).is_ok());
        assert!(person.check(Access::May(Permission::Issue)).is_err());
        assert!(
            person
                .check(Access::InPerson(Permission::ManageApiKeys))
                .is_err()
        );
    }
}

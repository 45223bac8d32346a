//! Authenticated sender of a request, with the sender's permissions.

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
    /// For a session, the user's epoch in the access token. For an API key, the current epoch of
    /// its owner.
    pub epoch: u32,
    /// Means of authentication.
    pub by: By,
    /// True if an administrator has set the password. The user must then change it before any other
    /// request.
    pub has_first_password: bool,
}

/// Means of authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Access token of this session.
    Session(SessionId),
    /// API key. It grants only these permissions.
    ApiKey(ApiKeyId, Vec<Permission>),
}

impl Principal {
    /// Returns true if the user's role has `permission`. An API key must also have the scope of the
    /// permission.
    #[must_use]
    pub fn holds(&self, permission: Permission) -> bool {
        let is_granted = match &self.by {
            By::Session(_) => true,
            By::ApiKey(_, scopes) => scopes.contains(&permission),
        };
        is_granted && permission.is_held_by(self.role)
    }

    /// Rejects a user who must first replace a password that an administrator has set.
    ///
    /// # Errors
    /// 403 if the password must be changed.
    pub fn check_password(&self) -> Result<(), ApiError> {
        if self.has_first_password {
            let message = "an administrator has set your password; change it first with POST /auth/change-password";
            return Err(ApiError::new(ErrorCode::PasswordChangeRequired, message));
        }
        Ok(())
    }

    /// Rejects a sender who does not have the access that a route requires.
    ///
    /// # Errors
    /// 403 if the sender lacks `access`.
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
                    "this needs the permission {scope}, which the API key or its owner lacks"
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
    fn api_key_has_only_permissions_of_both_its_scopes_and_its_owner() {
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
    fn api_key_is_denied_actions_that_require_a_session() {
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

//! Who sent a request, and what that allows.

use super::access::{Access, Permission};
use super::{ApiError, ErrorCode};
use crate::domain::user::Role;
use crate::domain::{ApiKeyId, SessionId, UserId};

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user, or the one in whose name a program calls.
    pub user_id: UserId,
    /// What the user may do now.
    pub role: Role,
    /// Epoch of the user that the token belongs to.
    pub epoch: u32,
    /// How that is known.
    pub by: By,
    /// Whether somebody else has set the password, so that it has to be changed before anything else.
    pub has_first_password: bool,
}

/// What somebody has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// An access token of this session.
    Session(SessionId),
    /// An API key, which has these permissions at most.
    ApiKey(ApiKeyId, Vec<Permission>),
}

impl Principal {
    /// Whether this permission is there: by the role, and for a key also by its scopes.
    #[must_use]
    pub fn holds(&self, permission: Permission) -> bool {
        let is_granted = match &self.by {
            By::Session(_) => true,
            By::ApiKey(_, scopes) => scopes.contains(&permission),
        };
        is_granted && permission.is_held_by(self.role)
    }

    /// Refuses whoever has to change a password first.
    ///
    /// # Errors
    /// 403.
    pub fn check_password(&self) -> Result<(), ApiError> {
        if self.has_first_password {
            let message =
                "somebody else has set your password; change it first, by POST /auth/change-password";
            return Err(ApiError::new(ErrorCode::PasswordChangeRequired, message));
        }
        Ok(())
    }

    /// Refuses what a route asks and isn't there.
    ///
    /// # Errors
    /// 403.
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
                forbidden(&format!("this API key, or whoever made it, may not do this; it needs {scope}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn principal(role: Role, by: By) -> Principal {
        Principal { user_id: Uuid::from_u128(1).into(), role, epoch: 0, by, has_first_password: false }
    }

    fn key(role: Role, scopes: &[Permission]) -> Principal {
        principal(role, By::ApiKey(Uuid::from_u128(2).into(), scopes.to_vec()))
    }

    #[test]
    fn a_key_may_what_both_its_scopes_and_its_owner_may() {
        let scopes = [Permission::Issue, Permission::ManageUsers];
        assert!(key(Role::Operator, &scopes).check(Access::May(Permission::Issue)).is_ok());
        assert!(key(Role::Admin, &scopes).check(Access::May(Permission::ManageUsers)).is_ok());
        for (role, permission) in [
            (Role::Operator, Permission::ManageUsers),
            (Role::Viewer, Permission::Issue),
            (Role::Admin, Permission::ReadJobs),
        ] {
            let refused = key(role, &scopes).check(Access::May(permission)).unwrap_err();
            assert_eq!(refused.code, ErrorCode::Forbidden, "{role:?} {permission:?}");
        }
    }

    #[test]
    fn a_key_is_no_person() {
        let key = key(Role::Admin, Permission::ALL);
        for in_person in [Access::SignedIn, Access::InPerson(Permission::ManageApiKeys)] {
            assert_eq!(key.check(in_person).unwrap_err().code, ErrorCode::Forbidden);
        }
        let admin = principal(Role::Admin, By::Session(Uuid::from_u128(3).into()));
        assert!(admin.check(Access::InPerson(Permission::ManageApiKeys)).is_ok());
        let person = principal(Role::Viewer, By::Session(Uuid::from_u128(3).into()));
        assert!(person.check(Access::SignedIn).is_ok());
        assert!(person.check(Access::May(Permission::Issue)).is_err());
        assert!(person.check(Access::InPerson(Permission::ManageApiKeys)).is_err());
    }
}

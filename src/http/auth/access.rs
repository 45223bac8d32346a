//! Access control: permissions of roles and API keys, and the access that each route requires.
//!
//! [`crate::http::server::layers::guard`] checks it before the handler.

use crate::domain::accounts::user::Role;
use crate::http::{ApiError, ErrorCode};

/// Access that a caller needs to use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No authentication.
    Public,
    /// A signed-in person. API keys are rejected.
    SignedIn,
    /// A signed-in person whose role has this permission, or an API key. The API key must have the
    /// permission's scope, and its owner's role must have the permission.
    May(Permission),
    /// A signed-in person whose role has this permission. API keys are rejected, even if they have
    /// the permission's scope.
    InPerson(Permission),
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $name:ident = $scope:literal, from $least:ident;)+) => {
        /// Permission to use a group of routes. A role has its own permissions and those of all
        /// lower roles.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Permission {
            /// All permissions.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the name of the permission, which is also the name of its API key scope.
            #[must_use]
            pub const fn scope(self) -> &'static str {
                match self { $(Self::$name => $scope),+ }
            }

            /// Returns the lowest role that has this permission.
            #[must_use]
            pub const fn least_role(self) -> Role {
                match self { $(Self::$name => Role::$least),+ }
            }

            /// Returns the permission's description, a sentence or two.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+)),+ }
            }
        }
    };
}

// One line per permission, with the lowest role that has it. Viewers read, operators issue, admins
// manage access.
permissions! {
    /// See certificates, their templates and designs.
    ReadCertificates = "certificates:read", from Viewer;
    /// Define certificates, activate and deactivate them, and upload designs.
    ManageCertificates = "certificates:manage", from Operator;
    /// See people and imports.
    ReadAttendees = "attendees:read", from Viewer;
    /// Import people.
    ImportAttendees = "attendees:import", from Operator;
    /// Create, change and delete single people.
    ManageAttendees = "attendees:manage", from Operator;
    /// See issued certificates.
    ReadIssuances = "issuances:read", from Viewer;
    /// Issue certificates.
    Issue = "issuances:issue", from Operator;
    /// Revoke issued certificates, one by one or as a batch.
    Revoke = "issuances:revoke", from Operator;
    /// See mails.
    ReadJobs = "jobs:read", from Viewer;
    /// Send, resend, reschedule and cancel mails, and run scheduled tasks.
    RetryJobs = "jobs:retry", from Operator;
    /// See, add, change and remove users. An API key can do this for roles whose scopes it has, but
    /// not for admins.
    ManageUsers = "users:manage", from Admin;
    /// See and revoke API keys. Only a signed-in person can create them.
    ManageApiKeys = "api-keys:manage", from Admin;
}

impl Permission {
    /// Returns the permission with this scope, or `None` if the scope is unknown.
    #[must_use]
    pub fn of_scope(scope: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.scope() == scope)
    }

    /// Returns true if `role` has this permission.
    #[must_use]
    pub const fn is_held_by(self, role: Role) -> bool {
        rank(role) >= rank(self.least_role())
    }

    /// Rejects a role that lacks this permission.
    ///
    /// # Errors
    /// 403 if `role` lacks the permission.
    pub fn check(self, role: Role) -> Result<(), ApiError> {
        if self.is_held_by(role) {
            return Ok(());
        }
        let message = format!(
            "the role {} may not do this; ask an administrator",
            role.name()
        );
        Err(ApiError::new(ErrorCode::Forbidden, message))
    }
}

/// Returns the rank of a role. A higher role has a higher rank.
const fn rank(role: Role) -> u8 {
    match role {
        Role::Viewer => 0,
        Role::Operator => 1,
        Role::Admin => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_only_read_and_only_admins_manage_users_and_api_keys() {
        for permission in [Permission::ReadAttendees, Permission::ReadJobs] {
            assert!(permission.check(Role::Viewer).is_ok());
        }
        for permission in [
            Permission::Issue,
            Permission::ImportAttendees,
            Permission::RetryJobs,
        ] {
            assert_eq!(
                permission.check(Role::Viewer).unwrap_err().code,
                ErrorCode::Forbidden
            );
            assert!(
                permission.check(Role::Operator).is_ok() && permission.check(Role::Admin).is_ok()
            );
        }
        for permission in [Permission::ManageUsers, Permission::ManageApiKeys] {
            assert_eq!(
                permission.check(Role::Operator).unwrap_err().code,
                ErrorCode::Forbidden
            );
            assert!(permission.check(Role::Admin).is_ok());
        }
    }

    #[test]
    fn each_scope_corresponds_to_one_permission() {
        for permission in Permission::ALL {
            assert_eq!(Permission::of_scope(permission.scope()), Some(*permission));
            assert!(!permission.about().trim().is_empty());
        }
        assert_eq!(Permission::of_scope("everything"), None);
    }
}

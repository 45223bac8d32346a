//! Who may do what: roles and API keys have permissions, routes ask for one.

use super::{ApiError, ErrorCode};
use crate::domain::user::Role;

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Public,
    /// A person who is signed in; an API key is none.
    SignedIn,
    /// Somebody signed in whose role has this permission, or an API key that was given it.
    May(Permission),
    /// A person who is signed in and whose role has this permission. An API key may not, whatever its scopes.
    InPerson(Permission),
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $name:ident = $scope:literal, from $least:ident;)+) => {
        /// What one may do. Each is held by a role and by the roles above it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Permission {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name as a scope of API keys.
            #[must_use]
            pub const fn scope(self) -> &'static str {
                match self { $(Self::$name => $scope),+ }
            }

            /// The lowest role that has it.
            #[must_use]
            pub const fn least_role(self) -> Role {
                match self { $(Self::$name => Role::$least),+ }
            }

            /// What it allows, in a sentence.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+)),+ }
            }
        }
    };
}

// A line each: the lowest role that has it. Viewers look, operators issue, admins decide who may.
permissions! {
    /// See certificates, their templates and designs.
    ReadCertificates = "certificates:read", from Viewer;
    /// Define certificates, switch them and upload designs.
    ManageCertificates = "certificates:manage", from Operator;
    /// See people and imports.
    ReadAttendees = "attendees:read", from Viewer;
    /// Take people in.
    ImportAttendees = "attendees:import", from Operator;
    /// Enter, change and delete single people.
    ManageAttendees = "attendees:manage", from Operator;
    /// See what was issued.
    ReadIssuances = "issuances:read", from Viewer;
    /// Issue.
    Issue = "issuances:issue", from Operator;
    /// Revoke what was issued, one by one or as a batch.
    Revoke = "issuances:revoke", from Operator;
    /// See mails.
    ReadJobs = "jobs:read", from Viewer;
    /// Send mails, again or at another time, call them off, and run scheduled tasks.
    RetryJobs = "jobs:retry", from Operator;
    /// See, add, change and remove those who may log in. An API key does so for roles whose scopes it has, and never for admins.
    ManageUsers = "users:manage", from Admin;
    /// See and revoke API keys. Only a person who is signed in makes them.
    ManageApiKeys = "api-keys:manage", from Admin;
}

impl Permission {
    /// The permission of this scope, if there is one.
    #[must_use]
    pub fn of_scope(scope: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.scope() == scope)
    }

    /// Whether a role has it.
    #[must_use]
    pub const fn is_held_by(self, role: Role) -> bool {
        rank(role) >= rank(self.least_role())
    }

    /// Refuses a role that doesn't have it.
    ///
    /// # Errors
    /// 403.
    pub fn check(self, role: Role) -> Result<(), ApiError> {
        if self.is_held_by(role) {
            return Ok(());
        }
        let message = format!("the role {} may not do this; ask an administrator", role.name());
        Err(ApiError::new(ErrorCode::Forbidden, message))
    }
}

/// Roles from the lowest to the highest.
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
    fn viewers_only_look_and_only_admins_decide_who_may() {
        for permission in [Permission::ReadAttendees, Permission::ReadJobs] {
            assert!(permission.check(Role::Viewer).is_ok());
        }
        for permission in [Permission::Issue, Permission::ImportAttendees, Permission::RetryJobs] {
            assert_eq!(permission.check(Role::Viewer).unwrap_err().code, ErrorCode::Forbidden);
            assert!(permission.check(Role::Operator).is_ok() && permission.check(Role::Admin).is_ok());
        }
        for permission in [Permission::ManageUsers, Permission::ManageApiKeys] {
            assert_eq!(permission.check(Role::Operator).unwrap_err().code, ErrorCode::Forbidden);
            assert!(permission.check(Role::Admin).is_ok());
        }
    }

    #[test]
    fn scopes_name_one_permission_each() {
        for permission in Permission::ALL {
            assert_eq!(Permission::of_scope(permission.scope()), Some(*permission));
            assert!(!permission.about().trim().is_empty());
        }
        assert_eq!(Permission::of_scope("everything"), None);
    }
}

//! Who may do what: roles have permissions, routes ask for one.

use super::{ApiError, ErrorCode};
use crate::domain::user::Role;

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Public,
    /// A valid access token.
    SignedIn,
    /// A valid access token whose role has this permission.
    May(Permission),
}

/// What a role may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See certificates and their designs.
    ReadCertificates,
    /// Define certificates, switch them and upload designs.
    ManageCertificates,
    /// See people and imports.
    ReadAttendees,
    /// Take people in.
    ImportAttendees,
    /// See what was issued.
    ReadIssuances,
    /// Issue.
    Issue,
    /// See mails.
    ReadJobs,
    /// Send mails, again or at another time, call them off, and run scheduled tasks.
    RetryJobs,
}

impl Permission {
    /// Whether a role has it.
    #[must_use]
    pub const fn is_held_by(self, role: Role) -> bool {
        match (role, self) {
            (Role::Admin | Role::Operator, _)
            | (
                Role::Viewer,
                Self::ReadCertificates | Self::ReadAttendees | Self::ReadIssuances | Self::ReadJobs,
            ) => true,
            (
                Role::Viewer,
                Self::ManageCertificates | Self::ImportAttendees | Self::Issue | Self::RetryJobs,
            ) => false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_only_look() {
        for permission in [Permission::ReadAttendees, Permission::ReadJobs] {
            assert!(permission.check(Role::Viewer).is_ok());
        }
        for permission in [Permission::Issue, Permission::ImportAttendees, Permission::RetryJobs] {
            assert_eq!(permission.check(Role::Viewer).unwrap_err().code, ErrorCode::Forbidden);
            assert!(permission.check(Role::Operator).is_ok() && permission.check(Role::Admin).is_ok());
        }
    }
}

//! Admins: a single aggregate that contains the list of all admins. It ensures that the last admin
//! can't be removed.
//!
//! The list and the user's role change in the same atomic batch. So if two admins remove each other
//! at the same moment, the two batches conflict on this aggregate. The list doesn't contain users
//! who became admin before the list existed, and ignores them. Such a user is added when the role
//! is assigned again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, Refusal, UserId};

/// Id of the only instance.
pub const ALL: &str = "all";

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A user became an admin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminAppointed {
    /// The new admin.
    pub user_id: UserId,
}

/// A user is no longer an admin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminDismissed {
    /// The former admin.
    pub user_id: UserId,
}

domain_events! {
    /// Events of the admins aggregate.
    AdminsEvent for "admins" { AdminAppointed, AdminDismissed }
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to the admins aggregate.
#[derive(Clone, Copy, Debug)]
pub enum AdminsCommand {
    /// Adds a user to the list.
    Appoint(UserId),
    /// Removes a user from the list. Refused for the last admin.
    Dismiss(UserId),
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Admins who may log in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdminsState(pub BTreeSet<UserId>);

/// Decider of the admins aggregate.
pub struct Admins;

impl Decider for Admins {
    const AGGREGATE: &'static str = "admins";
    type State = AdminsState;
    type Command = AdminsCommand;
    type Event = AdminsEvent;

    fn decide(state: &AdminsState, command: &AdminsCommand) -> Result<Vec<AdminsEvent>, Refusal> {
        match *command {
            AdminsCommand::Appoint(user_id) if state.0.contains(&user_id) => Ok(Vec::new()),
            AdminsCommand::Appoint(user_id) => Ok(vec![AdminAppointed { user_id }.into()]),
            AdminsCommand::Dismiss(user_id) if state.0.iter().all(|admin| *admin == user_id) => {
                let message = "this is the last admin; make another user admin first";
                Err(Refusal::WrongState(message.to_owned()))
            }
            AdminsCommand::Dismiss(user_id) if state.0.contains(&user_id) => {
                Ok(vec![AdminDismissed { user_id }.into()])
            }
            AdminsCommand::Dismiss(_) => Ok(Vec::new()),
        }
    }

    fn data_subject(_: &str, _: &AdminsState, event: &AdminsEvent) -> Option<DataSubject> {
        match event {
            AdminsEvent::AdminAppointed(e) => Some(DataSubject::User(e.user_id.0)),
            AdminsEvent::AdminDismissed(e) => Some(DataSubject::User(e.user_id.0)),
        }
    }

    fn evolve(mut state: AdminsState, event: &AdminsEvent) -> AdminsState {
        match event {
            AdminsEvent::AdminAppointed(e) => state.0.insert(e.user_id),
            AdminsEvent::AdminDismissed(e) => state.0.remove(&e.user_id),
        };
        state
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::kernel::decider::spec::given;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const GRACE: UserId = UserId(Uuid::from_u128(2));

    fn appointed(user_id: UserId) -> AdminsEvent {
        AdminAppointed { user_id }.into()
    }

    fn dismissed(user_id: UserId) -> AdminsEvent {
        AdminDismissed { user_id }.into()
    }

    #[test]
    fn last_admin_cannot_be_dismissed() {
        let both = vec![appointed(ADA), appointed(GRACE)];
        given::<Admins>(both.clone())
            .when(AdminsCommand::Dismiss(ADA))
            .then(vec![dismissed(ADA)]);
        let one = [both, vec![dismissed(ADA)]].concat();
        given::<Admins>(one)
            .when(AdminsCommand::Dismiss(GRACE))
            .then_refused("WRONG_STATE");
    }

    #[test]
    fn dismissal_of_another_user_requires_an_existing_admin() {
        given::<Admins>(vec![])
            .when(AdminsCommand::Dismiss(ADA))
            .then_refused("WRONG_STATE");
        given::<Admins>(vec![appointed(ADA)])
            .when(AdminsCommand::Dismiss(GRACE))
            .then_nothing();
    }

    #[test]
    fn admin_is_appointed_once() {
        given::<Admins>(vec![])
            .when(AdminsCommand::Appoint(ADA))
            .then(vec![appointed(ADA)]);
        given::<Admins>(vec![appointed(ADA)])
            .when(AdminsCommand::Appoint(ADA))
            .then_nothing();
    }
}

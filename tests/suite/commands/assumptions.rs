//! Decisions on a state that is assumed instead of loaded. If the log shows that the assumption is
//! wrong, the decision is made again.

use laureate::commands::{CommandError, Loaded};
use laureate::domain::accounts::user::User;
use laureate::domain::kernel::claim::{Claim, ClaimCommand, ClaimKind};
use laureate::domain::{Refusal, UserId};
use laureate::event_log::RecordedEvent;
use uuid::Uuid;

use crate::log::fixture::{Log, change_password, person, registered};

fn take(owner: u128) -> ClaimCommand {
    ClaimCommand::Take {
        kind: ClaimKind::UserName,
        owner: Uuid::from_u128(owner),
    }
}

async fn events(log: &Log, id: UserId) -> Vec<RecordedEvent> {
    log.log.load("user", &id.to_string(), 0).await.unwrap()
}

#[tokio::test]
async fn command_with_a_wrong_assumption_is_decided_on_the_loaded_state() {
    let log = Log::provisioned().await;
    let new = || Loaded::<Claim>::new();
    let taken = log
        .commands
        .execute_assuming(&person(), "c1", new(), take(1))
        .await
        .unwrap();
    assert_eq!(taken.state.0, Some(Uuid::from_u128(1)));
    let refused = log
        .commands
        .execute_assuming(&person(), "c1", new(), take(2))
        .await;
    assert!(matches!(
        refused,
        Err(CommandError::Refused(Refusal::Taken(_)))
    ));
    assert_eq!(log.all().await.len(), 1);
}

#[tokio::test]
async fn command_refused_on_a_wrong_assumption_is_decided_again() {
    let log = Log::provisioned().await;
    let id = registered(&log.commands).await;
    // Assumes that the user does not exist, so the first decision is to refuse the change of the
    // password.
    let done = log
        .commands
        .execute_assuming(&person(), id, Loaded::<User>::new(), change_password(1))
        .await;
    assert_eq!(done.unwrap().events.len(), 1);
    assert_eq!(events(&log, id).await.len(), 2);
}

#[tokio::test]
async fn assumption_without_events_is_checked_against_the_log() {
    let log = Log::provisioned().await;
    let owner = Uuid::from_u128(1);
    log.commands
        .execute::<Claim>(&person(), "c1", take(1))
        .await
        .unwrap();
    let release = || ClaimCommand::Release {
        kind: ClaimKind::UserName,
        owner,
    };
    log.commands
        .execute::<Claim>(&person(), "c1", release())
        .await
        .unwrap();
    // Assumes that the owner still has the claim. The decision then has no event to append, so a
    // conflict can't show that the assumption is wrong.
    let mut assumed = Loaded::<Claim>::new();
    assumed.state.0 = Some(owner);
    let done = log
        .commands
        .execute_assuming(&person(), "c1", assumed, take(1))
        .await
        .unwrap();
    assert_eq!(done.events.len(), 1);
    assert_eq!(log.all().await.len(), 3);
}

#[tokio::test]
async fn repeated_command_finds_its_events_after_the_assumed_position() {
    let log = Log::provisioned().await;
    let id = registered(&log.commands).await;
    let before = log.commands.load::<User>(id).await.unwrap();
    let context = person();
    let first = log
        .commands
        .execute_assuming(&context, id, before.clone(), change_password(1))
        .await
        .unwrap();
    let again = log
        .commands
        .execute_assuming(&context, id, before, change_password(1))
        .await
        .unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!(again.position, first.position);
    assert_eq!(events(&log, id).await.len(), 2);
}

#[tokio::test]
async fn commands_can_continue_from_a_first_event_without_loading() {
    let log = Log::provisioned().await;
    let id = registered(&log.commands).await;
    let first = events(&log, id).await.remove(0);
    let mut user = Loaded::<User>::begun_by(&first).unwrap();
    for n in 1..=3 {
        user = log
            .commands
            .execute_assuming(&person(), id, user, change_password(n))
            .await
            .unwrap()
            .into();
    }
    assert_eq!(user.position, events(&log, id).await[3].position);
    assert_eq!(
        log.commands.load::<User>(id).await.unwrap().position,
        user.position
    );
}

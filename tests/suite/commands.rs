//! Concurrent commands on a real log. Each command is executed once or refused.

mod assumptions;
pub mod proofs;
mod unanswered;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use laureate::commands::register_user::register_user;
use laureate::commands::{CommandContext, CommandError};
use laureate::domain::accounts::user::{User, UserCommand, UserEvent, UserPasswordChanged};
use laureate::domain::kernel::claim::{Claim, ClaimCommand, ClaimKind};
use laureate::domain::{CommandId, DataSubject, DomainEvent, Refusal, UserId};
use laureate::event_log::{Append, Cause, Commit, NewEvent, Via};
use uuid::Uuid;

use crate::log::fixture::{Log, change_password, commands, event_with, person, registered, user};

const KEY: &[u8] = b"a key for claims";

fn code<T>(outcome: Result<T, CommandError>) -> Option<&'static str> {
    match outcome {
        Ok(_) => None,
        Err(CommandError::Refused(refusal)) => Some(refusal.code()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn one_of_many_concurrent_takes_of_a_claim_succeeds() {
    let log = Log::provisioned().await;
    let id = ClaimKind::UserEmail.subject_id(KEY, "ada@example.com");
    let owners: Vec<_> = (0..50).map(|_| Uuid::new_v4()).collect();
    let outcomes = join_all(owners.iter().map(|owner| {
        let commands = log.commands.clone();
        let id = id.clone();
        let take = ClaimCommand::Take {
            kind: ClaimKind::UserEmail,
            owner: *owner,
        };
        async move { commands.execute::<Claim>(&person(), id, take).await }
    }))
    .await;
    let codes: Vec<_> = outcomes.into_iter().map(code).collect();
    assert_eq!(
        codes
            .iter()
            .filter(|code| **code == Some("DUPLICATE"))
            .count(),
        49
    );
    let winner = codes.iter().position(Option::is_none).expect("one wins");
    assert_eq!(
        log.commands.load::<Claim>(&id).await.unwrap().state.0,
        Some(owners[winner])
    );
    assert_eq!(log.all().await.len(), 1);
}

#[tokio::test]
async fn one_of_many_takes_of_a_claim_by_many_processes_succeeds() {
    let log = Log::provisioned().await;
    let id = ClaimKind::UserName.subject_id(KEY, "ada");
    let mut racers = Vec::new();
    for _ in 0..10 {
        let commands = commands(&log.another_process().await);
        let id = id.clone();
        let take = ClaimCommand::Take {
            kind: ClaimKind::UserName,
            owner: Uuid::new_v4(),
        };
        racers.push(async move { commands.execute::<Claim>(&person(), id, take).await });
    }
    let codes: Vec<_> = join_all(racers).await.into_iter().map(code).collect();
    assert_eq!(
        codes.iter().filter(|code| code.is_none()).count(),
        1,
        "{codes:?}"
    );
    assert_eq!(log.all().await.len(), 1);
}

#[tokio::test]
async fn concurrent_changes_of_one_aggregate_are_each_written_once() {
    let log = Log::provisioned().await;
    let id = registered(&log.commands).await;
    let contexts: Vec<_> = (0..50).map(|_| person()).collect();
    let outcomes = join_all(contexts.iter().enumerate().map(|(n, context)| {
        let commands = &log.commands;
        async move {
            commands
                .execute::<User>(context, id, change_password(n))
                .await
        }
    }))
    .await;
    let mut positions = HashSet::new();
    for outcome in outcomes {
        let done = outcome.expect("every command succeeds");
        assert!(!done.repeated);
        positions.insert(done.position);
    }
    assert_eq!(positions.len(), 50);
    let events = log.log.load("user", &id.to_string(), 0).await.unwrap();
    assert_eq!(events.len(), 51);
    for context in contexts {
        assert_eq!(
            events
                .iter()
                .filter(|e| e.command_id == context.command_id)
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn command_sent_concurrently_is_executed_once() {
    let log = Log::provisioned().await;
    let id = registered(&log.commands).await;
    let context = person();
    let mut processes = Vec::new();
    for _ in 0..4 {
        processes.push(commands(&log.another_process().await));
    }
    let outcomes = join_all((0..20).map(|n| {
        let commands = &processes[n % 4];
        let context = &context;
        async move {
            commands
                .execute::<User>(context, id, change_password(1))
                .await
        }
    }))
    .await;
    let mut answers: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| outcome.expect("answered"))
        .collect();
    let events = log.log.load("user", &id.to_string(), 0).await.unwrap();
    assert_eq!(events.len(), 2);
    for answer in &answers {
        assert_eq!(
            (answer.position, answer.events.len()),
            (events[1].position, 1)
        );
    }
    answers.retain(|answer| !answer.repeated);
    assert!(
        answers.len() <= 1,
        "at most one wrote the event; the others found it after a conflict"
    );
}

#[tokio::test]
async fn command_with_unknown_outcome_finds_its_event() {
    let log = Log::provisioned().await;
    let id = registered(&log.commands).await;
    let context = person();
    // Simulates that the server has stored the event, but its acknowledgement was lost.
    let event: UserEvent = UserPasswordChanged {
        password_hash: "$argon2id$9".to_owned().into(),
        first_password_until: None,
        keeps_api_keys: false,
    }
    .into();
    let lost = NewEvent {
        event_id: context.command_id.event_id("user", &id.to_string(), 0),
        event_type: event.event_type(),
        command_id: context.command_id,
        ..event_with(Bytes::from(event.encode()))
    };
    let append = Append {
        aggregate: "user",
        id: id.to_string(),
        expected: 1,
        events: vec![lost],
    };
    let position = log
        .log
        .append(Commit::new(log.log.names(), vec![append]))
        .await
        .unwrap()[0];
    log.commands
        .execute::<User>(&person(), id, change_password(10))
        .await
        .unwrap();

    let done = log
        .commands
        .execute::<User>(&context, id, change_password(9))
        .await
        .unwrap();
    assert!(done.repeated);
    assert_eq!((done.position, done.events), (position, vec![event]));
    assert_eq!(log.all().await.len(), 3, "nothing was written");
}

#[tokio::test]
async fn command_without_events_returns_the_position_of_the_aggregate() {
    let log = Log::provisioned().await;
    let owner = Uuid::new_v4();
    let take = ClaimCommand::Take {
        kind: ClaimKind::UserName,
        owner,
    };
    let first = log
        .commands
        .execute::<Claim>(&person(), "c", take)
        .await
        .unwrap();
    let second = log
        .commands
        .execute::<Claim>(&person(), "c", take)
        .await
        .unwrap();
    assert_eq!(
        (second.position, second.events.len(), second.repeated),
        (first.position, 0, false)
    );
    assert_eq!(log.all().await.len(), 1);
}

#[tokio::test]
async fn event_contains_its_provenance_and_its_data_subject() {
    let log = Log::provisioned().await;
    let context = CommandContext {
        correlation_id: Uuid::new_v4(),
        caused_by: Some(Cause {
            event_id: Uuid::new_v4(),
            position: 9,
            aggregate: "import".to_owned(),
            id: Uuid::new_v4().to_string(),
        }),
        via: Some(Via::ApiKey(Uuid::new_v4().into())),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        ..CommandContext::of_person(CommandId(Uuid::new_v4()), "importer").in_request("r-1")
    };
    let id = UserId(Uuid::new_v4());
    log.commands
        .execute::<User>(&context, id, UserCommand::Register(user("ada")))
        .await
        .unwrap();
    let all = log.all().await;
    let event = &all[0];
    assert_eq!(
        (event.command_id, event.correlation_id),
        (context.command_id, context.correlation_id)
    );
    assert_eq!(
        (event.actor.as_str(), event.event_type.as_str()),
        ("importer", "UserRegistered")
    );
    assert_eq!(
        event.event_id,
        context.command_id.event_id("user", &id.to_string(), 0)
    );
    assert_eq!(
        (event.caused_by, event.via, event.request_id.as_deref()),
        (
            context.caused_by.as_ref().map(Cause::caused_by),
            context.via,
            Some("r-1")
        )
    );
    assert_eq!(event.data_subject, Some(DataSubject::User(id.0)));
}

#[tokio::test]
async fn concurrent_registrations_with_one_address_write_only_one_user() {
    let log = Log::provisioned().await;
    let ids: Vec<_> = (0..20).map(|_| UserId(Uuid::new_v4())).collect();
    let outcomes = join_all(ids.iter().enumerate().map(|(n, id)| {
        let commands = &log.commands;
        // The user names differ, and the address is the same.
        let mut wanted = user(&format!("user{n}"));
        wanted.profile.email = "ada@example.com".to_owned().into();
        async move { register_user(commands, KEY, &person(), *id, wanted).await }
    }))
    .await;
    let won: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .collect();
    assert_eq!(won.len(), 1);
    let losers = outcomes.iter().filter(|outcome| {
        matches!(
            outcome,
            Err(CommandError::Refused(Refusal::Taken(ClaimKind::UserEmail)))
        )
    });
    assert_eq!(losers.count(), 19);
    let mut types: Vec<_> = log.all().await.into_iter().map(|e| e.event_type).collect();
    types.sort();
    assert_eq!(
        types,
        [
            "AdminAppointed",
            "ClaimTaken",
            "ClaimTaken",
            "UserRegistered"
        ]
    );
}

#[tokio::test]
async fn repeated_registration_returns_its_own_position() {
    let log = Log::provisioned().await;
    let context = person();
    let id = UserId(Uuid::new_v4());
    let commands = Arc::new(log.commands.clone());
    let first = register_user(&commands, KEY, &context, id, user("ada"))
        .await
        .unwrap();
    register_user(
        &commands,
        KEY,
        &person(),
        UserId(Uuid::new_v4()),
        user("grace"),
    )
    .await
    .unwrap();
    let written = log.all().await.len();
    let again = register_user(&commands, KEY, &context, id, user("ada"))
        .await
        .unwrap();
    assert_eq!(log.all().await.len(), written);
    let own: Vec<_> = log
        .all()
        .await
        .into_iter()
        .filter(|e| e.command_id == context.command_id)
        .map(|e| e.position)
        .collect();
    assert!(
        own.contains(&again) && own.contains(&first),
        "{own:?}: {first}, then {again}"
    );
}

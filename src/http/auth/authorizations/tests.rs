use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::domain::accounts::api_key::{ApiKeyCreated, ApiKeyEvent, ApiKeyRevoked};
use crate::domain::accounts::second_factor::{
    SecondFactorBegun, SecondFactorConfirmed, SecondFactorEvent, SecondFactorRemoved,
    SecondFactorUsed, WhyRemoved,
};
use crate::domain::accounts::session::{RevocationReason, SessionRevoked};
use crate::domain::accounts::user::{
    Profile, Role, UserDeleted, UserDisabled, UserEnabled, UserEvent, UserPasswordChanged,
    UserRegistered, UserRoleChanged,
};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const ADA: UserId = UserId(Uuid::from_u128(1));
const KEY: ApiKeyId = ApiKeyId(Uuid::from_u128(2));
const SESSION: SessionId = SessionId(Uuid::from_u128(3));

fn recorded(aggregate: &str, id: impl ToString, event: &Event) -> RecordedEvent {
    RecordedEvent {
        time: NOW,
        aggregate: aggregate.to_owned(),
        id: id.to_string(),
        event_type: event.event_type().to_owned(),
        body: event.body().to_string().into(),
        ..RecordedEvent::sample(1, "")
    }
}

fn after(events: Vec<RecordedEvent>) -> Authorizations {
    let authorizations = Authorizations::default();
    authorizations.apply(&events).expect("known events");
    authorizations
}

fn user(event: impl Into<UserEvent>) -> RecordedEvent {
    recorded("user", ADA, &Event::User(event.into()))
}

fn registered(role: Role) -> RecordedEvent {
    let text = |text: &str| text.to_owned().into();
    let profile = Profile {
        user_name: text("ada"),
        name: text("Ada"),
        last_name: text("L"),
        email: text("a@b.co"),
    };
    user(UserRegistered {
        profile,
        role,
        password_hash: text("hash"),
        first_password_until: None,
    })
}

fn bearer(role: Role, epoch: u32) -> Bearer {
    Bearer {
        user_id: ADA,
        role,
        session_id: SESSION,
        epoch,
        has_first_password: false,
    }
}

fn token() -> ApiKeyToken {
    ApiKeyToken::new(KEY, |bytes| bytes.fill(1))
}

fn key(event: impl Into<ApiKeyEvent>) -> RecordedEvent {
    recorded("apikey", KEY, &Event::ApiKey(event.into()))
}

fn created() -> RecordedEvent {
    key(ApiKeyCreated {
        name: "sync".to_owned(),
        owner: ADA,
        scopes: vec![
            Permission::Issue.scope().to_owned(),
            "of:tomorrow".to_owned(),
        ],
        secret_sha256: token().sha256(),
        expires_at: NOW + time::Duration::days(1),
        owner_epoch: 0,
    })
}

#[test]
fn token_is_accepted_only_with_the_current_role_and_epoch_of_its_user() {
    let admits = |events, bearer| after(events).of_token(&bearer).is_some();
    let admin = || registered(Role::Admin);
    assert!(admits(vec![], bearer(Role::Admin, 0)), "not heard of yet");
    assert!(admits(vec![admin()], bearer(Role::Admin, 0)));
    assert!(!admits(
        vec![admin(), user(UserRoleChanged { role: Role::Viewer })],
        bearer(Role::Admin, 0)
    ));
    assert!(admits(
        vec![admin(), user(UserRoleChanged { role: Role::Viewer })],
        bearer(Role::Viewer, 0)
    ));
    assert!(!admits(
        vec![admin(), user(UserDisabled {})],
        bearer(Role::Admin, 0)
    ));
    let back = || vec![admin(), user(UserDisabled {}), user(UserEnabled {})];
    assert!(!admits(back(), bearer(Role::Admin, 0)), "begun before");
    assert!(admits(back(), bearer(Role::Admin, 1)));
    assert!(!admits(
        vec![admin(), user(UserDeleted {})],
        bearer(Role::Admin, 0)
    ));
    let changed = UserPasswordChanged {
        password_hash: "new".to_owned().into(),
        first_password_until: None,
        keeps_api_keys: false,
    };
    assert!(!admits(
        vec![admin(), user(changed)],
        bearer(Role::Admin, 0)
    ));
}

#[test]
fn ended_session_rejects_its_tokens_and_is_dropped_after_their_expiry() {
    let ended: Event = Event::Session(
        SessionRevoked {
            reason: RevocationReason::LoggedOut,
        }
        .into(),
    );
    let authorizations = after(vec![
        registered(Role::Admin),
        recorded("session", SESSION, &ended),
    ]);
    assert_eq!(authorizations.of_token(&bearer(Role::Admin, 0)), None);
    let other = Bearer {
        session_id: Uuid::from_u128(4).into(),
        ..bearer(Role::Admin, 0)
    };
    assert!(authorizations.of_token(&other).is_some());
    authorizations.forget(Duration::from_secs(900));
    assert_eq!(authorizations.known().ended.len(), 1);
    authorizations.forget(Duration::ZERO);
    assert!(authorizations.known().ended.is_empty());
}

#[test]
fn api_key_is_accepted_only_while_it_and_its_owner_are_active() {
    let admits = |events| after(events).of_key(&token(), NOW);
    let principal = admits(vec![registered(Role::Admin), created()]).unwrap();
    assert_eq!(principal.by, By::ApiKey(KEY, vec![Permission::Issue]));
    assert_eq!((principal.user_id, principal.role), (ADA, Role::Admin));
    assert_eq!(admits(vec![registered(Role::Admin)]), None);
    assert_eq!(admits(vec![created()]), None, "without an owner");
    for end in [
        user(UserDisabled {}),
        user(UserDeleted {}),
        key(ApiKeyRevoked {}),
    ] {
        assert_eq!(admits(vec![registered(Role::Admin), created(), end]), None);
    }
    let password = |keeps_api_keys| {
        let password_hash = "new".to_owned().into();
        user(UserPasswordChanged {
            password_hash,
            first_password_until: None,
            keeps_api_keys,
        })
    };
    assert_eq!(
        admits(vec![registered(Role::Admin), created(), password(false)]),
        None
    );
    // The key was created with a token of the earlier epoch. So the key is ended even if its event
    // follows the password change in the log.
    assert_eq!(
        admits(vec![registered(Role::Admin), password(false), created()]),
        None
    );
    assert!(admits(vec![registered(Role::Admin), created(), password(true)]).is_some());
    assert_eq!(
        admits(vec![
            registered(Role::Admin),
            created(),
            password(true),
            password(false)
        ]),
        None
    );
    let ended = after(vec![registered(Role::Admin), created(), password(false)]);
    assert_eq!(ended.keys_of(ADA, NOW), 0);
    let authorizations = after(vec![registered(Role::Admin), created()]);
    assert_eq!(authorizations.keys_of(ADA, NOW), 1);
    assert_eq!(
        authorizations.of_key(&token(), NOW + time::Duration::days(1)),
        None,
        "expired"
    );
    let other = ApiKeyToken::new(KEY, |bytes| bytes.fill(2));
    assert_eq!(authorizations.of_key(&other, NOW), None, "another secret");
    let lower = after(vec![
        registered(Role::Admin),
        created(),
        user(UserRoleChanged { role: Role::Viewer }),
    ]);
    assert_eq!(
        lower.of_key(&token(), NOW).map(|principal| principal.role),
        Some(Role::Viewer)
    );
}

#[test]
fn state_stops_at_an_event_of_a_newer_program() {
    let unknown_type = RecordedEvent {
        event_type: "UserOfTomorrow".to_owned(),
        ..registered(Role::Admin)
    };
    let unknown_version = RecordedEvent {
        schema: 2,
        ..registered(Role::Viewer)
    };
    for unknown in [unknown_type, unknown_version] {
        let authorizations = Authorizations::default();
        let events = [registered(Role::Admin), unknown, registered(Role::Viewer)];
        let stopped = authorizations.apply(&events).unwrap_err();
        assert!(stopped.starts_with("event 1: "), "{stopped}");
        // The event after the unknown one is not applied.
        assert!(authorizations.of_token(&bearer(Role::Admin, 0)).is_some());
    }
}

#[test]
fn second_factor_is_known_from_confirmation_until_removal() {
    let event =
        |event: SecondFactorEvent| recorded("secondfactor", ADA, &Event::SecondFactor(event));
    let confirmed = || {
        event(
            SecondFactorConfirmed {
                step: 1,
                recovery_sha256: Vec::new(),
            }
            .into(),
        )
    };
    let used = || event(SecondFactorUsed { step: 2 }.into());
    let removed = || {
        event(
            SecondFactorRemoved {
                reason: WhyRemoved::Lost,
            }
            .into(),
        )
    };
    let begun = || {
        event(
            SecondFactorBegun {
                sealed_secret: "s".to_owned().into(),
            }
            .into(),
        )
    };
    let has = |events| after(events).has_second_factor(ADA);
    assert!(!has(vec![]) && !has(vec![begun()]));
    assert!(has(vec![begun(), confirmed()]) && has(vec![begun(), confirmed(), used()]));
    assert!(!has(vec![begun(), confirmed(), removed()]));
}

#[test]
fn password_hash_is_not_kept_in_memory() {
    let authorizations = after(vec![registered(Role::Admin)]);
    let known = authorizations.known();
    assert_eq!(
        known
            .active(ADA)
            .map(|account| account.password_hash.reveal_str()),
        Some("")
    );
}

#[tokio::test(start_paused = true)]
async fn requests_are_rejected_until_users_and_sessions_are_current() {
    let authorizations = Authorizations::default();
    let refused = authorizations.fresh().await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unavailable);
    let level = Progress {
        level_at: Some(Instant::now()),
        ..Progress::default()
    };
    authorizations.users.send_replace(level.clone());
    assert!(
        authorizations.fresh().await.is_err(),
        "sessions are not known"
    );
    authorizations.sessions.send_replace(level.clone());
    assert!(authorizations.fresh().await.is_ok());
    let unknown = Some("event 1".to_owned());
    authorizations
        .sessions
        .send_replace(Progress { unknown, ..level });
    let refused = authorizations.fresh().await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unavailable);
    assert_eq!(authorizations.unknown_event().as_deref(), Some("event 1"));
}

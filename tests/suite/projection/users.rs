//! Those who log in: users, sessions and API keys, and what can happen to them.

use laureate::domain::api_key::{ApiKey, ApiKeyCreated, ApiKeyRevoked};
use laureate::domain::second_factor::{SecondFactor, SecondFactorConfirmed, SecondFactorRemoved, WhyRemoved};
use laureate::domain::session::{
    RevocationReason, Session, SessionRefreshed, SessionRevoked, SessionStarted,
};
use laureate::domain::user::{
    Profile, Role, User, UserDeleted, UserDisabled, UserEnabled, UserPasswordChanged, UserProfileChanged,
    UserRegistered, UserRoleChanged, UserSessionsEnded,
};
use laureate::projection::queries::{Page, api_keys, sessions, users};
use proptest::prelude::*;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::given_log::{Happened, happened};
use super::world::World;

const ADA: u128 = 0xE7;
const ALAN: u128 = 0xE8;
const SESSION: u128 = 0x5E1;
const KEY: u128 = 0xA91;
const ALL: Page = Page { after: None, limit: 100 };
const LATER: OffsetDateTime = datetime!(2026-12-01 00:00 UTC);
const END: OffsetDateTime = datetime!(2026-12-24 00:00 UTC);

pub fn registered(id: u128, name: &str) -> Happened {
    let profile = Profile {
        user_name: name.to_owned().into(),
        name: "Grace".to_owned().into(),
        last_name: "Hopper".to_owned().into(),
        email: format!("{name}@Example.com").into(),
    };
    let password_hash = "$argon2id$first".to_owned().into();
    happened::<User>(
        id,
        UserRegistered { profile, role: Role::Operator, password_hash, first_password_until: None },
    )
}

pub fn password_changed(id: u128) -> Happened {
    happened::<User>(
        id,
        UserPasswordChanged {
            password_hash: "$argon2id$second".to_owned().into(),
            first_password_until: None,
        },
    )
}

fn profile_changed(id: u128) -> Happened {
    let text = |text: &str| text.to_owned().into();
    let (name, last_name) = (text("Augusta"), text("King"));
    let profile = Profile { user_name: text("augusta"), name, last_name, email: text("augusta@example.com") };
    happened::<User>(id, UserProfileChanged { profile })
}

fn started(id: u128, user: u128, epoch: u32, ends_at: Option<OffsetDateTime>) -> Happened {
    let (user_id, refresh_sha256) = (Uuid::from_u128(user).into(), "a".repeat(64));
    happened::<Session>(id, SessionStarted { user_id, refresh_sha256, expires_at: LATER, ends_at, epoch })
}

fn refreshed(id: u128) -> Happened {
    happened::<Session>(id, SessionRefreshed { refresh_sha256: "b".repeat(64), expires_at: END })
}

fn revoked(id: u128) -> Happened {
    happened::<Session>(id, SessionRevoked { reason: RevocationReason::LoggedOut })
}

fn key_created(id: u128) -> Happened {
    happened::<ApiKey>(
        id,
        ApiKeyCreated {
            name: "Nightly import".to_owned(),
            owner: Uuid::from_u128(ADA).into(),
            scopes: vec!["attendees:read".to_owned(), "attendees:import".to_owned()],
            secret_sha256: "c".repeat(64),
            expires_at: END,
        },
    )
}

fn key_revoked(id: u128) -> Happened {
    happened::<ApiKey>(id, ApiKeyRevoked {})
}

fn factor_on(id: u128) -> Happened {
    happened::<SecondFactor>(id, SecondFactorConfirmed { step: 1, recovery_sha256: vec!["d".repeat(64)] })
}

fn factor_lost(id: u128) -> Happened {
    happened::<SecondFactor>(id, SecondFactorRemoved { reason: WhyRemoved::Lost })
}

/// Everything happens to them at least once.
pub fn everything() -> Vec<Happened> {
    vec![
        registered(ADA, "Ada"),
        registered(ALAN, "Alan"),
        started(SESSION, ADA, 0, None),
        started(SESSION + 1, ALAN, 0, Some(END)),
        refreshed(SESSION + 1),
        happened::<User>(ADA, UserSessionsEnded {}),
        started(SESSION + 2, ADA, 1, Some(END)),
        started(SESSION + 3, ADA, 1, Some(END)),
        revoked(SESSION + 3),
        profile_changed(ADA),
        happened::<User>(ADA, UserRoleChanged { role: Role::Admin }),
        key_created(KEY),
        key_created(KEY + 1),
        key_revoked(KEY),
        factor_on(ADA),
        factor_on(ALAN),
        factor_lost(ALAN),
        happened::<User>(ALAN, UserDisabled {}),
        happened::<User>(ALAN, UserEnabled {}),
        happened::<User>(ALAN, UserDeleted {}),
    ]
}

/// Any of that to any of a few, in any order.
pub fn event() -> impl Strategy<Value = Happened> {
    (0..15_usize, 0..3_u128).prop_map(|(kind, n)| match kind {
        0 => registered(0xE0 + n, "Ada"),
        1 => password_changed(0xE0 + n),
        2 => profile_changed(0xE0 + n),
        3 => happened::<User>(0xE0 + n, UserRoleChanged { role: Role::Viewer }),
        4 => happened::<User>(0xE0 + n, UserDisabled {}),
        5 => happened::<User>(0xE0 + n, UserEnabled {}),
        6 => happened::<User>(0xE0 + n, UserSessionsEnded {}),
        7 => happened::<User>(0xE0 + n, UserDeleted {}),
        8 => started(SESSION + n, 0xE0, 0, Some(END)),
        9 => refreshed(SESSION + n),
        10 => revoked(SESSION + n),
        11 => key_created(KEY + n),
        12 => factor_on(0xE0 + n),
        13 => factor_lost(0xE0 + n),
        _ => key_revoked(KEY + n),
    })
}

#[tokio::test]
async fn lists_show_those_who_are_there_and_sessions_that_go_on() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let id = Uuid::from_u128;

    let ada = users::get(&client, id(ADA)).await.expect("answers").expect("is there");
    assert_eq!((ada.role.as_str(), ada.is_active, ada.user_name.reveal_str()), ("admin", true, "augusta"));
    assert!(ada.second_factor_position.is_some());
    assert!(users::get(&client, id(ALAN)).await.expect("answers").is_none(), "was removed");
    for (role, is_active, count) in
        [(None, None, 1), (Some("admin"), Some(true), 1), (Some("viewer"), None, 0), (None, Some(false), 0)]
    {
        let listed = users::list(&client, ALL, role, is_active).await.expect("answers");
        assert_eq!(listed.items.len(), count, "{role:?} {is_active:?}");
    }

    let of = async |user, now| {
        let listed = sessions::list(&client, id(user), now, ALL).await.expect("answers");
        listed.items.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    // One is of an earlier epoch, one was revoked; and the user of another is gone.
    assert_eq!(of(ADA, datetime!(2026-11-30 00:00 UTC)).await, [SESSION + 2]);
    assert!(of(ADA, LATER).await.is_empty(), "expired");
    assert!(of(ALAN, datetime!(2026-11-30 00:00 UTC)).await.is_empty());

    let keys = api_keys::list(&client, ALL).await.expect("answers").items;
    let shown: Vec<_> = keys.iter().map(|key| (key.id.as_u128(), key.revoked_at.is_some())).collect();
    assert_eq!(shown, [(KEY + 1, false), (KEY, true)]);
    assert_eq!(keys[0].scopes, ["attendees:read", "attendees:import"]);
}

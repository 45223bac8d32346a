//! Users, sessions and API keys.

use laureate::domain::accounts::api_key::{ApiKey, ApiKeyCreated, ApiKeyRevoked};
use laureate::domain::accounts::second_factor::{
    SecondFactor, SecondFactorConfirmed, SecondFactorRemoved, WhyRemoved,
};
use laureate::domain::accounts::session::{
    RevocationReason, Session, SessionRefreshed, SessionRevoked, SessionStarted,
};
use laureate::domain::accounts::user::{
    Profile, Role, User, UserDeleted, UserDisabled, UserEnabled, UserPasswordChanged,
    UserProfileChanged, UserRegistered, UserRoleChanged, UserSessionsEnded,
};
use laureate::projection::queries::api_keys::ApiKeyRow;
use laureate::projection::queries::listing::{self, Conditions, Order, Start, list};
use laureate::projection::queries::sessions::{self, SessionRow};
use laureate::projection::queries::users::{self, UserRow};
use proptest::prelude::*;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::given_log::{Happened, happened};
use super::listing::{all, found};
use super::world::World;

const ADA: u128 = 0xE7;
const ALAN: u128 = 0xE8;
const SESSION: u128 = 0x5E1;
const KEY: u128 = 0xA91;
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
        UserRegistered {
            profile,
            role: Role::Operator,
            password_hash,
            first_password_until: None,
        },
    )
}

pub fn password_changed(id: u128) -> Happened {
    happened::<User>(
        id,
        UserPasswordChanged {
            password_hash: "$argon2id$second".to_owned().into(),
            first_password_until: None,
            keeps_api_keys: false,
        },
    )
}

fn profile_changed(id: u128) -> Happened {
    let text = |text: &str| text.to_owned().into();
    let name = text("Augusta");
    let last_name = text("King");
    let profile = Profile {
        user_name: text("augusta"),
        name,
        last_name,
        email: text("augusta@example.com"),
    };
    happened::<User>(id, UserProfileChanged { profile })
}

fn started(id: u128, user: u128, epoch: u32, ends_at: Option<OffsetDateTime>) -> Happened {
    let user_id = Uuid::from_u128(user).into();
    let refresh_sha256 = "a".repeat(64);
    happened::<Session>(
        id,
        SessionStarted {
            user_id,
            refresh_sha256,
            expires_at: LATER,
            ends_at,
            epoch,
        },
    )
}

fn refreshed(id: u128) -> Happened {
    happened::<Session>(
        id,
        SessionRefreshed {
            refresh_sha256: "b".repeat(64),
            expires_at: END,
        },
    )
}

fn revoked(id: u128) -> Happened {
    happened::<Session>(
        id,
        SessionRevoked {
            reason: RevocationReason::LoggedOut,
        },
    )
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
            owner_epoch: 0,
        },
    )
}

fn key_revoked(id: u128) -> Happened {
    happened::<ApiKey>(id, ApiKeyRevoked {})
}

fn factor_on(id: u128) -> Happened {
    happened::<SecondFactor>(
        id,
        SecondFactorConfirmed {
            step: 1,
            recovery_sha256: vec!["d".repeat(64)],
        },
    )
}

fn factor_lost(id: u128) -> Happened {
    happened::<SecondFactor>(
        id,
        SecondFactorRemoved {
            reason: WhyRemoved::Lost,
        },
    )
}

/// Returns a history that contains every event of users, sessions and API keys.
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

/// Generates any event of a few aggregates, in any order.
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
async fn lists_contain_existing_users_and_active_sessions() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    let id = Uuid::from_u128;

    let ada = listing::get::<UserRow>(&client, id(ADA))
        .await
        .expect("answers")
        .expect("is there");
    assert_eq!(
        (
            ada.role.as_str(),
            ada.is_active,
            ada.profile.user_name.reveal_str()
        ),
        ("admin", true, "augusta")
    );
    assert!(ada.second_factor_position.is_some());
    let listed: Vec<UserRow> = all(&client, &users::LIST.table, &Conditions::default()).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].second_factor_position, ada.second_factor_position);
    assert!(
        listing::get::<UserRow>(&client, id(ALAN))
            .await
            .expect("answers")
            .is_none(),
        "was removed"
    );

    let of = async |user, now| {
        let open = sessions::open_sessions(Conditions::default(), id(user), now);
        let rows: Vec<SessionRow> = all(&client, &sessions::LIST.table, &open).await;
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    // One session has an earlier epoch, one was revoked, and one belongs to a user who was deleted.
    assert_eq!(
        of(ADA, datetime!(2026-11-30 00:00 UTC)).await,
        [SESSION + 2]
    );
    assert!(of(ADA, LATER).await.is_empty(), "expired");
    assert!(of(ALAN, datetime!(2026-11-30 00:00 UTC)).await.is_empty());
}

#[tokio::test]
async fn users_are_filtered_and_sorted() {
    let world = World::new().await;
    let called = |id, user_name: &str, name: &str| {
        let text = |text: &str| text.to_owned().into();
        let email = format!("{}@Example.com", id);
        let profile = Profile {
            user_name: text(user_name),
            name: text(name),
            last_name: text("Nuñez"),
            email: email.into(),
        };
        happened::<User>(id, UserProfileChanged { profile })
    };
    world.log.append([
        registered(1, "zoe"),
        registered(2, "Ada"),
        registered(3, "eva"),
        happened::<User>(2, UserRoleChanged { role: Role::Admin }),
        called(3, "Éva", "Łucja"),
        happened::<User>(1, UserDisabled {}),
    ]);
    world.project().await;
    let client = world.reader().await;
    let users = async |query: &str| found(&client, query, |row: &UserRow| row.id).await;
    assert_eq!(users("").await, [3, 2, 1]);
    assert_eq!(users("search=hopper").await, [2, 1]);
    assert_eq!(users("search=EVA nunez").await, [3]);
    assert_eq!(users("search=lucja example").await, [3]);
    assert_eq!(users("search=%25").await, [0; 0]);
    assert_eq!(users("role=admin").await, [2]);
    assert_eq!(users("role=viewer").await, [0; 0]);
    assert_eq!(users("role=admin&role=operator").await.len(), 3);
    assert_eq!(users("isActive=false").await, [1]);
    assert_eq!(users("search=grace&isActive=true").await, [2]);

    let everybody = Conditions::default();
    for (key, ids) in [
        ("createdAt", [1, 2, 3]),
        ("updatedAt", [2, 3, 1]),
        ("userName", [2, 3, 1]),
        ("email", [3, 2, 1]),
    ] {
        let key = users::LIST.sort_key(key).expect("a sort key");
        for descending in [false, true] {
            // One row per page, so that the position after each row is the start of a page.
            let mut start = Start::First;
            let mut sorted = Vec::new();
            while sorted.len() < 4 {
                let order = Order { key, descending };
                let part =
                    list::<UserRow>(&client, &users::LIST.table, &everybody, order, &start, 1);
                let part = part.await.expect("answers");
                sorted.extend(part.items.iter().map(|row| row.id.as_u128()));
                let Some(last) = part.last else { break };
                start = Start::After(last);
            }
            if descending {
                sorted.reverse();
            }
            assert_eq!(sorted, ids, "{key:?} {descending}");
        }
    }
}

#[tokio::test]
async fn api_keys_are_filtered_by_name_and_state() {
    let world = World::new().await;
    let key = |id, name: &str, expires_at| {
        let owner = Uuid::from_u128(ADA).into();
        let scopes = vec!["attendees:read".to_owned()];
        let name = name.to_owned();
        let secret_sha256 = "c".repeat(64);
        happened::<ApiKey>(
            id,
            ApiKeyCreated {
                name,
                owner,
                scopes,
                secret_sha256,
                expires_at,
                owner_epoch: 0,
            },
        )
    };
    world.log.append([
        key(1, "Nightly import", END),
        key(2, "Exportación", LATER),
        key(3, "Nightly export", LATER),
        key_revoked(3),
    ]);
    world.project().await;
    let client = world.reader().await;
    let keys = async |query: &str| found(&client, query, |row: &ApiKeyRow| row.id).await;
    assert_eq!(keys("").await, [3, 2, 1]);
    assert_eq!(keys("state=active").await, [1]);
    assert_eq!(
        keys("state=expired").await,
        [2],
        "the expiry itself is not included"
    );
    assert_eq!(keys("state=revoked").await, [3]);
    assert_eq!(keys("state=active&state=revoked").await, [3, 1]);
    assert_eq!(keys("search=EXPORTACION").await, [2]);
    assert_eq!(keys("search=nightly&state=revoked").await, [3]);
}

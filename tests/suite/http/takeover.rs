//! Takeover of an account, by a session that was left open or by an API key.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::{PASSWORD, somebody, text};
use super::{Answered, Api};

/// Creates an API key with these scopes for the owner of `token`. Returns the id and the key.
async fn key(api: &Api, token: &str, scopes: &[&str]) -> (String, String) {
    let body = json!({ "name": "Sync", "scopes": scopes });
    let made = api
        .as_(token, Method::POST, "/api-keys", Some(&body))
        .await
        .expect(201);
    (
        text(&made.body["data"]["id"]),
        text(&made.body["data"]["key"]),
    )
}

async fn works(api: &Api, key: &str) -> bool {
    let answer = api.as_(key, Method::GET, "/jobs", None).await;
    assert!(
        [200, 401].contains(&answer.status.as_u16()),
        "{}",
        answer.body
    );
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn own_credentials_cannot_be_changed_without_the_current_password() {
    let api = Api::start().await;
    let person = api.person("grace", "admin").await;
    let path = format!("/users/{}", person.id);
    let change = async |body: Value| {
        api.as_(&person.token, Method::PATCH, &path, Some(&body))
            .await
    };

    for body in [
        json!({ "password": "Third-horse-3" }),
        json!({ "password": "Third-horse-3", "currentPassword": PASSWORD }),
        json!({ "password": "Third-horse-3", "name": "Amazing" }),
    ] {
        let refused = change(body).await.expect(409);
        assert_eq!(refused.code(), "WRONG_STATE");
        assert!(text(&refused.body["error"]["message"]).contains("/auth/change-password"));
    }
    api.try_log_in("grace", PASSWORD).await.expect(200);

    // A mail with a link for setting a new password would be sent to the new address.
    for body in [
        json!({ "email": "elsewhere@example.com" }),
        json!({ "email": "elsewhere@example.com", "currentPassword": "Wrong-horse-9" }),
        json!({ "email": "elsewhere@example.com", "currentPassword": "" }),
        json!({ "userName": "hopper" }),
        json!({ "user_name": "hopper", "currentPassword": "Wrong-horse-9" }),
        json!({ "userName": "hopper", "email": "grace@example.com" }),
    ] {
        let refused = change(body).await.expect(422);
        assert!(
            text(&refused.body["error"]["details"][0]).starts_with("currentPassword"),
            "{}",
            refused.body
        );
    }
    let same = json!({ "name": "Amazing", "userName": "grace", "email": "grace@example.com" });
    change(same).await.expect(200);
    let moved =
        change(json!({ "email": "elsewhere@example.com", "current_password": PASSWORD })).await;
    assert_eq!(
        moved.expect(200).body["data"]["email"],
        "elsewhere@example.com"
    );
    let renamed = change(json!({ "userName": "hopper", "currentPassword": PASSWORD })).await;
    assert_eq!(renamed.expect(200).body["data"]["userName"], "hopper");
    // Another admin can change them without this password.
    api.patch(
        &path,
        &json!({ "email": "back@example.com", "userName": "grace" }),
    )
    .await
    .expect(200);
}

/// Scopes of an API key that can manage viewers and operators.
const OPERATORS_MANAGER: [&str; 11] = [
    "users:manage",
    "certificates:read",
    "certificates:manage",
    "attendees:read",
    "attendees:import",
    "attendees:manage",
    "issuances:read",
    "issuances:issue",
    "issuances:revoke",
    "jobs:read",
    "jobs:retry",
];

#[tokio::test(flavor = "multi_thread")]
async fn api_key_cannot_manage_admins_or_exceed_its_own_permissions() {
    let api = Api::start().await;
    let (_, only_users) = key(&api, &api.token, &["users:manage"]).await;
    let (_, key) = key(&api, &api.token, &OPERATORS_MANAGER).await;
    let me = text(&api.get("/auth/me").await.expect(200).body["data"]["id"]);
    let admin = api.person("second", "admin").await;
    let with_key = async |method, path: &str, body: Option<Value>| {
        api.as_(&key, method, path, body.as_ref()).await
    };

    let forbidden = |answer: Answered, what: &str| {
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (403, "FORBIDDEN"),
            "{what}: {}",
            answer.body
        );
    };
    forbidden(
        with_key(Method::POST, "/users", Some(somebody("third", "admin"))).await,
        "making an admin",
    );
    for role in ["viewer", "operator"] {
        let body = somebody("third", role);
        let answer = api
            .as_(&only_users, Method::POST, "/users", Some(&body))
            .await;
        forbidden(answer, "making somebody who may do more than the key");
    }
    let added = with_key(Method::POST, "/users", Some(somebody("third", "operator")))
        .await
        .expect(201);
    let third = format!("/users/{}", text(&added.body["data"]["id"]));
    forbidden(
        with_key(Method::PATCH, &third, Some(json!({ "role": "admin" }))).await,
        "appointing",
    );
    for admin in [&me, &admin.id] {
        let path = format!("/users/{admin}");
        for body in [
            json!({ "password": "Third-horse-3" }),
            json!({ "email": "elsewhere@example.com" }),
            json!({ "email": "elsewhere@example.com", "currentPassword": PASSWORD }),
            json!({ "userName": "other" }),
            json!({ "role": "viewer" }),
            json!({ "isActive": false }),
            json!({}),
        ] {
            let what = body.to_string();
            let refused = with_key(Method::PATCH, &path, Some(body)).await;
            // For the key's owner, another rule may reject the change first, with 422 or 409.
            assert!(
                [403, 409, 422].contains(&refused.status.as_u16()),
                "{what}: {}",
                refused.body
            );
        }
        let removed = with_key(Method::DELETE, &path, None).await;
        assert!(
            [403, 409].contains(&removed.status.as_u16()),
            "{}",
            removed.body
        );
        forbidden(
            with_key(Method::DELETE, &format!("{path}/second-factor"), None).await,
            "a second factor",
        );
    }
    forbidden(
        with_key(Method::DELETE, &format!("{third}/second-factor"), None).await,
        "a second factor",
    );
    // The second admin has not been changed. Admins who are inactive are protected too.
    assert_eq!(api.me(&admin.token).await, 200);
    api.patch(
        &format!("/users/{}", admin.id),
        &json!({ "isActive": false }),
    )
    .await
    .expect(200);
    forbidden(
        with_key(
            Method::PATCH,
            &format!("/users/{}", admin.id),
            Some(json!({ "isActive": true })),
        )
        .await,
        "switching an admin on",
    );

    // The key can change and delete other users.
    with_key(
        Method::PATCH,
        &third,
        Some(json!({ "role": "viewer", "name": "Ida" })),
    )
    .await
    .expect(200);
    with_key(
        Method::PATCH,
        &third,
        Some(json!({ "password": "Another-horse-3" })),
    )
    .await
    .expect(200);
    with_key(Method::DELETE, &third, None).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn api_key_cannot_create_api_keys() {
    let api = Api::start().await;
    let (_, maker) = key(&api, &api.token, &["api-keys:manage", "jobs:read"]).await;
    let soon =
        json!({ "name": "Same", "scopes": ["jobs:read"], "expiresAt": "2026-11-30T00:00:00Z" });
    let same = json!({ "name": "Same", "scopes": ["api-keys:manage", "jobs:read"] });
    for body in [soon, same] {
        let refused = api
            .as_(&maker, Method::POST, "/api-keys", Some(&body))
            .await
            .expect(403);
        assert_eq!(refused.code(), "FORBIDDEN");
    }
    let listed = api.get("/api-keys").await.expect(200);
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn password_change_revokes_api_keys_unless_they_are_kept() {
    let api = Api::start().await;
    let person = api.person("grace", "admin").await;
    let path = format!("/users/{}", person.id);
    let change = async |token: &str, old: &str, new: &str, keep: Option<bool>| {
        let mut body = json!({ "oldPassword": old, "newPassword": new });
        if let Some(keep) = keep {
            body["keepApiKeys"] = keep.into();
        }
        let changed = api
            .as_(token, Method::POST, "/auth/change-password", Some(&body))
            .await
            .expect(200);
        text(&changed.body["data"]["access_token"])
    };
    let (_, others) = key(&api, &api.token, &["jobs:read"]).await;

    let (id, first) = key(&api, &person.token, &["jobs:read"]).await;
    let token = change(&person.token, PASSWORD, "Second-horse-2", Some(true)).await;
    assert!(works(&api, &first).await, "kept");
    let token = change(&token, "Second-horse-2", "Third-horse-3", None).await;
    assert!(!works(&api, &first).await, "ended");
    let ended = |body: &Value| body["data"]["revokedAt"].is_string();
    api.until("the list knows", &format!("/api-keys/{id}"), ended)
        .await;
    let active = api.get("/api-keys?state=active").await.expect(200);
    assert!(!active.body.to_string().contains(&id), "{}", active.body);
    let revoked = api.get("/api-keys?state=revoked").await.expect(200);
    assert!(revoked.body.to_string().contains(&id), "{}", revoked.body);

    // Keys that are created later are valid. They end too when an administrator sets a new
    // password.
    let (_, second) = key(&api, &token, &["jobs:read"]).await;
    assert!(works(&api, &second).await);
    api.patch(
        &path,
        &json!({ "password": "Fourth-horse-4", "keepApiKeys": true }),
    )
    .await
    .expect(200);
    assert!(works(&api, &second).await, "kept");
    api.patch(&path, &json!({ "password": "Fifth-horse-5" }))
        .await
        .expect(200);
    assert!(!works(&api, &second).await, "ended");
    // The key of another user is still valid. If a user is activated again, the ended keys stay
    // invalid.
    assert!(works(&api, &others).await);
    api.patch(&path, &json!({ "isActive": false }))
        .await
        .expect(200);
    api.patch(&path, &json!({ "isActive": true }))
        .await
        .expect(200);
    assert!(!works(&api, &second).await, "it stays ended");
}

//! API keys: scopes, expiry, revocation, and the limit to their owner's rights.

use reqwest::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::people::text;
use super::{Answered, Api, scrubbed};

fn key(scopes: &[&str]) -> Value {
    json!({ "name": "Nightly import", "scopes": scopes })
}

async fn make(api: &Api, scopes: &[&str]) -> (String, String) {
    let made = api.post("/api-keys", &key(scopes)).await.expect(201);
    (
        text(&made.body["data"]["id"]),
        text(&made.body["data"]["key"]),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn key_is_shown_once_works_within_its_scopes_and_is_revoked() {
    let api = Api::start().await;
    let made = api
        .post("/api-keys", &key(&["certificates:read", "attendees:read"]))
        .await
        .expect(201);
    insta::assert_json_snapshot!("api_key", scrubbed(&made.body), { ".data.key" => "[key]" });
    let id = text(&made.body["data"]["id"]);
    let secret = text(&made.body["data"]["key"]);
    assert!(secret.starts_with("lk_") && secret.contains(&id.replace('-', "")));

    api.as_(&secret, Method::GET, "/certificates", None)
        .await
        .expect(200);
    let refused = api
        .as_(&secret, Method::GET, "/jobs", None)
        .await
        .expect(403);
    assert_eq!(refused.code(), "FORBIDDEN");
    assert!(text(&refused.body["error"]["message"]).contains("jobs:read"));
    for path in ["/auth/me", "/auth/sessions"] {
        assert_eq!(
            api.as_(&secret, Method::GET, path, None)
                .await
                .expect(403)
                .code(),
            "FORBIDDEN"
        );
    }
    let (start, end) = secret.split_at(secret.len() - 1);
    let other = format!("{start}{}", if end == "A" { "B" } else { "A" });
    for wrong in [&other, "lk_", &secret[..40]] {
        assert_eq!(
            api.as_(wrong, Method::GET, "/certificates", None)
                .await
                .expect(401)
                .code(),
            "UNAUTHENTICATED"
        );
    }

    let path = format!("/api-keys/{id}");
    let used = |body: &Value| body["data"]["lastUsedAt"].is_string();
    let read = api.until("the key's use is recorded", &path, used).await;
    assert!(
        !read.to_string().contains(&secret[36..]),
        "the secret is shown again"
    );
    let listed = api.get("/api-keys").await.expect(200);
    assert_eq!(
        (
            &listed.body["data"][0]["id"],
            listed.body["data"].as_array().map(Vec::len)
        ),
        (&json!(id), Some(1))
    );
    assert!(!listed.body.to_string().contains(&secret[36..]));

    let stale = api
        .request(Method::DELETE, &path)
        .header("if-match", "\"1\"");
    Answered::of(stale.send().await.expect("answered"))
        .await
        .expect(412);
    api.delete(&path).await.expect(200);
    api.as_(&secret, Method::GET, "/certificates", None)
        .await
        .expect(401);
    api.delete(&path).await.expect(200);
    let read = api.get(&path).await.expect(200);
    assert!(read.body["data"]["revokedAt"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_key_name_the_key_as_actor() {
    let api = Api::start().await;
    let (id, secret) = make(&api, &["certificates:manage"]).await;
    let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit" });
    let defined = api
        .as_(&secret, Method::POST, "/certificates", Some(&body))
        .await
        .expect(201);
    let position = defined
        .header("x-event-position")
        .parse::<u64>()
        .expect("a position");
    let mut reader = api.app.app.commands().log().read_after(position - 1);
    let events = reader
        .next_batch(1, std::time::Duration::from_secs(30))
        .await
        .expect("readable");
    assert_eq!(events[0].actor, format!("apikey {id}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn key_has_at_most_its_owners_rights() {
    let api = Api::start().await;
    let operator = api.person("grace", "operator").await;
    let refused = api
        .as_(
            &operator.token,
            Method::POST,
            "/api-keys",
            Some(&key(&["jobs:read"])),
        )
        .await;
    assert_eq!(refused.expect(403).code(), "FORBIDDEN");
    // A key lists and revokes keys but creates none. Otherwise it could renew itself and never
    // expire.
    let (_, other) = make(&api, &["api-keys:manage", "jobs:read"]).await;
    for scope in ["jobs:read", "users:manage"] {
        let refused = api
            .as_(&other, Method::POST, "/api-keys", Some(&key(&[scope])))
            .await;
        assert_eq!(refused.expect(403).code(), "FORBIDDEN");
    }
    api.as_(&other, Method::GET, "/api-keys", None)
        .await
        .expect(200);
    api.as_(&other, Method::GET, "/users", None)
        .await
        .expect(403);
    let (_, users) = make(&api, &["users:manage"]).await;
    api.as_(&users, Method::GET, "/users", None)
        .await
        .expect(200);

    // The owner's role at the time of the call limits the key.
    let admin = api.person("second", "admin").await;
    let made = api
        .as_(
            &admin.token,
            Method::POST,
            "/api-keys",
            Some(&key(&["users:manage", "jobs:read"])),
        )
        .await;
    let secret = text(&made.expect(201).body["data"]["key"]);
    api.as_(&secret, Method::GET, "/users", None)
        .await
        .expect(200);
    let path = format!("/users/{}", admin.id);
    api.patch(&path, &json!({ "role": "viewer" }))
        .await
        .expect(200);
    api.as_(&secret, Method::GET, "/users", None)
        .await
        .expect(403);
    api.as_(&secret, Method::GET, "/jobs", None)
        .await
        .expect(200);
    api.delete(&path).await.expect(200);
    api.as_(&secret, Method::GET, "/jobs", None)
        .await
        .expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_key_request_names_the_field() {
    let api = Api::start().await;
    let at = |days: i64| {
        let time = OffsetDateTime::now_utc() + time::Duration::days(days);
        time.format(&Rfc3339).expect("formats")
    };
    for (body, field) in [
        (json!({ "name": "", "scopes": ["jobs:read"] }), "name"),
        (json!({ "name": "x", "scopes": [] }), "scopes"),
        (
            json!({ "name": "x", "scopes": ["jobs:read", "jobs:eat"] }),
            "scopes[1]",
        ),
        (
            json!({ "name": "x", "scopes": ["jobs:read"], "expiresAt": at(-1) }),
            "expiresAt",
        ),
        (
            json!({ "name": "x", "scopes": ["jobs:read"], "expiresAt": at(400) }),
            "expiresAt",
        ),
        (
            json!({ "name": "x", "scopes": ["jobs:read"], "expiresAt": "soon" }),
            "expiresAt",
        ),
    ] {
        let refused = api.post("/api-keys", &body).await.rejected();
        assert!(
            text(&refused.body["error"]["details"][0]).starts_with(field),
            "{}",
            refused.body
        );
    }
    api.get("/api-keys/00000000-0000-4000-8000-000000000000")
        .await
        .expect(404);
    api.delete("/api-keys/00000000-0000-4000-8000-000000000000")
        .await
        .expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_request_creates_one_key_and_shows_it_once() {
    let api = Api::start().await;
    let make = || {
        let request = api
            .request(Method::POST, "/api-keys")
            .header("idempotency-key", "one");
        let request = request.json(&key(&["jobs:read"]));
        async { Answered::of(request.send().await.expect("answered")).await }
    };
    let made = make().await.expect(201);
    let again = make().await.expect(409);
    assert_eq!(again.code(), "ALREADY_EXISTS");
    assert!(text(&again.body["error"]["message"]).contains(&text(&made.body["data"]["id"])));
    let secret = text(&made.body["data"]["key"]);
    assert!(!again.body.to_string().contains(&secret[36..]));
    api.as_(&secret, Method::GET, "/jobs", None)
        .await
        .expect(200);
}

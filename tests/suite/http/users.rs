//! Users: creation, change and removal, which take effect immediately.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::{FIRST_PASSWORD, PASSWORD, somebody, text};
use super::{Answered, Api, scrubbed};

#[tokio::test(flavor = "multi_thread")]
async fn user_is_added_read_changed_and_removed() {
    let api = Api::start().await;
    let added = api
        .post("/users", &somebody("Grace", "operator"))
        .await
        .expect(201);
    let id = text(&added.body["data"]["id"]);
    let path = format!("/users/{id}");
    assert_eq!(added.header("location"), format!("/api/v1{path}"));
    let read = api.get(&path).await.expect(200);
    assert_eq!(read.header("etag"), added.header("etag"));
    insta::assert_json_snapshot!("user", scrubbed(&read.body));

    let stale = api
        .request(Method::PATCH, &path)
        .header("if-match", "\"1\"")
        .json(&json!({ "name": "G" }));
    let stale = Answered::of(stale.send().await.expect("answered"))
        .await
        .expect(412);
    assert_eq!(stale.code(), "PRECONDITION_FAILED");
    let change =
        json!({ "name": " Amazing ", "email": "amazing@example.com", "user_name": "grace2" });
    let change = api
        .request(Method::PATCH, &path)
        .header("if-match", read.header("etag"))
        .json(&change);
    let changed = Answered::of(change.send().await.expect("answered"))
        .await
        .expect(200);
    assert_eq!(changed.body["data"]["name"], "Amazing");
    assert_ne!(changed.header("etag"), read.header("etag"));
    // The old user name can be used by others. The user has to log in with the new one.
    assert_eq!(
        api.try_log_in("Grace", FIRST_PASSWORD).await.code(),
        "INVALID_CREDENTIALS"
    );
    api.try_log_in("GRACE2", FIRST_PASSWORD).await.expect(200);
    api.post("/users", &somebody("grace", "viewer"))
        .await
        .expect(201);

    let listed = api.get("/users?role=operator").await.expect(200);
    assert_eq!(
        (
            listed.body["data"].as_array().map(Vec::len),
            &listed.body["data"][0]["id"]
        ),
        (Some(1), &json!(id))
    );

    api.delete(&path).await.expect(200);
    api.get(&path).await.expect(404);
    api.delete(&path).await.expect(404);
    assert_eq!(
        api.patch(&path, &json!({ "name": "x" })).await.code(),
        "NOT_FOUND"
    );
    api.post("/users", &somebody("grace2", "viewer"))
        .await
        .expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_or_invalid_field_is_named() {
    let api = Api::start().await;
    api.post("/users", &somebody("grace", "viewer"))
        .await
        .expect(201);
    let alan = api
        .post("/users", &somebody("alan", "viewer"))
        .await
        .expect(201);
    let alan = format!("/users/{}", text(&alan.body["data"]["id"]));
    let with = |field: &str, value: &str| {
        let mut body = somebody("third", "viewer");
        body[field] = value.into();
        body
    };
    for (field, value, code) in [
        ("userName", "GRACE", "DUPLICATE"),
        ("userName", "\u{ff27}race\u{200b}", "DUPLICATE"),
        ("userName", "gr\u{202e}ace", "VALIDATION_ERROR"),
        ("name", "\u{feff}", "VALIDATION_ERROR"),
        ("lastName", "a\u{7}b", "VALIDATION_ERROR"),
        ("email", "Grace@Example.com", "DUPLICATE"),
        ("userName", "", "VALIDATION_ERROR"),
        ("email", "nowhere", "VALIDATION_ERROR"),
        ("password", "short1A", "VALIDATION_ERROR"),
        ("password", "Password123", "VALIDATION_ERROR"),
        ("password", "My-Hopper-1", "VALIDATION_ERROR"),
        ("role", "owner", "BAD_REQUEST"),
    ] {
        let answer = api.post("/users", &with(field, value)).await;
        assert_eq!(answer.code(), code, "{field} {value}: {}", answer.body);
        if code != "DUPLICATE" {
            assert!(
                text(&answer.body["error"]["details"][0]).starts_with(field),
                "{}",
                answer.body
            );
        }
    }
    assert_eq!(
        api.patch(&alan, &json!({ "userName": "grace" }))
            .await
            .code(),
        "DUPLICATE"
    );
    assert_eq!(
        api.patch(&alan, &json!({ "email": "grace@example.com" }))
            .await
            .code(),
        "DUPLICATE"
    );
    // A user who changes only the case of the own user name does not get an error for a duplicate.
    api.patch(&alan, &json!({ "userName": "Alan" }))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_request_adds_one_user_and_stores_no_password() {
    let api = Api::start().await;
    let add = |body: Value| {
        let request = api
            .request(Method::POST, "/users")
            .header("idempotency-key", "one")
            .json(&body);
        async { Answered::of(request.send().await.expect("answered")).await }
    };
    let first = add(somebody("grace", "viewer")).await.expect(201);
    let again = add(somebody("grace", "viewer")).await.expect(201);
    assert_eq!(first.body["data"]["id"], again.body["data"]["id"]);
    let other = add(somebody("other", "viewer")).await.expect(422);
    assert_eq!(other.code(), "IDEMPOTENCY_KEY_REUSED");
    let schema = laureate::database::meta_schema(&api.app.app.config().namespace);
    let client = api.app.app.pool().get().await.expect("a connection");
    let sql = format!("SELECT body_sha256, answer FROM \"{schema}\".idempotent_answers");
    let row = client.query_one(&sql, &[]).await.expect("one row");
    let plain = sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        somebody("grace", "viewer").to_string(),
    ));
    assert_ne!(
        row.get::<_, &[u8]>(0),
        &plain[..],
        "the password can be guessed from an unkeyed hash"
    );
    assert_eq!(row.get::<_, Option<&[u8]>>(1), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_cannot_demote_themselves_or_the_last_admin() {
    let api = Api::start().await;
    let me = text(&api.get("/auth/me").await.expect(200).body["data"]["id"]);
    let own = format!("/users/{me}");
    for refused in [
        api.delete(&own).await,
        api.patch(&own, &json!({ "isActive": false })).await,
        api.patch(&own, &json!({ "role": "operator" })).await,
    ] {
        assert_eq!(
            (refused.status.as_u16(), refused.code()),
            (409, "WRONG_STATE"),
            "{}",
            refused.body
        );
    }
    let other = api.person("second", "admin").await;
    let demoted = api
        .as_(
            &other.token,
            Method::PATCH,
            &own,
            Some(&json!({ "role": "viewer" })),
        )
        .await;
    assert_eq!(demoted.expect(200).body["data"]["role"], "viewer");
    // The other admin is now the last one.
    let last = format!("/users/{}", other.id);
    let refused = api
        .as_(
            &other.token,
            Method::PATCH,
            &last,
            Some(&json!({ "role": "viewer" })),
        )
        .await;
    assert_eq!(refused.expect(409).code(), "WRONG_STATE");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_mutual_demotion_leaves_one_admin() {
    let api = Api::start().await;
    let first = text(&api.get("/auth/me").await.expect(200).body["data"]["id"]);
    let second = api.person("second", "admin").await;
    let first = format!("/users/{first}");
    let path = format!("/users/{}", second.id);
    let viewer = json!({ "role": "viewer" });
    let (a, b) = tokio::join!(
        api.patch(&path, &viewer),
        api.as_(&second.token, Method::PATCH, &first, Some(&viewer)),
    );
    let done = [&a, &b]
        .into_iter()
        .filter(|answer| answer.status == 200)
        .count();
    assert_eq!(done, 1, "{} {}", a.body, b.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn user_changes_apply_at_once_to_issued_tokens() {
    let api = Api::start().await;
    let person = api.person("grace", "operator").await;
    let path = format!("/users/{}", person.id);
    assert_eq!(api.me(&person.token).await, 200);

    api.patch(&path, &json!({ "role": "viewer" }))
        .await
        .expect(200);
    assert_eq!(api.me(&person.token).await, 401);
    let refresh = json!({ "refresh_token": person.refresh_token });
    let tokens = api.open_post("/auth/refresh", &refresh).await.expect(200);
    assert_eq!(tokens.body["data"]["user"]["role"], "viewer");
    let token = text(&tokens.body["data"]["access_token"]);
    assert_eq!(api.me(&token).await, 200);

    api.patch(&path, &json!({ "isActive": false }))
        .await
        .expect(200);
    assert_eq!(api.me(&token).await, 401);
    let refresh = json!({ "refresh_token": tokens.body["data"]["refresh_token"] });
    assert_eq!(
        api.open_post("/auth/refresh", &refresh).await.code(),
        "SESSION_ENDED"
    );
    assert_eq!(
        api.try_log_in("grace", PASSWORD).await.code(),
        "INVALID_CREDENTIALS"
    );

    api.patch(&path, &json!({ "isActive": true }))
        .await
        .expect(200);
    let back = api.log_in(person.id.clone(), &person.user_name).await;
    assert_eq!(api.me(&token).await, 401, "token of an ended session");
    assert_eq!(api.me(&back.token).await, 200);
    api.patch(&path, &json!({ "password": "Another-horse-2" }))
        .await
        .expect(200);
    assert_eq!(api.me(&back.token).await, 401);
    assert_eq!(
        api.try_log_in("grace", PASSWORD).await.code(),
        "INVALID_CREDENTIALS"
    );

    let last = api.try_log_in("grace", "Another-horse-2").await.expect(200);
    let token = text(&last.body["data"]["access_token"]);
    api.delete(&path).await.expect(200);
    assert_eq!(api.me(&token).await, 401);
    assert_eq!(
        api.try_log_in("grace", "Another-horse-2").await.code(),
        "INVALID_CREDENTIALS"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn first_password_allows_only_a_password_change() {
    let api = Api::start().await;
    let added = api
        .post("/users", &somebody("grace", "admin"))
        .await
        .expect(201);
    let path = format!("/users/{}", text(&added.body["data"]["id"]));
    for password in [FIRST_PASSWORD, "Another-bird-00"] {
        let tokens = api.try_log_in("grace", password).await.expect(200);
        let data = &tokens.body["data"];
        assert_eq!(data["passwordChangeRequired"], true);
        let refreshed = json!({ "refresh_token": data["refresh_token"] });
        let refreshed = api.open_post("/auth/refresh", &refreshed).await.expect(200);
        assert_eq!(refreshed.body["data"]["passwordChangeRequired"], true);
        for token in [data, &refreshed.body["data"]].map(|data| text(&data["access_token"])) {
            assert_eq!(api.me(&token).await, 200);
            for path in ["/users", "/auth/sessions", "/certificates"] {
                let refused = api.as_(&token, Method::GET, path, None).await;
                assert_eq!(
                    (refused.status.as_u16(), refused.code()),
                    (403, "PASSWORD_CHANGE_REQUIRED"),
                    "{path}"
                );
            }
        }
        api.own_password("grace", password).await;
        let own = api.try_log_in("grace", PASSWORD).await.expect(200);
        assert_eq!(own.body["data"]["passwordChangeRequired"], false);
        let token = text(&own.body["data"]["access_token"]);
        api.as_(&token, Method::GET, "/users", None)
            .await
            .expect(200);
        // An administrator sets another first password.
        api.patch(&path, &json!({ "password": "Another-bird-00" }))
            .await
            .expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_password_expires() {
    let api = Api::start().await;
    let profile = laureate::domain::accounts::user::Profile {
        user_name: "late".to_owned().into(),
        name: "Late".to_owned().into(),
        last_name: "Comer".to_owned().into(),
        email: "late@example.com".to_owned().into(),
    };
    let over = Some(api.app.app.commands().now());
    laureate::cli::admin::create(&api.app.app, profile, FIRST_PASSWORD, over)
        .await
        .expect("added");
    let late = api.try_log_in("late", FIRST_PASSWORD).await;
    assert_eq!(
        (late.status.as_u16(), late.code()),
        (401, "FIRST_PASSWORD_EXPIRED")
    );
    assert_eq!(
        api.try_log_in("late", PASSWORD).await.code(),
        "INVALID_CREDENTIALS"
    );
}

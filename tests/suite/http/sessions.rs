//! Log-in, refresh, log-out and roles.

use std::collections::HashSet;

use futures_util::future::join_all;
use laureate::app::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::people::{PASSWORD, text};
use super::{Answered, Api, scrubbed};
use crate::support::TestApp;

async fn refresh(api: &Api, token: &Value) -> Answered {
    api.open_post("/auth/refresh", &json!({ "refresh_token": token }))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refresh_token_works_once() {
    let api = Api::start().await;
    let login = json!({ "email": api.app.email.to_uppercase(), "password": api.app.password });
    let first = api.open_post("/auth/login", &login).await.expect(200);
    let data = &first.body["data"];
    assert_eq!(
        (&data["token_type"], &data["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    assert_eq!(data["user"]["email"], api.app.email.as_str());

    let second = refresh(&api, &data["refresh_token"]).await.expect(200);
    let token = second.body["data"]["access_token"]
        .as_str()
        .expect("a token");
    let me = api
        .app
        .client
        .get(api.app.url("/api/v1/auth/me"))
        .bearer_auth(token);
    let me = Answered::of(me.send().await.expect("answered"))
        .await
        .expect(200);
    assert_eq!(me.body["data"], data["user"]);

    // Later reuse of a refresh token is a sign of theft, so the session is ended.
    api.app.pass(31);
    let reused = refresh(&api, &data["refresh_token"]).await;
    assert_eq!(
        (reused.status.as_u16(), reused.code()),
        (401, "SESSION_ENDED")
    );
    let me = api
        .app
        .client
        .get(api.app.url("/api/v1/auth/me"))
        .bearer_auth(token);
    assert_eq!(me.send().await.expect("answered").status(), 401);
    let after = refresh(&api, &second.body["data"]["refresh_token"]).await;
    assert_eq!(
        (after.status.as_u16(), after.code()),
        (401, "SESSION_ENDED")
    );
    // Other sessions are not affected.
    api.open_post("/auth/login", &login).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_refresh_gives_the_same_token() {
    let api = Api::start().await;
    let grace = api.person("grace", "viewer").await;
    let first = json!(grace.refresh_token);
    let tabs = join_all((0..8).map(|_| refresh(&api, &first))).await;
    let next: HashSet<String> = tabs
        .into_iter()
        .map(|answered| text(&answered.expect(200).body["data"]["refresh_token"]))
        .collect();
    assert_eq!(next.len(), 1, "{next:?}");
    let next = json!(next.into_iter().next());
    // The session is still open, until the token before the previous one is used.
    refresh(&api, &next).await.expect(200);
    refresh(&api, &next).await.expect(200);
    assert_eq!(refresh(&api, &first).await.code(), "SESSION_ENDED");
    assert_eq!(refresh(&api, &next).await.code(), "SESSION_ENDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_can_be_repeated_on_another_server() {
    let api = Api::start().await;
    let other = api.app.second_api().await;
    let grace = api.person("grace", "viewer").await;
    let body = json!({ "refresh_token": grace.refresh_token });
    let first = api.open_post("/auth/refresh", &body).await.expect(200);
    let url = format!("http://{other}/api/v1/auth/refresh");
    let repeated = api.app.client.post(url).json(&body).send().await;
    let repeated = Answered::of(repeated.expect("answered")).await.expect(200);
    let of = |answered: &Answered| answered.body["data"]["refresh_token"].clone();
    assert_eq!(of(&repeated), of(&first));
    // A log-out with the previous token is none of a thief, and also ends the other sessions.
    let elsewhere = api.log_in(grace.id.clone(), "grace").await;
    let all = json!({ "refresh_token": grace.refresh_token, "all": true });
    let out = api.open_post("/auth/logout", &all).await.expect(200);
    assert_eq!(out.body["data"]["ended"], true);
    assert_eq!(api.me(&elsewhere.token).await, 401);
    assert_eq!(refresh(&api, &of(&first)).await.code(), "SESSION_ENDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_refresh_token_ends_no_session() {
    let api = Api::start().await;
    let grace = api.person("grace", "viewer").await;
    // The id of a session is not secret. A token with this id but with another secret has no
    // effect.
    let (session, rest) = grace.refresh_token.split_once('.').expect("a token");
    let (_, hash) = rest.split_once('.').expect("a token");
    let secret = "A".repeat(43);
    for made_up in [
        format!("{session}.{secret}"),
        format!("{session}.{secret}.{hash}"),
    ] {
        let refused = refresh(&api, &made_up.clone().into()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code()),
            (401, "SESSION_ENDED")
        );
        let out = json!({ "refresh_token": made_up, "all": true });
        assert_eq!(
            api.open_post("/auth/logout", &out).await.expect(200).body["data"]["ended"],
            false
        );
    }
    assert_eq!(api.me(&grace.token).await, 200);
    refresh(&api, &grace.refresh_token.into()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password_and_unknown_user_get_the_same_response() {
    let api = Api::start().await;
    let wrong = json!({ "email": api.app.email, "password": "Not-the-password-1" });
    let unknown = json!({ "userName": "nobody", "password": "Not-the-password-1" });
    let wrong = api.open_post("/auth/login", &wrong).await;
    let unknown = api.open_post("/auth/login", &unknown).await;
    assert_eq!(scrubbed(&wrong.body), scrubbed(&unknown.body));
    assert_eq!(
        (wrong.status.as_u16(), wrong.code()),
        (401, "INVALID_CREDENTIALS")
    );
    let made_up = format!("{}.{}", Uuid::from_u128(1), "a".repeat(43));
    for token in ["", "x", &made_up] {
        assert_eq!(refresh(&api, &token.into()).await.code(), "SESSION_ENDED");
    }
    let both = json!({ "email": "a@example.com", "userName": "a", "password": "x" });
    assert_eq!(
        api.open_post("/auth/login", &both).await.code(),
        "VALIDATION_ERROR"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_token_cannot_write_and_invalid_token_is_rejected() {
    let mut api = Api::start().await;
    api.token = api.person("vera", "viewer").await.token;
    api.get("/certificates").await.expect(200);
    let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit" });
    assert_eq!(
        api.post("/certificates", &body).await.expect(403).code(),
        "FORBIDDEN"
    );

    for token in ["", "x.y.z"] {
        let request = api
            .app
            .client
            .request(Method::GET, api.app.url("/api/v1/attendees"))
            .bearer_auth(token);
        let refused = Answered::of(request.send().await.expect("answered"))
            .await
            .expect(401);
        assert_eq!(
            (refused.code(), refused.header("www-authenticate")),
            ("UNAUTHENTICATED", "Bearer")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_out_invalidates_tokens_at_once() {
    let api = Api::start().await;
    let grace = api.person("grace", "viewer").await;
    let other = api.try_log_in("admin", "x").await;
    assert_eq!(other.code(), "INVALID_CREDENTIALS");
    let out = api
        .open_post(
            "/auth/logout",
            &json!({ "refresh_token": grace.refresh_token }),
        )
        .await
        .expect(200);
    assert_eq!(out.body["data"]["ended"], true);
    assert_eq!(api.me(&grace.token).await, 401);
    assert_eq!(
        refresh(&api, &grace.refresh_token.into()).await.code(),
        "SESSION_ENDED"
    );
    // An invalid token does not cause an error and does not end a session.
    let made_up = format!("{}.{}", Uuid::from_u128(1), "a".repeat(43));
    for token in ["", "x", &made_up] {
        let out = api
            .open_post(
                "/auth/logout",
                &json!({ "refresh_token": token, "all": true }),
            )
            .await;
        assert_eq!(out.expect(200).body["data"]["ended"], false, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn used_refresh_token_cannot_end_all_sessions() {
    let api = Api::start().await;
    let first = api.person("grace", "viewer").await;
    let second = api.log_in(first.id.clone(), "grace").await;
    let used = json!({ "refresh_token": first.refresh_token });
    let next = api.open_post("/auth/refresh", &used).await.expect(200);
    api.app.pass(31);
    // A stolen token that was used before ends only the session that it belongs to.
    let all = json!({ "refresh_token": first.refresh_token, "all": true });
    assert_eq!(
        api.open_post("/auth/logout", &all).await.expect(200).body["data"]["ended"],
        true
    );
    assert_eq!(api.me(&text(&next.body["data"]["access_token"])).await, 401);
    assert_eq!(api.me(&second.token).await, 200);

    let third = api.log_in(first.id.clone(), "grace").await;
    let all = json!({ "refresh_token": third.refresh_token, "all": true });
    api.open_post("/auth/logout", &all).await.expect(200);
    for token in [&second.token, &third.token] {
        assert_eq!(api.me(token).await, 401);
    }
    assert_eq!(
        refresh(&api, &second.refresh_token.into()).await.code(),
        "SESSION_ENDED"
    );
    let fresh = api.log_in(first.id, "grace").await;
    assert_eq!(api.me(&fresh.token).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn password_change_ends_all_sessions_and_starts_one() {
    let api = Api::start().await;
    let (grace, elsewhere) = (
        api.person("grace", "viewer").await,
        api.try_log_in("grace", PASSWORD).await,
    );
    let elsewhere = text(&elsewhere.expect(200).body["data"]["access_token"]);
    let change = |old: &str, new: &str| {
        let body = json!({ "oldPassword": old, "newPassword": new });
        let api = &api;
        let token = &grace.token;
        async move {
            api.as_(token, Method::POST, "/auth/change-password", Some(&body))
                .await
        }
    };
    for (old, new, field) in [
        ("Not-my-horse-1", "Another-horse-2", "oldPassword"),
        (PASSWORD, PASSWORD, "newPassword"),
        (PASSWORD, "Password1", "newPassword"),
        (PASSWORD, "weak", "newPassword"),
    ] {
        let refused = change(old, new).await.expect(422);
        assert!(
            text(&refused.body["error"]["details"][0]).starts_with(field),
            "{}",
            refused.body
        );
    }
    let changed = change(PASSWORD, "Another-horse-2").await.expect(200);
    for token in [&grace.token, &elsewhere] {
        assert_eq!(api.me(token).await, 401);
    }
    assert_eq!(
        api.me(&text(&changed.body["data"]["access_token"])).await,
        200
    );
    refresh(&api, &changed.body["data"]["refresh_token"])
        .await
        .expect(200);
    assert_eq!(
        api.try_log_in("grace", PASSWORD).await.code(),
        "INVALID_CREDENTIALS"
    );
    api.try_log_in("grace", "Another-horse-2").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn user_lists_and_ends_own_sessions() {
    let api = Api::start().await;
    let first = api.person("grace", "viewer").await;
    let second = api.log_in(first.id.clone(), "grace").await;
    let listed = async || {
        api.as_(&second.token, Method::GET, "/auth/sessions", None)
            .await
            .expect(200)
            .body
    };
    crate::support::until("both are listed", async || {
        listed().await["data"].as_array().map(Vec::len) == Some(2)
    })
    .await;
    let sessions = listed().await;
    insta::assert_json_snapshot!("sessions", scrubbed(&sessions));
    let other = format!("/auth/sessions/{}", text(&sessions["data"][1]["id"]));
    let ended = api
        .as_(&second.token, Method::DELETE, &other, None)
        .await
        .expect(200);
    assert_eq!(ended.body["data"]["ended"], true);
    assert_eq!(
        (
            api.me(&first.token).await.as_u16(),
            api.me(&second.token).await.as_u16()
        ),
        (401, 200)
    );
    let again = api
        .as_(&second.token, Method::DELETE, &other, None)
        .await
        .expect(200);
    assert_eq!(again.body["data"]["ended"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_expires_despite_refreshes() {
    let settings = ["http.tokens.session_seconds=1"];
    let api = Api::of(TestApp::with_roles(&[Role::Api, Role::Projector], &settings).await).await;
    let login = json!({ "email": api.app.email, "password": api.app.password });
    let tokens = api.open_post("/auth/login", &login).await.expect(200);
    let mut token = tokens.body["data"]["refresh_token"].clone();
    crate::support::until("the session is over", async || {
        let next = refresh(&api, &token).await;
        if next.status == 200 {
            token = next.body["data"]["refresh_token"].clone();
        }
        next.code() == "SESSION_ENDED"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_processes_reject_tokens_of_a_removed_user() {
    let api = Api::start().await;
    let other = api.app.second_api().await;
    let grace = api.person("grace", "viewer").await;
    let me = async || {
        let url = format!("http://{other}/api/v1/auth/me");
        api.app
            .client
            .get(url)
            .bearer_auth(&grace.token)
            .send()
            .await
            .expect("answered")
            .status()
            .as_u16()
    };
    assert_eq!(me().await, 200);
    api.delete(&format!("/users/{}", grace.id))
        .await
        .expect(200);
    crate::support::until("the other process rejects her token", async || {
        me().await == 401
    })
    .await;
}

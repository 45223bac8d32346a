//! Logging in, staying so, and what a role may do.

use laureate::commands::CommandContext;
use laureate::commands::register_user::register_user;
use laureate::domain::user::{Profile, Role, UserRegistered};
use laureate::domain::{CommandId, Personal, UserId};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answered, Api, scrubbed};

async fn open_post(api: &Api, path: &str, body: &Value) -> Answered {
    let request = api.app.client.post(api.app.url(&format!("/api/v1{path}"))).json(body);
    Answered::of(request.send().await.expect("answered")).await
}

async fn refresh(api: &Api, token: &Value) -> Answered {
    open_post(api, "/auth/refresh", &json!({ "refresh_token": token })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refresh_token_works_once() {
    let api = Api::start().await;
    let login = json!({ "email": api.app.email.to_uppercase(), "password": api.app.password });
    let first = open_post(&api, "/auth/login", &login).await.expect(200);
    let data = &first.body["data"];
    assert_eq!((&data["token_type"], &data["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(data["user"]["email"], api.app.email.as_str());

    let second = refresh(&api, &data["refresh_token"]).await.expect(200);
    let token = second.body["data"]["access_token"].as_str().expect("a token");
    let me = api.app.client.get(api.app.url("/api/v1/auth/me")).bearer_auth(token);
    let me = Answered::of(me.send().await.expect("answered")).await.expect(200);
    assert_eq!(me.body["data"], data["user"]);

    // The first token again: somebody has stolen it, so the whole session is over.
    let reused = refresh(&api, &data["refresh_token"]).await;
    assert_eq!((reused.status.as_u16(), reused.code()), (401, "SESSION_ENDED"));
    let after = refresh(&api, &second.body["data"]["refresh_token"]).await;
    assert_eq!((after.status.as_u16(), after.code()), (401, "SESSION_ENDED"));
    // Another session is not touched.
    open_post(&api, "/auth/login", &login).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    let api = Api::start().await;
    let wrong = json!({ "email": api.app.email, "password": "Not-the-password-1" });
    let unknown = json!({ "userName": "nobody", "password": "Not-the-password-1" });
    let (wrong, unknown) =
        (open_post(&api, "/auth/login", &wrong).await, open_post(&api, "/auth/login", &unknown).await);
    assert_eq!(scrubbed(&wrong.body), scrubbed(&unknown.body));
    assert_eq!((wrong.status.as_u16(), wrong.code()), (401, "INVALID_CREDENTIALS"));
    let made_up = format!("{}.{}", Uuid::from_u128(1), "a".repeat(43));
    for token in ["", "x", &made_up] {
        assert_eq!(refresh(&api, &token.into()).await.code(), "SESSION_ENDED");
    }
    let both = json!({ "email": "a@example.com", "userName": "a", "password": "x" });
    assert_eq!(open_post(&api, "/auth/login", &both).await.code(), "VALIDATION_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_decide_what_a_token_may_do() {
    let mut api = Api::start().await;
    let password = "Viewing-only-1";
    let hash =
        api.app.app.passwords().expect("usable").hash(password.to_owned().into()).await.expect("hashed");
    let profile = Profile {
        user_name: "viewer".to_owned().into(),
        name: "Vera".to_owned().into(),
        last_name: "Viewer".to_owned().into(),
        email: Personal::new("vera@example.com".to_owned()),
    };
    let id = UserId(Uuid::from_u128(77));
    let context = CommandContext::of_person(CommandId(Uuid::from_u128(78)), id);
    let user = UserRegistered { profile, role: Role::Viewer, password_hash: hash };
    let key = api.app.app.config().secrets.claim_key.clone();
    register_user(api.app.app.commands(), key.reveal().as_bytes(), &context, id, user)
        .await
        .expect("registered");

    let login = json!({ "user_name": "Viewer", "password": password });
    let tokens = open_post(&api, "/auth/login", &login).await.expect(200);
    api.token = tokens.body["data"]["access_token"].as_str().expect("a token").to_owned();
    api.get("/certificates").await.expect(200);
    let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit" });
    assert_eq!(api.post("/certificates", &body).await.expect(403).code(), "FORBIDDEN");

    for token in ["", "x.y.z"] {
        let request =
            api.app.client.request(Method::GET, api.app.url("/api/v1/attendees")).bearer_auth(token);
        let refused = Answered::of(request.send().await.expect("answered")).await.expect(401);
        assert_eq!((refused.code(), refused.header("www-authenticate")), ("UNAUTHENTICATED", "Bearer"));
    }
}

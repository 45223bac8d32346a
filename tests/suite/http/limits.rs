//! Rate limits by client address and by account.

use laureate::app::Role;
use reqwest::StatusCode;
use serde_json::json;

use super::{Answered, Api};
use crate::support::TestApp;

const ROLES: [Role; 2] = [Role::Api, Role::Projector];

async fn log_in(api: &Api, email: &str, password: &str, forwarded_for: &str) -> Answered {
    let body = json!({ "email": email, "password": password });
    let request = api
        .app
        .client
        .post(api.app.url("/api/v1/auth/login"))
        .json(&body);
    let request = request.header("x-forwarded-for", forwarded_for);
    Answered::of(request.send().await.expect("answered")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn password_attempts_are_limited_by_address() {
    let limit = "http.limits.password_per_minute=3";
    // The log-in that gets the token of the administrator is the first of the three.
    let api = Api::of(TestApp::with_roles(&ROLES, &[limit]).await).await;
    for _ in 0..2 {
        let refused = log_in(&api, "a@example.com", "x", "198.51.100.1").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    // `X-Forwarded-For` of an untrusted client is ignored.
    let late = log_in(&api, &api.app.email, &api.app.password, "198.51.100.2")
        .await
        .expect(429);
    assert_eq!(late.code(), "TOO_MANY_REQUESTS");
    let wait: u64 = late.header("retry-after").parse().expect("seconds");
    assert!((1..=20).contains(&wait), "{wait}");
    // Other routes are not affected. A password change is counted against the same limit.
    api.get("/auth/me").await.expect(200);
    let change = json!({ "oldPassword": "x", "newPassword": "Correct-horse-1" });
    assert_eq!(
        api.post("/auth/change-password", &change)
            .await
            .expect(429)
            .code(),
        "TOO_MANY_REQUESTS"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_behind_a_trusted_proxy_are_limited_separately() {
    let settings = [
        "http.limits.password_per_minute=2",
        "http.limits.failed_logins_per_minute=100",
        "http.limits.failed_logins_of_all_per_minute=100",
        "http.trusted_proxies=127.0.0.0/8, ::1",
    ];
    let api = Api::of(TestApp::with_roles(&ROLES, &settings).await).await;
    for client in ["198.51.100.1", "203.0.113.9, 198.51.100.2", "2001:db8::1"] {
        let of = async || {
            log_in(&api, "a@example.com", "x", client)
                .await
                .status
                .as_u16()
        };
        assert_eq!(
            [of().await, of().await, of().await],
            [401, 401, 429],
            "{client}"
        );
    }
    // An address in the same IPv6 network of 64 bits is the same client.
    assert_eq!(
        log_in(&api, "a@example.com", "x", "2001:db8::2")
            .await
            .status,
        429
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_log_ins_are_limited_even_for_unknown_accounts() {
    let api =
        Api::of(TestApp::with_roles(&ROLES, &["http.limits.failed_logins_per_minute=3"]).await)
            .await;
    // Successful log-ins are not counted.
    for _ in 0..5 {
        log_in(&api, &api.app.email, &api.app.password, "")
            .await
            .expect(200);
    }
    let mut message = Vec::new();
    for email in [api.app.email.as_str(), "nobody@example.com"] {
        let mut codes = Vec::new();
        for _ in 0..4 {
            codes.push(log_in(&api, email, "wrong", "").await.code().to_owned());
        }
        // A log-in with the right password has to wait too.
        codes.push(
            log_in(&api, email, &api.app.password, "")
                .await
                .code()
                .to_owned(),
        );
        message.push(codes);
    }
    assert_eq!(message[0], message[1]);
    let wrong = "INVALID_CREDENTIALS";
    let late = "TOO_MANY_REQUESTS";
    assert_eq!(message[0], [wrong, wrong, wrong, late, late]);
}

#[tokio::test(flavor = "multi_thread")]
async fn password_guesses_do_not_lock_out_the_owner() {
    let settings = [
        "http.limits.failed_logins_per_minute=2",
        "http.limits.failed_logins_of_all_per_minute=3",
        "http.trusted_proxies=127.0.0.0/8, ::1",
    ];
    let api = Api::of(TestApp::with_roles(&ROLES, &settings).await).await;
    let email = &api.app.email;
    let password = &api.app.password;
    log_in(&api, email, password, "192.0.2.1").await.expect(200);
    let guess = async |client: &str| log_in(&api, email, "wrong", client).await.status.as_u16();
    let from = [
        "198.51.100.1",
        "198.51.100.1",
        "198.51.100.1",
        "198.51.100.2",
        "198.51.100.3",
    ];
    let mut message = Vec::new();
    for client in from {
        message.push(guess(client).await);
    }
    // The limit is two guesses from one address, and three guesses from all addresses together.
    assert_eq!(message, [401, 401, 429, 401, 429]);
    // The owner has logged in from this address before, so the common limit does not apply to it.
    // Other addresses have to wait.
    log_in(&api, email, password, "192.0.2.1").await.expect(200);
    log_in(&api, email, password, "203.0.113.1")
        .await
        .expect(429);
}

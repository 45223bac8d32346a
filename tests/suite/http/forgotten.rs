//! Forgotten passwords: request, mail and use of the link. Also notices about password changes.

use laureate::app::Role;
use laureate::dev_stack::mail_catcher::caught_mails;
use mail_parser::MessageParser;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::people::{PASSWORD, text};
use super::{Answered, Api, scrubbed};
use crate::support::{TestApp, servers, until};

const ROLES: [Role; 3] = [Role::Api, Role::Projector, Role::Mailer];

/// Returns the subject and the plain text of every mail to an address.
fn mails_to(address: &str) -> Vec<(String, String)> {
    let caught = caught_mails(&servers().mail_dir, 100_000).expect("the catcher's folder");
    let to_us = caught
        .into_iter()
        .filter(|mail| mail.to.iter().any(|to| to == address));
    let read = |path: std::path::PathBuf| {
        let bytes = std::fs::read(path).expect("a caught mail");
        let mail = MessageParser::default().parse(&bytes).expect("a mail");
        let body = mail.body_text(0).expect("a plain text").into_owned();
        (mail.subject().unwrap_or_default().to_owned(), body)
    };
    to_us.map(|mail| read(mail.path)).collect()
}

async fn mail(address: &str, subject: &str, number: usize) -> String {
    let found = || {
        mails_to(address)
            .into_iter()
            .filter(|mail| mail.0 == subject)
            .collect::<Vec<_>>()
    };
    until("the mail arrives", async || found().len() >= number).await;
    found().swap_remove(0).1
}

/// Adds a user with an address that no other test uses. Returns the user and the address.
async fn somebody(api: &Api) -> (super::people::Person, String) {
    let name = format!("g{}", Uuid::new_v4().simple());
    (
        api.person(&name, "viewer").await,
        format!("{name}@example.com"),
    )
}

async fn forgot(api: &Api, email: &str) -> Answered {
    api.open_post("/auth/forgot-password", &json!({ "email": email }))
        .await
}

async fn reset(api: &Api, token: &str, password: &str) -> Answered {
    api.open_post(
        "/auth/reset-password",
        &json!({ "token": token, "password": password }),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_link_sets_the_password_once() {
    let api = Api::of(TestApp::with_roles(&ROLES, &[]).await).await;
    let (grace, address) = somebody(&api).await;
    let known = forgot(&api, &address.to_uppercase()).await.expect(200);
    let unknown = forgot(&api, "nobody@example.com").await.expect(200);
    assert_eq!(scrubbed(&known.body), scrubbed(&unknown.body));

    let body = mail(&address, "Set a new password", 1).await;
    let page = format!("{}#token=", api.app.url("/reset-password"));
    let token = body
        .split(&page)
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .expect("a link");
    // The log does not contain the link's secret.
    let (id, secret) = token.split_once('.').expect("an id and a secret");
    let history = api
        .app
        .app
        .commands()
        .log()
        .load("notice", id, 0)
        .await
        .expect("readable");
    assert!(
        history
            .iter()
            .all(|event| !String::from_utf8_lossy(&event.body).contains(secret))
    );

    assert_eq!(
        reset(&api, token, "weak").await.expect(422).code(),
        "VALIDATION_ERROR"
    );
    let made_up = format!("{id}.{}", "0".repeat(64));
    for wrong in ["", "x", &made_up] {
        assert_eq!(
            reset(&api, wrong, "Another-horse-2")
                .await
                .expect(422)
                .code(),
            "RESET_LINK_INVALID"
        );
    }
    let passwords = ["Another-horse-2", "Other-horse-22", "Odd-horse-222"];
    let resets = passwords.map(|password| reset(&api, token, password));
    let answers = futures_util::future::join_all(resets).await;
    let mut used = Vec::new();
    for (password, answer) in passwords.iter().zip(answers) {
        if answer.status == StatusCode::OK {
            assert_eq!(
                answer.body["data"],
                json!({ "changed": true }),
                "no tokens are returned"
            );
            used.push(*password);
        } else {
            assert_eq!(answer.expect(422).code(), "RESET_LINK_INVALID");
        }
    }
    assert_eq!(used.len(), 1, "{used:?}");
    assert_eq!(api.me(&grace.token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        api.try_log_in(&grace.user_name, PASSWORD).await.code(),
        "INVALID_CREDENTIALS"
    );
    api.try_log_in(&grace.user_name, used[0]).await.expect(200);
    let again = reset(&api, token, "Third-horse-3").await.expect(422);
    assert_eq!(again.code(), "RESET_LINK_INVALID");
    // Each of the two password changes sends a notice: the change after the first log-in, and this
    // one.
    let message = mail(&address, "Your password was changed", 2).await;
    assert!(message.contains("If it was not you"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn password_change_voids_open_reset_links() {
    let settings = [
        "auth.locale=es",
        "auth.reset_url=https://console.example.org/neu",
    ];
    let api = Api::of(TestApp::with_roles(&ROLES, &settings).await).await;
    let (grace, address) = somebody(&api).await;
    forgot(&api, &address).await.expect(200);
    let body = mail(&address, "Elige una contraseña nueva", 1).await;
    let link = body
        .split("https://console.example.org/neu#token=")
        .nth(1)
        .expect("a link to that page");
    let token = link.split_whitespace().next().expect("a token");
    let change = json!({ "oldPassword": PASSWORD, "newPassword": "Another-horse-2" });
    api.as_(
        &grace.token,
        Method::POST,
        "/auth/change-password",
        Some(&change),
    )
    .await
    .expect(200);
    assert_eq!(
        reset(&api, token, "Third-horse-3").await.expect(422).code(),
        "RESET_LINK_INVALID"
    );
    // An inactive user gets the same response and no link.
    api.patch(
        &format!("/users/{}", grace.id),
        &json!({ "isActive": false }),
    )
    .await
    .expect(200);
    forgot(&api, &address).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_page_allows_only_its_own_script() {
    let api = Api::start().await;
    let page = api
        .app
        .client
        .get(api.app.url("/reset-password"))
        .header("accept-language", "es");
    let page = Answered::of(page.send().await.expect("answered"))
        .await
        .expect(200);
    let policy = page.header("content-security-policy").to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"),
        "{policy}"
    );
    let Value::String(html) = &page.body else {
        panic!("no page: {}", page.body)
    };
    assert!(
        html.contains("data-action=\"api/v1/auth/reset-password\"") || html.contains("api&#x2f;v1"),
        "{html}"
    );
    assert!(
        html.contains("type=\"password\" autocomplete=\"new-password\"") && html.contains("Elige"),
        "{html}"
    );
    assert_eq!(
        text(&Value::String(page.header("content-language").to_owned())),
        "es"
    );
}

//! Repeated requests with an `Idempotency-Key`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file, png};

async fn define(api: &Api, key: &str, body: &Value) -> Answered {
    let request = api
        .request(Method::POST, "/certificates")
        .header("idempotency-key", key)
        .json(body);
    Answered::of(request.send().await.expect("answered")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_request_is_executed_once_and_gets_the_same_response() {
    let api = Api::start().await;
    let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit" });
    let first = define(&api, "k-1", &body).await.expect(201);
    let second = define(&api, "k-1", &body).await.expect(201);
    assert_eq!(first.body, second.body);
    for header in ["location", "etag", "x-event-position"] {
        assert_eq!(first.header(header), second.header(header));
    }
    let other = json!({ "client": "Acme", "name": "Listener", "eventName": "Summit" });
    assert_eq!(
        define(&api, "k-1", &other).await.expect(422).code(),
        "IDEMPOTENCY_KEY_REUSED"
    );
    let third = define(&api, "k-2", &body).await.expect(201);
    assert_ne!(first.body["data"]["id"], third.body["data"]["id"]);
    assert_eq!(
        define(&api, "with space", &body).await.expect(400).code(),
        "BAD_REQUEST"
    );

    // A rejected request has no effect, so the corrected one may use the same key.
    let wrong = json!({ "client": "", "name": "Speaker", "eventName": "Summit" });
    define(&api, "k-3", &wrong).await.expect(422);
    define(&api, "k-3", &body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_repetitions_execute_once() {
    let api = Api::start().await;
    let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit" });
    let all = futures_util::future::join_all((0..8).map(|_| define(&api, "k", &body))).await;
    for answer in &all {
        assert_eq!((answer.status.as_u16(), &answer.body), (201, &all[0].body));
    }
    let list = api.get("/certificates").await.expect(200);
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_upload_returns_the_first_import_or_design() {
    let api = Api::start().await;
    let upload = async |path: &str, form| {
        let request = api
            .request(Method::POST, path)
            .header("idempotency-key", "file-1")
            .multipart(form);
        Answered::of(request.send().await.expect("answered")).await
    };
    let people = "Name,Email,Document number\nAda,ada@example.com,1\nNobody,nowhere,2\n";
    let first = upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    let second = upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    assert_eq!(
        (&first.body, first.header("x-event-position")),
        (&second.body, second.header("x-event-position"))
    );
    assert_eq!(first.body["data"]["created"], 1);
    let other = upload(
        "/attendees/bulk-upload",
        file("p.csv", format!("{people}Bea,bea@example.com,3\n")),
    )
    .await;
    assert_eq!(other.expect(422).code(), "IDEMPOTENCY_KEY_REUSED");

    let design = || file("a.png", png()).text("name", "A");
    let first = upload("/certificates/upload-design", design())
        .await
        .expect(201);
    let second = upload("/certificates/upload-design", design())
        .await
        .expect(201);
    assert_eq!(first.body, second.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_repetition_keeps_the_key_of_the_first_request() {
    let api = Api::start().await;
    let make = |name: &str| {
        let body = json!({ "name": name, "scopes": ["jobs:read"] });
        let request = api
            .request(Method::POST, "/api-keys")
            .header("idempotency-key", "k")
            .json(&body);
        async { Answered::of(request.send().await.expect("answered")).await }
    };
    make("Sync").await.expect(201);
    for _ in 0..3 {
        // The response contains the secret and is not stored, so the repetition is rejected.
        assert_eq!(make("Sync").await.expect(409).code(), "ALREADY_EXISTS");
        assert_eq!(
            make("Other").await.expect(422).code(),
            "IDEMPOTENCY_KEY_REUSED"
        );
    }
    let listed = api.get("/api-keys").await.expect(200);
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(1));

    // The same applies after the created user is deleted.
    let add = |user_name: &str| {
        let body = super::people::somebody(user_name, "viewer");
        let request = api
            .request(Method::POST, "/users")
            .header("idempotency-key", "u")
            .json(&body);
        async { Answered::of(request.send().await.expect("answered")).await }
    };
    let added = add("grace").await.expect(201);
    let path = format!(
        "/users/{}",
        added.body["data"]["id"].as_str().expect("an id")
    );
    api.request(Method::DELETE, &path)
        .send()
        .await
        .expect("answered");
    let again = add("grace").await;
    assert!(again.status.is_client_error(), "{}", again.body);
    assert_eq!(
        add("other").await.expect(422).code(),
        "IDEMPOTENCY_KEY_REUSED"
    );

    // A rejected request does not reserve the key, even if it is repeated.
    let wrong = json!({ "client": "", "name": "Speaker", "eventName": "Summit" });
    let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit" });
    for _ in 0..2 {
        define(&api, "d", &wrong).await.expect(422);
    }
    define(&api, "d", &body).await.expect(201);
    define(&api, "d", &wrong).await.expect(422);
    define(&api, "d", &body).await.expect(201);
}

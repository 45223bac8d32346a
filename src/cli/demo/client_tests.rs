//! Tests of the client against a small server.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::*;

#[derive(Clone, Default)]
struct Seen(Arc<Counts>);

#[derive(Default)]
struct Counts {
    logins: AtomicU32,
    tries: AtomicU32,
    keys: Mutex<Vec<String>>,
}

async fn login(State(seen): State<Seen>) -> Response {
    let n = seen.0.logins.fetch_add(1, Ordering::Relaxed);
    Json(json!({"success": true, "data": {"access_token": format!("token-{n}")}})).into_response()
}

/// Rejects the first token with 401 and the first authorized request with 503, then creates.
async fn create(State(seen): State<Seen>, headers: HeaderMap) -> Response {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
            .to_owned()
    };
    if text("authorization") != "Bearer token-1" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    seen.0.keys.lock().unwrap().push(text("idempotency-key"));
    if seen.0.tries.fetch_add(1, Ordering::Relaxed) == 0 {
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response();
    }
    let headers = [(EVENT_POSITION, "42"), ("location", "/api/v1/things/7")];
    (
        StatusCode::ACCEPTED,
        headers,
        Json(json!({"success": true, "data": {"id": 7}})),
    )
        .into_response()
}

async fn position(headers: HeaderMap) -> Json<Value> {
    let asked = headers
        .get(MIN_EVENT_POSITION)
        .and_then(|value| value.to_str().ok());
    Json(json!({"success": true, "data": asked, "meta": {"nextCursor": "9"}}))
}

async fn refuse() -> Response {
    let error = json!({"code": "NOT_FOUND", "message": "there is no such thing"});
    (
        StatusCode::NOT_FOUND,
        Json(json!({"success": false, "error": error, "requestId": "r-1"})),
    )
        .into_response()
}

async fn file() -> &'static [u8] {
    b"%PDF-1.7"
}

async fn served() -> (Client, Seen) {
    let seen = Seen::default();
    let routes = axum::Router::new()
        .route("/api/v1/auth/login", post(login))
        .route("/api/v1/things", post(create))
        .route("/api/v1/things/{id}", get(position))
        .route("/api/v1/nothing", get(refuse))
        .route("/file", get(file))
        .with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(listener.local_addr().unwrap(), "/api/v1").unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (client, seen)
}

#[tokio::test]
async fn client_logs_in_again_and_retries_with_the_same_idempotency_key() {
    let (mut client, seen) = served().await;
    client
        .log_in("a@example.com", &Secret::new("Example-1"))
        .await
        .unwrap();
    let mut answer = client.post("/things", json!({})).await.unwrap();
    assert_eq!(answer.location.as_deref(), Some("/api/v1/things/7"));
    assert_eq!(answer.data::<Value>().unwrap(), json!({"id": 7}));
    assert_eq!(seen.0.logins.load(Ordering::Relaxed), 2);
    let keys = seen.0.keys.lock().unwrap().clone();
    assert!(
        keys.len() == 2 && keys[0] == keys[1] && keys[0].len() == 36,
        "{keys:?}"
    );
    // The client reads its own write, also at the address from the `Location` header.
    let mut read = client.get("/api/v1/things/7").await.unwrap();
    assert_eq!(
        (read.data::<Value>().unwrap(), read.next_cursor()),
        (json!("42"), Some("9".to_owned()))
    );
}

#[tokio::test]
async fn refusal_contains_request_and_reason() {
    let (client, _) = served().await;
    let error = client
        .get("/nothing?cursor=1")
        .await
        .expect_err("it is refused")
        .to_string();
    assert_eq!(
        error,
        "GET /nothing was answered with 404 Not Found: NOT_FOUND, there is no such thing (request id r-1)"
    );
}

#[tokio::test]
async fn public_files_are_downloaded_from_this_server_only() {
    let (client, _) = served().await;
    let url = format!("{}/file", client.root());
    assert_eq!(&client.download(&url).await.unwrap()[..], b"%PDF-1.7");
    assert!(client.download("http://127.0.0.1:1/file").await.is_err());
    assert!(
        client
            .download(&format!("{}/none", client.root()))
            .await
            .is_err()
    );
}

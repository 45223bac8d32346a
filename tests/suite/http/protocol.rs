//! Properties that all responses have: compression, CORS, methods, lengths and headers.

use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Answered, Api};
use crate::support::TestApp;
use laureate::app::Role;

async fn api_with(settings: &[&str]) -> Api {
    Api::of(TestApp::with_roles(&Role::ALL, settings).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_compressed_as_requested() {
    let api = Api::start().await;
    let ask = async |path: &str, encoding: &str| {
        let request = api
            .app
            .client
            .get(api.app.url(path))
            .header("accept-encoding", encoding);
        request.send().await.expect("answered")
    };
    for (encoding, expected) in [
        ("gzip", Some("gzip")),
        ("br, gzip;q=0.5", Some("br")),
        ("identity", None),
    ] {
        let answer = ask("/api/openapi.json", encoding).await;
        let encoding = answer
            .headers()
            .get("content-encoding")
            .map(|value| value.to_str().unwrap());
        assert_eq!(encoding, expected);
        let vary = answer
            .headers()
            .get_all("vary")
            .iter()
            .any(|value| value == "accept-encoding");
        assert!(vary, "{:?}", answer.headers());
    }
    let small = ask("/health", "gzip").await;
    assert!(
        small.headers().get("content-encoding").is_none(),
        "too small to compress"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_configured_origins_are_allowed() {
    let api = api_with(&["http.cors_origins=https://console.example.com"]).await;
    let preflight = async |origin: &str| {
        let request = api
            .app
            .client
            .request(Method::OPTIONS, api.app.url("/api/v1/certificates"));
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type,idempotency-key,last-event-id",
            );
        Answered::of(request.send().await.expect("answered")).await
    };
    let known = preflight("https://console.example.com").await.expect(200);
    assert_eq!(
        known.header("access-control-allow-origin"),
        "https://console.example.com"
    );
    for name in [
        "idempotency-key",
        "last-event-id",
        "x-min-event-position",
        "prefer",
        "if-match",
        "range",
    ] {
        assert!(
            known.header("access-control-allow-headers").contains(name),
            "{name}"
        );
    }
    assert_eq!(known.header("access-control-max-age"), "86400");
    for foreign in [
        "https://evil.example",
        "null",
        "https://console.example.com.evil.example",
    ] {
        let refused = preflight(foreign).await;
        assert!(
            refused.headers.get("access-control-allow-origin").is_none(),
            "{foreign}"
        );
    }
    let read = api
        .request(Method::GET, "/certificates")
        .header("origin", "https://console.example.com");
    let read = Answered::of(read.send().await.expect("answered"))
        .await
        .expect(200);
    let exposed = read.header("access-control-expose-headers");
    let names = [
        "x-event-position",
        "x-tables-behind",
        "preference-applied",
        "etag",
        "location",
        "retry-after",
        "x-request-id",
        "content-range",
        "content-disposition",
        "x-certificates",
        "x-certificates-missing",
        "x-parts",
    ];
    for name in names {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
    assert!(
        read.headers
            .get("access-control-allow-credentials")
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn allowed_methods_are_listed_and_head_has_no_body() {
    let api = Api::start().await;
    let ask = async |method: Method, path: &str| {
        api.request(method, path).send().await.expect("answered")
    };
    let options = ask(Method::OPTIONS, "/certificates").await;
    assert_eq!(
        (options.status().as_u16(), &options.headers()["allow"]),
        (204, &"POST,GET,HEAD,OPTIONS".parse().unwrap())
    );
    let refused = Answered::of(ask(Method::PATCH, "/auth/me").await)
        .await
        .expect(405);
    assert_eq!(
        (refused.code(), refused.header("allow")),
        ("METHOD_NOT_ALLOWED", "GET,HEAD")
    );
    let get = ask(Method::GET, "/certificates").await;
    let head = ask(Method::HEAD, "/certificates").await;
    assert_eq!(head.status(), get.status());
    assert_eq!(
        head.headers()["content-type"],
        get.headers()["content-type"]
    );
    assert!(head.text().await.expect("nothing").is_empty());
    assert_eq!(
        Answered::of(ask(Method::OPTIONS, "/nowhere").await)
            .await
            .expect(404)
            .code(),
        "NOT_FOUND"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn long_urls_and_other_charsets_are_rejected() {
    let api = Api::start().await;
    let long = api
        .get(&format!("/attendees?cursor={}", "1".repeat(9_000)))
        .await
        .expect(414);
    assert_eq!(long.code(), "URI_TOO_LONG");
    let post = api
        .request(Method::POST, "/certificates")
        .header("content-type", "application/json; charset=utf-16");
    let refused = Answered::of(post.body("{}").send().await.expect("answered"))
        .await
        .expect(415);
    assert_eq!(refused.code(), "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_request_body_gets_408() {
    let api = api_with(&["http.connections.stall_timeout_seconds=1"]).await;
    for (path, kind, begun) in [
        ("/api/v1/auth/login", "application/json", "{\"email\":"),
        (
            "/api/v1/attendees/bulk-upload",
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nName",
        ),
    ] {
        let mut stream = TcpStream::connect(api.app.address)
            .await
            .expect("connected");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: {kind}\r\n\
             Content-Length: 5000\r\nConnection: close\r\n\r\n{begun}",
            api.token
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        // This read returns only when the server closes the connection.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.starts_with("HTTP/1.1 408 ") && answer.contains("REQUEST_TIMEOUT"),
            "{path}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn response_headers_match_the_snapshot() {
    let api = Api::start().await;
    let mut message = serde_json::Map::new();
    for path in [
        "/",
        "/api/docs",
        "/api/v1/auth/me",
        "/certificate/00112233445566778899aabbccddeeff",
    ] {
        let answer = api.public(path).await;
        let noise = [
            "date",
            "content-length",
            "x-request-id",
            "etag",
            "last-modified",
        ];
        let headers = answer
            .headers()
            .iter()
            .filter(|(name, _)| !noise.contains(&name.as_str()));
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()));
        message.insert(path.to_owned(), Value::Object(headers.collect()));
    }
    insta::assert_json_snapshot!("headers", message);
}

//! Endpoints for operators and developers: health, metrics, the OpenAPI document, and the page
//! about the API.

use serde_json::{Value, json};

use laureate::app::{Extras, Role};

use super::{Answered, Api};
use crate::support::{TestApp, until};

#[tokio::test(flavor = "multi_thread")]
async fn health_reports_the_dependencies() {
    let api = Api::start().await;
    for path in [
        "/health",
        "/health/live",
        "/api/v1/health",
        "/api/v1/health/live",
    ] {
        let alive = Answered::of(api.public(path).await).await.expect(200);
        assert_eq!(alive.body["data"]["status"], "ok");
    }
    until("everything works", || async {
        api.public("/health/ready").await.status() == 200
    })
    .await;
    let ready = Answered::of(api.public("/health/ready").await)
        .await
        .expect(200);
    assert_eq!(
        ready.body["data"],
        json!({ "status": "ok" }),
        "no details in public"
    );
    let details = Answered::of(api.management("/health/ready").await)
        .await
        .expect(200);
    let names: Vec<&str> = details.body["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dependency| dependency["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "log",
            "database",
            "projections",
            "storage",
            "mail",
            "workers",
            "permissions"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn log_that_stores_no_writes_makes_the_server_unavailable() {
    let api = Api::start().await;
    let log = api.app.app.commands().log();
    log.check_stores_writes().await.expect("writes are stored");
    let stream = log.names().stream("PROBE");
    let deleted = log.context().delete_stream(stream).await;
    deleted.expect("deleted");
    until("the problem is reported", async || {
        let health = Answered::of(api.management("/health/ready").await).await;
        health.status == 503 && health.body.to_string().contains("laureate provision")
    })
    .await;
    let metrics = api.management("/metrics").await;
    let metrics = metrics.text().await.expect("text");
    assert!(metrics.contains("laureate_dependency_up{dependency=\"log\"} 0"));
    assert!(metrics.contains("laureate_projection_lag{projection=\"jobs\"}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_contain_routes_and_no_ids() {
    let api = Api::start().await;
    let id = api.certificate().await;
    api.get(&format!("/certificates/{id}")).await;
    api.get("/a-path-that-somebody-made-up").await;
    assert_eq!(api.public("/metrics").await.status(), 404);
    let metrics = api.management("/metrics").await;
    assert!(
        metrics.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let text = metrics.text().await.expect("text");
    assert!(
        text.contains("laureate_http_requests_total{")
            && text.contains("route=\"/api/v1/certificates/{id}\"")
    );
    assert!(text.contains("laureate_http_request_duration_seconds"));
    assert!(!text.contains(&id) && !text.contains("made-up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_document_and_its_page_are_served_without_external_assets() {
    let api = Api::start().await;
    let served: Value = api
        .public("/api/openapi.json")
        .await
        .json()
        .await
        .expect("JSON");
    let present: Value = serde_json::from_str(&laureate::http::openapi_json()).expect("JSON");
    assert_eq!(served, present);
    for path in ["/api/docs", "/api/docs/"] {
        let page = api.public(path).await;
        assert_eq!(page.status(), 200, "{path}");
        let page = page.text().await.expect("a page");
        assert!(
            !page.contains("src=") && !page.contains("href=\"http"),
            "{page}"
        );
        assert!(page.len() < 100_000, "{}", page.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_have_security_headers() {
    let api = Api::start().await;
    let index = api.public("/").await;
    let header = |name: &str| {
        index
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    assert_eq!(header("x-frame-options").as_deref(), Some("DENY"));
    assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(
        header("strict-transport-security"),
        None,
        "this server is not behind https"
    );
    assert_eq!(header("access-control-allow-origin"), None);
    let policy = header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let settings = ["http.public_base_url=https://certificates.example"];
    let behind_https = TestApp::with_roles(&[Role::Api, Role::Projector], &settings).await;
    let live = behind_https.client.get(behind_https.url("/health/live"));
    let live = live.send().await.expect("answered");
    let transport = &live.headers()["strict-transport-security"];
    assert_eq!(transport, "max-age=31536000; includeSubDomains");
    let page = index.text().await.expect("a page");
    for link in ["/api/docs", "/health/ready", "/mails"] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}");
        // `/health/ready` returns an error until the query tables are built.
        until(link, || async { api.public(link).await.status() == 200 }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_id_is_accepted_only_from_a_trusted_proxy() {
    for (settings, is_trusted) in [
        (vec![], false),
        (vec!["http.trusted_proxies=127.0.0.0/8, ::1"], true),
    ] {
        let app = TestApp::with_roles(&[Role::Api, Role::Projector], &settings).await;
        let asked = app
            .client
            .get(app.url("/api/v1/auth/me"))
            .header("x-request-id", "mine-1");
        let refused = Answered::of(asked.send().await.expect("answered"))
            .await
            .expect(401);
        let id = refused.header("x-request-id");
        assert_eq!(refused.body["requestId"], *id);
        assert_eq!(id == "mine-1", is_trusted, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_has_metrics_and_health() {
    let app = TestApp::start().await;
    let stop = tokio_util::sync::CancellationToken::new();
    for role in [Role::Renderer, Role::Mailer, Role::Scheduler] {
        let running = app
            .app
            .start(&[role], Extras::default(), stop.clone())
            .await
            .expect("started");
        let address = running.management_address().expect("configured");
        tokio::spawn(running.wait());
        let ask = async |path: &str| {
            let url = format!("http://{address}{path}");
            app.client.get(url).send().await.expect("answered")
        };
        assert!(
            ask("/metrics")
                .await
                .text()
                .await
                .expect("text")
                .contains("laureate_"),
            "{role:?}"
        );
        let health: Value = ask("/health/ready").await.json().await.expect("JSON");
        assert_eq!(health["dependencies"][0]["name"], "log", "{role:?}");
        assert_eq!(ask("/api/v1/certificates").await.status(), 404, "{role:?}");
    }
    stop.cancel();
}

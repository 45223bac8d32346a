//! Rejected requests: the error envelope, status codes, and preconditions.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file, png, scrubbed};

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_the_envelope_and_names_the_cause() {
    let api = Api::start().await;
    let define = |extra: Value| {
        let mut body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit" });
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };
    let mut message = serde_json::Map::new();
    for (what, extra) in [
        ("unknown field", json!({ "colour": "red" })),
        ("both spellings", json!({ "event_name": "Summit" })),
        ("wrong type", json!({ "isActive": "yes" })),
        (
            "several fields",
            json!({ "name": " ", "eventLink": "javascript:alert(1)" }),
        ),
        (
            "foreign design",
            json!({ "baseDesignUrl": "https://example.org/x.png" }),
        ),
        (
            "design out of its folder",
            json!({ "baseDesignUrl": format!("{}/certificates/design_images/../a", api.app.url("")) }),
        ),
        ("unknown theme", json!({ "pdfTemplate": "baroque" })),
        ("unknown language", json!({ "locale": "fr" })),
    ] {
        message.insert(
            what.to_owned(),
            scrubbed(&api.post("/certificates", &define(extra)).await.body),
        );
    }
    for (what, path) in [
        ("no such path", "/nowhere"),
        ("no UUID", "/certificates/1"),
        (
            "no such certificate",
            "/certificates/00000000-0000-4000-8000-000000000000",
        ),
        ("limit", "/attendees?limit=1000"),
        ("cursor", "/attendees?cursor=x"),
        ("unknown parameter", "/attendees?colour=red"),
        ("status", "/jobs?status=lost"),
        ("state", "/generated-certificates?state=lost"),
    ] {
        message.insert(what.to_owned(), scrubbed(&api.get(path).await.body));
    }
    let no_ids = json!({ "certificateId": api.certificate().await, "attendeeIds": [] });
    message.insert(
        "no ids".to_owned(),
        scrubbed(
            &api.post("/generated-certificates/generate", &no_ids)
                .await
                .body,
        ),
    );
    insta::assert_json_snapshot!("refusals", message);
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
async fn unsupported_bodies_and_methods_are_rejected() {
    let api = Api::start().await;
    let post = |body: String, kind: &'static str| {
        let request = api
            .request(Method::POST, "/certificates")
            .header("content-type", kind)
            .body(body);
        async { Answered::of(request.send().await.expect("answered")).await }
    };
    let cases = [
        (
            post("{".to_owned(), "application/json").await,
            400,
            "MALFORMED_JSON",
        ),
        (
            post("{}".to_owned(), "text/plain").await,
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            post(format!("\"{}\"", "a".repeat(1 << 20)), "application/json").await,
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        (
            Answered::of(
                api.request(Method::DELETE, "/auth/me")
                    .send()
                    .await
                    .unwrap(),
            )
            .await,
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (
            api.upload(
                "/certificates/upload-design",
                file("a.png", "plain text").text("name", "A"),
            )
            .await,
            415,
            "UNKNOWN_FORMAT",
        ),
        (
            api.upload(
                "/certificates/upload-design",
                file("a.png", "<svg/>").text("name", "A"),
            )
            .await,
            422,
            "INVALID_IMAGE",
        ),
        (
            api.upload("/certificates/upload-design", file("a.png", png()))
                .await,
            400,
            "BAD_REQUEST",
        ),
        (
            api.upload(
                "/certificates/upload-design",
                file("a.png", &png()[..100]).text("name", "A"),
            )
            .await,
            422,
            "INVALID_IMAGE",
        ),
        (
            api.upload(
                "/certificates/upload-design",
                file("a.png", vec![0; (10 << 20) + 1]).text("name", "A"),
            )
            .await,
            413,
            "FILE_TOO_LARGE",
        ),
        (
            api.upload("/attendees/bulk-upload", file("a.csv", "%PDF-1.7"))
                .await,
            415,
            "UNKNOWN_FORMAT",
        ),
        (
            api.upload("/attendees/bulk-upload", file("a.csv", ""))
                .await,
            422,
            "EMPTY_FILE",
        ),
        (
            api.upload(
                "/attendees/bulk-upload",
                file("a.csv", "Name,Email,Document number\n"),
            )
            .await,
            422,
            "EMPTY_FILE",
        ),
        (
            api.upload(
                "/attendees/bulk-upload",
                file("a.csv", "Name,Colour\nAda,red\n"),
            )
            .await,
            422,
            "MISSING_COLUMNS",
        ),
        (
            api.upload(
                "/attendees/bulk-upload",
                file("a.csv", "x").text("colour", "red"),
            )
            .await,
            400,
            "BAD_REQUEST",
        ),
        (
            api.upload(
                "/attendees/bulk-upload",
                file("a.csv", "x").text("updateExisting", "maybe"),
            )
            .await,
            400,
            "BAD_REQUEST",
        ),
        (
            post("{}".to_owned(), "multipart/form-data").await,
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
    ];
    for (answer, status, code) in cases {
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, code),
            "{}",
            answer.body
        );
        assert_eq!(answer.body["requestId"], answer.header("x-request-id"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_change_is_rejected_and_inactive_certificate_is_not_issued() {
    let api = Api::start().await;
    let id = api.certificate().await;
    let toggle = |etag: String| {
        let request = api.request(Method::PUT, &format!("/certificates/{id}/toggle-active"));
        async move {
            Answered::of(
                request
                    .header("if-match", etag)
                    .send()
                    .await
                    .expect("answered"),
            )
            .await
        }
    };
    assert_eq!(
        toggle("\"1\"".to_owned()).await.expect(412).code(),
        "PRECONDITION_FAILED"
    );
    let path = format!("/certificates/{id}");
    let there = |body: &Value| body["success"] == true;
    api.until("the certificate can be read", &path, there).await;
    let etag = api.get(&path).await.header("etag").to_owned();
    let off = toggle(etag.clone()).await.expect(200);
    assert_eq!(off.body["data"]["isActive"], false);
    assert_eq!(toggle(etag).await.expect(412).code(), "PRECONDITION_FAILED");

    let asked =
        json!({ "certificateId": id, "attendeeIds": ["00000000-0000-4000-8000-000000000000"] });
    let refused = api
        .post("/generated-certificates/generate", &asked)
        .await
        .expect(409);
    assert_eq!(refused.code(), "CERTIFICATE_INACTIVE");
    let active = api.get("/certificates/active").await.expect(200);
    assert_eq!(active.body["data"], json!([]));
    toggle(off.header("etag").to_owned()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn read_of_a_position_beyond_the_log_is_rejected() {
    let api = Api::start().await;
    for beyond in [999_999_999, u64::MAX] {
        let request = api
            .request(Method::GET, "/attendees")
            .header("x-min-event-position", beyond);
        let beyond = Answered::of(request.send().await.expect("answered"))
            .await
            .expect(422);
        assert_eq!(beyond.code(), "POSITION_BEYOND_END");
    }
    let request = api
        .request(Method::GET, "/attendees")
        .header("x-min-event-position", "soon");
    let odd = Answered::of(request.send().await.expect("answered"))
        .await
        .expect(400);
    assert_eq!(odd.code(), "BAD_REQUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_certificate_is_a_page_for_browsers_and_an_error_for_programs() {
    let api = Api::start().await;
    for (id, code, says) in [
        (
            "00112233445566778899aabbccddeeff",
            "NOT_FOUND",
            "Aquí no se emitió",
        ),
        (
            "0024H-36H2N-CSVRH-6DAQF-6DVVQ-ZW",
            "NOT_FOUND",
            "Aquí no se emitió",
        ),
        (
            "0024H-36H2N-CSVRH-6DAQF-6DVVQ-ZX",
            "NUMBER_MISTYPED",
            "error de escritura",
        ),
        ("short", "NUMBER_MISTYPED", "error de escritura"),
        ("..%2f..%2fetc", "NUMBER_MISTYPED", "error de escritura"),
    ] {
        let path = format!("/certificate/{id}");
        let page = api
            .app
            .client
            .get(api.app.url(&path))
            .header("accept-language", "es");
        let page = page.send().await.expect("answered");
        assert_eq!(page.status(), 404);
        let page = page.text().await.expect("a page").replace("&#x2f;", "/");
        assert!(
            page.contains(says) && page.contains("<form method=\"get\" action=\"/verify\">"),
            "{id}: {page}"
        );
        let json = api
            .app
            .client
            .get(api.app.url(&path))
            .header("accept", "application/json");
        assert_eq!(
            Answered::of(json.send().await.expect("answered"))
                .await
                .expect(404)
                .code(),
            code
        );
        let download = Answered::of(api.public(&format!("{path}/download")).await)
            .await
            .expect(404);
        assert_eq!(download.code(), code);
    }
    for path in [
        "/certificates/design_images/a/b.png",
        "/certificates/design_images/..%2f..%2fx/b.png",
    ] {
        assert_eq!(
            Answered::of(api.public(path).await)
                .await
                .expect(404)
                .code(),
            "NOT_FOUND"
        );
    }
}

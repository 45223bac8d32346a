//! Designs: encoding on upload, list, description, and deletion of designs that no certificate
//! uses.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answered, Api, file, png, scrubbed};

async fn uploaded(api: &Api, name: &str, client: &str, bytes: Vec<u8>) -> Answered {
    let form = file("any.bin", bytes)
        .text("name", name.to_owned())
        .text("client", client.to_owned());
    api.upload("/certificates/upload-design", form)
        .await
        .expect(201)
}

async fn listed(api: &Api, query: &str) -> Answered {
    api.get(&format!("/certificates/designs{query}"))
        .await
        .expect(200)
}

fn ids(listed: &Answered) -> Vec<Value> {
    listed.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|design| design["id"].clone())
        .collect()
}

async fn delete(api: &Api, id: &str, etag: Option<&str>) -> Answered {
    let request = api.request(Method::DELETE, &format!("/certificates/designs/{id}"));
    let request = etag
        .into_iter()
        .fold(request, |request, etag| request.header("if-match", etag));
    Answered::of(request.send().await.expect("answered")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn designs_are_listed_described_and_deleted() {
    let api = Api::start().await;
    let first = uploaded(&api, "Gold Frame", "Big Client", png()).await;
    let second = uploaded(&api, "Silver Frame", "Acme", png()).await;
    let all = listed(&api, "").await;
    insta::assert_json_snapshot!("designs", scrubbed(&all.body));
    let of_client = listed(&api, "?client=BIG%20client").await;
    assert_eq!(ids(&of_client), [first.body["data"]["id"].clone()]);

    let url = first.body["data"]["url"].as_str().expect("a url");
    let info = api
        .get(&format!("/certificates/designs/info?url={url}"))
        .await
        .expect(200);
    assert_eq!(info.body["data"]["client"], "big_client");
    assert!(url.ends_with(info.body["data"]["filename"].as_str().expect("a name")));
    for foreign in [
        "https://example.org/x.png",
        "http://x/certificates/design_images/a_2026/b.jpg",
        "",
    ] {
        let refused = api
            .get(&format!("/certificates/designs/info?url={foreign}"))
            .await
            .expect(422);
        assert_eq!(refused.code(), "VALIDATION_ERROR", "{foreign}");
    }
    let small = first.body["data"]["thumbnailUrl"].as_str().expect("a url");
    for address in [url, small] {
        let image = api.app.client.get(address).send().await.expect("answered");
        assert_eq!(image.headers()["content-type"], "image/jpeg");
        assert_eq!(
            image.headers()["cross-origin-resource-policy"],
            "cross-origin"
        );
    }

    let id = first.body["data"]["id"].as_str().expect("an id");
    assert_eq!(
        delete(&api, id, Some("\"1\"")).await.expect(412).code(),
        "PRECONDITION_FAILED"
    );
    let read = api
        .get(&format!("/certificates/designs/{id}"))
        .await
        .expect(200);
    delete(&api, id, Some(read.header("etag")))
        .await
        .expect(200);
    delete(&api, id, None).await.expect(200);
    assert_eq!(
        api.app
            .client
            .get(url)
            .send()
            .await
            .expect("answered")
            .status(),
        StatusCode::NOT_FOUND
    );
    let left = listed(&api, "").await;
    assert_eq!(ids(&left), [second.body["data"]["id"].clone()]);
    api.get(&format!("/certificates/designs/{id}"))
        .await
        .expect(404);
    let body = json!({ "client": "A", "name": "B", "eventName": "C", "baseDesignUrl": url });
    assert_eq!(
        api.post("/certificates", &body).await.expect(422).code(),
        "VALIDATION_ERROR"
    );
    let unknown = delete(&api, "00000000-0000-4000-8000-000000000000", None)
        .await
        .expect(404);
    assert_eq!(unknown.code(), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn design_in_use_is_not_deleted() {
    let api = Api::start().await;
    let design = uploaded(&api, "Frame", "Acme", png()).await.body["data"].clone();
    let body =
        json!({ "client": "A", "name": "B", "eventName": "C", "baseDesignUrl": design["url"] });
    api.post("/certificates", &body).await.expect(201);
    let id = design["id"].as_str().expect("an id");
    assert_eq!(
        delete(&api, id, None).await.expect(409).code(),
        "WRONG_STATE"
    );
    let all = listed(&api, "").await;
    assert_eq!(all.body["data"][0]["inUse"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn designs_are_stored_as_plain_jpeg_or_png() {
    let api = Api::start().await;
    let clear: DynamicImage = RgbaImage::from_pixel(40, 30, Rgba([200, 0, 0, 99])).into();
    let mut webp = Cursor::new(Vec::new());
    clear
        .write_to(&mut webp, ImageFormat::WebP)
        .expect("encoded");
    let drawing = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 297 210'><rect width='297' height='210'/></svg>";
    for (bytes, kind, width) in [
        (webp.into_inner(), "image/png", 40),
        (png(), "image/jpeg", 297),
        (drawing.as_bytes().to_vec(), "image/jpeg", 3508),
    ] {
        let data = uploaded(&api, "Any", "Acme", bytes).await.body["data"].clone();
        assert_eq!(
            (&data["mimeType"], &data["width"]),
            (&json!(kind), &json!(width)),
            "{data}"
        );
        let kept = api
            .app
            .client
            .get(data["url"].as_str().expect("a url"))
            .send()
            .await
            .expect("answered");
        assert_eq!(kept.headers()["content-type"], kind);
        let kept = kept.bytes().await.expect("bytes");
        assert_eq!(data["size"], kept.len());
        assert_eq!(
            image::load_from_memory(&kept).expect("a picture").width(),
            width
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_upload_stores_the_design_once() {
    let api = Api::start().await;
    let send = async || {
        let form = file("a.png", png()).text("name", "Frame");
        let request = api
            .request(Method::POST, "/certificates/upload-design")
            .header("idempotency-key", "k-1");
        Answered::of(request.multipart(form).send().await.expect("answered"))
            .await
            .expect(201)
    };
    let first = send().await;
    let again = send().await;
    assert_eq!(first.body, again.body);
    let all = listed(&api, "").await;
    assert_eq!(all.body["data"].as_array().map(Vec::len), Some(1));
}

/// Returns the type and actor of each event of a design.
async fn history(api: &Api, id: &str) -> Vec<(String, String)> {
    let events = api
        .app
        .app
        .commands()
        .log()
        .load("design", id, 0)
        .await
        .expect("read");
    events
        .into_iter()
        .map(|event| (event.event_type, event.actor))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn designs_are_in_use_only_after_a_definition_is_accepted() {
    let api = Api::start().await;
    let logo = uploaded(&api, "Logo", "Acme", png()).await.body["data"].clone();
    let frame = uploaded(&api, "Frame", "Acme", png()).await.body["data"].clone();
    let certificate = api.certificate().await;
    let template = |theme: &str| json!({ "theme": theme, "options": { "logo": logo["url"] } });
    let path = format!("/certificates/{certificate}");
    for (path, body, status) in [
        (
            "/preview",
            json!({ "format": "pdf", "pdfTemplate": template("corporate") }),
            200,
        ),
        (
            "/preview",
            json!({ "format": "pdf", "pdfTemplate": template("baroque") }),
            422,
        ),
        (
            "/preview",
            json!({ "format": "pdf", "pdfTemplate": template("corporate"), "data": { "full_name": "\u{13080}" } }),
            422,
        ),
        (
            "/what-if",
            json!({ "pdfTemplate": template("corporate") }),
            200,
        ),
        (
            "/what-if",
            json!({ "pdfTemplate": template("corporate"), "limit": 0 }),
            422,
        ),
    ] {
        api.post(&format!("/certificates/{certificate}{path}"), &body)
            .await
            .expect(status);
    }
    // These definitions are rejected: a name that is too long, options that can't be drawn, and a
    // background that the theme does not draw.
    for wrong in [
        json!({ "client": "A", "name": "x".repeat(201), "eventName": "C", "baseDesignUrl": frame["url"] }),
        json!({ "client": "A", "name": "B", "eventName": "C", "pdfTemplate": { "theme": "corporate",
            "options": { "logo": logo["url"], "signerName": "\u{13080}" } } }),
        json!({ "client": "A", "name": "B", "eventName": "C", "pdfTemplate": "corporate", "baseDesignUrl": frame["url"] }),
    ] {
        api.post("/certificates", &wrong).await.expect(422);
    }
    let stale = api
        .request(Method::PATCH, &path)
        .header("if-match", "\"1\"");
    let stale = stale
        .json(&json!({ "pdfTemplate": template("corporate") }))
        .send()
        .await
        .expect("answered");
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
    let [logo_id, frame_id] = [&logo, &frame].map(|design| design["id"].as_str().expect("an id"));
    for id in [logo_id, frame_id] {
        assert_eq!(history(&api, id).await.len(), 1, "only its upload");
    }
    delete(&api, frame_id, None).await.expect(200);

    let changed = api
        .request(Method::PATCH, &path)
        .json(&json!({ "pdfTemplate": template("corporate") }));
    Answered::of(changed.send().await.expect("answered"))
        .await
        .expect(200);
    let history = history(&api, logo_id).await;
    assert_eq!(history.len(), 2);
    assert_eq!(
        history[1],
        ("DesignTakenIntoUse".to_owned(), history[0].1.clone()),
        "by the uploader"
    );
    assert_eq!(
        delete(&api, logo_id, None).await.expect(409).code(),
        "WRONG_STATE"
    );
}

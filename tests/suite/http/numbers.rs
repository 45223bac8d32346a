//! Certificate numbers as people type them, and the pages that browsers get.

use laureate::app::Role;
use laureate::domain::PublicId;
use reqwest::Response;
use serde_json::{Value, json};

use super::{Answered, Api, file};
use crate::support::{TestApp, until};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn opened(api: &Api, path: &str) -> Response {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let request = client
        .get(api.app.url(path))
        .header("accept", BROWSER)
        .header("accept-language", "en");
    request.send().await.expect("answered")
}

/// Returns the status and the text of a page as a browser gets it.
async fn page(api: &Api, path: &str) -> (u16, String) {
    let response = opened(api, path).await;
    let kind = response.headers()["content-type"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(kind.starts_with("text/html"), "{path}: {kind}");
    let status = response.status().as_u16();
    // Templates escape slashes as well.
    (
        status,
        response
            .text()
            .await
            .expect("a page")
            .replace("&#x2f;", "/"),
    )
}

/// Issues a certificate to one person. Returns the generated certificate.
async fn issued(api: &Api) -> Value {
    let id = api.certificate().await;
    let people = "Name,Email,Document number\nJosé Núñez,jose@example.com,1\n";
    api.upload(
        "/attendees/bulk-upload",
        file("p.csv", people).text("certificateId", id),
    )
    .await
    .expect(200);
    let generated = |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|items| items.len() == 1)
    };
    api.until(
        "the PDF is made",
        "/generated-certificates?state=generated",
        generated,
    )
    .await["data"][0]
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_listed_by_number() {
    let api = Api::start().await;
    let issued = issued(&api).await;
    let hex = issued["publicId"].as_str().expect("an id");
    let readable = issued["number"].as_str().expect("a number");
    assert_eq!(PublicId::parse(hex).expect("a number").readable(), readable);
    let listed = async |number: &str| {
        api.get(&format!("/generated-certificates?number={number}"))
            .await
    };
    for number in [
        hex,
        readable,
        &readable.to_lowercase(),
        &readable.replace('-', "%20"),
    ] {
        let list = listed(number).await.expect(200).body["data"].clone();
        assert_eq!(
            (list.as_array().map(Vec::len), &list[0]["id"]),
            (Some(1), &issued["id"]),
            "{number}"
        );
    }
    assert_eq!(
        listed("00112233445566778899aabbccddeeff")
            .await
            .expect(200)
            .body["data"],
        json!([])
    );
    for mistyped in ["", "0024H-36H2N-CSVRH-6DAQF-6DVVQ-ZX", "short"] {
        let refused = listed(mistyped).await.expect(422);
        assert!(
            refused.body["error"]["details"][0]
                .as_str()
                .expect("text")
                .starts_with("number: ")
        );
    }
    let export = format!("/generated-certificates/export?format=csv&number={readable}");
    let export = api.get(&export).await.expect(200).body;
    assert_eq!(
        export.as_str().expect("CSV").matches(readable).count(),
        1,
        "{export}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn number_is_found_in_any_spelling() {
    let api = Api::start().await;
    let issued = issued(&api).await;
    let hex = issued["publicId"].as_str().expect("an id").to_owned();
    let readable = PublicId::parse(&hex).expect("a number").readable();
    let lower = readable.to_lowercase();
    let joined = readable.replace('-', "");
    for number in [
        hex.clone(),
        hex.to_uppercase(),
        readable.clone(),
        lower,
        joined.replace('0', "O").replace('1', "I"),
        readable.replace('-', "%20"),
        format!("{hex}."),
        format!("{hex},"),
        format!("{readable})"),
        format!("{hex}%20"),
        format!("%20{hex}%2520"),
        format!("%E2%80%9C{hex}%E2%80%9D"),
        format!("%C2%AB{readable}%C2%BB."),
        format!("{hex}/"),
        format!("{hex}//"),
    ] {
        for path in [
            format!("/certificate/{number}"),
            format!("/api/v1/certificate/{number}"),
            format!("/CERTIFICATE/{number}"),
        ] {
            let (status, page) = page(&api, &path).await;
            assert!(
                status == 200 && page.contains("genuine and valid") && page.contains(&readable),
                "{path}: {page}"
            );
        }
    }
    for path in [
        format!("/certificate/{readable}/download"),
        format!("/certificate/{hex}/download/"),
        format!("/certificate/{hex}/download."),
        format!("/certificate/{}/DOWNLOAD)", hex.to_uppercase()),
        format!("/api/v1/certificate/{hex}/download"),
    ] {
        let pdf = api.public(&path).await;
        assert_eq!(
            (
                pdf.status().as_u16(),
                pdf.headers()["content-type"].to_str().unwrap()
            ),
            (200, "application/pdf"),
            "{path}"
        );
    }
    let json = Answered::of(api.public(&format!("/certificate/{readable}.json")).await)
        .await
        .expect(200);
    assert_eq!(
        (&json.body["data"]["publicId"], &json.body["data"]["number"]),
        (&json!(hex), &json!(readable))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn form_redirects_to_the_page_and_reports_typing_errors() {
    let api = Api::start().await;
    let hex = issued(&api).await["publicId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let readable = PublicId::parse(&hex).expect("a number").readable();
    let (status, form) = page(&api, "/verify").await;
    assert!(
        status == 200 && form.contains("<input id=\"number\"") && !form.contains("<script"),
        "{form}"
    );
    let policy = opened(&api, "/verify").await.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("form-action 'self'") && policy.contains("default-src 'none'"),
        "{policy}"
    );
    for number in [
        hex.clone(),
        format!("+{}.", readable.replace('-', "+")),
        format!("https%3A%2F%2Fexample.org%2Fcertificate%2F{hex}"),
    ] {
        let answer = opened(&api, &format!("/verify?number={number}&lang=es")).await;
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(
            (answer.status().as_u16(), location),
            (303, format!("/certificate/{hex}?lang=es")),
            "{number}"
        );
    }
    let mut wrong = readable.replace('-', "").into_bytes();
    wrong[5] = if wrong[5] == b'7' { b'8' } else { b'7' };
    let wrong = String::from_utf8(wrong).expect("ASCII");
    let (status, mistyped) = page(&api, &format!("/verify?number={wrong}")).await;
    assert!(
        status == 404
            && mistyped.contains("has a typing error")
            && mistyped.contains(&format!("value=\"{wrong}\"")),
        "{mistyped}"
    );
    let (status, unknown) = page(&api, "/certificate/00112233445566778899aabbccddeeff").await;
    assert!(
        status == 404 && unknown.contains("No certificate of this number was issued here"),
        "{unknown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_certificate_is_a_page_for_browsers_and_an_error_for_programs() {
    let api = Api::start().await;
    let issued = issued(&api).await;
    let path = format!(
        "/certificate/{}/download",
        issued["publicId"].as_str().expect("an id")
    );
    let pdf = api.public(&path).await;
    // A cached copy is revalidated before each use, and shared caches do not store it.
    assert_eq!(pdf.headers()["cache-control"], "private, no-cache");
    let etag = pdf.headers()["etag"].clone();
    let again = async || {
        let request = api
            .app
            .client
            .get(api.app.url(&path))
            .header("if-none-match", etag.clone());
        request.send().await.expect("answered").status().as_u16()
    };
    assert_eq!(again().await, 304);
    let revoke = format!(
        "/generated-certificates/{}/revoke",
        issued["id"].as_str().expect("an id")
    );
    api.post(&revoke, &json!({"reason": "wrongData"}))
        .await
        .expect(200);
    until("the revocation is in the tables", async || {
        again().await == 410
    })
    .await;
    let (status, revoked) = page(&api, &path).await;
    let link = format!("href=\"{}\"", path.trim_end_matches("/download"));
    assert!(
        status == 410 && revoked.contains("revoked by its issuer") && revoked.contains(&link),
        "{revoked}"
    );
    assert_eq!(
        opened(&api, &path).await.headers()["cache-control"],
        "no-store"
    );
    let program = Answered::of(api.public(&path).await).await.expect(410);
    assert_eq!(program.code(), "CERTIFICATE_REVOKED");
    let below = Answered::of(api.public(&format!("/api/v1{path}")).await)
        .await
        .expect(410);
    assert_eq!(below.code(), "CERTIFICATE_REVOKED");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_certificate_is_not_public() {
    let api = Api::start().await;
    let id = api.certificate().await;
    let body =
        json!({ "fullName": "Ada \u{12000}", "email": "ada@example.com", "documentNumber": "1" });
    let ada = api.post("/attendees", &body).await.expect(201).body["data"]["id"].clone();
    let body = json!({ "certificateId": id, "attendeeIds": [ada] });
    api.issue(&body).await;
    let failed = |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|items| items.len() == 1)
    };
    let failed = api
        .until("it failed", "/generated-certificates?state=failed", failed)
        .await["data"][0]
        .clone();
    let path = format!(
        "/certificate/{}",
        failed["publicId"].as_str().expect("an id")
    );
    let unknown = async || {
        for path in [path.clone(), format!("{path}/download")] {
            let (status, page) = page(&api, &path).await;
            assert!(
                status == 404 && page.contains("No certificate of this number"),
                "{page}"
            );
        }
        assert_eq!(
            Answered::of(api.public(&format!("{path}.json")).await)
                .await
                .expect(404)
                .code(),
            "NOT_FOUND"
        );
    };
    unknown().await;
    // It stays unknown after a revocation, because nobody has a copy.
    let revoke = format!(
        "/generated-certificates/{}/revoke",
        failed["id"].as_str().expect("an id")
    );
    api.post(&revoke, &json!({"reason": "withdrawn"}))
        .await
        .expect(200);
    unknown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn public_errors_are_pages_in_a_browser() {
    let roles = [Role::Api, Role::Projector];
    let api =
        Api::of(TestApp::with_roles(&roles, &["http.limits.public_per_minute=1"]).await).await;
    let path = "/certificate/00112233445566778899aabbccddeeff";
    assert_eq!(page(&api, path).await.0, 404);
    let often = opened(&api, path).await;
    assert!(often.headers().contains_key("retry-after"));
    let often = often.text().await.expect("a page");
    assert!(
        often.contains("Too many requests") && !often.contains("<form"),
        "{often}"
    );
    let program = api
        .app
        .client
        .get(api.app.url(path))
        .header("accept", "application/json");
    assert_eq!(
        Answered::of(program.send().await.expect("answered"))
            .await
            .expect(429)
            .code(),
        "TOO_MANY_REQUESTS"
    );
    let (status, nowhere) = page(&api, "/nowhere").await;
    assert!(
        status == 404 && nowhere.contains("There is no page at this address"),
        "{nowhere}"
    );
    let (status, spanish) = page(&api, "/nowhere?lang=es").await;
    assert!(
        status == 404 && spanish.contains("No hay ninguna página"),
        "{spanish}"
    );
    // API routes respond with JSON, also in a browser.
    let api_error = opened(&api, "/api/v1/auth/me").await;
    assert_eq!(api_error.headers()["content-type"], "application/json");
}

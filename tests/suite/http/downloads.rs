//! Tests of the public download of a PDF: the whole file, ranges, conditional requests, and
//! redirects to the bucket.

use laureate::app::Role;
use serde_json::Value;

use super::{Answered, Api, file};
use crate::support::{TestApp, servers};

/// Issues a certificate to one person. Returns the path of its public page.
async fn issued(api: &Api) -> String {
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
    let list = api
        .until(
            "the PDF is made",
            "/generated-certificates?state=generated",
            generated,
        )
        .await;
    format!(
        "/certificate/{}",
        list["data"][0]["publicId"].as_str().expect("an id")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn download_supports_ranges_and_conditional_requests() {
    let api = Api::start().await;
    let path = format!("{}/download", issued(&api).await);
    let ask = async |headers: &[(&str, &str)]| {
        let request = api.app.client.get(api.app.url(&path));
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        request.send().await.expect("answered")
    };
    let whole = ask(&[]).await;
    let header = |name: &str| whole.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(
        (
            header("accept-ranges").as_str(),
            header("content-type").as_str()
        ),
        ("bytes", "application/pdf")
    );
    assert!(
        header("content-disposition").contains("filename*=UTF-8''Jos%C3%A9"),
        "{}",
        header("content-disposition")
    );
    let etag = header("etag");
    let length = header("content-length");
    let bytes = whole.bytes().await.expect("bytes");
    assert_eq!(length, bytes.len().to_string());

    let part = ask(&[("range", "bytes=5-9"), ("if-range", &etag)]).await;
    assert_eq!(
        (
            part.status().as_u16(),
            part.headers()["content-range"]
                .to_str()
                .expect("text")
                .to_owned()
        ),
        (206, format!("bytes 5-9/{length}"))
    );
    assert_eq!(part.bytes().await.expect("bytes"), bytes[5..10]);
    let end = ask(&[("range", "bytes=-7")])
        .await
        .bytes()
        .await
        .expect("bytes");
    assert_eq!(end, bytes[bytes.len() - 7..]);
    let changed = ask(&[("range", "bytes=5-9"), ("if-range", "\"another\"")]).await;
    assert_eq!(changed.status(), 200);
    let beyond = ask(&[("range", "bytes=99999999-")]).await;
    assert_eq!(
        beyond.headers()["content-range"].to_str().expect("text"),
        format!("bytes */{length}")
    );
    assert_eq!(
        Answered::of(beyond).await.expect(416).code(),
        "RANGE_NOT_SATISFIABLE"
    );
    let known = ask(&[("if-none-match", &etag), ("accept-encoding", "gzip")]).await;
    assert_eq!(
        (
            known.status().as_u16(),
            known.headers()["etag"].to_str().expect("text")
        ),
        (304, etag.as_str())
    );

    let head = api
        .app
        .client
        .head(api.app.url(&path))
        .send()
        .await
        .expect("answered");
    assert_eq!(
        (
            head.status().as_u16(),
            head.headers()["content-length"].to_str().expect("text")
        ),
        (200, length.as_str())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn public_page_shows_initials_if_configured() {
    let settings = ["http.verification_shows=initials"];
    let api = Api::of(TestApp::with_roles(&Role::ALL, &settings).await).await;
    let path = issued(&api).await;
    let json = Answered::of(api.public(&format!("{path}.json")).await)
        .await
        .expect(200);
    let data = &json.body["data"];
    assert_eq!(
        (&data["genuine"], &data["status"]),
        (&Value::Bool(true), &"valid".into())
    );
    assert_eq!(
        (&data["fullName"], &data["downloadUrl"]),
        (&"J. N.".into(), &Value::Null)
    );
    let page = async |query: &str, language: &str| {
        let request = api
            .app
            .client
            .get(api.app.url(&format!("{path}{query}")))
            .header("accept-language", language);
        request.send().await.expect("answered")
    };
    let spanish = page("", "es-CO").await;
    assert_eq!(spanish.headers()["content-language"], "es");
    let spanish = spanish.text().await.expect("a page");
    assert!(
        spanish.contains("auténtico y válido") && !spanish.contains("Núñez"),
        "{spanish}"
    );
    let english = page("?lang=en&utm_source=mail", "es")
        .await
        .text()
        .await
        .expect("a page");
    assert!(english.contains("genuine and valid"), "{english}");
}

#[tokio::test(flavor = "multi_thread")]
async fn download_redirects_to_the_bucket_if_configured() {
    let bucket = format!("laureate-{}", uuid::Uuid::new_v4());
    servers().make_s3_bucket(&bucket).await;
    let settings = [
        format!("storage.url=s3://{bucket}/some/prefix"),
        format!("storage.endpoint={}", servers().s3_url()),
        "storage.access_key_id=test".to_owned(),
        "storage.secret_access_key=secret".to_owned(),
        "storage.allow_http=true".to_owned(),
        "storage.presigned_downloads=true".to_owned(),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let api = Api::of(TestApp::with_roles(&Role::ALL, &settings).await).await;
    let path = format!("{}/download", issued(&api).await);
    let head = api
        .app
        .client
        .head(api.app.url(&path))
        .send()
        .await
        .expect("answered");
    assert_eq!(head.status(), 200);
    let plain = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let redirect = plain
        .get(api.app.url(&path))
        .send()
        .await
        .expect("answered");
    assert_eq!(
        (
            redirect.status().as_u16(),
            redirect.headers()["cache-control"].to_str().unwrap()
        ),
        (302, "no-store")
    );
    let to = redirect.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        to.contains("X-Amz-Expires=60") && !to.contains("Jos"),
        "{to}"
    );
    let pdf = plain.get(to).send().await.expect("answered");
    let disposition = pdf.headers()["content-disposition"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        disposition.starts_with("attachment; filename=\"Speaker"),
        "{disposition}"
    );
    assert!(pdf.bytes().await.expect("bytes").starts_with(b"%PDF-1."));
}

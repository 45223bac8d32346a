//! The certificates of a batch as a ZIP archive and as one PDF.

use std::io::{Cursor, Read};

use hayro::hayro_syntax::Pdf;
use serde_json::{Value, json};

use super::{Answered, Api, file};

/// Issues a batch to `people` attendees. The first two have the same name. Returns the id of the
/// batch and its certificates.
async fn issued(api: &Api, people: usize) -> (String, Vec<Value>) {
    let certificate = api.certificate().await;
    let row = |n: usize| match n {
        0 | 1 => format!("José Núñez,j{n}@example.com,D{n}\n"),
        n => format!("Ada {n},ada{n}@example.com,D{n}\n"),
    };
    let rows: String = (0..people).map(row).collect();
    let form = file("p.csv", format!("Name,Email,Document\n{rows}"));
    let import = api
        .upload("/attendees/bulk-upload", form)
        .await
        .expect(200)
        .body["data"]["id"]
        .clone();
    let body = json!({"certificateId": certificate, "importId": import, "delivery": "held"});
    let begun = api.issue(&body).await;
    let batch = begun.body["data"]["id"].as_str().expect("an id").to_owned();
    let list = format!("/generated-certificates?batchId={batch}&state=generated&order=asc");
    let all = move |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|items| items.len() == people)
    };
    let listed = api.until("all PDFs are made", &list, all).await;
    (batch, listed["data"].as_array().expect("a list").clone())
}

async fn fetched(api: &Api, path: &str) -> (reqwest::header::HeaderMap, Vec<u8>) {
    let answer = api
        .request(reqwest::Method::GET, path)
        .send()
        .await
        .expect("answered");
    assert_eq!(answer.status(), 200);
    (
        answer.headers().clone(),
        answer.bytes().await.expect("a whole file").to_vec(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_is_downloaded_as_a_zip_and_as_one_pdf() {
    let api = Api::start().await;
    let (batch, issued) = issued(&api, 5).await;
    let revoke = format!(
        "/generated-certificates/{}/revoke",
        issued[3]["id"].as_str().expect("an id")
    );
    let revoked = api
        .post(&revoke, &json!({"reason": "withdrawn"}))
        .await
        .expect(200);
    let seen = api
        .request(reqwest::Method::GET, "/batches")
        .header("x-min-event-position", revoked.header("x-event-position"));
    assert_eq!(seen.send().await.expect("answered").status(), 200);

    let (headers, zip) = fetched(&api, &format!("/batches/{batch}/certificates.zip")).await;
    let message = |name: &str| headers[name].to_str().expect("text").to_owned();
    assert_eq!(
        [
            message("content-type"),
            message("x-certificates"),
            message("x-certificates-missing"),
            message("x-parts")
        ],
        ["application/zip", "4", "1", "1"]
    );
    assert!(message("content-disposition").contains(&format!("certificates_{batch}.zip")));
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).expect("an archive");
    let mut names: Vec<String> = zip
        .file_names()
        .map(|name| name.expect("a name").into_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 5);
    assert_eq!(
        names[names.len() - 3..],
        [
            "José Núñez_certificate (2).pdf",
            "José Núñez_certificate.pdf",
            "NOT_INCLUDED.txt"
        ]
    );
    let public_id = issued[0]["publicId"].as_str().expect("an id");
    let pdf = api
        .public(&format!("/certificate/{public_id}/download"))
        .await
        .bytes()
        .await
        .expect("bytes");
    let mut first = Vec::new();
    zip.by_index(0)
        .expect("an entry")
        .read_to_end(&mut first)
        .expect("read");
    assert!(first == pdf, "the archive has the issued bytes");

    let (headers, all) = fetched(&api, &format!("/batches/{batch}/certificates.pdf")).await;
    assert_eq!(
        (&headers["content-type"], &headers["x-certificates"]),
        (&"application/pdf".parse().unwrap(), &"4".parse().unwrap())
    );
    let pages = Pdf::new(all.clone()).expect("a PDF").pages().len();
    assert_eq!(pages, 4);
    assert!(
        all.len() < 2 * pdf.len(),
        "{} bytes for four certificates of {}",
        all.len(),
        pdf.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unavailable_batch_download_is_rejected() {
    let api = Api::start().await;
    let (batch, _) = issued(&api, 2).await;
    for ending in ["zip", "pdf"] {
        let path = format!("/batches/{batch}/certificates.{ending}");
        assert_eq!(
            api.get(&format!("{path}?part=2")).await.expect(422).code(),
            "VALIDATION_ERROR"
        );
        assert_eq!(
            api.get(&format!("{path}?part=0")).await.expect(422).code(),
            "VALIDATION_ERROR"
        );
        let nobody = format!("/batches/{}/certificates.{ending}", uuid::Uuid::new_v4());
        assert_eq!(api.get(&nobody).await.expect(404).code(), "NOT_FOUND");
        let stranger = Answered::of(api.public(&format!("/api/v1{path}")).await)
            .await
            .expect(401);
        assert_eq!(stranger.code(), "UNAUTHENTICATED");
    }
    api.post(
        &format!("/batches/{batch}/undo"),
        &json!({"reason": "issuedInError"}),
    )
    .await
    .expect(202);
    let undone = |body: &Value| {
        body["data"]["state"] == "undone" && body["data"]["progress"]["revoked"] == 2
    };
    api.until("the batch is undone", &format!("/batches/{batch}"), undone)
        .await;
    let empty = api
        .get(&format!("/batches/{batch}/certificates.zip"))
        .await
        .expect(409);
    assert_eq!(empty.code(), "NOT_GENERATED");
}

//! Main workflow: a design, a certificate, a file of people, PDFs, mails, and verification.

use serde_json::{Value, json};

use super::{Answered, Api, file, png, scrubbed};

const PEOPLE: &str = "Nombre completo,Correo electrónico,Número documento,País\n\
    María José Núñez,maria@example.com,1020304050,Colombia\n\
    李雷,li.lei@example.com,G-77,China\n\
    María J. Núñez,maria@example.com,1020304050,Colombia\n\
    Nobody,not-an-address,5,\n";

async fn certificate_with_design(api: &Api) -> Value {
    let form = file("Gold Frame.png", png())
        .text("name", "Gold Frame")
        .text("client", "Acme");
    let design = api
        .upload("/certificates/upload-design", form)
        .await
        .expect(201);
    insta::assert_json_snapshot!("design", scrubbed(&design.body));
    let url = design.body["data"]["url"].as_str().expect("a url");
    let key = design.body["data"]["key"].as_str().expect("a key");
    assert!(
        key.starts_with("certificates/design_images/acme_20") && key.contains("/gold_frame_"),
        "{key}"
    );
    let image = api.app.client.get(url).send().await.expect("answered");
    assert_eq!(
        (
            image.status().as_u16(),
            image.headers()["content-type"].to_str().unwrap()
        ),
        (200, "image/jpeg")
    );

    let body = json!({
        "client": "Acme", "name": "Speaker", "event_name": "Summit 2026", "base_design_url": url, "locale": "es",
    });
    let defined = api.post("/certificates", &body).await.expect(201);
    insta::assert_json_snapshot!("certificate", scrubbed(&defined.body));
    let path = defined
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    let read = api.get(&path).await.expect(200);
    assert_eq!(read.header("etag"), defined.header("etag"));
    assert_eq!(read.body["data"]["name"], "Speaker");
    defined.body["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_people_get_mailed_and_verifiable_pdfs() {
    let api = Api::start().await;
    let certificate = certificate_with_design(&api).await;
    let id = certificate["id"].as_str().expect("an id");

    let form = file("people.csv", PEOPLE).text("certificate_id", id.to_owned());
    let report = api.upload("/attendees/bulk-upload", form).await.expect(200);
    // The batch is still in progress, and its counts differ between runs.
    let without_batches = |body: &Value| {
        let mut report = body["data"].clone();
        let batches = report["batches"].take();
        assert_eq!(
            (batches.as_array().map(Vec::len), &batches[0]["total"]),
            (Some(1), &json!(2))
        );
        report
    };
    insta::assert_json_snapshot!("import_report", scrubbed(&without_batches(&report.body)));
    let import = report.body["data"]["id"].as_str().expect("an id");
    let read = api.get(&format!("/imports/{import}")).await.expect(200);
    // Only the response to the upload contains `reading`.
    let mut message = without_batches(&report.body);
    message["reading"].take();
    let mut kept = without_batches(&read.body);
    kept["reading"].take();
    assert_eq!(kept, message);

    let list = format!("/generated-certificates?certificateId={id}&state=generated");
    let done = |body: &Value| {
        let items = body["data"].as_array().expect("a list");
        items.len() == 2 && items.iter().all(|item| item["isSent"] == true)
    };
    let issued = api.until("two certificates are mailed", &list, done).await;
    insta::assert_json_snapshot!("generated_certificates", by_name(&issued, "fullName"));
    let jobs = api.get("/jobs?status=sent").await.expect(200);
    insta::assert_json_snapshot!("jobs", by_name(&jobs.body, "toName"));
    let job = jobs.body["data"][0]["id"].as_str().expect("an id");
    let retried = api.post(&format!("/jobs/{job}/retry"), &Value::Null).await;
    assert_eq!(
        (retried.status.as_u16(), retried.code()),
        (409, "WRONG_STATE")
    );
    for issuance in issued["data"].as_array().expect("a list") {
        anybody_can_verify(&api, issuance).await;
    }
}

/// Scrubs a list and sorts it by a field, because its order depends on the timing of the workers.
fn by_name(list: &Value, field: &str) -> Value {
    let mut list = scrubbed(list);
    if let Some(items) = list["data"].as_array_mut() {
        items.sort_by_key(|item| item[field].to_string());
    }
    list
}

async fn anybody_can_verify(api: &Api, issuance: &Value) {
    let path = format!(
        "/certificate/{}",
        issuance["publicId"].as_str().expect("an id")
    );
    let name = issuance["fullName"].as_str().expect("a name");
    let page = api.public(&path).await;
    assert_eq!(page.status(), 200);
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    let page = page.text().await.expect("a page");
    assert!(
        page.contains("Este certificado es auténtico") && page.contains(name),
        "{page}"
    );

    let json = api
        .app
        .client
        .get(api.app.url(&path))
        .header("accept", "application/json");
    let json = Answered::of(json.send().await.expect("answered"))
        .await
        .expect(200);
    assert_eq!(json.body["data"]["fullName"], name);
    assert_eq!(json.body["data"]["status"], "valid");

    let download = format!("{path}/download");
    let pdf = api.public(&download).await;
    assert_eq!(pdf.status(), 200);
    let disposition = pdf.headers()["content-disposition"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        disposition.contains("_certificate.pdf\"; filename*=UTF-8''"),
        "{disposition}"
    );
    let etag = pdf.headers()["etag"].clone();
    assert_eq!(
        etag.to_str().unwrap(),
        format!("\"{}\"", issuance["sha256"].as_str().unwrap())
    );
    assert!(pdf.bytes().await.expect("bytes").starts_with(b"%PDF-1."));
    let again = api
        .app
        .client
        .get(api.app.url(&download))
        .header("if-none-match", etag);
    assert_eq!(again.send().await.expect("answered").status(), 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_pdf_is_drawn_again_with_the_same_bytes() {
    let api = Api::start().await;
    let id = api.certificate().await;
    let people = "Name,Email,Document number\nAda Lovelace,ada@example.com,1\n";
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
    let issued = api
        .until(
            "the PDF is made",
            "/generated-certificates?state=generated",
            generated,
        )
        .await;
    let public_id = issued["data"][0]["publicId"].as_str().expect("an id");
    let download = format!("/certificate/{public_id}/download");
    let first = api.public(&download).await.bytes().await.expect("bytes");
    let stored = find(api.app.storage(), &format!("{public_id}.pdf")).expect("it is stored");
    std::fs::remove_file(&stored).expect("removed");
    let second = api.public(&download).await.bytes().await.expect("bytes");
    assert_eq!(first, second);

    // A stored file that differs from the issued one is not served.
    std::fs::write(&stored, b"%PDF-1.7 forged").expect("written");
    let forged = Answered::of(api.public(&download).await).await;
    assert_eq!(
        (forged.status.as_u16(), forged.code()),
        (500, "ISSUED_FILE_DIFFERS")
    );
}

fn find(folder: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find_map(|path| {
            if path.is_dir() {
                find(&path, name)
            } else {
                path.ends_with(name).then_some(path)
            }
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_issues_to_each_person_once() {
    let api = Api::start().await;
    let id = api.certificate().await;
    let people = "Name,Email,Document number\nAda Lovelace,ada@example.com,1\nGrace Hopper,grace@example.com,2\n";
    let imported = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    assert_eq!(imported.body["data"]["created"], 2);
    let known = api.get("/attendees").await.expect(200);
    let mut ids: Vec<Value> = known.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| person["id"].clone())
        .collect();
    assert_eq!(ids.len(), 2);
    let one = api
        .get(&format!("/attendees/{}", ids[0].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(one.body["data"], known.body["data"][0]);
    ids.push("00000000-0000-4000-8000-000000000000".into());

    let asked = json!({ "certificateId": id, "attendeeIds": ids });
    for (requested, existing) in [(2, 0), (0, 2)] {
        let begun = api.issue(&asked).await;
        let path = begun
            .header("location")
            .trim_start_matches("/api/v1")
            .to_owned();
        let dispatched = |body: &Value| body["data"]["state"] == "dispatched";
        let batch = api
            .until("the batch is dispatched", &path, dispatched)
            .await;
        let counts = [
            &batch["data"]["requested"],
            &batch["data"]["existing"],
            &batch["data"]["refused"],
        ];
        assert_eq!(
            counts,
            [&json!(requested), &json!(existing), &json!(1)],
            "{batch}"
        );
    }
    let all = api.get("/generated-certificates").await.expect(200);
    assert_eq!(all.body["data"].as_array().map(Vec::len), Some(2));
}

//! Single people and certificates: created, changed and deleted, and the conflicts that prevent it.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file, scrubbed};

async fn send(
    api: &Api,
    method: Method,
    path: &str,
    etag: Option<&str>,
    body: Option<&Value>,
) -> Answered {
    let mut request = api.request(method, path);
    if let Some(etag) = etag {
        request = request.header("if-match", etag);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    Answered::of(request.send().await.expect("answered")).await
}

fn ada() -> Value {
    json!({ "fullName": "Ada Lovelace", "email": "ada@example.com", "documentNumber": "007", "country": "UK" })
}

async fn add(api: &Api, body: &Value) -> (String, Answered) {
    let added = api.post("/attendees", body).await.expect(201);
    let path = added
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    (path, added)
}

#[tokio::test(flavor = "multi_thread")]
async fn attendee_is_created_changed_and_deleted() {
    let api = Api::start().await;
    let (path, added) = add(&api, &ada()).await;
    let read = api.get(&path).await.expect(200);
    assert_eq!(read.header("etag"), added.header("etag"));
    insta::assert_json_snapshot!("an_attendee", scrubbed(&read.body));

    let same = api
        .request(Method::GET, &path)
        .header("if-none-match", read.header("etag"));
    let same = same.send().await.expect("answered");
    assert_eq!(
        (
            same.status().as_u16(),
            same.bytes().await.expect("nothing").len()
        ),
        (304, 0)
    );

    let change = json!({ "full_name": "Ada King", "country": null, "email": "ADA@example.com" });
    let changed = send(
        &api,
        Method::PATCH,
        &path,
        Some(read.header("etag")),
        Some(&change),
    )
    .await
    .expect(200);
    assert_eq!(changed.body["data"]["fullName"], "Ada King");
    let stale = send(
        &api,
        Method::PATCH,
        &path,
        Some(read.header("etag")),
        Some(&change),
    )
    .await
    .expect(412);
    assert_eq!(stale.code(), "PRECONDITION_FAILED");
    let now = api.get(&path).await.expect(200);
    assert_eq!(
        (now.header("etag"), &now.body["data"]["country"]),
        (changed.header("etag"), &Value::Null)
    );
    let nothing = send(&api, Method::PATCH, &path, None, Some(&json!({})))
        .await
        .expect(200);
    assert_eq!(
        nothing.header("etag"),
        changed.header("etag"),
        "nothing changed"
    );

    send(&api, Method::DELETE, &path, Some(read.header("etag")), None)
        .await
        .expect(412);
    send(&api, Method::DELETE, &path, Some(now.header("etag")), None)
        .await
        .expect(200);
    assert_eq!(api.get(&path).await.expect(404).code(), "NOT_FOUND");
    send(&api, Method::DELETE, &path, None, None)
        .await
        .expect(404);
    send(
        &api,
        Method::PATCH,
        &path,
        Some(now.header("etag")),
        Some(&change),
    )
    .await
    .expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_email_or_document_is_rejected() {
    let api = Api::start().await;
    add(&api, &ada()).await;
    let message = async |extra: Value| {
        let mut body = ada();
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        scrubbed(&api.post("/attendees", &body).await.body)
    };
    let refused = json!({
        "same address": message(json!({ "email": "ADA@Example.com", "documentNumber": "8" })).await,
        "same document": message(json!({ "email": "other@example.com", "documentNumber": "0-07" })).await,
        "several fields": message(json!({ "fullName": "", "email": "nowhere", "documentNumber": null })).await,
        "unknown field": message(json!({ "colour": "red" })).await,
    });
    insta::assert_json_snapshot!("refused_people", refused);

    let grace = json!({ "fullName": "Grace", "email": "grace@example.com", "documentNumber": "8" });
    let (path, _) = add(&api, &grace).await;
    let taken = send(
        &api,
        Method::PATCH,
        &path,
        None,
        Some(&json!({ "email": "ada@example.com" })),
    )
    .await;
    let taken = taken.expect(409);
    assert_eq!(taken.code(), "DUPLICATE");
    assert!(
        taken.body["error"]["details"][0]
            .as_str()
            .unwrap()
            .starts_with("email: "),
        "{}",
        taken.body
    );
    // After Grace changes her address, the old one is free.
    send(
        &api,
        Method::PATCH,
        &path,
        None,
        Some(&json!({ "email": "hopper@example.com" })),
    )
    .await
    .expect(200);
    add(
        &api,
        &json!({ "fullName": "Another", "email": "grace@example.com", "documentNumber": "9" }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_changes_of_a_version_succeeds() {
    let api = Api::start().await;
    let (path, added) = add(&api, &ada()).await;
    let etag = added.header("etag");
    let change = |n: usize| {
        let api = &api;
        let path = &path;
        async move {
            let body =
                json!({ "fullName": format!("Ada {n}"), "email": format!("ada{n}@example.com") });
            send(api, Method::PATCH, path, Some(etag), Some(&body)).await
        }
    };
    let answers = join_all((0..8).map(change)).await;
    let won: Vec<&Answered> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(won.len(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 || answer.code() == "PRECONDITION_FAILED")
    );
    let read = api.get(&path).await.expect(200);
    assert_eq!(read.body["data"]["email"], won[0].body["data"]["email"]);
    // Only the winner's claim was taken: the other seven addresses are free.
    let lost = (0..8)
        .map(|n| format!("ada{n}@example.com"))
        .filter(|email| read.body["data"]["email"] != **email);
    for (n, email) in lost.enumerate() {
        add(
            &api,
            &json!({ "fullName": "Free", "email": email, "documentNumber": format!("free-{n}") }),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_person_imported_again_is_a_new_person() {
    let api = Api::start().await;
    let people = "Name,Email,Document number\nAda,ada@example.com,7\n";
    let import = async || {
        let report = api
            .upload("/attendees/bulk-upload", file("p.csv", people))
            .await
            .expect(200);
        assert_eq!(report.body["data"]["created"], 1, "{}", report.body);
        let list = api.get("/attendees").await.expect(200);
        list.body["data"][0]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let first = import().await;
    send(
        &api,
        Method::DELETE,
        &format!("/attendees/{first}"),
        None,
        None,
    )
    .await
    .expect(200);
    let second = import().await;
    assert_ne!(first, second);

    // A batch that names both ids issues only to the one that exists.
    let certificate = api.certificate().await;
    let asked = json!({ "certificateId": certificate, "attendeeIds": [first, second] });
    let begun = api.issue(&asked).await;
    let progress = begun
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    let done = |body: &Value| body["data"]["refused"] == 1;
    let batch = api.until("the batch is dispatched", &progress, done).await;
    assert!(
        batch.to_string().contains(&first),
        "the deleted one is refused: {batch}"
    );
    let list = format!("/generated-certificates?certificateId={certificate}");
    let issued = api
        .until("one was issued", &list, |body| {
            body["data"].as_array().is_some_and(|l| !l.is_empty())
        })
        .await;
    assert_eq!(
        (
            issued["data"].as_array().unwrap().len(),
            &issued["data"][0]["attendeeId"]
        ),
        (1, &json!(second))
    );
    let in_use = send(
        &api,
        Method::DELETE,
        &format!("/attendees/{second}"),
        None,
        None,
    )
    .await
    .expect(409);
    insta::assert_json_snapshot!("a_person_in_use", scrubbed(&in_use.body));
    let in_use = send(
        &api,
        Method::DELETE,
        &format!("/certificates/{certificate}"),
        None,
        None,
    )
    .await
    .expect(409);
    insta::assert_json_snapshot!("a_certificate_in_use", scrubbed(&in_use.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_request_creates_one_attendee() {
    let api = Api::start().await;
    let again = async |body: &Value| {
        let request = api
            .request(Method::POST, "/attendees")
            .header("idempotency-key", "k")
            .json(body);
        Answered::of(request.send().await.expect("answered")).await
    };
    let first = again(&ada()).await.expect(201);
    let second = again(&ada()).await.expect(201);
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("etag"), second.header("etag"));
    again(&json!({ "fullName": "Ada", "email": "a@example.com", "documentNumber": "1" }))
        .await
        .expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_is_changed_and_deleted() {
    let api = Api::start().await;
    let id = api.certificate().await;
    let path = format!("/certificates/{id}");
    let change =
        json!({ "name": "Keynote", "event_link": "https://example.org/x", "locale": "es" });
    let changed = send(&api, Method::PATCH, &path, None, Some(&change))
        .await
        .expect(200);
    let read = api.get(&path).await.expect(200);
    insta::assert_json_snapshot!("a_redefined_certificate", scrubbed(&read.body));
    assert_eq!(read.header("etag"), changed.header("etag"));
    let cleared = send(
        &api,
        Method::PATCH,
        &path,
        None,
        Some(&json!({ "eventLink": null })),
    )
    .await
    .expect(200);
    assert_eq!(cleared.body["data"]["eventLink"], Value::Null);
    assert_eq!(cleared.body["data"]["name"], "Keynote");
    for wrong in [
        json!({ "name": null }),
        json!({ "name": " " }),
        json!({ "eventLink": "javascript:x" }),
        json!({ "pdfTemplate": "baroque" }),
        json!({ "baseDesignUrl": "https://example.org/x.png" }),
        json!({ "isActive": "yes" }),
        json!({ "colour": "red" }),
    ] {
        send(&api, Method::PATCH, &path, None, Some(&wrong))
            .await
            .rejected();
    }
    send(&api, Method::DELETE, &path, Some(read.header("etag")), None)
        .await
        .expect(412);
    send(
        &api,
        Method::DELETE,
        &path,
        Some(cleared.header("etag")),
        None,
    )
    .await
    .expect(200);
    api.get(&path).await.expect(404);
    send(&api, Method::PATCH, &path, None, Some(&change))
        .await
        .expect(404);
    send(
        &api,
        Method::PUT,
        &format!("{path}/toggle-active"),
        None,
        None,
    )
    .await
    .expect(404);
    let asked = json!({ "certificateId": id, "attendeeIds": [id] });
    api.post("/generated-certificates/generate", &asked)
        .await
        .expect(422);
}

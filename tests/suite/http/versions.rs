//! Entity tags of resources that show progress. A request with the current entity tag gets 304.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file};

async fn known(api: &Api, path: &str, etag: &str) -> Answered {
    let request = api.request(Method::GET, path).header("if-none-match", etag);
    Answered::of(request.send().await.expect("answered")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn entity_tag_of_a_batch_changes_with_its_progress() {
    let api = Api::start().await;
    let person = json!({ "fullName": "Ada", "email": "ada@example.com", "documentNumber": "7" });
    let person = api.post("/attendees", &person).await.expect(201).body["data"]["id"].clone();
    let asked = json!({ "certificateId": api.certificate().await, "attendeeIds": [person], "delivery": "held" });
    let begun = api.issue(&asked).await;
    let path = begun
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    api.until("a mail waits", &path, |body| {
        body["data"]["progress"]["mailsPending"] == 1
    })
    .await;
    let read = api.get(&path).await.expect(200);
    let etag = read.header("etag").to_owned();
    assert!(etag.starts_with('"'), "{etag} is not strong");
    assert_eq!(known(&api, &path, &etag).await.expect(304).body, json!(""));

    // Only the mail changes. The batch itself does not change.
    api.post("/jobs/process-pending", &json!({}))
        .await
        .expect(200);
    let sent = |body: &Value| body["data"]["progress"]["mailsSent"] == 1;
    api.until("the mail is sent", &path, sent).await;
    let now = known(&api, &path, &etag).await.expect(200);
    assert!(sent(&now.body));
    assert_ne!(now.header("etag"), etag);
    known(&api, &path, now.header("etag")).await.expect(304);
}

#[tokio::test(flavor = "multi_thread")]
async fn entity_tag_of_a_finished_import_is_stable() {
    let api = Api::start().await;
    let people = "Name,Email,Document number\nAda,ada@example.com,1\nEva,nowhere,2\n";
    let import = async || {
        let done = api
            .upload("/attendees/bulk-upload", file("p.csv", people))
            .await
            .expect(200);
        format!(
            "/imports/{}",
            done.body["data"]["id"].as_str().expect("an id")
        )
    };
    let one = import().await;
    let other = import().await;
    let completed = |body: &Value| body["data"]["state"] == "completed";
    for path in [&one, &other] {
        api.until("the import is completed", path, completed).await;
    }
    let read = api.get(&one).await.expect(200);
    let another = api.get(&other).await.expect(200);
    assert_ne!(read.header("etag"), another.header("etag"));
    known(&api, &one, read.header("etag")).await.expect(304);
    known(&api, &other, read.header("etag")).await.expect(200);
}

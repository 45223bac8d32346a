//! Revocation of single certificates and of batches.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file, scrubbed};

/// Issues a batch to `people` attendees. Returns the id of the certificate, the id of the batch,
/// and the generated certificates.
async fn issued(api: &Api, people: usize) -> (String, String, Vec<Value>) {
    let certificate = api.certificate().await;
    let rows: String = (0..people)
        .map(|n| format!("Ada {n},ada{n}@example.com,D{n}\n"))
        .collect();
    let form = file("p.csv", format!("Name,Email,Document\n{rows}"));
    let import = api.upload("/attendees/bulk-upload", form).await.expect(200);
    let import = import.body["data"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let begun = api
        .issue(&json!({"certificateId": certificate, "importId": import, "delivery": "held"}))
        .await;
    let batch = begun.body["data"]["id"].as_str().expect("an id").to_owned();
    let list = format!("/generated-certificates?batchId={batch}&state=generated");
    let all = move |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|items| items.len() == people)
    };
    let listed = api.until("all PDFs are made", &list, all).await;
    (
        certificate,
        batch,
        listed["data"].as_array().expect("a list").clone(),
    )
}

async fn verified(api: &Api, issuance: &Value) -> Answered {
    let path = format!(
        "/certificate/{}",
        issuance["publicId"].as_str().expect("an id")
    );
    let request = api
        .app
        .client
        .get(api.app.url(&path))
        .header("accept", "application/json");
    Answered::of(request.send().await.expect("answered")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_certificate_is_shown_as_revoked_and_not_downloadable() {
    let api = Api::start().await;
    let (certificate, _, issued) = issued(&api, 1).await;
    let id = issued[0]["id"].as_str().expect("an id");
    let path = format!("/generated-certificates/{id}/revoke");
    for wrong in [
        json!({}),
        json!({"reason": "boredom"}),
        json!({"reason": "other"}),
    ] {
        api.post(&path, &wrong).await.rejected();
    }
    let why = json!({"reason": "wrongData", "note": "Ada is misspelt"});
    let revoked = api.post(&path, &why).await.expect(200);
    insta::assert_json_snapshot!("revoked", scrubbed(&revoked.body));
    let again = api
        .post(&path, &json!({"reason": "withdrawn"}))
        .await
        .expect(200);
    assert_eq!(
        again.body["data"], revoked.body["data"],
        "the first reason stays"
    );

    let seen = api
        .get(&format!("/generated-certificates/{id}"))
        .await
        .expect(200);
    // The entity tag in the response to a read consists of the version, a hyphen, and the position
    // of the last event of the mails.
    let version = |answer: &Answered| {
        let tag = answer.header("etag").trim_matches('"');
        tag.split('-').next().expect("a version").to_owned()
    };
    assert_eq!(version(&seen), version(&revoked));
    insta::assert_json_snapshot!("revoked_certificate", scrubbed(&seen.body));
    let public = verified(&api, &issued[0]).await.expect(200);
    assert_eq!(
        (
            &public.body["data"]["status"],
            &public.body["data"]["downloadUrl"]
        ),
        (&json!("revoked"), &Value::Null)
    );
    assert!(public.body["data"]["revokedAt"].is_string());
    let download = format!(
        "/certificate/{}/download",
        issued[0]["publicId"].as_str().expect("an id")
    );
    let refused = Answered::of(api.public(&download).await).await.expect(410);
    assert_eq!(refused.code(), "CERTIFICATE_REVOKED");

    // If the certificate is issued to the person again, the person gets a new and valid one.
    let attendee = issued[0]["attendeeId"].clone();
    let body = json!({"certificateId": certificate, "attendeeIds": [attendee]});
    let begun = api.issue(&body).await;
    let list = format!(
        "/generated-certificates?batchId={}&state=generated",
        begun.body["data"]["id"].as_str().expect("an id")
    );
    let one = |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|items| items.len() == 1)
    };
    let anew = api.until("it is issued again", &list, one).await["data"][0].clone();
    assert_ne!(anew["publicId"], issued[0]["publicId"]);
    assert_eq!(
        verified(&api, &anew).await.expect(200).body["data"]["status"],
        "valid"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawal_checks_the_version_and_the_id() {
    let api = Api::start().await;
    let (_, _, issued) = issued(&api, 1).await;
    let path = format!(
        "/generated-certificates/{}",
        issued[0]["id"].as_str().expect("an id")
    );
    let delete = async |path: &str, tag: &str| {
        let request = api.request(Method::DELETE, path).header("if-match", tag);
        Answered::of(request.send().await.expect("answered")).await
    };
    assert_eq!(
        delete(&path, "\"1\"").await.expect(412).code(),
        "PRECONDITION_FAILED"
    );
    let known = api.get(&path).await.expect(200);
    let withdrawn = delete(&path, known.header("etag")).await.expect(200);
    assert_eq!(withdrawn.body["data"]["revocation"]["reason"], "withdrawn");
    let nobody = format!("/generated-certificates/{}", uuid::Uuid::new_v4());
    assert_eq!(delete(&nobody, "*").await.expect(404).code(), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_undone_as_a_whole() {
    let api = Api::start().await;
    let (_, batch, issued) = issued(&api, 3).await;
    let why = json!({"reason": "issuedInError", "note": "the wrong list"});
    let undoing = api
        .post(&format!("/batches/{batch}/undo"), &why)
        .await
        .expect(202);
    assert!(
        undoing
            .header("location")
            .ends_with(&format!("/batches/{batch}"))
    );
    let undone = |body: &Value| {
        body["data"]["state"] == "undone" && body["data"]["progress"]["revoked"] == 3
    };
    let seen = api
        .until("the batch is undone", &format!("/batches/{batch}"), undone)
        .await;
    let mut seen = scrubbed(&seen);
    // These counts depend on the timing of the workers.
    for mails in ["mailsPending", "mailsSent", "mailsCancelled"] {
        seen["data"]["progress"][mails] = json!("[race]");
    }
    insta::assert_json_snapshot!("undone_batch", seen);
    for issuance in &issued {
        assert_eq!(
            verified(&api, issuance).await.expect(200).body["data"]["status"],
            "revoked"
        );
    }
    let again = api
        .post(&format!("/batches/{batch}/undo"), &why)
        .await
        .expect(202);
    assert_eq!(again.body["data"]["state"], "undone");
    let late = api
        .post(&format!("/batches/{batch}/cancel"), &Value::Null)
        .await
        .expect(409);
    assert_eq!(late.code(), "WRONG_STATE");
    let nobody = format!("/batches/{}/undo", uuid::Uuid::new_v4());
    assert_eq!(
        api.post(&nobody, &why).await.expect(404).code(),
        "NOT_FOUND"
    );
}

//! Certificates that could not be drawn, and how they are issued again.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api};
use crate::sandbox::{manifest, template};

async fn person(api: &Api, name: &str, number: u32) -> String {
    let body = json!({ "fullName": name, "email": format!("p{number}@example.com"),
        "documentNumber": number.to_string() });
    api.post("/attendees", &body).await.expect(201).body["data"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// Issues certificates and waits until the batch is dispatched. Returns the batch.
async fn issue(api: &Api, certificate: &str, people: &[&str]) -> Value {
    let body = json!({ "certificateId": certificate, "attendeeIds": people });
    let begun = api.issue(&body).await;
    let path = format!(
        "/batches/{}",
        begun.body["data"]["id"].as_str().expect("an id")
    );
    let dispatched = |body: &Value| body["data"]["state"] == "dispatched";
    api.until("the batch is dispatched", &path, dispatched)
        .await["data"]
        .clone()
}

/// Waits until `number` certificates have the state `state`, and returns them.
async fn settled(api: &Api, certificate: &str, state: &str, number: usize) -> Vec<Value> {
    let path = format!("/generated-certificates?certificateId={certificate}&state={state}");
    let all = |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|all| all.len() == number)
    };
    api.until(state, &path, all).await["data"]
        .as_array()
        .expect("a list")
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_certificate_is_reissued_with_the_next_template_version() {
    let api = Api::start().await;
    let picky = template("if d.fields.full_name == \"Bob\" { panic(\"not him\") }");
    let body = json!({ "name": "Diploma", "source": picky, "manifest": manifest() });
    let own = api.post("/templates/own", &body).await.expect(201).body["data"].clone();
    let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit", "pdfTemplate": own["theme"] });
    let certificate = api.post("/certificates", &body).await.expect(201).body["data"]["id"].clone();
    let certificate = certificate.as_str().expect("an id");
    let ada = person(&api, "Ada", 1).await;
    let bob = person(&api, "Bob", 2).await;
    let first = issue(&api, certificate, &[&ada, &bob]).await;
    let failed = settled(&api, certificate, "failed", 1).await.remove(0);
    assert_eq!(
        (&failed["attendeeId"], &failed["failure"]["code"]),
        (&json!(bob), &json!("RENDER_TEMPLATE"))
    );

    // No mail exists that could be retried. The error message says what to do instead.
    let id = failed["id"].as_str().expect("an id");
    for path in [
        format!("/jobs/{id}/retry"),
        format!("/generated-certificates/{id}/send-email"),
    ] {
        let refused = api.post(&path, &json!({})).await.expect(409);
        assert_eq!(refused.code(), "WRONG_STATE");
        assert!(
            refused.body["error"]["message"]
                .as_str()
                .expect("text")
                .contains("generate it"),
            "{path}"
        );
    }

    let versions = format!(
        "/templates/own/{}/versions",
        own["id"].as_str().expect("an id")
    );
    let body = json!({ "source": template(""), "manifest": manifest() });
    api.post(&versions, &body).await.expect(201);
    api.post(&format!("{versions}/2/activate"), &json!({}))
        .await
        .expect(200);
    let body = json!({ "certificateId": certificate, "attendeeIds": [ada, bob], "dryRun": true });
    let rehearsed = api
        .post("/generated-certificates/generate", &body)
        .await
        .expect(200)
        .body["data"]
        .clone();
    assert_eq!(
        (&rehearsed["new"], &rehearsed["existing"]),
        (&json!(1), &json!(1))
    );
    let second = issue(&api, certificate, &[&ada, &bob]).await;
    assert_eq!(
        (&second["requested"], &second["existing"]),
        (&json!(1), &json!(1))
    );
    let made = settled(&api, certificate, "generated", 2).await;
    assert!(
        made.iter()
            .any(|one| one["batchId"] == second["id"] && one["attendeeId"] == json!(bob))
    );

    let closed = settled(&api, certificate, "revoked", 1).await.remove(0);
    assert_eq!(
        (&closed["id"], &closed["revocation"]["reason"]),
        (&failed["id"], &json!("generationFailed"))
    );
    let path = format!("/batches/{}", first["id"].as_str().expect("an id"));
    let first = api.get(&path).await.expect(200).body["data"].clone();
    let progress = &first["progress"];
    assert_eq!(
        (&progress["generationFailed"], &progress["revoked"]),
        (&json!(0), &json!(1))
    );
    // A third request creates nothing, because both people now have a certificate.
    let third = issue(&api, certificate, &[&ada, &bob]).await;
    assert_eq!(
        (&third["requested"], &third["existing"]),
        (&json!(0), &json!(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_certificate_is_reissued_after_the_name_is_corrected() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let ada = person(&api, "Ada \u{12000}", 1).await;
    issue(&api, &certificate, &[&ada]).await;
    settled(&api, &certificate, "failed", 1).await;
    let body = json!({ "fullName": "Ada Lovelace" });
    let corrected = api
        .request(Method::PATCH, &format!("/attendees/{ada}"))
        .json(&body)
        .send()
        .await;
    Answered::of(corrected.expect("answered")).await.expect(200);
    let again = issue(&api, &certificate, &[&ada]).await;
    assert_eq!(
        (&again["requested"], &again["existing"]),
        (&json!(1), &json!(0))
    );
    let made = settled(&api, &certificate, "generated", 1).await.remove(0);
    assert_eq!(made["fullName"], "Ada Lovelace");
}

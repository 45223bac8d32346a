//! Conventions that all endpoints follow: statuses and fields of errors, bodies, preconditions, and
//! responses to small requests.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::text;
use super::{Answered, Api};
use crate::log::fixture::read_all;
use crate::support::TestApp;
use laureate::app::Role;
use laureate::domain::DataSubject;
use laureate::event_log::{RecordedEvent, Via};

async fn send(api: &Api, method: Method, path: &str, headers: &[(&str, &str)]) -> Answered {
    let mut request = api.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.write(request).await
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
async fn unreadable_request_is_400_and_refused_value_is_422() {
    let api = Api::start().await;
    let id = api.certificate().await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let person = |field: &str, value: Value| {
        let mut person =
            json!({ "fullName": "Ada", "email": "ada@example.com", "documentNumber": "1" });
        person[field] = value;
        person
    };
    let issue = "/generated-certificates/generate";
    let cases = [
        (
            "/attendees",
            person("colour", json!(1)),
            400,
            "colour",
            "UNKNOWN_FIELD",
        ),
        (
            "/attendees",
            person("full_name", json!("Eva")),
            400,
            "fullName",
            "GIVEN_TWICE",
        ),
        (
            "/attendees",
            person("fullName", json!(7)),
            400,
            "fullName",
            "WRONG_TYPE",
        ),
        (
            "/attendees",
            person("email", json!("nowhere")),
            422,
            "email",
            "INVALID_EMAIL",
        ),
        (
            "/attendees",
            person("fullName", json!(" ")),
            422,
            "fullName",
            "REQUIRED",
        ),
        (
            issue,
            json!({ "attendeeIds": [] }),
            400,
            "certificateId",
            "REQUIRED",
        ),
        (
            issue,
            json!({ "certificateId": id, "attendeeIds": [nobody, "x"] }),
            400,
            "attendeeIds[1]",
            "WRONG_TYPE",
        ),
        (
            issue,
            json!({ "certificateId": nobody, "attendeeIds": [nobody] }),
            422,
            "certificateId",
            "NOT_FOUND",
        ),
        (
            issue,
            json!({ "certificateId": id, "filter": { "importId": nobody } }),
            400,
            "filter.importId",
            "WRONG_TYPE",
        ),
    ];
    for (path, body, status, field, code) in cases {
        let answered = api.post(path, &body).await.expect(status).rejected();
        let error = &answered.body["error"];
        let problem = &error["errors"][0];
        assert_eq!(
            (&problem["field"], &problem["code"]),
            (&json!(field), &json!(code)),
            "{error}"
        );
        let detail = format!("{field}: {}", text(&problem["message"]));
        assert_eq!(error["details"], json!([detail]));
    }
    for (path, status, field, code) in [
        ("/attendees?limit=many", 400, "limit", "WRONG_TYPE"),
        ("/attendees?limit=0", 422, "limit", "INVALID_VALUE"),
        ("/attendees?colour=red", 400, "colour", "UNKNOWN_FIELD"),
        ("/attendees/1", 400, "id", "WRONG_TYPE"),
    ] {
        let error = api.get(path).await.expect(status).rejected().body["error"].clone();
        let problem = &error["errors"][0];
        assert_eq!(
            (&problem["field"], &problem["code"]),
            (&json!(field), &json!(code)),
            "{error}"
        );
    }
    api.post("/attendees", &person("gender", json!("F")))
        .await
        .expect(201);
    let twice = api
        .post("/attendees", &person("gender", json!("F")))
        .await
        .expect(409);
    let problem = &twice.body["error"]["errors"][0];
    assert_eq!(
        (&problem["field"], &problem["code"]),
        (&json!("email"), &json!("DUPLICATE"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn body_of_an_operation_without_one_is_rejected() {
    let api = Api::start().await;
    let id = api.certificate().await;
    let path = format!("/certificates/{id}");
    let with_body = |method: Method, path: &str, body: String| {
        let request = api
            .request(method, path)
            .header("content-type", "application/json");
        async { Answered::of(request.body(body).send().await.expect("answered")).await }
    };
    let reason = json!({ "reason": "typing error" }).to_string();
    for method in [Method::DELETE, Method::GET] {
        let refused = with_body(method, &path, reason.clone())
            .await
            .expect(400)
            .rejected();
        assert_eq!(refused.body["error"]["errors"][0]["field"], "body");
    }
    let long = "x".repeat((1 << 20) + 1);
    let refused = with_body(Method::DELETE, &path, long).await.expect(413);
    assert_eq!(refused.code(), "PAYLOAD_TOO_LARGE");
    let toggle = format!("{path}/toggle-active");
    with_body(Method::PUT, &toggle, reason)
        .await
        .expect(400)
        .rejected();
    with_body(Method::PUT, &toggle, "{}".to_owned())
        .await
        .expect(200);
    api.get(&path).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn state_changes_check_if_match() {
    let api = Api::start().await;
    let body = json!({ "fullName": "Ada", "email": "ada@example.com", "documentNumber": "1" });
    let ada = api.post("/attendees", &body).await.expect(201).body["data"]["id"].clone();
    let certificate = api.certificate().await;
    let asked = json!({ "certificateId": certificate, "attendeeIds": [ada], "delivery": "held" });
    let batch = api.issue(&asked).await.header("location").to_owned();
    let batch = batch.trim_start_matches("/api/v1").to_owned();
    let held = "/jobs?state=held";
    let jobs = api
        .until("a mail is held", held, |body| body["data"][0].is_object())
        .await;
    let job = format!("/jobs/{}", text(&jobs["data"][0]["id"]));
    let issued = api.get("/generated-certificates").await.expect(200);
    let issued = format!(
        "/generated-certificates/{}",
        text(&issued.body["data"][0]["id"])
    );
    for (resource, verb) in [
        (&job, "cancel"),
        (&batch, "cancel"),
        (&issued, "send-email"),
    ] {
        let path = format!("{resource}/{verb}");
        let stale = send(&api, Method::POST, &path, &[("if-match", "\"1\"")])
            .await
            .expect(412);
        assert_eq!(stale.code(), "PRECONDITION_FAILED", "{path}");
        let read = api.get(resource).await.expect(200);
        let tag = read.header("etag");
        let done = send(&api, Method::POST, &path, &[("if-match", tag)]).await;
        assert!(done.status.is_success(), "{path}: {}", done.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_issue_request_is_answered_when_its_pdfs_exist() {
    let settings = ["http.request_timeout_seconds=300"];
    let api = Api::of(TestApp::with_roles(&Role::ALL, &settings).await).await;
    let certificate = api.certificate().await;
    let mut ids = Vec::new();
    for n in 1..=3 {
        let person = json!({ "fullName": "Ada", "email": format!("a{n}@example.com"),
            "documentNumber": n.to_string() });
        ids.push(api.post("/attendees", &person).await.expect(201).body["data"]["id"].clone());
    }
    let body = json!({ "certificateId": certificate, "attendeeIds": ids, "delivery": "held" });
    let done = api
        .post("/generated-certificates/generate", &body)
        .await
        .expect(200);
    assert_eq!(done.body["data"]["state"], "dispatched");
    assert_eq!(done.body["data"]["progress"]["generated"], 3);
    let path = done.header("location").trim_start_matches("/api/v1");
    let read = api.get(path).await.expect(200);
    assert_eq!(read.body["data"]["requested"], 3);

    let request = api
        .request(Method::POST, "/generated-certificates/generate")
        .json(&body);
    let later = api
        .write(request.header("prefer", "respond-async"))
        .await
        .expect(202);
    assert_eq!(later.body["data"]["state"], "requested");
}

#[tokio::test(flavor = "multi_thread")]
async fn event_names_the_request_and_the_session_that_led_to_it() {
    let api = Api::start().await;
    let person = json!({
        "fullName": "Ada Lovelace", "email": "ada@example.com", "documentNumber": "123",
    });
    let created = api.post("/attendees", &person).await.expect(201);
    let events = read_all(api.app.app.commands().log()).await;
    let imported = |event: &&RecordedEvent| event.event_type == "AttendeeImported";
    let event = events.iter().find(imported).expect("an event");
    assert_eq!(
        event.request_id.as_deref(),
        Some(created.header("x-request-id"))
    );
    let started = events
        .iter()
        .rev()
        .find(|event| event.event_type == "SessionStarted");
    let session = started.expect("a log-in").id.parse().expect("an id");
    assert_eq!(event.via, Some(Via::Session(session)));
    let attendee = DataSubject::attendee(&event.id);
    assert_eq!(event.data_subject, attendee);
    // The claims of the same command contain data of the same person.
    let claims = events
        .iter()
        .filter(|claim| claim.command_id == event.command_id && claim.aggregate == "claim");
    assert!(claims.clone().count() > 0);
    assert!(
        claims
            .into_iter()
            .all(|claim| claim.data_subject == attendee)
    );
}

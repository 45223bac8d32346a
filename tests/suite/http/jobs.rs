//! Jobs over HTTP: held and scheduled mails, cancellation, retries, and scheduled tasks.

use laureate::app::Role;
use reqwest::Method;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::{Answered, Api, file, scrubbed};
use crate::support::TestApp;

/// Three people. The mail server rejects the address of one of them.
const PEOPLE: &str = "Name,Email,Document number\n\
    Ada Lovelace,ada.jobs@example.com,1\n\
    Alan Turing,alan.jobs@example.com,2\n\
    Grace Hopper,reject-grace.jobs@example.com,3\n";

/// Defines a certificate and waits until three of its mails have the state `state`. Returns the id
/// of the certificate.
async fn three_mails(api: &Api, delivery: &str, state: &str) -> String {
    let id = api.certificate().await;
    let form = file("people.csv", PEOPLE)
        .text("certificateId", id.clone())
        .text("delivery", delivery.to_owned());
    api.upload("/attendees/bulk-upload", form).await.expect(200);
    let path = format!("/jobs?certificateId={id}&state={state}");
    api.until("three mails wait", &path, |body| count(body) == 3)
        .await;
    id
}

fn count(list: &Value) -> usize {
    list["data"].as_array().map_or(0, Vec::len)
}

fn sorted(list: &Value) -> Value {
    let mut list = scrubbed(list);
    list["data"]
        .as_array_mut()
        .expect("a list")
        .sort_by_key(|item| item["toName"].to_string());
    list
}

/// Returns a delivery at a time from now.
pub(super) fn in_seconds(seconds: i64) -> Value {
    let at = time::OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
    json!({ "at": at.format(&Rfc3339).expect("a time") })
}

async fn patch(api: &Api, path: &str, body: &Value) -> Answered {
    Answered::of(
        api.request(Method::PATCH, path)
            .json(body)
            .send()
            .await
            .expect("answered"),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn held_mails_are_released_and_failed_ones_retried() {
    let api = Api::start().await;
    let id = three_mails(&api, "held", "held").await;
    let waiting = api.get("/jobs/pending").await.expect(200);
    insta::assert_json_snapshot!("held", sorted(&waiting.body));

    let filter = json!({ "filter": { "certificateId": [id] } });
    let processed = api.post("/jobs/process-pending", &filter).await.expect(200);
    insta::assert_json_snapshot!("processed", scrubbed(&processed.body));
    let again = api
        .request(Method::POST, "/jobs/process-pending")
        .send()
        .await
        .expect("answered");
    assert_eq!(
        Answered::of(again).await.expect(200).body["data"]["released"],
        0,
        "nothing waits any more"
    );

    let failed = api
        .get(&format!("/jobs?state=failed&certificate_id={id}"))
        .await
        .expect(200);
    insta::assert_json_snapshot!("after_processing", failed.body["meta"]["summary"].clone(), {
        ".lastProcessed" => "[lastProcessed]"
    });
    let job = failed.body["data"][0]["id"].as_str().expect("an id");
    let one = api.get(&format!("/jobs/{job}")).await.expect(200);
    insta::assert_json_snapshot!("failed_job", scrubbed(&one.body), {
        ".data.history[].answer" => "[answer]", ".data.errorMessage" => "[errorMessage]"
    });
    let retried = api.post("/jobs/retry", &filter).await.expect(200);
    assert_eq!(
        (
            &retried.body["data"]["done"],
            &retried.body["data"]["refused"]
        ),
        (&json!(1), &json!(0))
    );
    let tries = |body: &Value| body["data"]["history"].as_array().map_or(0, Vec::len) == 2;
    let twice = api
        .until("the mail is retried", &format!("/jobs/{job}"), tries)
        .await;
    assert_eq!(twice["data"]["history"][1]["number"], 2);
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one sequence of steps")]
async fn scheduled_mail_is_rescheduled_released_and_cancelled() {
    let api = Api::start().await;
    let at = in_seconds(3_600)["at"].as_str().expect("a time").to_owned();
    let id = three_mails(&api, &at, "scheduled").await;
    let status = api.get("/jobs/scheduler/status").await.expect(200).body;
    let next = status["data"]["nextExecutionIn"]
        .as_i64()
        .expect("a number");
    assert!((3_000_000..=3_600_000).contains(&next), "{next}");

    let listed = api
        .get(&format!("/jobs?certificateId={id}"))
        .await
        .expect(200)
        .body;
    let mut listed = listed;
    let by_name = |job: &Value| job["toName"].to_string();
    listed["data"]
        .as_array_mut()
        .expect("a list")
        .sort_by_key(by_name);
    let jobs: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|j| j["id"].as_str().unwrap())
        .collect();
    let path = |n: usize| format!("/jobs/{}", jobs[n]);
    let read = api.get(&path(0)).await.expect(200);
    let etag = read.header("etag").to_owned();
    let moved = patch(&api, &path(0), &json!({ "delivery": in_seconds(7_200) }))
        .await
        .expect(200);
    assert_eq!(moved.body["data"]["state"], "scheduled");
    let stale = api
        .request(Method::PATCH, &path(0))
        .header("if-match", etag);
    let stale = stale
        .json(&json!({ "delivery": "held" }))
        .send()
        .await
        .expect("answered");
    assert_eq!(
        Answered::of(stale).await.expect(412).code(),
        "PRECONDITION_FAILED"
    );
    let past = patch(&api, &path(0), &json!({ "delivery": in_seconds(-3_600) }))
        .await
        .expect(422);
    assert!(
        past.body["error"]["details"][0]
            .as_str()
            .unwrap()
            .starts_with("delivery.at: "),
        "{}",
        past.body
    );

    let held = patch(&api, &path(0), &json!({ "delivery": "held" }))
        .await
        .expect(200);
    assert_eq!(
        (&held.body["data"]["state"], &held.body["data"]["dueAt"]),
        (&json!("held"), &Value::Null)
    );
    let reason = json!({ "reason": "wrong name" });
    let cancelled = api
        .post(&format!("{}/cancel", path(0)), &reason)
        .await
        .expect(200);
    assert_eq!(
        (
            &cancelled.body["data"]["state"],
            &cancelled.body["data"]["status"]
        ),
        (&json!("cancelled"), &json!("cancelled"))
    );
    let retried = api
        .post(&format!("{}/retry", path(0)), &Value::Null)
        .await
        .expect(409);
    assert_eq!(retried.code(), "WRONG_STATE");
    let moved = patch(&api, &path(0), &json!({ "delivery": "immediate" }))
        .await
        .expect(409);
    assert_eq!(moved.code(), "WRONG_STATE");

    // Without ids and without a filter, only held mails are released.
    let none = api
        .post("/jobs/process-pending", &json!({}))
        .await
        .expect(200);
    assert_eq!(none.body["data"]["released"], 0);
    let nobody = uuid::Uuid::new_v4().to_string();
    let named = json!({ "ids": [jobs[1], jobs[0], nobody] });
    let released = api.post("/jobs/process-pending", &named).await.expect(200);
    insta::assert_json_snapshot!("released_by_name", scrubbed(&released.body));

    let all =
        json!({ "filter": { "certificateId": [id], "state": ["scheduled"] }, "reason": "moved" });
    let cancelled = api.post("/jobs/cancel", &all).await.expect(200);
    assert_eq!(cancelled.body["data"]["done"], 1);
    assert_eq!(
        count(
            &api.get("/jobs?state=held&state=scheduled")
                .await
                .expect(200)
                .body
        ),
        0
    );
    let status = api.get("/jobs/scheduler/status").await.expect(200).body;
    assert_eq!(status["data"]["nextExecutionIn"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_is_mailed_again_at_the_scheduled_time() {
    let api = Api::start().await;
    let id = three_mails(&api, "held", "held").await;
    let issued = api
        .get(&format!("/generated-certificates?certificateId={id}"))
        .await
        .expect(200)
        .body;
    let ada = issued["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["fullName"] == "Ada Lovelace")
        .unwrap();
    let path = format!(
        "/generated-certificates/{}/send-email",
        ada["id"].as_str().unwrap()
    );
    let soon = json!({ "delivery": in_seconds(1) });
    let asked = api.post(&path, &soon).await.expect(201);
    insta::assert_json_snapshot!("another_mail", scrubbed(&asked.body), {
        ".data.delivery.at" => "[at]"
    });
    let job = asked
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    let sent = api
        .until("it is sent", &job, |body| body["data"]["state"] == "sent")
        .await;
    assert_eq!(
        (&sent["data"]["attempts"], &sent["data"]["dueAt"]),
        (&json!(1), &Value::Null)
    );

    let keyed = async || {
        let request = api
            .request(Method::POST, &path)
            .header("idempotency-key", "once")
            .json(&json!({}));
        Answered::of(request.send().await.expect("answered"))
            .await
            .expect(201)
            .body
    };
    let first = keyed().await;
    assert_eq!(keyed().await, first);
    assert_ne!(first["data"]["id"], asked.body["data"]["id"]);
    let missing = format!(
        "/generated-certificates/{}/send-email",
        uuid::Uuid::new_v4()
    );
    assert_eq!(
        api.post(&missing, &json!({})).await.expect(404).code(),
        "NOT_FOUND"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_requests_for_many_jobs_name_the_field() {
    let api = Api::start().await;
    let one = json!([uuid::Uuid::new_v4()]);
    let none = json!([]);
    for (path, body, field) in [
        ("/jobs/retry", json!({}), "filter"),
        ("/jobs/cancel", json!({}), "filter"),
        ("/jobs/retry", json!({ "ids": one, "filter": {} }), "filter"),
        ("/jobs/process-pending", json!({ "ids": none }), "ids"),
        (
            "/jobs/process-pending",
            json!({ "filter": { "state": ["lost"] } }),
            "filter.state",
        ),
        (
            "/jobs/cancel",
            json!({ "filter": {}, "reason": "x".repeat(501) }),
            "reason",
        ),
        (
            "/jobs/cancel",
            json!({ "filter": { "colour": "red" } }),
            "filter.colour",
        ),
        ("/jobs/scheduler/force", json!({ "task": "sweep" }), "task"),
    ] {
        let refused = api.post(path, &body).await.rejected();
        let detail = refused.body["error"]["details"][0]
            .as_str()
            .unwrap_or_default();
        assert!(detail.starts_with(field), "{path} {body}: {}", refused.body);
    }
    for query in [
        "state=lost",
        "status=done",
        "from=now",
        "batchId=7",
        "limit=0",
    ] {
        api.get(&format!("/jobs?{query}")).await.rejected();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduler_reports_its_tasks_and_runs_them_on_request() {
    let settings = [
        "scheduler.time_zone=America/Bogota",
        "scheduler.tasks.mail_statistics.enabled=false",
        "scheduler.tasks.mail_warnings.cron=0 0 1 1 *",
        "scheduler.tasks.expired_files.cron=0 0 1 1 *",
        "scheduler.tasks.expired_answers.cron=0 0 1 1 *",
        "scheduler.tasks.due_mails.cron=0 0 1 1 *",
        "scheduler.tasks.stuck_work.cron=0 0 1 1 *",
    ];
    let api = Api::of(TestApp::with_roles(&Role::ALL, &settings).await).await;
    let ran = |body: &Value| body["data"][0]["outcome"] == "done";
    api.until(
        "the sweep at the start is done",
        "/jobs/scheduler/runs?task=due_mails",
        ran,
    )
    .await;
    let forced = api
        .post(
            "/jobs/scheduler/force",
            &json!({ "task": "mail_statistics" }),
        )
        .await
        .expect(200);
    let run = &forced.body["data"];
    assert_eq!(
        (&run["outcome"], &run["trigger"]),
        (&json!("done"), &json!("forced")),
        "{}",
        forced.body
    );
    let path = format!(
        "/jobs/scheduler/runs/{}",
        run["id"].as_str().expect("an id")
    );
    assert_eq!(api.get(&path).await.expect(200).body["data"], *run);
    for (query, is_listed) in [
        (
            "task=mail_statistics&task=due_mails&trigger=forced&outcome=done",
            true,
        ),
        ("createdFrom=2020-01-01&limit=200", true),
        ("trigger=cron&trigger=start", false),
        ("outcome=failed&outcome=interrupted", false),
        ("createdTo=2020-01-01", false),
    ] {
        let path = format!("/jobs/scheduler/runs?{query}");
        let listed = api.get(&path).await.expect(200).body;
        let listed = listed["data"].as_array().expect("a list").contains(run);
        assert_eq!(listed, is_listed, "{query}");
    }
    for wrong in [
        "task=sweep",
        "limit=0",
        "limit=201",
        "from=2020-01-01",
        "createdTo=now",
    ] {
        let path = format!("/jobs/scheduler/runs?{wrong}");
        api.get(&path).await.rejected();
    }
    let status = api.get("/jobs/scheduler/status").await.expect(200);
    let mut status = scrubbed(&status.body);
    for task in status["data"]["tasks"].as_array_mut().expect("tasks") {
        if task["lastRun"]["durationMs"].is_number() {
            task["lastRun"]["durationMs"] = json!("[durationMs]");
        }
    }
    insta::assert_json_snapshot!("scheduler_status", status);
    let default = api
        .request(Method::POST, "/jobs/scheduler/force")
        .send()
        .await
        .expect("answered");
    let default = Answered::of(default).await.expect(200);
    assert_eq!(
        default.body["data"]["result"],
        "0 mails released, 0 timers set"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_with_a_lost_timer_is_released() {
    // Without a mailer, no timers are set. This has the same effect as if all timers had been lost.
    let roles = Role::ALL
        .into_iter()
        .filter(|role| *role != Role::Mailer)
        .collect::<Vec<_>>();
    let never = "scheduler.tasks.due_mails.cron=0 0 1 1 *";
    let api = Api::of(TestApp::with_roles(&roles, &[never]).await).await;
    let at = in_seconds(600)["at"].as_str().expect("a time").to_owned();
    let id = three_mails(&api, &at, "scheduled").await;
    let jobs = api
        .get(&format!("/jobs?certificateId={id}"))
        .await
        .expect(200)
        .body;
    let job = format!("/jobs/{}", jobs["data"][0]["id"].as_str().expect("an id"));
    let status = api.get("/jobs/scheduler/status").await.expect(200);
    assert_eq!(status.body["data"]["isProcessing"], false);
    patch(&api, &job, &json!({ "delivery": in_seconds(2) }))
        .await
        .expect(200);
    let forced = api
        .post("/jobs/scheduler/force", &json!({}))
        .await
        .expect(200);
    let result = forced.body["data"]["result"].as_str().expect("a text");
    // On a slow machine the mail may be due before the task runs.
    let expected = [
        "0 mails released, 3 timers set",
        "1 mails released, 2 timers set",
    ];
    assert!(expected.contains(&result), "{result}");
    api.until("the mail is queued at its time", &job, |body| {
        body["data"]["state"] == "queued"
    })
    .await;
    let status = api.get("/jobs/scheduler/status").await.expect(200);
    assert_eq!(status.body["data"]["isProcessing"], true);
}

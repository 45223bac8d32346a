//! Issue dates: set by the request or the definition, or today in the issuer's time zone.

use laureate::app::Role;
use reqwest::Method;
use serde_json::{Value, json};
use time::{Date, Duration, OffsetDateTime, Time};

use super::{Answered, Api, file};
use crate::support::TestApp;

const PEOPLE: &str =
    "Name,Email,Document number\nAna Rojas,ana@example.com,1\nEva Gil,eva@example.com,2\n";

/// Starts an application whose issuer is in Bogotá, at 02:30 UTC, which is 21:30 of the day before
/// in Bogotá. Also returns that day.
async fn late_in_bogota() -> (Api, Date) {
    let app = TestApp::with_roles(&Role::ALL, &["certificates.time_zone=America/Bogota"]).await;
    let now = OffsetDateTime::now_utc();
    let tomorrow = now
        .date()
        .next_day()
        .expect("a day")
        .with_time(Time::from_hms(2, 30, 0).expect("a time"));
    app.pass((tomorrow.assume_utc() - now).whole_seconds());
    (Api::of(app).await, now.date())
}

async fn defined(api: &Api, more: Value) -> String {
    let mut body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit 2026" });
    body.as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    let defined = api.post("/certificates", &body).await.expect(201);
    defined.body["data"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// Waits until `number` certificates of one definition are generated. Returns their issue dates.
async fn dates(api: &Api, certificate: &str, number: usize) -> Vec<String> {
    let path = format!("/generated-certificates?certificateId={certificate}&state=generated");
    let all = |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|all| all.len() == number)
    };
    let all = api.until("certificates are generated", &path, all).await;
    let date = |one: &Value| one["issueDate"].as_str().expect("a date").to_owned();
    all["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(date)
        .collect()
}

/// Issues certificates to all attendees. Returns the issue dates.
async fn issued(api: &Api, certificate: &str, request: Value) -> Vec<String> {
    let people = api.get("/attendees").await.expect(200);
    let ids: Vec<Value> = people.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    let mut body = json!({ "certificateId": certificate, "attendeeIds": ids });
    body.as_object_mut()
        .expect("an object")
        .extend(request.as_object().expect("an object").clone());
    api.issue(&body).await;
    dates(api, certificate, ids.len()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn default_issue_date_is_today_in_the_issuers_time_zone() {
    let (api, today) = late_in_bogota().await;
    let certificate = defined(&api, json!({})).await;
    let form = file("people.csv", PEOPLE).text("certificateId", certificate.clone());
    api.upload("/attendees/bulk-upload", form).await.expect(200);
    assert_eq!(
        dates(&api, &certificate, 2).await,
        [today.to_string(), today.to_string()]
    );
    let other = defined(&api, json!({})).await;
    let body = json!({ "certificateId": other, "filter": { "search": "Ana" }, "dryRun": true });
    let rehearsed = api
        .post("/generated-certificates/generate", &body)
        .await
        .expect(200);
    assert_eq!(rehearsed.body["data"]["issueDate"], today.to_string());
    assert_eq!(
        issued(&api, &other, json!({})).await,
        [today.to_string(), today.to_string()]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn issue_date_of_the_request_overrides_that_of_the_definition() {
    let (api, today) = late_in_bogota().await;
    let last_week = (today - Duration::days(7)).to_string();
    let yesterday = (today - Duration::days(1)).to_string();

    let plain = defined(&api, json!({})).await;
    let form = file("people.csv", PEOPLE)
        .text("certificateId", plain.clone())
        .text("issueDate", last_week.clone());
    api.upload("/attendees/bulk-upload", form).await.expect(200);
    assert_eq!(
        dates(&api, &plain, 2).await,
        [last_week.clone(), last_week.clone()]
    );

    let dated = defined(&api, json!({ "issueDate": last_week })).await;
    let path = format!("/certificates/{dated}");
    let is_dated = |body: &Value| body["data"]["issueDate"] == last_week;
    api.until("the definition has its date", &path, is_dated)
        .await;
    assert_eq!(
        issued(&api, &dated, json!({})).await,
        [last_week.clone(), last_week.clone()]
    );

    let other = defined(&api, json!({ "issueDate": last_week })).await;
    let by_request = issued(&api, &other, json!({ "issueDate": yesterday })).await;
    assert_eq!(by_request, [yesterday.clone(), yesterday.clone()]);

    // Without the definition's date, the day of issuing is used again. Issued certificates keep
    // their date.
    let third = defined(&api, json!({ "issueDate": last_week })).await;
    let request = api
        .request(Method::PATCH, &format!("/certificates/{third}"))
        .json(&json!({ "issueDate": null }));
    let changed = Answered::of(request.send().await.expect("answered"))
        .await
        .expect(200);
    assert_eq!(changed.body["data"]["issueDate"], Value::Null);
    assert_eq!(
        issued(&api, &third, json!({})).await,
        [today.to_string(), today.to_string()]
    );
    let again = issued(&api, &dated, json!({ "issueDate": yesterday })).await;
    assert_eq!(again, [last_week.clone(), last_week.clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn issue_date_of_a_json_import_applies_to_all_people() {
    let (api, today) = late_in_bogota().await;
    let last_week = (today - Duration::days(7)).to_string();
    let certificate = defined(&api, json!({})).await;
    let people =
        json!([{ "fullName": "Ana Rojas", "email": "ana@example.com", "documentNumber": "1" }]);
    let path = format!("/attendees/bulk?certificateId={certificate}&issueDate={last_week}");
    api.post(&path, &people).await.expect(200);
    assert_eq!(dates(&api, &certificate, 1).await, [last_week]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_issue_date_is_rejected_by_every_endpoint() {
    let (api, today) = late_in_bogota().await;
    let certificate = defined(&api, json!({})).await;
    let too_far = (today + Duration::days(367)).to_string();
    for wrong in [
        "20.11.2026",
        "2026-02-30",
        "1899-12-31",
        too_far.as_str(),
        "tomorrow",
    ] {
        let message = |answered: Answered| {
            let answered = answered.rejected();
            let detail = answered.body["error"]["details"][0]
                .as_str()
                .expect("a detail")
                .to_owned();
            assert!(detail.starts_with("issueDate: "), "{wrong}: {detail}");
        };
        let definition =
            json!({ "client": "A", "name": "B", "eventName": "C", "issueDate": wrong });
        message(api.post("/certificates", &definition).await);
        let patch = api.request(Method::PATCH, &format!("/certificates/{certificate}"));
        let patch = patch
            .json(&json!({ "issueDate": wrong }))
            .send()
            .await
            .expect("answered");
        message(Answered::of(patch).await);
        let mut generate = json!({ "certificateId": certificate, "attendeeIds": [uuid::Uuid::new_v4()], "issueDate": wrong });
        message(
            api.post("/generated-certificates/generate", &generate)
                .await,
        );
        generate["dryRun"] = json!(true);
        message(
            api.post("/generated-certificates/generate", &generate)
                .await,
        );
        for path in [
            "/attendees/bulk-upload",
            "/attendees/bulk-upload?dryRun=true",
        ] {
            let form = file("people.csv", PEOPLE).text("issueDate", wrong.to_owned());
            message(api.upload(path, form).await);
        }
        let people =
            json!([{ "fullName": "Ana", "email": "ana@example.com", "documentNumber": "1" }]);
        message(
            api.post(&format!("/attendees/bulk?issueDate={wrong}"), &people)
                .await,
        );
    }
    assert_eq!(
        api.get("/attendees").await.expect(200).body["data"],
        json!([])
    );
    // Latest accepted date.
    let latest = (today + Duration::days(366)).to_string();
    defined(&api, json!({ "issueDate": latest })).await;
}

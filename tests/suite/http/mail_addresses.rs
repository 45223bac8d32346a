//! Recipients of mails: the current address, another one for a single mail, and addresses with
//! international domains.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file};

/// Issues a certificate to the people of a file and holds their mails. Returns the certificate's
/// id.
async fn issued(api: &Api, people: &str, number: usize) -> String {
    let id = api.certificate().await;
    let form = file("p.csv", people.to_owned())
        .text("certificateId", id.clone())
        .text("delivery", "held");
    api.upload("/attendees/bulk-upload", form).await.expect(200);
    let all = move |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|items| items.len() == number)
    };
    api.until(
        "the mails are held",
        &format!("/jobs?certificateId={id}&state=held"),
        all,
    )
    .await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn new_mail_goes_to_the_current_or_the_given_address() {
    let api = Api::start().await;
    let certificate = issued(
        &api,
        "Name,Email,Document number\nAda Lovelace,old@example.com,1\n",
        1,
    )
    .await;
    let list = format!("/generated-certificates?certificateId={certificate}");
    let ada = api.get(&list).await.expect(200).body["data"][0].clone();
    let person = format!("/attendees/{}", ada["attendeeId"].as_str().expect("an id"));
    let moved = api
        .request(Method::PATCH, &person)
        .json(&json!({ "email": "new@example.com" }));
    Answered::of(moved.send().await.expect("answered"))
        .await
        .expect(200);
    let path = format!(
        "/generated-certificates/{}/send-email",
        ada["id"].as_str().expect("an id")
    );
    for (body, to) in [
        (json!({ "delivery": "held" }), "new@example.com"),
        (
            json!({ "delivery": "held", "to": "ada@work.example" }),
            "ada@work.example",
        ),
        (
            json!({ "delivery": "held", "to": " ada@bücher.example " }),
            "ada@bücher.example",
        ),
    ] {
        let asked = api.post(&path, &body).await.expect(201);
        let job = asked
            .header("location")
            .trim_start_matches("/api/v1")
            .to_owned();
        let seen = api
            .until("the job is listed", &job, |body| body["success"] == true)
            .await;
        assert_eq!(seen["data"]["toAddress"], to);
    }
    for wrong in [
        "",
        "ada",
        "ada@example",
        "a@example.com,b@example.com",
        "ada@example.com\r\nBcc: b@example.com",
    ] {
        let refused = api.post(&path, &json!({ "to": wrong })).await.expect(422);
        assert!(
            refused.body["error"]["details"][0]
                .as_str()
                .unwrap()
                .starts_with("to: "),
            "{}",
            refused.body
        );
    }
    // The first mail keeps the address at the time of issuing.
    let first = api
        .get(&format!("/jobs?certificateId={certificate}&order=asc"))
        .await
        .expect(200);
    assert_eq!(first.body["data"][0]["toAddress"], "old@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_spellings_of_one_international_domain_are_one_address() {
    let api = Api::start().await;
    let people = include_bytes!("../../cases/43-idn-domains.csv").to_vec();
    let import = api
        .upload("/attendees/bulk-upload", file("43-idn-domains.csv", people))
        .await
        .expect(200);
    let data = &import.body["data"];
    assert_eq!(
        (&data["created"], &data["errors"]),
        (&json!(2), &json!(1)),
        "{data}"
    );
    assert_eq!(data["errorDetails"][0]["row"], 3, "{data}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_mails_are_not_failures() {
    let api = Api::start().await;
    let people = "Name,Email,Document number\nAda,ada@example.com,1\nEva,eva@example.com,2\nLuis,luis@example.com,3\n";
    let certificate = issued(&api, people, 3).await;
    let jobs = api
        .get(&format!("/jobs?certificateId={certificate}"))
        .await
        .expect(200)
        .body["data"]
        .clone();
    let cancel = format!("/jobs/{}/cancel", jobs[0]["id"].as_str().expect("an id"));
    api.post(&cancel, &json!({ "reason": "moved" }))
        .await
        .expect(200);
    api.post("/jobs/process-pending", &json!({}))
        .await
        .expect(200);
    let sent = |body: &Value| body["meta"]["summary"]["sent"] == 2;
    let list = api.until("two are sent", "/jobs", sent).await;
    let summary = &list["meta"]["summary"];
    assert_eq!(
        (&summary["total"], &summary["error"], &summary["cancelled"]),
        (&json!(3), &json!(0), &json!(1))
    );
    assert_eq!(summary["successRate"], 100.0);
    let number = async |status: &str| {
        let list = api.get(&format!("/jobs?status={status}")).await.expect(200);
        list.body["data"].as_array().expect("a list").len()
    };
    assert_eq!(
        (
            number("error").await,
            number("cancelled").await,
            number("sent").await
        ),
        (0, 1, 2)
    );
}

//! Names and texts with characters that no font contains. They are reported before certificates are
//! issued, together with the characters.

use std::path::Path;

use laureate::domain::certification::certificate::{
    Certificate, CertificateCommand, Definition, TemplateRef,
};
use laureate::domain::{CertificateId, Locale};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file};
use crate::log::fixture::person;

fn case(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name);
    std::fs::read(path).expect("the case is there")
}

/// Returns the row number and the joined messages of each row that has a warning.
fn warned(answer: &Value) -> Vec<(i64, String)> {
    let rows = answer["data"]["warningDetails"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|detail| {
            let errors = detail["errors"].as_array().expect("a list");
            let is_known = |error: &Value| {
                ["UNDRAWABLE", "NAME_TOO_LONG"]
                    .iter()
                    .any(|code| error["code"] == *code)
            };
            assert!(errors.iter().all(is_known), "{detail}");
            let messages: Vec<&str> = errors
                .iter()
                .filter_map(|error| error["message"].as_str())
                .collect();
            (detail["row"].as_i64().expect("a row"), messages.join("; "))
        });
    rows.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_without_a_font_cause_warnings_in_dry_run_and_import() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let form = || {
        file("people.csv", case("49-scripts-without-font.csv"))
            .text("certificateId", certificate.clone())
    };
    let rehearsed = api
        .upload("/attendees/bulk-upload?dryRun=true", form())
        .await
        .expect(200)
        .body;
    let output = warned(&rehearsed);
    // Khmer, Ethiopic and Burmese. No font of the program contains these scripts.
    for (row, character) in [(4, "U+17"), (6, "U+12"), (7, "U+10")] {
        let (_, message) = output
            .iter()
            .find(|(output, _)| *output == row)
            .expect("a warning");
        assert!(
            message.contains("fullName has characters that no font"),
            "{message}"
        );
        assert!(message.contains(character), "{message}");
    }
    assert!(
        output.iter().all(|(row, _)| (2..10).contains(row)),
        "the last row has a font: {output:?}"
    );
    let data = &rehearsed["data"];
    assert_eq!(
        (&data["created"], &data["errors"]),
        (&json!(9), &json!(0)),
        "{data}"
    );
    assert_eq!(
        (&data["warnings"], &data["certificatesAssociated"]),
        (&json!(output.len()), &json!(9 - output.len()))
    );

    let done = api
        .upload("/attendees/bulk-upload", form())
        .await
        .expect(200)
        .body;
    assert_eq!(warned(&done), output);
    for count in [
        "created",
        "errors",
        "warnings",
        "certificatesAssociated",
        "warningDetails",
        "errorDetails",
    ] {
        assert_eq!(done["data"][count], data[count], "{count}");
    }
    // A later read of the import returns the same warnings. The report contains them too, so that
    // the rows can be corrected and uploaded again.
    let path = format!("/imports/{}", done["data"]["id"].as_str().expect("an id"));
    assert_eq!(warned(&api.get(&path).await.expect(200).body), output);
    let report = api
        .get(&format!("{path}/report?format=csv"))
        .await
        .expect(200);
    assert!(
        report
            .body
            .as_str()
            .expect("a table")
            .contains("UNDRAWABLE")
    );

    let path = format!("/generated-certificates?certificateId={certificate}");
    let all = |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|all| all.len() == 9 - output.len())
    };
    let made = api.until("the others are issued", &path, all).await;
    let names: Vec<&str> = made["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["fullName"].as_str())
        .collect();
    assert!(names.contains(&"Ana Rojas"), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_runs_warn_of_names_too_long_for_their_place() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let endless = "W".repeat(200);
    let long = "Ana de la ".repeat(5) + "Cruz";
    let sheet = format!(
        "Name,Email,Document\nAda,ada@example.com,1\n{endless},eva@example.com,2\n{long},ida@example.com,3\n\
         Uma \u{12000},uma@example.com,4\n{endless},eva@example.com,2\n"
    );
    let form = || file("p.csv", sheet.clone());
    let earning = || form().text("certificateId", certificate.clone());
    let rehearsed = api
        .upload("/attendees/bulk-upload?dryRun=true", earning())
        .await
        .expect(200)
        .body;
    let output = warned(&rehearsed);
    assert_eq!(
        output.iter().map(|(row, _)| *row).collect::<Vec<_>>(),
        [3, 5],
        "{output:?}"
    );
    let error = &rehearsed["data"]["warningDetails"][0]["errors"][0];
    let named = ["code", "field", "column"].map(|key| error[key].as_str());
    assert_eq!(
        named,
        [Some("NAME_TOO_LONG"), Some("fullName"), Some("Name")]
    );
    assert!(
        output[0].1.contains("too long for its place") && !output[0].1.contains("WW"),
        "{}",
        output[0].1
    );
    assert!(output[1].1.contains("U+12000"), "{}", output[1].1);
    // Without a certificate, it is not known which place the name must fit.
    let without = api
        .upload("/attendees/bulk-upload?dryRun=true", form())
        .await
        .expect(200)
        .body;
    assert_eq!(
        warned(&without)
            .iter()
            .map(|(row, _)| *row)
            .collect::<Vec<_>>(),
        [5]
    );

    let taken = api
        .upload("/attendees/bulk-upload", form())
        .await
        .expect(200);
    let body = json!({ "certificateId": certificate, "importId": taken.body["data"]["id"], "dryRun": true });
    let rehearsed = api
        .post("/generated-certificates/generate", &body)
        .await
        .expect(200)
        .body["data"]
        .clone();
    assert_eq!(
        (&rehearsed["new"], &rehearsed["undrawable"]),
        (&json!(2), &json!(2)),
        "{rehearsed}"
    );
    let attendees = rehearsed["attendees"].as_array().expect("a list");
    let mut codes: Vec<_> = attendees
        .iter()
        .filter_map(|one| one["code"].as_str())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, ["NAME_TOO_LONG", "UNDRAWABLE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_of_issuing_lists_undrawable_attendees() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let mut ids = Vec::new();
    for (n, name) in ["Ada Lovelace", "Eva \u{12000}", "Luis Mora"]
        .into_iter()
        .enumerate()
    {
        let body = json!({ "fullName": name, "email": format!("p{n}@example.com"), "documentNumber": format!("D{n}") });
        let created = api.post("/attendees", &body).await.expect(201).body["data"].clone();
        let warning = &created["warnings"][0];
        if n == 1 {
            assert_eq!(
                (&warning["field"], &warning["code"]),
                (&json!("fullName"), &json!("UNDRAWABLE"))
            );
            assert!(
                warning["message"]
                    .as_str()
                    .expect("text")
                    .contains("\u{12000} (U+12000)"),
                "{warning}"
            );
        } else {
            assert_eq!(warning, &Value::Null);
        }
        ids.push(created["id"].clone());
    }
    let path = "/generated-certificates/generate";
    let first = json!({ "certificateId": certificate, "attendeeIds": [ids[0]] });
    let begun = api.issue(&first).await;
    let batch = format!(
        "/batches/{}",
        begun.body["data"]["id"].as_str().expect("an id")
    );
    api.until("it is issued", &batch, |body| {
        body["data"]["state"] == "dispatched"
    })
    .await;
    api.until("the tables contain it", "/generated-certificates", |body| {
        body["data"][0]["id"].is_string()
    })
    .await;

    ids.push(json!(uuid::Uuid::new_v4()));
    let body = json!({ "certificateId": certificate, "attendeeIds": ids, "dryRun": true });
    let rehearsed = api.post(path, &body).await.expect(200).body["data"].clone();
    let counts =
        ["new", "existing", "undrawable", "refused"].map(|count| rehearsed[count].as_i64());
    assert_eq!(counts, [Some(1); 4], "{rehearsed}");
    let attendees = rehearsed["attendees"].as_array().expect("a list");
    let outcomes: Vec<_> = attendees
        .iter()
        .map(|one| (&one["attendeeId"], one["outcome"].as_str()))
        .collect();
    let expected = ["existing", "undrawable", "new", "refused"];
    assert_eq!(
        outcomes,
        ids.iter().zip(expected.map(Some)).collect::<Vec<_>>()
    );
    assert_eq!(
        (&attendees[1]["code"], &attendees[3]["code"]),
        (&json!("UNDRAWABLE"), &json!("NOT_FOUND"))
    );
    assert!(
        attendees[1]["message"]
            .as_str()
            .expect("text")
            .contains("U+12000")
    );
    assert_eq!(rehearsed["undrawableTexts"], json!([]));

    // After the correction there is no warning.
    let path = format!("/attendees/{}", ids[1].as_str().expect("an id"));
    let request = api
        .request(Method::PATCH, &path)
        .json(&json!({ "fullName": "Eva Gil" }))
        .send()
        .await;
    let changed = Answered::of(request.expect("answered")).await.expect(200);
    assert_eq!(changed.body["data"]["warnings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn undrawable_definition_is_rejected_by_field() {
    let api = Api::start().await;
    let definition = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit 2026" });
    let id = api.certificate().await;
    let with = |field: &str, text: &str| {
        let mut body = definition.clone();
        body[field] = json!(text);
        body
    };
    for field in ["client", "name", "eventName"] {
        let patch = json!({ field: "Summit 😀 \u{1780}" });
        let request = api
            .request(Method::PATCH, &format!("/certificates/{id}"))
            .json(&patch);
        for refused in [
            api.post("/certificates", &with(field, "Summit 😀 \u{1780}"))
                .await,
            Answered::of(request.send().await.expect("answered")).await,
        ] {
            let refused = refused.expect(422);
            let details = refused.body["error"]["details"]
                .as_array()
                .expect("a list")
                .clone();
            assert_eq!(
                (refused.code(), details.len()),
                ("VALIDATION_ERROR", 1),
                "{details:?}"
            );
            let detail = details[0].as_str().expect("text");
            assert!(detail.starts_with(&format!("{field}: ")), "{detail}");
            assert!(
                detail.contains("😀 (U+1F600)") && detail.contains("U+1780"),
                "{detail}"
            );
        }
    }
    // All fields are reported together.
    let body = json!({ "client": "😀", "name": "Speaker", "eventName": "🎓" });
    let refused = api.post("/certificates", &body).await.expect(422);
    assert_eq!(
        refused.body["error"]["details"].as_array().map(Vec::len),
        Some(2),
        "{}",
        refused.body
    );
    // A text that is too long for the page is found by drawing a sample without options.
    let refused = api
        .post("/certificates", &with("eventName", &"W".repeat(300)))
        .await
        .expect(422);
    assert!(
        refused.body["error"]["details"][0]
            .as_str()
            .expect("text")
            .starts_with("eventName: ")
    );
    // A character that is not printable is rejected, and the error contains its name. Characters
    // without a meaning are removed.
    let refused = api
        .post("/certificates", &with("name", "Spea\u{200B}ker"))
        .await
        .expect(422);
    assert!(
        refused.body["error"]["message"]
            .as_str()
            .expect("text")
            .contains("U+200B (ZERO WIDTH SPACE)")
    );
    let odd = with("eventName", "\u{FEFF}Summit\u{2009}2026\u{FE0F}\u{200E}");
    let defined = api.post("/certificates", &odd).await.expect(201);
    assert_eq!(defined.body["data"]["eventName"], "Summit 2026");
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_undrawable_definition_issues_nothing() {
    let api = Api::start().await;
    // An older version of the program may have accepted this definition.
    let definition = Definition {
        client: "Acme".to_owned(),
        name: "Speaker".to_owned(),
        event_name: "Summit 🎓".to_owned(),
        pdf_template: TemplateRef::new("classic", 1),
        design: None,
        event_link: None,
        sendgrid_template_id: None,
        issue_date: None,
        requires_document: true,
        locale: Locale::En,
        is_active: true,
    };
    let id = CertificateId(uuid::Uuid::new_v4());
    let define = CertificateCommand::Define(definition);
    api.app
        .app
        .commands()
        .execute::<Certificate>(&person(), id, define)
        .await
        .expect("defined");
    let attendee =
        json!({ "fullName": "Ana Rojas", "email": "ana@example.com", "documentNumber": "1" });
    let ana = api.post("/attendees", &attendee).await.expect(201).body["data"]["id"].clone();

    let mut body = json!({ "certificateId": id, "attendeeIds": [ana], "dryRun": true });
    let rehearsed = api
        .post("/generated-certificates/generate", &body)
        .await
        .expect(200)
        .body["data"]
        .clone();
    assert_eq!(
        (&rehearsed["undrawable"], &rehearsed["new"]),
        (&json!(1), &json!(0))
    );
    assert!(
        rehearsed["undrawableTexts"][0]
            .as_str()
            .expect("text")
            .contains("eventName"),
        "{rehearsed}"
    );
    body["dryRun"] = json!(false);
    let form = file("p.csv", "Name,Email,Document\nEva Gil,e@example.com,2\n")
        .text("certificateId", id.to_string());
    let people =
        json!([{ "fullName": "Eva Gil", "email": "e@example.com", "documentNumber": "2" }]);
    for refused in [
        api.post("/generated-certificates/generate", &body).await,
        api.upload("/attendees/bulk-upload", form).await,
        api.post(&format!("/attendees/bulk?certificateId={id}"), &people)
            .await,
    ] {
        let refused = refused.expect(422);
        assert_eq!(refused.code(), "NOT_DRAWABLE");
        assert!(
            refused.body["error"]["details"][0]
                .as_str()
                .expect("text")
                .contains("🎓 (U+1F393)")
        );
    }
    assert_eq!(
        api.get("/generated-certificates").await.expect(200).body["data"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_unusual_spaces_are_found_with_ordinary_spaces() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let form = file("people.csv", case("46-unusual-spaces.csv"))
        .text("certificateId", certificate.clone());
    let done = api
        .upload("/attendees/bulk-upload", form)
        .await
        .expect(200)
        .body;
    assert_eq!(
        (
            &done["data"]["certificatesAssociated"],
            &done["data"]["warnings"]
        ),
        (&json!(9), &json!(0))
    );
    for search in [
        "Ana%20Rojas",
        "Ana%E2%80%89Rojas",
        "%E5%B1%B1%E7%94%B0%20%E5%A4%AA%E9%83%8E",
    ] {
        let found = api
            .get(&format!("/attendees?search={search}"))
            .await
            .expect(200);
        assert_eq!(
            found.body["data"].as_array().map(Vec::len),
            Some(1),
            "{search}"
        );
    }
    let path = format!("/generated-certificates?certificateId={certificate}&state=generated");
    let all = |body: &Value| body["data"].as_array().is_some_and(|all| all.len() == 9);
    api.until("all nine are drawn", &path, all).await;
}

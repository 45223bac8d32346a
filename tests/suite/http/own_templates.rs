//! Templates that issuers have written: creation, versions, selection and drawing. A faulty
//! template does not affect other issuers.

use laureate::app::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answered, Api, scrubbed};
use crate::sandbox::{manifest, template};
use crate::support::TestApp;

async fn create(api: &Api, source: String) -> Answered {
    api.post(
        "/templates/own",
        &json!({ "name": "Diploma", "source": source, "manifest": manifest() }),
    )
    .await
}

/// Creates a template, and returns its data and its id.
pub(super) async fn created(api: &Api, source: String) -> (Value, String) {
    let data = create(api, source).await.expect(201).body["data"].clone();
    let id = data["id"].as_str().expect("an id").to_owned();
    (data, id)
}

/// Scrubs a body. Asserts that its theme is the template `id`, and removes the theme.
fn nameless(body: &Value, id: &str) -> Value {
    let mut body = scrubbed(body);
    assert_eq!(body["data"]["theme"].take(), json!(format!("own:{id}")));
    body
}

/// Defines a certificate that uses a template, and returns its id.
async fn certificate(api: &Api, template: &Value) -> String {
    let body = json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit", "pdfTemplate": template["theme"] });
    let defined = api.post("/certificates", &body).await.expect(201);
    defined.body["data"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

async fn person(api: &Api, name: &str) -> String {
    let body = json!({ "fullName": name, "email": format!("{}@example.com", name.to_lowercase()),
        "documentNumber": format!("D-{name}") });
    api.post("/attendees", &body).await.expect(201).body["data"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

async fn issue(api: &Api, certificate: &str, people: &[String]) {
    let body = json!({ "certificateId": certificate, "attendeeIds": people });
    api.issue(&body).await;
}

/// Waits until `number` certificates have the state `state`, and returns the list.
async fn settled(api: &Api, certificate: &str, state: &str, number: usize) -> Value {
    let path = format!("/generated-certificates?certificateId={certificate}&state={state}");
    api.until(state, &path, |body| {
        body["data"]
            .as_array()
            .is_some_and(|all| all.len() == number)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn template_is_created_and_gets_versions() {
    let api = Api::start().await;
    let first = create(&api, template("")).await.expect(201);
    let id = first.body["data"]["id"].as_str().expect("an id").to_owned();
    insta::assert_json_snapshot!("own_template", nameless(&first.body, &id));
    let path = format!("/templates/own/{id}");
    assert!(first.header("location").ends_with(&path));

    let versions = format!("{path}/versions");
    let body = json!({ "source": template("// two"), "manifest": manifest() });
    let second = api.post(&versions, &body).await.expect(201);
    assert!(second.header("location").ends_with("/versions/2"));

    let activate = api.request(Method::POST, &format!("{versions}/2/activate"));
    let stale = activate
        .try_clone()
        .expect("no body")
        .header("if-match", "\"1\"")
        .send()
        .await;
    assert_eq!(
        stale.expect("answered").status(),
        StatusCode::PRECONDITION_FAILED
    );
    let active = Answered::of(activate.send().await.expect("answered"))
        .await
        .expect(200);
    assert_eq!(active.body["data"]["activeVersion"], 2);
    assert_eq!(
        active.body["data"]["versions"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        api.post(&format!("{versions}/9/activate"), &json!({}))
            .await
            .expect(404)
            .code(),
        "NOT_FOUND"
    );

    let read = api.get(&path).await.expect(200);
    insta::assert_json_snapshot!("own_template_read", nameless(&read.body, &id));
    assert_eq!(read.header("etag"), active.header("etag"));
    let listed = api.get("/templates/own").await.expect(200);
    assert_eq!(listed.body["data"][0]["id"], json!(id));
    let source = api.get(&format!("{versions}/2")).await.expect(200);
    assert_eq!(source.body["data"], second.body["data"]);
    assert_eq!(source.body["data"]["source"], json!(template("// two")));
    assert_eq!(
        source.body["data"]["manifest"]["sample"]["full_name"],
        "Ada Lovelace"
    );
    api.get(&format!("{versions}/3")).await.expect(404);

    let gone = api
        .request(Method::DELETE, &path)
        .send()
        .await
        .expect("answered");
    assert_eq!(gone.status(), StatusCode::OK);
    api.post(&versions, &body).await.expect(404);
    let body =
        json!({ "client": "A", "name": "B", "eventName": "C", "pdfTemplate": format!("own:{id}") });
    assert_eq!(
        api.post("/certificates", &body).await.expect(422).code(),
        "VALIDATION_ERROR"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_template_is_rejected_with_line_and_column() {
    let api = Api::start().await;
    let refused = create(&api, template("colour")).await.expect(422);
    assert_eq!(refused.code(), "INVALID_TEMPLATE");
    let details = refused.body["error"]["details"]
        .as_array()
        .expect("details");
    assert_eq!(details.len(), 1, "{details:?}");
    assert!(
        details[0]
            .as_str()
            .expect("text")
            .starts_with("source: line 4, column 3: unknown variable: colour")
    );

    let mut wrong = manifest();
    wrong["margin"] = json!(99);
    wrong["sample"]["salary"] = json!("much");
    let body = json!({ "name": "Diploma", "source": template(""), "manifest": wrong });
    let refused = api.post("/templates/own", &body).await.expect(422);
    let details = refused.body["error"]["details"].to_string();
    assert!(
        details.contains("manifest: margin") && details.contains("manifest: sample.salary"),
        "{details}"
    );
    let long = format!("{}//{}", template(""), "x".repeat(300_000));
    assert_eq!(
        create(&api, long).await.expect(422).code(),
        "VALIDATION_ERROR"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn server_stays_responsive_while_a_template_loops() {
    // The timeout is long. The limit of the template is processor time, which passes slowly while
    // other tests are running.
    let app = TestApp::with_roles(&Role::ALL, &["http.request_timeout_seconds=300"]).await;
    let api = Api::of(app).await;
    let looping = template("for i in range(100000) { for j in range(100000) { let k = i * j } }");
    let refused = create(&api, looping);
    tokio::pin!(refused);
    let mut healthy = 0;
    let refused = loop {
        tokio::select! {
            refused = &mut refused => break refused,
            health = api.public("/health/live") => {
                assert_eq!(health.status(), StatusCode::OK);
                healthy += 1;
            }
        }
    };
    assert!(
        refused
            .expect(422)
            .body
            .to_string()
            .contains("takes longer than")
    );
    assert!(healthy > 10, "{healthy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_drawn_with_the_active_version() {
    let api = Api::start().await;
    let (own, id) = created(&api, template("")).await;
    let certificate = certificate(&api, &own).await;
    issue(&api, &certificate, &[person(&api, "Ada").await]).await;
    let first = settled(&api, &certificate, "generated", 1).await;

    let versions = format!("/templates/own/{id}/versions");
    let body =
        json!({ "source": template("text(20pt, d.fields.course_name)"), "manifest": manifest() });
    api.post(&versions, &body).await.expect(201);
    api.post(&format!("{versions}/2/activate"), &json!({}))
        .await
        .expect(200);
    issue(&api, &certificate, &[person(&api, "Grace").await]).await;
    settled(&api, &certificate, "generated", 2).await;

    // An issued certificate that is drawn again has its pinned version.
    let url = first["data"][0]["verificationUrl"]
        .as_str()
        .expect("a url")
        .to_owned();
    let download = async || {
        api.app
            .client
            .get(format!("{url}/download"))
            .send()
            .await
            .expect("answered")
    };
    let before = download().await.bytes().await.expect("bytes");
    assert!(before.starts_with(b"%PDF"));
    for folder in std::fs::read_dir(api.app.storage().join("certificates")).expect("stored") {
        std::fs::remove_dir_all(folder.expect("a folder").path()).expect("removed");
    }
    assert_eq!(download().await.bytes().await.expect("bytes"), before);

    let refused = api
        .request(Method::DELETE, &format!("/templates/own/{id}"))
        .send()
        .await
        .expect("answered");
    assert_eq!(Answered::of(refused).await.expect(409).code(), "IN_USE");
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_template_affects_only_its_own_certificates() {
    let api = Api::start().await;
    let picky = template("if d.fields.full_name == \"Bob\" { panic(\"not him\") }");
    let (own, _) = created(&api, picky).await;
    let picky = certificate(&api, &own).await;
    let plain = api.certificate().await;
    let people = [
        person(&api, "Ada").await,
        person(&api, "Bob").await,
        person(&api, "Cleo").await,
    ];
    issue(&api, &picky, &people).await;
    issue(&api, &plain, &people).await;
    settled(&api, &plain, "generated", 3).await;
    settled(&api, &picky, "generated", 2).await;
    let failed = settled(&api, &picky, "failed", 1).await;
    let issuance = failed["data"][0]["id"].as_str().expect("an id");
    let read = api
        .get(&format!("/generated-certificates/{issuance}"))
        .await
        .expect(200);
    assert!(
        read.body.to_string().contains("line 4, column"),
        "{}",
        read.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_if_finds_certificates_that_a_new_version_would_change() {
    let api = Api::start().await;
    let (own, id) = created(&api, template("")).await;
    let certificate = certificate(&api, &own).await;
    issue(
        &api,
        &certificate,
        &[person(&api, "Ada").await, person(&api, "Bob").await],
    )
    .await;
    settled(&api, &certificate, "generated", 2).await;
    let more = "if d.fields.full_name == \"Bob\" { text(20pt)[Well done] }";
    let body = json!({ "source": template(more), "manifest": manifest() });
    api.post(&format!("/templates/own/{id}/versions"), &body)
        .await
        .expect(201);

    let path = format!("/templates/own/{id}/versions/2/what-if");
    let answer = api.post(&path, &json!({})).await.expect(200).body["data"].clone();
    assert_eq!(
        (&answer["checked"], &answer["different"], &answer["failed"]),
        (&json!(2), &json!(1), &json!(0))
    );
    let one = api
        .post(&path, &json!({ "limit": 1 }))
        .await
        .expect(200)
        .body["data"]
        .clone();
    assert_eq!(one["certificates"], json!([answer["certificates"][0]]));
    let next = api
        .post(&path, &json!({ "limit": 1, "cursor": one["nextCursor"] }))
        .await
        .expect(200);
    assert_eq!(
        next.body["data"]["certificates"],
        json!([answer["certificates"][1]])
    );
    assert_eq!(next.body["data"]["nextCursor"], Value::Null);
    let same = api
        .post(&path.replace("versions/2", "versions/1"), &json!({}))
        .await
        .expect(200);
    assert_eq!(same.body["data"]["different"], 0);

    let different = answer["certificates"]
        .as_array()
        .expect("some")
        .iter()
        .find(|one| one["differs"] == true);
    let shown = json!({ "pictureOf": different.expect("one differs")["generatedCertificateId"] });
    let picture = api
        .request(Method::POST, &path)
        .json(&shown)
        .send()
        .await
        .expect("answered");
    assert_eq!(
        (picture.status(), &picture.headers()["content-type"]),
        (StatusCode::OK, &"image/png".parse().expect("a type"))
    );
    let picture =
        image::load_from_memory(&picture.bytes().await.expect("bytes")).expect("a picture");
    assert!(
        picture.width() > 3 * picture.height(),
        "three pages side by side"
    );

    let path = format!("/certificates/{certificate}/what-if");
    let classic = api
        .post(&path, &json!({ "pdfTemplate": "classic" }))
        .await
        .expect(200);
    assert_eq!(classic.body["data"]["different"], 2);
    for wrong in [
        json!({ "pdfTemplate": "none" }),
        json!({ "pdfTemplate": "classic", "limit": 1_001 }),
    ] {
        api.post(&path, &wrong).await.expect(422);
    }
    let other =
        json!({ "pdfTemplate": "classic", "pictureOf": "00000000-0000-4000-8000-000000000000" });
    api.post(&path, &other).await.expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_validated_against_the_manifest() {
    let api = Api::start().await;
    let (own, id) = created(&api, template("")).await;
    let with = |options: Value, version: Value| {
        json!({ "client": "A", "name": "B", "eventName": "C",
            "pdfTemplate": { "theme": own["theme"], "options": options, "version": version } })
    };
    let defined = api
        .post(
            "/certificates",
            &with(
                json!({ "accent": "#112233", "first_line": "a" }),
                Value::Null,
            ),
        )
        .await
        .expect(201);
    let expected = json!({ "theme": own["theme"], "version": null,
        "options": { "accent": "#112233", "firstLine": "a" } });
    assert_eq!(defined.body["data"]["pdfTemplate"], expected);
    for (options, version) in [
        (json!({ "accent": "red" }), Value::Null),
        (json!({ "shadow": "yes" }), Value::Null),
        (json!({}), json!(2)),
    ] {
        assert_eq!(
            api.post("/certificates", &with(options, version))
                .await
                .expect(422)
                .code(),
            "VALIDATION_ERROR"
        );
    }
    let body = json!({ "source": template("// two"), "manifest": manifest() });
    api.post(&format!("/templates/own/{id}/versions"), &body)
        .await
        .expect(201);
    let refused = api
        .post("/certificates", &with(json!({}), json!(2)))
        .await
        .expect(422);
    assert!(
        refused.body.to_string().contains("activate"),
        "{}",
        refused.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn previews_are_png_or_pdf_and_store_nothing() {
    let api = Api::start().await;
    let (own, _) = created(&api, template("")).await;
    for certificate in [api.certificate().await, certificate(&api, &own).await] {
        let path = format!("/certificates/{certificate}/preview");
        for (format, kind) in [("png", "image/png"), ("pdf", "application/pdf")] {
            let body = json!({ "format": format, "locale": "es", "data": { "full_name": "Ada Lovelace" } });
            let preview = api
                .request(Method::POST, &path)
                .json(&body)
                .send()
                .await
                .expect("answered");
            assert_eq!(preview.status(), StatusCode::OK);
            assert_eq!(preview.headers()["content-type"], kind);
            let bytes = preview.bytes().await.expect("bytes");
            if format == "png" {
                assert_eq!(
                    image::load_from_memory(&bytes).expect("a picture").width(),
                    1122
                );
            }
        }
        let other = json!({ "format": "png", "pdfTemplate": own["theme"] });
        api.post(&path, &other).await.expect(200);
        for wrong in [
            json!({ "format": "gif" }),
            json!({ "format": "png", "locale": "fr" }),
            json!({ "format": "png", "data": { "year": "1843" } }),
            json!({ "format": "png", "pdfTemplate": "none" }),
        ] {
            api.post(&path, &wrong).await.rejected();
        }
        let unset = json!({ "format": "png", "data": { "full_name": "😀" } });
        assert_eq!(
            api.post(&path, &unset).await.expect(422).code(),
            "NOT_DRAWABLE"
        );
    }
    let nowhere = "/certificates/00000000-0000-4000-8000-000000000000/preview";
    api.post(nowhere, &json!({ "format": "png" }))
        .await
        .expect(404);
    assert_eq!(
        api.get("/generated-certificates").await.expect(200).body["data"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn undrawable_option_of_an_own_template_is_named() {
    let api = Api::start().await;
    let short = "if d.options.firstLine.len() > 5 { panic(\"OVERFLOW options\") }";
    let (own, _) = created(&api, template(short)).await;
    let with = |line: &str| {
        json!({ "client": "A", "name": "B", "eventName": "C", "pdfTemplate": { "theme": own["theme"],
            "options": { "accent": "#112233", "firstLine": line } } })
    };
    api.post("/certificates", &with("five!")).await.expect(201);
    let refused = api
        .post("/certificates", &with("seven !"))
        .await
        .expect(422);
    let details = refused.body["error"]["details"].clone();
    assert_eq!(
        details,
        json!(["pdfTemplate.options.firstLine: is too long for its place on the certificate"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_if_compares_many_certificates_in_few_calls() {
    const PEOPLE: usize = 130;
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let rows: String = (0..PEOPLE)
        .map(|n| format!("Ada {n},ada{n}@example.com,D{n}\n"))
        .collect();
    let form = super::file("p.csv", format!("Name,Email,Document\n{rows}"))
        .text("certificateId", certificate.clone());
    api.upload("/attendees/bulk-upload", form).await.expect(200);
    let all = |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|all| all.len() == PEOPLE)
    };
    let list =
        format!("/generated-certificates?certificateId={certificate}&state=generated&limit=200");
    api.until("all PDFs are made", &list, all).await;

    let path = format!("/certificates/{certificate}/what-if");
    let mut seen = std::collections::HashSet::new();
    let mut cursor = Value::Null;
    let mut calls = 0;
    loop {
        let limit = if calls == 0 {
            Value::Null
        } else {
            json!(1_000)
        };
        let body = json!({ "pdfTemplate": "corporate", "limit": limit, "cursor": cursor });
        let answer = api.post(&path, &body).await.expect(200).body["data"].clone();
        let ids = answer["certificates"].as_array().expect("a list");
        assert!(calls > 0 || ids.len() <= 100, "{}", ids.len());
        assert_eq!(
            (&answer["checked"], &answer["different"]),
            (&json!(ids.len()), &json!(ids.len()))
        );
        assert!(
            ids.iter()
                .all(|one| seen.insert(one["generatedCertificateId"].to_string())),
            "a certificate is listed twice"
        );
        cursor = answer["nextCursor"].clone();
        calls += 1;
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), PEOPLE);
    assert!(calls > 1, "the default limit is 100");
}

#[tokio::test(flavor = "multi_thread")]
async fn undrawable_email_of_a_template_is_reported_by_both_dry_runs() {
    let api = Api::start().await;
    let mut shown = manifest();
    shown["variables"]
        .as_array_mut()
        .expect("a list")
        .push(json!("learner_email"));
    let source = template("place(dx: 20mm, dy: 20mm, text(8pt, d.fields.learner_email))");
    let body = json!({ "name": "Diploma", "source": source, "manifest": shown });
    let own = api.post("/templates/own", &body).await.expect(201).body["data"].clone();
    let shows = certificate(&api, &own).await;
    let plain = api.certificate().await;
    let sheet = "Name,Email,Document\nAna,ana@ሰላም.example.org,1\nEva,eva@bücher.example.org,2\n";
    for (certificate, rows) in [(&shows, vec![2]), (&plain, vec![])] {
        let form = super::file("p.csv", sheet).text("certificateId", certificate.clone());
        let rehearsed = api
            .upload("/attendees/bulk-upload?dryRun=true", form)
            .await
            .expect(200)
            .body;
        let warned = rehearsed["data"]["warningDetails"]
            .as_array()
            .expect("a list");
        let output: Vec<_> = warned
            .iter()
            .filter_map(|one| one["row"].as_i64())
            .collect();
        assert_eq!(output, rows, "{rehearsed}");
        for error in warned.iter().map(|one| &one["errors"][0]) {
            let named = ["code", "field", "column"].map(|key| error[key].as_str());
            assert_eq!(named, [Some("UNDRAWABLE"), Some("email"), Some("Email")]);
            assert!(
                error["message"]
                    .as_str()
                    .is_some_and(|text| text.contains("U+1230")),
                "{error}"
            );
        }
    }
    let taken = api
        .upload("/attendees/bulk-upload", super::file("p.csv", sheet))
        .await
        .expect(200);
    for (certificate, undrawable) in [(&shows, 1), (&plain, 0)] {
        let import = &taken.body["data"]["id"];
        let body = json!({ "certificateId": certificate, "importId": import, "dryRun": true });
        let rehearsed = api
            .post("/generated-certificates/generate", &body)
            .await
            .expect(200);
        assert_eq!(
            rehearsed.body["data"]["undrawable"], undrawable,
            "{}",
            rehearsed.body
        );
    }
}

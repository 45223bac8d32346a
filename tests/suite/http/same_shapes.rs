//! One shape per resource: writes answer what a read returns, and what a read returns can be sent
//! back. Changes are JSON merge patches (RFC 7396).

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::jobs::in_seconds;
use super::own_templates::created;
use super::people::{somebody, text};
use super::{Answered, Api, file, png};
use crate::sandbox::template;

async fn bare(api: &Api, method: Method, path: &str) -> Answered {
    api.write(api.request(method, path)).await
}

async fn patch(api: &Api, path: &str, body: &Value) -> Answered {
    api.write(api.request(Method::PATCH, path).json(body)).await
}

/// Checks that a write was answered with what a read returns now, and returns that.
async fn read_after(api: &Api, written: &Answered, path: &str) -> Answered {
    let read = api.get(path).await.expect(200);
    assert_eq!(written.body["data"], read.body["data"], "{path}");
    read
}

/// Creates a resource, compares the answer with a read, and returns the path.
async fn create(api: &Api, path: &str, body: &Value) -> String {
    let created = api.post(path, body).await.expect(201);
    let path = created
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    read_after(api, &created, &path).await;
    path
}

/// Returns the names of all fields, with those of nested objects.
fn names(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), names(value)))
            .collect(),
        Value::Array(_) => json!([]),
        _ => Value::Null,
    }
}

fn ada() -> Value {
    json!({ "fullName": "Ada Lovelace", "email": "ada.shapes@example.com", "documentNumber": "007",
        "country": "UK" })
}

fn definition() -> Value {
    json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit 2026",
        "eventLink": "https://example.org/summit", "pdfTemplate": { "theme": "corporate",
            "options": { "accent": "#7a1f3d", "signerName": "Elena Marín" } } })
}

async fn design(api: &Api) -> Answered {
    let form = file("logo.png", png()).text("name", "Logo");
    api.upload("/certificates/upload-design", form)
        .await
        .expect(201)
}

/// Issues a certificate about which a mail is held. Returns the ids of the issuance and of the
/// job.
async fn issued(api: &Api) -> (String, String) {
    let certificate = api.certificate().await;
    let eva =
        json!({ "fullName": "Eva Gil", "email": "eva.shapes@example.com", "documentNumber": "8" });
    let person = create(api, "/attendees", &eva).await;
    let id = person.rsplit('/').next().expect("an id");
    let body = json!({ "certificateId": certificate, "attendeeIds": [id], "delivery": "held" });
    api.issue(&body).await;
    let one = |body: &Value| body["data"].as_array().is_some_and(|jobs| jobs.len() == 1);
    let held = api.until("a mail is held", "/jobs?state=held", one).await;
    let job = &held["data"][0];
    (text(&job["generatedCertificateId"]), text(&job["id"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn attendee_is_answered_as_it_is_read() {
    let api = Api::start().await;
    let path = create(&api, "/attendees", &ada()).await;
    let changed = patch(&api, &path, &json!({ "fullName": "Ada 😀" })).await;
    let changed = changed.expect(200);
    read_after(&api, &changed, &path).await;
    assert_eq!(changed.body["data"]["warnings"][0]["code"], "UNDRAWABLE");
    let listed = api.get("/attendees").await.expect(200);
    assert_eq!(listed.body["data"][0], changed.body["data"]);

    // The import of a person stays known after a change.
    let people = "Name,Email,Document number\nEva,eva.shapes@example.com,8\n";
    api.upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    let eva = api.get("/attendees?search=Eva").await.expect(200).body["data"][0].clone();
    assert_eq!(eva["importRow"], 2);
    let path = format!("/attendees/{}", text(&eva["id"]));
    let changed = patch(&api, &path, &json!({ "country": "Peru" })).await;
    read_after(&api, &changed.expect(200), &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_and_design_are_answered_as_they_are_read() {
    let api = Api::start().await;
    let design = design(&api).await;
    let path = format!("/certificates/designs/{}", text(&design.body["data"]["id"]));
    read_after(&api, &design, &path).await;

    let path = create(&api, "/certificates", &definition()).await;
    let change = json!({ "name": "Keynote", "pdfTemplate": { "options": { "logo": design.body["data"]["url"] } } });
    let changed = patch(&api, &path, &change).await.expect(200);
    read_after(&api, &changed, &path).await;
    let toggle = format!("{path}/toggle-active");
    let toggled = bare(&api, Method::PUT, &toggle).await;
    read_after(&api, &toggled.expect(200), &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_and_api_key_are_answered_as_they_are_read() {
    let api = Api::start().await;
    let path = create(&api, "/users", &somebody("grace", "viewer")).await;
    let change = json!({ "lastName": "Murray", "role": "operator", "isActive": false });
    let changed = patch(&api, &path, &change).await.expect(200);
    read_after(&api, &changed, &path).await;

    let body = json!({ "name": "Sync", "scopes": ["jobs:read"] });
    let mut created = api.post("/api-keys", &body).await.expect(201);
    let data = created.body["data"].as_object_mut().expect("an object");
    // Only the answer to the creation has the key itself.
    assert!(data.remove("key").is_some());
    let path = format!("/api-keys/{}", text(&created.body["data"]["id"]));
    read_after(&api, &created, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_template_and_its_versions_are_answered_as_they_are_read() {
    let api = Api::start().await;
    let (_, id) = created(&api, template("")).await;
    let path = format!("/templates/own/{id}");
    let first = api.get(&format!("{path}/versions/1")).await.expect(200);
    let source = &first.body["data"];
    let body = json!({ "source": source["source"], "manifest": source["manifest"] });
    let second = create(&api, &format!("{path}/versions"), &body).await;
    assert!(second.ends_with("/versions/2"));
    let activated = bare(&api, Method::POST, &format!("{second}/activate")).await;
    let read = read_after(&api, &activated.expect(200), &path).await;
    assert_eq!(
        read.body["data"]["versions"][0]["addedAt"],
        source["addedAt"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn issuance_and_job_are_answered_as_they_are_read() {
    let api = Api::start().await;
    let (issuance, job) = issued(&api).await;
    let path = format!("/jobs/{job}");
    let at = json!({ "delivery": in_seconds(3_600) });
    for change in [json!({ "delivery": "held" }), json!({}), at] {
        let changed = patch(&api, &path, &change).await.expect(200);
        read_after(&api, &changed, &path).await;
    }
    let listed = api.get("/jobs").await.expect(200).body["data"][0].clone();
    let mut read = api.get(&path).await.expect(200).body["data"].clone();
    read.as_object_mut().expect("an object").remove("history");
    assert_eq!(listed, read);
    let again = json!({ "delivery": "held" });
    create(
        &api,
        &format!("/generated-certificates/{issuance}/send-email"),
        &again,
    )
    .await;
    let reason = json!({ "reason": "wrong name" });
    let cancelled = api.post(&format!("{path}/cancel"), &reason).await;
    read_after(&api, &cancelled.expect(200), &path).await;

    let path = format!("/generated-certificates/{issuance}");
    let listed = api.get("/generated-certificates").await.expect(200);
    let read = api.get(&path).await.expect(200);
    assert_eq!(listed.body["data"][0], read.body["data"]);
    let why = json!({ "reason": "wrongData", "note": "Ada is misspelt" });
    let revoked = api.post(&format!("{path}/revoke"), &why).await;
    read_after(&api, &revoked.expect(200), &path).await;
    let deleted = bare(&api, Method::DELETE, &path).await;
    let read = read_after(&api, &deleted.expect(200), &path).await;
    assert_ne!(
        read.body["data"]["createdAt"],
        read.body["data"]["updatedAt"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_and_retried_job_is_answered_as_it_is_read() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let people = "Name,Email,Document number\nEva,reject-eva.shapes@example.com,8\n";
    let form = file("p.csv", people).text("certificateId", certificate);
    api.upload("/attendees/bulk-upload", form).await.expect(200);
    let one = |body: &Value| body["data"].as_array().is_some_and(|jobs| jobs.len() == 1);
    let failed = api
        .until("the mail failed", "/jobs?state=failed", one)
        .await;
    let path = format!("/jobs/{}", text(&failed["data"][0]["id"]));
    let mut read = api.get(&path).await.expect(200).body["data"].clone();
    read.as_object_mut().expect("an object").remove("history");
    assert_eq!(failed["data"][0], read);
    let retried = bare(&api, Method::POST, &format!("{path}/retry")).await;
    let retried = retried.expect(200).body;
    assert_eq!(
        names(&retried["data"]),
        names(&api.get(&path).await.body["data"])
    );
    assert_eq!(retried["data"]["state"], "queued");
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_and_import_have_the_fields_of_a_read() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let people = "Name,Email,Document number\nEva,eva.shapes@example.com,8\n";
    let mut uploaded = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    // Only the answer to the upload describes how the file was read.
    let data = uploaded.body["data"].as_object_mut().expect("an object");
    assert!(data.remove("reading").is_some());
    let import = text(&uploaded.body["data"]["id"]);
    read_after(&api, &uploaded, &format!("/imports/{import}")).await;

    let body = json!({ "certificateId": certificate, "importId": import, "delivery": "held" });
    let request = api
        .request(Method::POST, "/generated-certificates/generate")
        .header("prefer", "respond-async");
    let begun = api.write(request.json(&body)).await;
    let mut begun = begun.expect(202).body["data"].clone();
    let parts = begun.as_object_mut().expect("an object").remove("batches");
    assert_eq!(
        parts,
        Some(json!([{ "id": begun["id"], "total": 1 }])),
        "only the answer to the request lists all batches"
    );
    assert_eq!(begun["state"], "requested");
    let path = format!("/batches/{}", text(&begun["id"]));
    let listed = |body: &Value| body["success"] == true;
    let read = api.until("the batch is listed", &path, listed).await["data"].clone();
    assert_eq!(names(&begun), names(&read));
    // A small request is answered with the finished batch.
    let mut finished = api.issue(&body).await.body["data"].clone();
    finished
        .as_object_mut()
        .expect("an object")
        .remove("batches");
    assert_eq!(names(&finished), names(&read));
    for name in ["id", "certificateId", "importId", "total", "createdAt"] {
        assert_eq!(begun[name], read[name], "{name}");
    }
    let done = |body: &Value| body["data"]["progress"]["mailsPending"] == 1;
    api.until("the mail is held", &path, done).await;
    let stopped = bare(&api, Method::POST, &format!("{path}/cancel")).await;
    let stopped = stopped.expect(202).body["data"].clone();
    assert_eq!(names(&stopped), names(&read));
    assert_eq!(
        (&stopped["requested"], &stopped["progress"]["issued"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_were_read_can_be_sent_back() {
    let api = Api::start().await;
    let design = design(&api).await.body["data"]["url"].clone();
    let mut certificate = definition();
    certificate["pdfTemplate"]["theme"] = json!("minimal");
    certificate["pdfTemplate"]["options"]["logo"] = design.clone();
    certificate["baseDesignUrl"] = design;
    let certificate = create(&api, "/certificates", &certificate).await;
    let (own, id) = created(&api, template("")).await;
    let mut drawn_by_own = definition();
    drawn_by_own["pdfTemplate"] =
        json!({ "theme": own["theme"], "options": { "accent": "#112233" } });
    let drawn_by_own = create(&api, "/certificates", &drawn_by_own).await;
    // Another version is active meanwhile.
    let versions = format!("/templates/own/{id}/versions");
    let first = api.get(&format!("{versions}/1")).await.expect(200).body["data"].clone();
    let body = json!({ "source": first["source"], "manifest": first["manifest"] });
    api.post(&versions, &body).await.expect(201);
    bare(&api, Method::POST, &format!("{versions}/2/activate"))
        .await
        .expect(200);
    let person = create(&api, "/attendees", &ada()).await;
    let user = create(&api, "/users", &somebody("grace", "viewer")).await;
    let me = api.get("/auth/me").await.expect(200).body["data"]["id"].clone();
    let me = format!("/users/{}", text(&me));
    let definition = [
        "client",
        "name",
        "eventName",
        "baseDesignUrl",
        "pdfTemplate",
        "sendgridTemplateId",
        "eventLink",
        "issueDate",
        "requiresDocument",
        "locale",
        "isActive",
    ];
    let of_person = [
        "fullName",
        "country",
        "documentType",
        "documentNumber",
        "gender",
        "email",
    ];
    let of_user = ["userName", "name", "lastName", "email", "role", "isActive"];
    for (path, fields) in [
        (&certificate, &definition[..]),
        (&drawn_by_own, &definition[..]),
        (&person, &of_person[..]),
        (&user, &of_user[..]),
        (&me, &of_user[..]),
    ] {
        let read = api.get(path).await.expect(200);
        let body = taken(&read.body["data"], fields);
        let sent = patch(&api, path, &body).await.expect(200);
        assert_eq!(sent.body["data"], read.body["data"], "{path}");
        let now = read_after(&api, &sent, path).await;
        assert_eq!(now.header("etag"), read.header("etag"), "{path}");
        if fields == definition {
            let copy = api.post("/certificates", &body).await.expect(201);
            assert_eq!(taken(&copy.body["data"], fields), body);
        }
    }
    let (_, job) = issued(&api).await;
    let path = format!("/jobs/{job}");
    let read = api.get(&path).await.expect(200);
    let body = json!({ "delivery": read.body["data"]["delivery"] });
    let sent = patch(&api, &path, &body).await.expect(200);
    assert_eq!(sent.body["data"], read.body["data"]);
}

/// Returns these fields of a resource.
fn taken(data: &Value, fields: &[&str]) -> Value {
    let taken = fields
        .iter()
        .map(|name| ((*name).to_owned(), data[*name].clone()));
    Value::Object(taken.collect::<Map<_, _>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_fields_stay_and_null_removes_them() {
    let api = Api::start().await;
    let certificate = create(&api, "/certificates", &definition()).await;
    let person = create(&api, "/attendees", &ada()).await;
    let user = create(&api, "/users", &somebody("grace", "viewer")).await;
    for (path, field) in [
        (&certificate, "eventLink"),
        (&person, "country"),
        (&person, "documentNumber"),
    ] {
        let mut expected = api.get(path).await.expect(200).body["data"].clone();
        assert!(expected[field].is_string(), "{path} {field}");
        let changed = patch(&api, path, &json!({ field: null })).await;
        let mut changed = changed.expect(200).body["data"].clone();
        expected[field] = Value::Null;
        changed["updatedAt"] = expected["updatedAt"].clone();
        assert_eq!(changed, expected, "{path} {field}");
    }
    let (_, job) = issued(&api).await;
    let job = format!("/jobs/{job}");
    for (path, fields) in [
        (
            &certificate,
            &[
                "client",
                "name",
                "eventName",
                "pdfTemplate",
                "requiresDocument",
                "locale",
                "isActive",
            ][..],
        ),
        (&person, &["fullName", "email"][..]),
        (
            &user,
            &[
                "userName", "name", "lastName", "email", "password", "role", "isActive",
            ][..],
        ),
        (&job, &["delivery"][..]),
    ] {
        for field in fields {
            let refused = patch(&api, path, &json!({ *field: null })).await;
            assert!(
                [400, 422].contains(&refused.status.as_u16()),
                "{path} {field}: {}",
                refused.body
            );
            let detail = refused.body["error"]["details"][0].to_string();
            assert!(detail.contains(field), "{path} {field}: {detail}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_of_different_fields_are_all_kept() {
    let api = Api::start().await;
    let path = create(&api, "/certificates", &definition()).await;
    let changes = [
        json!({ "name": "Keynote" }),
        json!({ "eventLink": null }),
        json!({ "pdfTemplate": { "options": { "title": "Diploma" } } }),
        json!({ "pdfTemplate": { "options": { "accent": "#123a5c" } } }),
    ];
    let answers = join_all(changes.iter().map(|change| patch(&api, &path, change))).await;
    for answer in answers {
        answer.expect(200);
    }
    let now = api.get(&path).await.expect(200).body["data"].clone();
    let options = json!({ "accent": "#123a5c", "signerName": "Elena Marín", "title": "Diploma" });
    assert_eq!(
        (
            &now["name"],
            &now["eventLink"],
            &now["pdfTemplate"]["options"]
        ),
        (&json!("Keynote"), &Value::Null, &options)
    );
}

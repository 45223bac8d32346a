//! Recognition of known people in uploads: siblings, placeholders, and files that the program has
//! exported.

use laureate::app::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file};
use crate::support::TestApp;

pub(super) const UPLOAD: &str = "/attendees/bulk-upload";

fn case(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name);
    std::fs::read(path).expect("the case is there")
}

/// Returns the four counts created, updated, existing and errors.
pub(super) fn counts(answered: &Answered) -> [i64; 4] {
    ["created", "updated", "existing", "errors"].map(|count| {
        answered.body["data"][count]
            .as_i64()
            .unwrap_or_else(|| panic!("{}", answered.body))
    })
}

/// Returns the row, code, field and column of each error.
pub(super) fn errors(answered: &Answered) -> Vec<(i64, String, String, String)> {
    let details = answered.body["data"]["errorDetails"]
        .as_array()
        .expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    details
        .iter()
        .flat_map(|row| {
            row["errors"]
                .as_array()
                .expect("a list")
                .iter()
                .map(move |error| (row, error))
        })
        .map(|(row, error)| {
            let number = row["row"].as_i64().expect("a number");
            (
                number,
                text(&error["code"]),
                text(&error["field"]),
                text(&error["column"]),
            )
        })
        .collect()
}

async fn people(api: &Api) -> Vec<Value> {
    let listed = api
        .get("/attendees?sort=fullName&limit=200")
        .await
        .expect(200);
    listed.body["data"].as_array().expect("a list").clone()
}

pub(super) async fn names(api: &Api) -> Vec<String> {
    people(api)
        .await
        .iter()
        .map(|person| person["fullName"].as_str().expect("a name").to_owned())
        .collect()
}

/// Waits until `number` certificates are generated, and returns the sorted ids of their attendees.
pub(super) async fn issued(api: &Api, certificate: &str, number: usize) -> Vec<String> {
    let path = format!("/generated-certificates?certificateId={certificate}");
    let is_done = |body: &Value| {
        let all = body["data"].as_array().expect("a list");
        all.len() == number && all.iter().all(|one| one["state"] == "generated")
    };
    let all = api
        .until("certificates are generated", &path, is_done)
        .await;
    let mut ids: Vec<String> = all["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["attendeeId"].as_str().expect("an id").to_owned())
        .collect();
    ids.sort();
    ids
}

pub(super) fn row(
    code: &str,
    number: i64,
    field: &str,
    column: &str,
) -> (i64, String, String, String) {
    (number, code.to_owned(), field.to_owned(), column.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn sibling_with_the_same_address_is_a_row_error_without_certificate() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let form = || {
        file("p.csv", case("34-siblings-one-address.csv"))
            .text("certificateId", certificate.clone())
    };
    let expected = [row("DUPLICATE", 3, "email", "Correo")];
    let first = api.upload(UPLOAD, form()).await.expect(200);
    assert_eq!(
        (counts(&first), errors(&first)),
        ([1, 0, 0, 1], expected.to_vec())
    );
    let message = first.body["data"]["errorDetails"][0]["errors"][0]["message"]
        .as_str()
        .expect("a message");
    assert!(
        message.contains("row 2") && message.contains("people.shared_email"),
        "{message}"
    );
    assert!(
        !message.contains("Rojas") && !message.contains("familia"),
        "{message}"
    );
    assert_eq!(first.body["data"]["certificatesAssociated"], 1);
    let before = people(&api).await;

    let again = api
        .upload(UPLOAD, form().text("updateExisting", "true"))
        .await
        .expect(200);
    assert_eq!(
        (counts(&again), errors(&again)),
        ([0, 0, 1, 1], expected.to_vec())
    );
    assert_eq!(people(&api).await, before, "nobody is overwritten");
    let batch = again.body["data"]["batches"][0]["id"]
        .as_str()
        .expect("a batch")
        .to_owned();
    api.until(
        "the second batch finds her certificate",
        &format!("/batches/{batch}"),
        |body| body["data"]["existing"] == 1,
    )
    .await;
    let ana = before[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(issued(&api, &certificate, 1).await, [ana]);
    api.until("one mail goes out", "/jobs", |body| {
        body["meta"]["summary"]["sent"] == 1
    })
    .await;
    assert_eq!(api.get("/jobs").await.body["meta"]["summary"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn siblings_are_two_people_if_addresses_can_be_shared() {
    let app = TestApp::with_roles(&Role::ALL, &["people.shared_email=allow"]).await;
    let api = Api::of(app).await;
    let certificate = api.certificate().await;
    let form = || {
        file("p.csv", case("34-siblings-one-address.csv"))
            .text("certificateId", certificate.clone())
    };
    let rehearsed = api
        .upload(&format!("{UPLOAD}?dryRun=true"), form())
        .await
        .expect(200);
    assert_eq!(counts(&rehearsed), [2, 0, 0, 0]);
    assert_eq!(
        counts(&api.upload(UPLOAD, form()).await.expect(200)),
        [2, 0, 0, 0]
    );
    assert_eq!(
        counts(&api.upload(UPLOAD, form()).await.expect(200)),
        [0, 0, 2, 0]
    );
    assert_eq!(names(&api).await, ["Ana Rojas", "Bruno Rojas"]);
    assert_eq!(issued(&api, &certificate, 2).await.len(), 2);
    let carla = json!({"fullName": "Carla Rojas", "email": "familia.rojas@example.org", "documentNumber": "3"});
    api.post("/attendees", &carla).await.expect(201);
    let ana = json!({"fullName": "ana rojas", "email": "familia.rojas@example.org", "requiresDocument": false});
    api.post("/attendees", &ana).await.expect(409);
    // Without the document number, Ana and the other Ana would be the same person.
    let ana = json!({"fullName": "Ana Rojas", "email": "familia.rojas@example.org", "documentNumber": "4"});
    let other = api.post("/attendees", &ana).await.expect(201).body["data"]["id"].clone();
    let change = json!({"documentNumber": null});
    let refused = api
        .patch(
            &format!("/attendees/{}", other.as_str().expect("an id")),
            &change,
        )
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (409, "DUPLICATE"),
        "{}",
        refused.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn placeholders_are_not_accepted_as_document_numbers() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let form = || file("p.csv", case("35-placeholder-documents.csv"));
    let refused = api
        .upload(UPLOAD, form().text("certificateId", certificate.clone()))
        .await
        .expect(200);
    let expected: Vec<_> = (2..=7)
        .map(|number| {
            row(
                "PLACEHOLDER",
                number,
                "documentNumber",
                "Número de documento",
            )
        })
        .collect();
    assert_eq!(
        (counts(&refused), errors(&refused)),
        ([0, 0, 0, 6], expected)
    );
    assert_eq!(names(&api).await, [""; 0]);

    let without = form()
        .text("certificateId", certificate.clone())
        .text("requiresDocument", "false");
    let taken = api.upload(UPLOAD, without).await.expect(200);
    assert_eq!(counts(&taken), [6, 0, 0, 0]);
    assert!(
        people(&api)
            .await
            .iter()
            .all(|person| person["documentNumber"].is_null())
    );
    assert_eq!(issued(&api, &certificate, 6).await.len(), 6);
    let again = api
        .upload(UPLOAD, form().text("requiresDocument", "false"))
        .await
        .expect(200);
    assert_eq!(counts(&again), [0, 0, 6, 0]);
    // The definition of the certificate can also set `requiresDocument` to false. The file then
    // needs no column for it.
    let body = json!({ "client": "Acme", "name": "Talk", "eventName": "Summit 2026", "requiresDocument": false });
    let talk = api.post("/certificates", &body).await.expect(201).body["data"]["id"].clone();
    let no_column = "Nombre,Correo\nAna Rojas,ana.rojas@example.org\nIda Sol,ida.sol@example.org\n";
    let form =
        file("p.csv", no_column).text("certificateId", talk.as_str().expect("an id").to_owned());
    assert_eq!(
        counts(&api.upload(UPLOAD, form).await.expect(200)),
        [1, 0, 1, 0]
    );
    let missing = api
        .upload(UPLOAD, file("p.csv", no_column))
        .await
        .expect(422);
    assert_eq!(missing.code(), "MISSING_COLUMNS");
}

#[tokio::test(flavor = "multi_thread")]
async fn blank_cells_and_missing_columns_keep_stored_values() {
    let api = Api::start().await;
    let upload = async |name: &str, update: &str| {
        let form = file("p.csv", case(name)).text("updateExisting", update.to_owned());
        counts(&api.upload(UPLOAD, form).await.expect(200))
    };
    assert_eq!(upload("37-first-full.csv", "true").await, [1, 0, 0, 0]);
    assert_eq!(upload("37-then-blank.csv", "false").await, [0, 0, 1, 0]);
    assert_eq!(names(&api).await, ["Ana Rojas"]);
    for name in ["37-then-blank.csv", "37-then-without-columns.csv"] {
        assert_eq!(upload(name, "true").await, [0, 1, 0, 0], "{name}");
        assert_eq!(upload(name, "true").await, [0, 0, 1, 0], "{name} again");
        let person = people(&api).await.remove(0);
        let stored = [
            "fullName",
            "country",
            "documentType",
            "gender",
            "documentNumber",
        ];
        let expected = ["Ana Rojas Peña", "Colombia", "CC", "F", "1020304050"];
        assert_eq!(
            stored.map(|field| person[field].as_str().expect("stored")),
            expected,
            "{name}"
        );
        assert_eq!(upload("37-first-full.csv", "true").await, [0, 1, 0, 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_element_of_a_list_is_an_error_of_its_row() {
    let api = Api::start().await;
    let list: Value = serde_json::from_slice(&case("39-numbers-in-json.json")).expect("JSON");
    let taken = api.post("/attendees/bulk", &list).await.expect(200);
    let expected = [
        row("REQUIRED", 3, "email", "email"),
        row("UNKNOWN_FIELD", 4, "-", "phone"),
    ];
    assert_eq!(
        (counts(&taken), errors(&taken)),
        ([2, 0, 0, 2], expected.to_vec())
    );
    assert_eq!(names(&api).await, ["Ana Rojas", "Luis Mora"]);
    assert_eq!(people(&api).await[1]["documentNumber"], "79123456");

    let more = json!([
        7, null, ["Ana"], "Ana", {"fullName": "Ida", "email": "ida@example.org", "documentNumber": 1.5},
        {"fullName": "Ida", "email": "ida@example.org", "documentNumber": 12_345_678_901_234_567_890_u64},
        {"fullName": {"first": "Ida"}, "email": "ida@example.org", "documentNumber": "1"},
        {"full_name": "Ida Sol", "email": "ida@example.org", "document_number": 12},
        {"full_name": "Eva Gil", "fullName": "Eva Mora", "email": "eva@example.org", "documentNumber": "13"},
    ]);
    let taken = api.post("/attendees/bulk", &more).await.expect(200);
    assert_eq!(counts(&taken), [1, 0, 0, 8]);
    let codes: Vec<_> = errors(&taken)
        .into_iter()
        .map(|(row, code, field, _)| (row, code, field))
        .collect();
    let wrong = |row, code: &str, field: &str| (row, code.to_owned(), field.to_owned());
    let expected = [
        wrong(1, "WRONG_TYPE", "-"),
        wrong(2, "WRONG_TYPE", "-"),
        wrong(3, "WRONG_TYPE", "-"),
        wrong(4, "WRONG_TYPE", "-"),
        wrong(5, "WRONG_TYPE", "documentNumber"),
        wrong(6, "NUMBER_ROUNDED", "documentNumber"),
        wrong(7, "WRONG_TYPE", "fullName"),
        wrong(9, "GIVEN_TWICE", "-"),
    ];
    assert_eq!(codes, expected);

    let twice = r#"[{"email": "a@example.org", "email": "b@example.org", "fullName": "Eva", "documentNumber": "1"},
        {"fullName": "Tom Paz", "email": "tom@example.org", "documentNumber": "14"}]"#;
    for query in ["?dryRun=true", ""] {
        let request = api.request(Method::POST, &format!("/attendees/bulk{query}"));
        let request = request
            .header("content-type", "application/json")
            .body(twice)
            .send()
            .await;
        let taken = Answered::of(request.expect("answered")).await.expect(200);
        assert_eq!(counts(&taken), [1, 0, 0, 1]);
        assert_eq!(errors(&taken), [row("GIVEN_TWICE", 1, "-", "email")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_with_a_shared_address_are_known_after_sharing_is_disabled() {
    let shared = TestApp::with_roles(&Role::ALL, &["people.shared_email=allow"]).await;
    let mut api = Api::of(shared).await;
    let sheet = "Nombre,Correo,Documento\nAna Rojas,familia@example.org,1\nBruno Rojas,familia@example.org,2\n";
    let upload = async |api: &Api, sheet: &str, requires: &str| {
        let form = file("p.csv", sheet.to_owned()).text("requiresDocument", requires.to_owned());
        api.upload(UPLOAD, form).await.expect(200)
    };
    assert_eq!(counts(&upload(&api, sheet, "true").await), [2, 0, 0, 0]);
    api.app.address = api
        .app
        .second_api_with(&["people.shared_email=refuse"])
        .await;
    let carla = "Nombre,Correo,Documento\nCarla Rojas,familia@example.org,3\n";
    let refused = upload(&api, carla, "true").await;
    assert_eq!(
        (counts(&refused), errors(&refused)),
        ([0, 0, 0, 1], vec![row("DUPLICATE", 2, "email", "Correo")])
    );
    let by_hand =
        json!({"fullName": "Carla Rojas", "email": "familia@example.org", "documentNumber": "3"});
    assert_eq!(
        api.post("/attendees", &by_hand).await.expect(409).code(),
        "DUPLICATE"
    );
    // Both people are recognized, with and without their document numbers.
    assert_eq!(counts(&upload(&api, sheet, "true").await), [0, 0, 2, 0]);
    let without = "Nombre,Correo\nAna Rojas,familia@example.org\nBruno Rojas,familia@example.org\n";
    assert_eq!(counts(&upload(&api, without, "false").await), [0, 0, 2, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reimported_export_matches_the_same_people() {
    let api = Api::start().await;
    for (n, name) in [
        "'t Hooft",
        "'=Ana",
        "+1+1 Eva",
        "+Ida",
        "-Ugo Sol",
        "@Tom",
        "''Zoe \"Paz\" Gil, Jr.",
        "O'Neil",
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"fullName": name, "email": format!("p{n}@example.org"), "documentNumber": format!("-1{n}")});
        api.post("/attendees", &body).await.expect(201);
    }
    let no_document =
        json!({"fullName": "Ana -Luz", "email": "luz@example.org", "requiresDocument": false});
    api.post("/attendees", &no_document).await.expect(201);
    let all = |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|people| people.len() == 9)
    };
    api.until("everybody is in the tables", "/attendees", all)
        .await;
    let before = people(&api).await;
    let mut files = Vec::new();
    for round in 0..3 {
        for format in ["csv", "xlsx"] {
            let path = format!("/attendees/export?format={format}");
            let exported = api
                .request(Method::GET, &path)
                .send()
                .await
                .expect("answered");
            let bytes = exported.bytes().await.expect("a file").to_vec();
            for update in ["false", "true"] {
                let form = file("again", bytes.clone())
                    .text("updateExisting", update)
                    .text("requiresDocument", "false");
                let again = api.upload(UPLOAD, form).await.expect(200);
                assert_eq!(
                    counts(&again),
                    [0, 0, 9, 0],
                    "{format} {round}: {}",
                    again.body
                );
            }
            files.push((format, bytes));
        }
        assert_eq!(people(&api).await, before, "round {round}");
    }
    let csv: Vec<_> = files
        .iter()
        .filter(|(format, _)| *format == "csv")
        .map(|(_, bytes)| bytes)
        .collect();
    assert!(
        csv.iter().all(|bytes| *bytes == csv[0]),
        "no apostrophe is added"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_for_a_second_course_issues_to_known_people_and_can_be_undone() {
    let api = Api::start().await;
    let first = api.certificate().await;
    let second = api.certificate().await;
    let sheet = "Name,Email,Document\nAna,ana@example.org,1\nEva,eva@example.org,2\nAna,ana@example.org,1\n";
    let upload = async |certificate: &str| {
        let form = file("p.csv", sheet).text("certificateId", certificate.to_owned());
        api.upload(UPLOAD, form).await.expect(200)
    };
    assert_eq!(counts(&upload(&first).await), [2, 0, 0, 0]);
    let known = upload(&second).await;
    assert_eq!(counts(&known), [0, 0, 2, 0]);
    let data = &known.body["data"];
    assert_eq!(
        (&data["certificatesAssociated"], &data["repeated"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(data["batches"].as_array().map(Vec::len), Some(1));
    let import = format!("/imports/{}", data["id"].as_str().expect("an id"));
    let output = api
        .until("the import shows that both are drawn", &import, |body| {
            body["data"]["batches"][0]["progress"]["generated"] == 2
        })
        .await;
    let batch = &output["data"]["batches"][0];
    assert_eq!(
        (&batch["total"], &batch["requested"], &batch["refused"]),
        (&json!(2), &json!(2), &json!(0))
    );
    let id = batch["id"].as_str().expect("an id").to_owned();
    let listed = api
        .get(&format!(
            "/batches?importId={}",
            data["id"].as_str().expect("an id")
        ))
        .await;
    assert_eq!(listed.expect(200).body["data"][0]["id"], id);
    api.post(
        &format!("/batches/{id}/undo"),
        &json!({"reason": "issuedInError"}),
    )
    .await
    .expect(202);
    api.until("it is undone", &import, |body| {
        body["data"]["batches"][0]["state"] == "undone"
    })
    .await;
    let revoked = format!("/generated-certificates?certificateId={second}&state=revoked");
    assert_eq!(
        api.get(&revoked).await.expect(200).body["data"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(
        issued(&api, &first, 2).await.len(),
        2,
        "the first course stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn attendee_created_by_the_api_follows_the_import_rules() {
    let api = Api::start().await;
    let post = async |body: Value| api.post("/attendees", &body).await;
    let ana =
        post(json!({"fullName": "Ana", "email": "ana@example.org", "documentNumber": "1"})).await;
    let ana = format!(
        "/attendees/{}",
        ana.expect(201).body["data"]["id"].as_str().expect("an id")
    );
    for number in [json!(null), json!("N/A"), json!("0")] {
        let body = json!({"fullName": "Eva", "email": "eva@example.org", "documentNumber": number});
        assert_eq!(post(body).await.expect(422).code(), "VALIDATION_ERROR");
    }
    let eva = json!({"fullName": "Eva", "email": "eva@example.org", "requiresDocument": false});
    let eva = post(eva).await.expect(201);
    assert_eq!(eva.body["data"]["documentNumber"], Value::Null);
    let eva = format!(
        "/attendees/{}",
        eva.body["data"]["id"].as_str().expect("an id")
    );
    let patch = |path: String, body: Value| {
        let request = api.request(Method::PATCH, &path).json(&body);
        async { Answered::of(request.send().await.expect("answered")).await }
    };
    assert_eq!(
        patch(eva.clone(), json!({"documentNumber": "1"}))
            .await
            .expect(409)
            .code(),
        "DUPLICATE"
    );
    assert_eq!(
        patch(eva.clone(), json!({"email": "ANA@example.org"}))
            .await
            .expect(409)
            .code(),
        "DUPLICATE"
    );
    patch(eva.clone(), json!({"gender": "F"})).await.expect(200);
    patch(eva.clone(), json!({"documentNumber": "2"}))
        .await
        .expect(200);
    assert_eq!(
        patch(eva, json!({"documentNumber": "n/a"}))
            .await
            .expect(422)
            .code(),
        "VALIDATION_ERROR"
    );
    // The address that was released can be used by another person.
    let without = patch(ana, json!({"documentNumber": null}))
        .await
        .expect(200);
    assert_eq!(without.body["data"]["documentNumber"], Value::Null);
    post(json!({"fullName": "Ida", "email": "ida@example.org", "documentNumber": "1"}))
        .await
        .expect(201);
}

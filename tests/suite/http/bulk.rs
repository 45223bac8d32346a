//! Import of people from a JSON list, second upload of rejected rows after their correction, and
//! issuing to many attendees.

use std::io::Cursor;

use calamine::{Reader as _, Xlsx};
use laureate::spreadsheet::export::{ExportFormat, SheetWriter, Value as Cell};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file, scrubbed};

async fn sent(api: &Api, path: &str, key: &str, people: &Value) -> Answered {
    let request = api
        .request(Method::POST, path)
        .header("idempotency-key", key)
        .json(people);
    Answered::of(request.send().await.expect("answered")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn json_list_of_people_is_imported_like_a_file() {
    let api = Api::start().await;
    let people = json!([
        {"fullName": "Ada Lovelace", "email": "ada@example.com", "documentNumber": "1"},
        {"first_name": "José", "last_name": "Peña", "email": "jose@example.com", "document_number": "2"},
        {"fullName": "Ada", "email": "ada@example.com", "documentNumber": "1"},
        {"fullName": "Eva", "email": "nowhere"},
        {},
        {"fullName": "Tom", "email": "tom@example.com", "documentNumber": "4", "age": 36},
        7,
    ]);
    let rehearsed = api
        .post("/attendees/bulk?dry_run=true", &people)
        .await
        .expect(200);
    assert_eq!(rehearsed.body["data"]["created"], 2);
    assert_eq!(
        api.get("/attendees").await.expect(200).body["data"],
        json!([])
    );
    let done = sent(&api, "/attendees/bulk", "k", &people)
        .await
        .expect(200);
    insta::assert_json_snapshot!("people_as_json", scrubbed(&done.body));
    for count in ["totalRecords", "created", "errors", "errorDetails"] {
        assert_eq!(
            rehearsed.body["data"][count], done.body["data"][count],
            "{count}"
        );
    }
    let again = sent(&api, "/attendees/bulk", "k", &people)
        .await
        .expect(200);
    assert_eq!(again.body["data"], done.body["data"]);
    let other = sent(&api, "/attendees/bulk?updateExisting=true", "k", &people)
        .await
        .expect(422);
    assert_eq!(other.code(), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_people_have_limits() {
    let api = Api::start().await;
    let people = |count: usize| -> Value {
        let person = |n| json!({"fullName": "Ada", "email": format!("a{n}@example.com"), "documentNumber": format!("D{n}")});
        (0..count).map(person).collect()
    };
    assert_eq!(
        api.post("/attendees/bulk", &json!([]))
            .await
            .expect(422)
            .code(),
        "VALIDATION_ERROR"
    );
    assert_eq!(
        api.post("/attendees/bulk", &json!({"fullName": "Ada"}))
            .await
            .expect(400)
            .code(),
        "BAD_REQUEST"
    );
    assert_eq!(
        api.post("/attendees/bulk", &people(10_001))
            .await
            .expect(413)
            .code(),
        "TOO_MANY_ROWS"
    );
    let huge = json!([{"fullName": "a".repeat((8 << 20) + 1_000)}]);
    assert_eq!(
        api.post("/attendees/bulk", &huge).await.expect(413).code(),
        "PAYLOAD_TOO_LARGE"
    );
    let begun = api
        .post("/attendees/bulk", &people(1_001))
        .await
        .expect(202);
    let path = begun
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    let done = api
        .until("all people are imported", &path, |body| {
            body["data"]["state"] == "completed"
        })
        .await;
    assert_eq!(done["data"]["created"], 1_001);
}

/// Four rows, three of them with an error. A spreadsheet program would execute the cell `=1+1` as a
/// formula.
const PEOPLE: &str = "Nombre,Apellido,Nota,Correo,Número documento\n\
    Ada,Lovelace,fine,ada@example.com,1\n\
    Bea,Brown,=1+1,bea@example.com,\n\
    Cleo,Cruz,,nowhere,+57-3\n\
    Dora,Díaz,,,4\n";

async fn rejected(api: &Api) -> String {
    let done = api
        .upload("/attendees/bulk-upload", file("p.csv", PEOPLE))
        .await
        .expect(200);
    assert_eq!(
        (&done.body["data"]["created"], &done.body["data"]["errors"]),
        (&json!(1), &json!(3))
    );
    format!(
        "/imports/{}/report",
        done.body["data"]["id"].as_str().expect("an id")
    )
}

async fn all_accepted(api: &Api, corrected: Vec<u8>) {
    let done = api
        .upload("/attendees/bulk-upload", file("corrected", corrected))
        .await
        .expect(200);
    let counts = (&done.body["data"]["created"], &done.body["data"]["errors"]);
    assert_eq!(counts, (&json!(3), &json!(0)), "{}", done.body);
    let known = api.get("/attendees").await.expect(200);
    let cleo = known.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["fullName"] == "Cleo Cruz");
    assert_eq!(
        cleo.expect("she is known")["documentNumber"],
        "+57-3",
        "as written, without an apostrophe"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_csv_report_is_accepted() {
    let api = Api::start().await;
    let path = rejected(&api).await;
    let report = api.get(&format!("{path}?format=csv")).await.expect(200);
    assert!(
        report.header("content-type").starts_with("text/csv"),
        "{}",
        report.header("content-type")
    );
    let text = report.body.as_str().expect("text").to_owned();
    insta::assert_snapshot!(
        "report_csv",
        text.trim_start_matches('\u{FEFF}').replace('\r', "")
    );
    let corrected = text
        .replace("\"bea@example.com\",\"\"", "\"bea@example.com\",\"2\"")
        .replace("\"nowhere\"", "\"cleo@example.com\"")
        .replace("\"Díaz\",\"\",\"\"", "\"Díaz\",\"\",\"dora@example.com\"");
    all_accepted(&api, corrected.into_bytes()).await;
    assert_eq!(
        api.get(&format!("{path}?format=pdf"))
            .await
            .expect(400)
            .code(),
        "BAD_REQUEST"
    );
    let list = api.get(&format!("{path}?format=json")).await.expect(200);
    assert_eq!(
        (&list.body[0]["row"], &list.body[2]["errors"][0]["code"]),
        (&json!(3), &json!("REQUIRED"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_xlsx_report_is_accepted() {
    let api = Api::start().await;
    let path = rejected(&api).await;
    let report = api
        .request(Method::GET, &format!("{path}?format=xlsx"))
        .send()
        .await
        .expect("answered");
    let bytes = report.bytes().await.expect("a body");
    let mut book: Xlsx<_> =
        calamine::open_workbook_from_rs(Cursor::new(bytes)).expect("a workbook");
    let range = book.worksheet_range("Rejected").expect("the sheet");
    let rows: Vec<Vec<String>> = range
        .rows()
        .map(|row| row.iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(
        rows[0][3..],
        [
            "Correo",
            "Número documento",
            "laureate_row",
            "laureate_reason"
        ]
    );
    assert_eq!(
        (rows[1][2].as_str(), rows[2][4].as_str()),
        ("=1+1", "+57-3"),
        "texts"
    );

    let headers: Vec<&str> = rows[0].iter().map(String::as_str).collect();
    let mut sheet = SheetWriter::new(ExportFormat::Xlsx, "Corrected", &headers).expect("memory");
    for row in &rows[1..] {
        let mut row = row.clone();
        match row[0].as_str() {
            "Bea" => row[4] = "2".to_owned(),
            "Cleo" => row[3] = "cleo@example.com".to_owned(),
            _ => row[3] = "dora@example.com".to_owned(),
        }
        let cells: Vec<Cell<'_>> = row.iter().map(|cell| Cell::Text(cell)).collect();
        sheet.row(&cells).expect("memory");
    }
    all_accepted(&api, sheet.finish().expect("memory")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_issued_to_attendees_that_match_a_filter() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let people = "Name,Email,Document,Country\n\
        Ada,ada@example.com,1,Perú\nBea,bea@example.com,2,Perú\nCleo,cleo@example.com,3,Chile\n";
    let import = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    let import = import.body["data"]["id"].clone();
    let path = "/generated-certificates/generate";
    let of = |who: Value| {
        let mut body = json!({"certificateId": certificate, "delivery": "held"});
        body.as_object_mut()
            .expect("an object")
            .extend(who.as_object().expect("an object").clone());
        body
    };
    for wrong in [
        json!({}),
        json!({"attendeeIds": []}),
        json!({"filter": {}}),
        json!({"filter": {"country": ["Peru"], "colour": "red"}}),
        json!({"filter": {"createdFrom": "yesterday"}}),
        json!({"filter": {"createdAfter": "2026-11-21T00:00:00Z"}}),
        json!({"filter": {"country": "Peru"}}),
        json!({"importId": import, "filter": {"country": ["Peru"]}}),
        json!({"filter": {"country": ["Atlantis"]}}),
        json!({"attendeeIds": (0..10_001).map(|_| uuid::Uuid::new_v4()).collect::<Vec<_>>()}),
    ] {
        api.post(path, &of(wrong)).await.rejected();
    }
    let nobody = api
        .post(path, &of(json!({"importId": uuid::Uuid::new_v4()})))
        .await
        .expect(422);
    assert_eq!(nobody.code(), "VALIDATION_ERROR");
    let errors = &nobody.body["error"]["errors"];
    assert_eq!(
        (&errors[0]["field"], &errors[0]["code"]),
        (&json!("importId"), &json!("NOT_FOUND"))
    );

    // Matches as the list of attendees does: case and accents are ignored, and each word matches
    // separately.
    let peru = json!({"filter": {"country": ["PERU"], "search": "example.com A"}});
    let listed = api
        .get("/attendees?country=PERU&search=example.com%20A")
        .await
        .expect(200);
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(2));
    let mut rehearsal = of(peru.clone());
    rehearsal["dryRun"] = json!(true);
    let rehearsed = api.post(path, &rehearsal).await.expect(200);
    insta::assert_json_snapshot!("issuing_rehearsed", scrubbed(&rehearsed.body));
    assert_eq!(
        api.get("/generated-certificates").await.expect(200).body["data"],
        json!([])
    );

    let begun = api.issue(&of(peru)).await;
    assert_eq!(begun.body["data"]["total"], 2);
    let location = begun
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    api.until("two are issued", &location, |body| {
        body["data"]["requested"] == 2
    })
    .await;
    let all = api.issue(&of(json!({"importId": import}))).await;
    let location = all
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    let done = api
        .until("the third is issued", &location, |body| {
            body["data"]["requested"] == 1
        })
        .await;
    assert_eq!(done["data"]["existing"], 2);
    // 10,000 attendees are allowed.
    let mut many =
        of(json!({"attendeeIds": (0..10_000).map(|_| uuid::Uuid::new_v4()).collect::<Vec<_>>()}));
    many["dryRun"] = json!(true);
    let rehearsed = api.post(path, &many).await.expect(200);
    assert_eq!(
        (
            &rehearsed.body["data"]["refused"],
            &rehearsed.body["data"]["new"]
        ),
        (&json!(10_000), &json!(0))
    );
    assert_eq!(
        rehearsed.body["data"]["refusals"].as_array().map(Vec::len),
        Some(1_000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_is_drawn_and_not_stored() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let path = "/generated-certificates/generate/sample";
    let request = api
        .request(Method::POST, path)
        .json(&json!({"certificateId": certificate}));
    let sample = request.send().await.expect("answered");
    let kind = sample.headers()["content-type"].to_str().expect("text");
    assert_eq!((sample.status().as_u16(), kind), (200, "application/pdf"));
    assert!(sample.bytes().await.expect("a body").starts_with(b"%PDF-"));
    assert_eq!(
        api.public("/certificate/SAMPLE-NOT-VALID").await.status(),
        404
    );
    assert_eq!(
        api.get("/generated-certificates").await.expect(200).body["data"],
        json!([])
    );
    let nobody = json!({"certificateId": certificate, "attendeeId": uuid::Uuid::new_v4()});
    assert_eq!(
        api.post(path, &nobody).await.expect(422).code(),
        "VALIDATION_ERROR"
    );
}

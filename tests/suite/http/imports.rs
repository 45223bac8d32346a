//! Imports of files: dry run, large files, reports, and formats.

use laureate::spreadsheet::made_up_people;
use serde_json::{Value, json};

use super::{Api, file, scrubbed};

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_reports_the_outcome_and_stores_nothing() {
    let api = Api::start().await;
    let people = "Primer nombre;Apellido;Correo;Número documento\n\
        María;Núñez;maria@example.com;1\n;;;\nJosé;Peña;maria@example.com;2\nEva;;eva@;3\n";
    let rehearsed = api
        .upload("/attendees/bulk-upload?dry_run=true", file("p.csv", people))
        .await
        .expect(200);
    insta::assert_json_snapshot!("rehearsal", scrubbed(&rehearsed.body));
    let done = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    for count in [
        "totalRecords",
        "created",
        "updated",
        "errors",
        "certificatesAssociated",
        "errorDetails",
    ] {
        assert_eq!(
            rehearsed.body["data"][count], done.body["data"][count],
            "{count}"
        );
    }
    let known = api.get("/attendees").await.expect(200);
    assert_eq!(known.body["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn known_people_are_updated_only_on_request() {
    let api = Api::start().await;
    let row = |name: &str| format!("Name,Email,Document number\n{name},ada@example.com,1\n");
    api.upload("/attendees/bulk-upload", file("p.csv", row("Ada")))
        .await
        .expect(200);
    let kept = api
        .upload("/attendees/bulk-upload", file("p.csv", row("Ada Lovelace")))
        .await
        .expect(200);
    assert_eq!(
        (&kept.body["data"]["existing"], &kept.body["data"]["errors"]),
        (&json!(1), &json!(0))
    );
    let form = file("p.csv", row("Ada Lovelace")).text("update_existing", "true");
    let changed = api.upload("/attendees/bulk-upload", form).await.expect(200);
    assert_eq!(
        (
            &changed.body["data"]["updated"],
            &changed.body["data"]["errors"]
        ),
        (&json!(1), &json!(0))
    );
    let known = api.get("/attendees").await.expect(200);
    assert_eq!(known.body["data"][0]["fullName"], "Ada Lovelace");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_file_is_accepted_at_once_and_read_in_the_background() {
    let api = Api::start().await;
    let mut people = Vec::new();
    made_up_people(1_001, 7, &mut people).expect("written");
    let begun = api
        .upload("/attendees/bulk-upload", file("many.csv", people))
        .await
        .expect(202);
    assert_eq!(begun.body["data"]["state"], "requested");
    let path = begun
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    let ended = |body: &Value| body["data"]["state"] == "completed";
    let done = api.until("the file is read", &path, ended).await;
    assert_eq!(
        (&done["data"]["created"], &done["data"]["errors"]),
        (&json!(1_001), &json!(0)),
        "{done}"
    );

    let mut seen = 0;
    let mut cursor = String::new();
    loop {
        let page = api
            .get(&format!("/attendees?limit=200{cursor}"))
            .await
            .expect(200)
            .body;
        seen += page["data"].as_array().map_or(0, Vec::len);
        let Some(next) = page["meta"]["nextCursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, 1_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_rejected_rows_are_in_the_report() {
    let api = Api::start().await;
    let rows: String = (0..1_200)
        .map(|row| format!("Ada,nowhere,{row}\n"))
        .collect();
    let begun = api
        .upload(
            "/attendees/bulk-upload",
            file("p.csv", format!("Name,Email,Document\n{rows}")),
        )
        .await;
    let begun = begun.expect(202);
    let path = begun
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    let early = api.get(&format!("{path}/report")).await;
    assert!(
        early.status == 404 || early.status == 200,
        "{}",
        early.status
    );
    let done = api
        .until("the file is read", &path, |body| {
            body["data"]["state"] == "completed"
        })
        .await;
    assert_eq!(done["data"]["errors"], json!(1_200));
    assert_eq!(
        done["data"]["errorDetails"].as_array().map(Vec::len),
        Some(1_000),
        "the first ones"
    );

    let table = api.get(&format!("{path}/report")).await.expect(200);
    assert!(table.header("content-type").starts_with("text/csv"));
    let lines = format!("{path}/report?format=ndjson");
    let report = api.get(&lines).await.expect(200);
    assert_eq!(report.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = report
        .body
        .as_str()
        .expect("lines")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect();
    assert_eq!(lines.len(), 1_200);
    assert_eq!(
        (&lines[1_199]["row"], &lines[1_199]["errors"][0]["code"]),
        (&json!(1_201), &json!("INVALID_EMAIL"))
    );
    assert_eq!(&lines[0], &done["data"]["errorDetails"][0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn contradicting_columns_are_rejected_before_the_import() {
    let api = Api::start().await;
    let people =
        "Name,Email,Correo,Document\nAda,a@example.com,,1\nBea,b@example.com,c@example.com,2\n";
    let refused = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]["code"]),
        (422, &json!("DUPLICATE_COLUMNS"))
    );
    let message = refused.body["error"]["message"]
        .as_str()
        .unwrap_or_default();
    assert!(
        message.contains("\"Email\"")
            && message.contains("\"Correo\"")
            && message.contains("row 3"),
        "{message}"
    );
    let known = api.get("/attendees").await.expect(200);
    assert_eq!(known.body["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn xls_file_is_read_regardless_of_its_name() {
    let api = Api::start().await;
    let people = include_bytes!("../../../src/spreadsheet/tests/people.xls").to_vec();
    let done = api
        .upload("/attendees/bulk-upload", file("people.csv", people))
        .await
        .expect(200);
    assert_eq!(
        (&done.body["data"]["created"], &done.body["data"]["errors"]),
        (&json!(3), &json!(2))
    );
    let code = |row: usize| &done.body["data"]["errorDetails"][row]["errors"][0]["code"];
    assert_eq!(
        (code(0), code(1)),
        (&json!("DATE_CELL"), &json!("ERROR_CELL"))
    );
}

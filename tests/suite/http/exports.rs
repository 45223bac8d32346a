//! Exports of lists as CSV and XLSX files.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};
use serde_json::{Value, json};

use super::{Api, file};

/// Returns three people. A spreadsheet program would execute the second name as a formula.
fn people() -> Value {
    let person = |name: &str, email: &str, document: &str, country: &str| json!({"fullName": name, "email": email, "documentNumber": document, "country": country});
    json!([
        person("Ada Lovelace", "ada@example.com", "007", "UK"),
        person("+HYPERLINK(\"x\")", "mallory@example.com", "666", "UK"),
        person("María Núñez", "maria@example.com", "3", "España"),
    ])
}

async fn with_people() -> Api {
    let api = Api::start().await;
    api.post("/attendees/bulk", &people()).await.expect(200);
    api
}

async fn download(api: &Api, path: &str) -> (String, String, Vec<u8>) {
    let response = api
        .request(reqwest::Method::GET, path)
        .send()
        .await
        .expect("answered");
    assert_eq!(response.status(), 200, "{path}");
    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    let kind = header("content-type");
    let disposition = header("content-disposition");
    (
        kind,
        disposition,
        response.bytes().await.expect("the whole file").to_vec(),
    )
}

fn sheet(workbook: Vec<u8>, name: &str) -> Vec<Vec<Data>> {
    let mut workbook: Xlsx<_> =
        calamine::open_workbook_from_rs(Cursor::new(workbook)).expect("a workbook");
    let range = workbook
        .worksheet_range(name)
        .expect("a sheet of this name");
    range.rows().map(<[Data]>::to_vec).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn exported_people_are_unchanged_and_formulas_are_escaped() {
    let api = with_people().await;
    let (kind, disposition, csv) = download(&api, "/attendees/export?format=csv&country=uk").await;
    assert!(kind.starts_with("text/csv"), "{kind}");
    assert!(
        disposition.starts_with("attachment; filename=\"attendees_20")
            && disposition.ends_with(".csv\"")
    );
    let text = String::from_utf8(csv).expect("UTF-8");
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert!(
        lines[0].starts_with("\u{FEFF}\"full_name\",\"email\""),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].starts_with("\"Ada Lovelace\",\"ada@example.com\",\"\",\"007\",\"UK\",\"\",\""),
        "{}",
        lines[1]
    );
    assert!(lines[2].starts_with("\"'+HYPERLINK("), "{}", lines[2]);
    assert_eq!(lines.len(), 4, "two people, and the end of the last line");

    let (kind, disposition, xlsx) = download(&api, "/attendees/export?format=xlsx").await;
    assert!(kind.ends_with("spreadsheetml.sheet") && disposition.ends_with(".xlsx\""));
    let rows = sheet(xlsx.clone(), "Attendees");
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[1][3], Data::String("007".to_owned()));
    assert_eq!(rows[2][0], Data::String("+HYPERLINK(\"x\")".to_owned()));

    // When the exported file is imported again, all of its people are known.
    let again = api
        .upload("/attendees/bulk-upload", file("again.xlsx", xlsx))
        .await
        .expect(200);
    let report = &again.body["data"];
    let counts =
        ["totalRecords", "created", "existing", "errors"].map(|count| report[count].clone());
    assert_eq!(counts, [3, 0, 3, 0].map(Value::from), "{report}");

    let refused = api.get("/attendees/export?format=pdf").await.expect(400);
    assert_eq!(refused.code(), "BAD_REQUEST");
    for path in ["/attendees/export", "/generated-certificates/export"] {
        let (kind, _, _) = download(&api, path).await;
        assert!(kind.starts_with("text/csv"), "{path}: {kind}");
    }
    assert_eq!(
        api.public("/api/v1/attendees/export?format=csv")
            .await
            .status(),
        401
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn export_of_more_rows_than_one_fetch_contains_each_row_once() {
    let api = Api::start().await;
    let people = 2_345;
    let mut csv = Vec::new();
    laureate::spreadsheet::made_up_people(people, 7, &mut csv)
        .expect("writing to memory never fails");
    let begun = api
        .upload("/attendees/bulk-upload", file("many.csv", csv))
        .await
        .expect(202);
    let progress = begun
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    api.until("the file is imported", &progress, |body| {
        body["data"]["state"] == "completed"
    })
    .await;
    let (_, _, csv) = download(&api, "/attendees/export?format=csv").await;
    let mut reader = csv::Reader::from_reader(&csv[3..]);
    let mut addresses: Vec<String> = reader
        .records()
        .map(|record| record.expect("whole")[1].to_owned())
        .collect();
    assert_eq!(addresses.len(), people);
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), people, "no duplicates");
    let (_, _, xlsx) = download(&api, "/attendees/export?format=xlsx").await;
    assert_eq!(sheet(xlsx, "Attendees").len(), people + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_certificates_are_exported_with_their_verification_link() {
    let api = with_people().await;
    let id = api.certificate().await;
    let people = api.get("/attendees?search=ada").await.expect(200).body;
    let asked =
        serde_json::json!({ "certificateId": id, "attendeeIds": [people["data"][0]["id"]] });
    api.issue(&asked).await;
    let list = format!("/generated-certificates?certificateId={id}&isSent=true");
    let issued = api
        .until("one is mailed", &list, |body| {
            body["data"].as_array().is_some_and(|l| l.len() == 1)
        })
        .await;
    let (_, _, xlsx) = download(
        &api,
        &format!("/generated-certificates/export?format=xlsx&certificateId={id}&state=generated"),
    )
    .await;
    let rows = sheet(xlsx, "Generated certificates");
    let email = people["data"][0]["email"].as_str().expect("an address");
    for (query, lines) in [
        (format!("email={email}"), 2),
        (format!("search={email}&state=generated&state=revoked"), 2),
        ("email=nobody@example.com".to_owned(), 1),
    ] {
        let path = format!("/generated-certificates/export?{query}");
        let (_, _, csv) = download(&api, &path).await;
        let csv = String::from_utf8(csv).expect("text");
        assert_eq!(csv.lines().count(), lines, "{query}: {csv}");
    }
    let column = |name: &str| {
        let at = rows[0]
            .iter()
            .position(|header| header == &Data::String(name.to_owned()))
            .expect("a column");
        rows[1][at].clone()
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(column("full_name"), Data::String("Ada Lovelace".to_owned()));
    assert_eq!(column("is_sent"), Data::String("yes".to_owned()));
    let link = issued["data"][0]["verificationUrl"]
        .as_str()
        .expect("a link");
    assert_eq!(column("verification_url"), Data::String(link.to_owned()));
    assert!(
        matches!(column("issue_date"), Data::DateTime(_))
            && matches!(column("generated_at"), Data::DateTime(_))
    );
}

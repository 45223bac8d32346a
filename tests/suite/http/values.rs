//! Values that other programs have damaged. All requests and uploads reject them. Values that are
//! accepted are unchanged after an export and a new import.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file};

async fn bulk(api: &Api, body: &str) -> Answered {
    let request = api
        .request(Method::POST, "/attendees/bulk")
        .header("content-type", "application/json");
    Answered::of(
        request
            .body(body.to_owned())
            .send()
            .await
            .expect("answered"),
    )
    .await
}

async fn patch(api: &Api, path: &str, body: &Value) -> Answered {
    let request = api.request(Method::PATCH, path).json(body);
    Answered::of(request.send().await.expect("answered")).await
}

fn codes(answer: &Answered) -> Vec<(u64, String)> {
    let errors = answer.body["data"]["errorDetails"]
        .as_array()
        .expect("a list");
    let code = |row: &Value| {
        let code = row["errors"][0]["code"]
            .as_str()
            .expect("a code")
            .to_owned();
        (row["row"].as_u64().expect("a number"), code)
    };
    errors.iter().map(code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_values_are_rejected_by_every_input_path() {
    let api = Api::start().await;
    let person = |name: &str, document: Value| json!({"fullName": name, "email": "p@example.org", "documentNumber": document});
    for (name, document) in [
        ("JosŽ Mu–oz", json!("1")),
        ("JosÃ© MuÃ±oz", json!("1")),
        ("Ana _x000D_", json!("1")),
        ("=A1&B1", json!("1")),
        ("\"Full Quoted\"", json!("1")),
        ("Ana", json!("1,02E+15")),
        ("Ana", json!("=12")),
        ("Ana", json!("2025-12-01")),
        ("Ana", json!("\"q\"")),
        ("Ana", json!(1.5)),
    ] {
        let body = person(name, document);
        api.post("/attendees", &body).await.rejected();
        assert_eq!(
            codes(
                &api.post("/attendees/bulk", &json!([body]))
                    .await
                    .expect(200)
            )
            .len(),
            1,
            "{body}"
        );
    }
    let ana = api
        .post("/attendees", &person("Ana", json!(79_123_456)))
        .await
        .expect(201);
    assert_eq!(ana.body["data"]["documentNumber"], "79123456");
    let path = format!(
        "/attendees/{}",
        ana.body["data"]["id"].as_str().expect("an id")
    );
    let changed = patch(&api, &path, &json!({"documentNumber": 80_000_001}))
        .await
        .expect(200);
    assert_eq!(changed.body["data"]["documentNumber"], "80000001");
    for wrong in [
        json!({"fullName": "JosŽ Mu–oz"}),
        json!({"documentNumber": "12345678.0"}),
    ] {
        assert_eq!(
            patch(&api, &path, &wrong).await.expect(422).code(),
            "VALIDATION_ERROR",
            "{wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_element_is_an_error_of_its_row() {
    let api = Api::start().await;
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let good = |n: u8, number: &str| {
        format!(
            r#"{{"fullName": "Ana Rojas {n}a", "email": "p{n}@example.org", "documentNumber": {number}}}"#
        )
    };
    let body = format!(
        r#"[{{"fullName": "Ana \ud800", "email": "x@example.org"}}, {}, {deep}, {}, {}, {{"documentNumber": 1e999}}]"#,
        good(2, "79123456.0"),
        good(4, "7.91235e+07"),
        good(5, "\"5\""),
    );
    let done = bulk(&api, &body).await.expect(200);
    let expected = [
        (1, "UNREADABLE"),
        (3, "UNREADABLE"),
        (4, "NUMBER_ROUNDED"),
        (6, "UNREADABLE"),
    ];
    assert_eq!(
        codes(&done),
        expected.map(|(row, code)| (row, code.to_owned()))
    );
    assert_eq!(done.body["data"]["created"], 2, "{}", done.body);
    let ana = api
        .until("both are in the table", "/attendees", |body| {
            body["data"].as_array().is_some_and(|all| all.len() == 2)
        })
        .await;
    let numbers: Vec<&str> = ana["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["documentNumber"].as_str())
        .collect();
    assert!(numbers.contains(&"79123456"), "{numbers:?}");
    assert_eq!(
        bulk(&api, r#"[{"fullName": "Ana"},]"#)
            .await
            .expect(400)
            .code(),
        "MALFORMED_JSON"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn misread_text_of_a_definition_is_rejected() {
    let api = Api::start().await;
    let id = api.certificate().await;
    let path = format!("/certificates/{id}");
    for client in ["JosŽ Mu–oz", "Universidad de MÃ¡laga"] {
        let refused = patch(&api, &path, &json!({"client": client}))
            .await
            .expect(422);
        assert_eq!(refused.code(), "VALIDATION_ERROR", "{}", refused.body);
    }
    patch(&api, &path, &json!({"client": "Acme™ – Peña & Søn"}))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_in_mac_cyrillic_is_refused_and_its_encoding_is_named() {
    let api = Api::start().await;
    // "Иванов Иван" in MacCyrillic.
    let mut sheet = b"Nombre,Correo,DNI\n".to_vec();
    sheet.extend(b"\x88\xE2\xE0\xED\xEE\xE2 \x88\xE2\xE0\xED,i@example.org,7\n");
    let refused = api
        .upload("/attendees/bulk-upload", file("p.csv", sheet.clone()))
        .await
        .expect(422);
    assert_eq!(refused.code(), "MISREAD_TEXT", "{}", refused.body);
    assert!(
        refused.body.to_string().contains("x-mac-cyrillic"),
        "{}",
        refused.body
    );
    let form = file("p.csv", sheet).text("encoding", "x-mac-cyrillic");
    let read = api.upload("/attendees/bulk-upload", form).await.expect(200);
    assert_eq!(read.body["data"]["created"], 1, "{}", read.body);
}

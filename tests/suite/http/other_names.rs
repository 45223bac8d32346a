//! Rows in which a known person has another name, and issuing to all people that an import has
//! accepted.

use serde_json::{Value, json};

use super::known_people::{UPLOAD, counts, issued, names, row};
use super::{Api, file};

/// Returns the row, code, field and column of each warning. Asserts that its message says how to
/// correct the problem, and contains no personal data.
fn warned(answer: &Value) -> Vec<(i64, String, String, String)> {
    let rows = answer["data"]["warningDetails"]
        .as_array()
        .expect("a list")
        .iter();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    rows.map(|detail| {
        let error = &detail["errors"][0];
        let message = text(&error["message"]);
        assert!(message.contains("updateExisting"), "{message}");
        for personal in ["Pedro", "Lucía", "Prado", "example.org"] {
            assert!(!message.contains(personal), "{message}");
        }
        let number = detail["row"].as_i64().expect("a number");
        (
            number,
            text(&error["code"]),
            text(&error["field"]),
            text(&error["column"]),
        )
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn known_person_with_a_different_name_causes_a_warning() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    for (n, name) in ["Pedro Rojas", "Ana Mora"].into_iter().enumerate() {
        let body = json!({"fullName": name, "email": format!("p{n}@example.org"), "documentNumber": format!("D{n}")});
        api.post("/attendees", &body).await.expect(201);
    }
    let sheet =
        "Nombre,Correo,Documento\nLucía Prado,p0@example.org,D0\nMORA ana,p1@example.org,D1\n";
    let form = || file("p.csv", sheet).text("certificateId", certificate.clone());
    let expected = [row("NAME_DIFFERS", 2, "fullName", "Nombre")];
    let rehearsed = api
        .upload(&format!("{UPLOAD}?dryRun=true"), form())
        .await
        .expect(200);
    let done = api.upload(UPLOAD, form()).await.expect(200);
    for answer in [&rehearsed, &done] {
        assert_eq!(
            (counts(answer), warned(&answer.body)),
            ([0, 0, 2, 0], expected.to_vec())
        );
        let data = &answer.body["data"];
        assert_eq!(
            (&data["warnings"], &data["certificatesAssociated"]),
            (&json!(1), &json!(2))
        );
    }
    assert_eq!(
        issued(&api, &certificate, 2).await.len(),
        2,
        "both get the certificate"
    );
    let import = format!(
        "/imports/{}",
        done.body["data"]["id"].as_str().expect("an id")
    );
    assert_eq!(warned(&api.get(&import).await.expect(200).body), expected);
    let report = api
        .get(&format!("{import}/report?format=csv"))
        .await
        .expect(200);
    assert!(
        report
            .body
            .as_str()
            .expect("a table")
            .contains("NAME_DIFFERS")
    );

    let list = json!([{"firstName": "Lucía", "lastName": "Prado", "email": "p0@example.org", "documentNumber": "D0"}]);
    let listed = api
        .post("/attendees/bulk?dryRun=true", &list)
        .await
        .expect(200);
    assert_eq!(
        warned(&listed.body),
        [row("NAME_DIFFERS", 1, "fullName", "fullName")]
    );
    let updated = api
        .upload(UPLOAD, form().text("updateExisting", "true"))
        .await
        .expect(200);
    assert_eq!(
        (counts(&updated), warned(&updated.body)),
        ([0, 2, 0, 0], vec![])
    );
    assert_eq!(names(&api).await, ["Lucía Prado", "MORA ana"]);
    assert_eq!(
        counts(&api.upload(UPLOAD, form()).await.expect(200)),
        [0, 0, 2, 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn generation_for_an_import_includes_every_accepted_person() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let upload = async |sheet: &str, update: &str| {
        let form = file("p.csv", sheet.to_owned()).text("updateExisting", update.to_owned());
        api.upload(UPLOAD, form).await.expect(200)
    };
    let first = "Name,Email,Document\nAna,ana@example.org,1\nEva,eva@example.org,2\nOmar,omar@example.org,9\n";
    assert_eq!(counts(&upload(first, "false").await), [3, 0, 0, 0]);
    // The rows are: a known person, a known person with a change, a new person, a repeated person,
    // and a person who is rejected because the address belongs to Omar.
    let second = "Name,Email,Document\nAna,ana@example.org,1\nEva Gil,eva@example.org,2\nTom,tom@example.org,3\n\
                  Ana,ana@example.org,1\nZoe,omar@example.org,4\n";
    let taken = upload(second, "true").await;
    assert_eq!(counts(&taken), [1, 1, 1, 1]);
    let import = &taken.body["data"]["id"];
    for selected in [
        json!({"importId": import}),
        json!({"filter": {"importId": [import]}}),
    ] {
        let mut body = selected;
        body["certificateId"] = json!(certificate);
        body["dryRun"] = json!(true);
        let rehearsed = api
            .post("/generated-certificates/generate", &body)
            .await
            .expect(200);
        let data = &rehearsed.body["data"];
        assert_eq!(
            (&data["total"], &data["new"]),
            (&json!(3), &json!(3)),
            "{data}"
        );
    }
    let body = json!({"certificateId": certificate, "importId": import});
    let begun = api.issue(&body).await;
    assert_eq!(begun.body["data"]["total"], 3);
    let holders = issued(&api, &certificate, 3).await;
    let import = import.as_str().expect("an id");
    let listed = api
        .get(&format!("/attendees?importId={import}&sort=fullName"))
        .await
        .expect(200);
    let listed = listed.body["data"].as_array().expect("a list").clone();
    let mut ids: Vec<_> = listed
        .iter()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect();
    ids.sort();
    assert_eq!(ids, holders);
    let names: Vec<_> = listed
        .iter()
        .filter_map(|one| one["fullName"].as_str())
        .collect();
    assert_eq!(names, ["Ana", "Eva Gil", "Tom"]);
}

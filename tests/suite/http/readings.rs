//! Reading options of uploads: shown in the response, set by parameters, and the same in the
//! importer.

use serde_json::{Value, json};

use super::{Answered, Api, file};

const UPLOAD: &str = "/attendees/bulk-upload";
const REHEARSE: &str = "/attendees/bulk-upload?dryRun=true";

fn case(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name);
    std::fs::read(path).expect("the case is there")
}

/// Returns the names of all attendees, sorted.
async fn names(api: &Api) -> Vec<String> {
    let known = api.get("/attendees").await.expect(200);
    let people = known.body["data"].as_array().expect("a list").iter();
    let mut names: Vec<String> = people
        .map(|person| person["fullName"].as_str().expect("a name").to_owned())
        .collect();
    names.sort();
    names
}

fn refused(answer: &Answered) -> (u16, &Value, &str) {
    let error = &answer.body["error"];
    (
        answer.status.as_u16(),
        &error["code"],
        error["message"].as_str().unwrap_or_default(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn mapping_is_shown_by_the_dry_run_and_used_by_the_import() {
    let api = Api::start().await;
    let people =
        "Listado\nQuién;Dirección de contacto;Carné;Nota\nAna Rojas;ana@example.org;0077;x\n";
    let unmapped = api.upload(REHEARSE, file("p.csv", people)).await;
    let (status, code, message) = refused(&unmapped);
    assert_eq!(
        (status, code),
        (422, &json!("MISSING_COLUMNS")),
        "{message}"
    );
    assert!(
        message.contains("mapping") && message.contains("\"Listado\""),
        "{message}"
    );

    let mapping =
        r#"{"Quién": "fullName", "dirección de contacto": "email", "Carné": "documentNumber"}"#;
    let form = || file("p.csv", people).text("mapping", mapping);
    let rehearsed = api.upload(REHEARSE, form()).await.expect(200);
    let reading = &rehearsed.body["data"]["reading"];
    assert_eq!(reading["headerRow"], 2);
    assert_eq!(
        reading["columns"][1],
        json!({ "header": "Dirección de contacto", "field": "email" })
    );
    assert_eq!(reading["ignoredColumns"], json!(["Nota"]));
    assert_eq!(
        reading["encoding"],
        json!({ "label": "utf-8", "source": "evident" })
    );
    let values =
        json!({ "fullName": "Ana Rojas", "email": "ana@example.org", "documentNumber": "0077" });
    assert_eq!(
        reading["firstRows"],
        json!([{ "row": 3, "values": values }])
    );

    let done = api.upload(UPLOAD, form()).await.expect(200);
    assert_eq!(
        (&done.body["data"]["created"], &done.body["data"]["errors"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(&done.body["data"]["reading"], reading);
    assert_eq!(names(&api).await, ["Ana Rojas"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unclear_encoding_is_rejected_until_it_is_given() {
    let api = Api::start().await;
    let refused_file = api
        .upload(UPLOAD, file("p.csv", case("06-excel-mac-macroman.csv")))
        .await;
    let (status, code, message) = refused(&refused_file);
    assert_eq!((status, code), (422, &json!("MISREAD_TEXT")));
    assert!(
        message.contains("encoding=macintosh reads \"José Muñoz Ibáñez\""),
        "{message}"
    );
    let form = file("p.csv", case("06-excel-mac-macroman.csv")).text("encoding", "macroman");
    let done = api.upload(UPLOAD, form).await.expect(200);
    assert_eq!(done.body["data"]["created"], 2);
    assert_eq!(done.body["data"]["reading"]["encoding"]["source"], "given");
    let russian = api
        .upload(UPLOAD, file("p.csv", case("07-cp1251-russian.csv")))
        .await
        .expect(200);
    let reading = &russian.body["data"]["reading"];
    assert_eq!(
        reading["encoding"],
        json!({ "label": "windows-1251", "source": "guessed" })
    );
    assert_eq!(
        reading["namesToCheck"][0]["values"]["fullName"],
        "Иванов Иван"
    );
    assert_eq!(
        names(&api).await,
        [
            "José Muñoz Ibáñez",
            "Sofía Güell",
            "Иванов Иван",
            "Щукина Юлия"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sheets_and_hidden_rows_are_reported_and_selectable() {
    let api = Api::start().await;
    let days = || file("d.xlsx", case("27-three-days.xlsx"));
    let done = api.upload(UPLOAD, days()).await.expect(200);
    let states: Vec<&Value> = done.body["data"]["reading"]["sheets"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|sheet| &sheet["state"])
        .collect();
    assert_eq!(states, ["noHeaders", "read", "notChosen", "notChosen"]);
    let all = api
        .upload(
            UPLOAD,
            days().text("sheets", "all").text("updateExisting", "true"),
        )
        .await
        .expect(200);
    assert_eq!(
        (
            &all.body["data"]["totalRecords"],
            &all.body["data"]["errors"]
        ),
        (&json!(3), &json!(0))
    );
    assert_eq!(names(&api).await, ["Persona A", "Persona B", "Persona C"]);

    let filtered = || file("f.xlsx", case("26-filtered-rows.xlsx"));
    let shown = api.upload(REHEARSE, filtered()).await.expect(200);
    assert_eq!(shown.body["data"]["totalRecords"], 2);
    let hidden = json!({ "count": 1, "areRead": false, "rows": [{ "sheet": "Lista", "row": 3 }] });
    assert_eq!(shown.body["data"]["reading"]["hiddenRows"], hidden);
    let all = api
        .upload(REHEARSE, filtered().text("hiddenRows", "include"))
        .await
        .expect(200);
    assert_eq!(all.body["data"]["totalRecords"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_sheet_column_and_reason() {
    let api = Api::start().await;
    let dates = file("d.xlsx", case("28-documents-turned-into-dates.xlsx"));
    let done = api.upload(UPLOAD, dates).await.expect(200);
    let row = &done.body["data"]["errorDetails"][0];
    assert_eq!((&row["row"], &row["sheet"]), (&json!(2), &json!("Lista")));
    let error = &row["errors"][0];
    assert_eq!(
        (&error["column"], &error["code"]),
        (&json!("Número de documento"), &json!("DATE_CELL"))
    );
    let message = error["message"].as_str().expect("a text");
    assert!(
        message.starts_with("sheet \"Lista\", column \"Número de documento\": "),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_reading_options_are_rejected() {
    let api = Api::start().await;
    let people = "Nombre,Correo,DNI\nAna,a@example.org,1\n";
    for (name, value, status, code) in [
        ("mapping", "[]", 400, "BAD_REQUEST"),
        (
            "mapping",
            r#"{"Nombre": "shoeSize"}"#,
            422,
            "VALIDATION_ERROR",
        ),
        ("mapping", r#"{"Apodo": "fullName"}"#, 422, "UNKNOWN_COLUMN"),
        ("encoding", "klingon", 422, "VALIDATION_ERROR"),
        ("hiddenRows", "maybe", 400, "BAD_REQUEST"),
        ("headerRow", "0", 422, "VALIDATION_ERROR"),
        ("headerRow", "9", 422, "NO_HEADER_ROW"),
    ] {
        let answer = api
            .upload(UPLOAD, file("p.csv", people).text(name, value))
            .await;
        let (found, known, message) = refused(&answer);
        assert_eq!(
            (found, known),
            (status, &json!(code)),
            "{name}={value}: {message}"
        );
    }
    let form = file("d.xlsx", case("27-three-days.xlsx")).text("sheets", "Día 9");
    let answer = api.upload(UPLOAD, form).await;
    assert_eq!(refused(&answer).1, "UNKNOWN_SHEET");
    assert!(names(&api).await.is_empty());
}

//! Files in the forms in which six programs write them. All people in them are imported with the
//! correct data.

use std::collections::BTreeSet;

use encoding_rs::{MACINTOSH, WINDOWS_1252};
use laureate::spreadsheet::export::{ExportFormat, SheetWriter, Value as CellValue};
use serde_json::json;

use super::{Api, file};

/// Number of rows in each file. The six files have 1,002 rows in total.
const ROWS: usize = 167;

/// Function that writes people to a file in the form of one program.
type Shape = fn(&[Somebody]) -> Vec<u8>;

struct Somebody {
    given: &'static str,
    surname: &'static str,
    second: &'static str,
    email: String,
    document: String,
}

impl Somebody {
    fn full(&self) -> String {
        format!("{} {} {}", self.given, self.surname, self.second)
    }

    fn last(&self) -> String {
        format!("{} {}", self.surname, self.second)
    }
}

/// Returns the people in the file of one program. No person is in two of the six files.
fn people(program: usize) -> Vec<Somebody> {
    const GIVEN: [&str; 7] = [
        "José María",
        "Begoña",
        "Óscar",
        "Íñigo",
        "Zoë",
        "Jürgen",
        "Lucía de los Ángeles",
    ];
    const SURNAMES: [&str; 8] = [
        "Muñoz",
        "Ibáñez",
        "O'Neil",
        "Peña",
        "de la Cruz",
        "Güell",
        "García-Rey",
        "D'Artagnan",
    ];
    (0..ROWS)
        .map(|n| Somebody {
            given: GIVEN[n % 7],
            surname: SURNAMES[n % 8],
            second: SURNAMES[n / 8 % 8],
            email: format!("p{program}.{n}@example.org"),
            document: match n % 3 {
                0 => format!("{:08}", program * 1_000 + n + 7),
                1 => format!("X-{program}-{n}"),
                _ => format!("{}E{program}{n:03}", n % 9 + 1),
            },
        })
        .collect()
}

fn quoted(text: &str) -> String {
    if text.contains([',', ';', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn table(
    header: &str,
    rows: impl Iterator<Item = Vec<String>>,
    delimiter: &str,
    end: &str,
) -> String {
    let rows = rows.map(|cells| {
        cells
            .iter()
            .map(|cell| quoted(cell))
            .collect::<Vec<_>>()
            .join(delimiter)
    });
    std::iter::once(header.to_owned())
        .chain(rows)
        .collect::<Vec<_>>()
        .join(end)
}

fn google_forms(people: &[Somebody]) -> Vec<u8> {
    let header = "Marca temporal,Dirección de correo electrónico,Nombre completo,Número de documento,Comentarios";
    let row = |one: &Somebody| {
        let comment = "Dijo \"sí\",\ny se fue".to_owned();
        vec![
            "21/11/2026 9:02:11".to_owned(),
            one.email.clone(),
            one.full(),
            one.document.clone(),
            comment,
        ]
    };
    table(header, people.iter().map(row), ",", "\r\n").into_bytes()
}

fn zoom(people: &[Somebody]) -> Vec<u8> {
    let header = "Registration Report\nTopic,Webinar ID\nCurso,\"812 345\"\n\n\
                  First Name,Last Name,Email,Registration Time,Approval Status,Número de documento,";
    let row = |one: &Somebody| {
        let time = "Nov 19, 2026 08:00 PM".to_owned();
        let given = one.given.to_owned();
        let document = one.document.clone();
        vec![
            given,
            one.last(),
            one.email.clone(),
            time,
            "approved".to_owned(),
            document,
            String::new(),
        ]
    };
    format!(
        "\u{feff}{}",
        table(header, people.iter().map(row), ",", "\n")
    )
    .into_bytes()
}

fn moodle(people: &[Somebody]) -> Vec<u8> {
    let headers = [
        "Nombre",
        "Apellido(s)",
        "Número de ID",
        "Institución",
        "Dirección de correo",
    ];
    let mut sheet =
        SheetWriter::new(ExportFormat::Xlsx, "Calificaciones", &headers).expect("a workbook");
    let mut bytes = Vec::new();
    for one in people {
        let last = one.last();
        let cells = [one.given, &last, &one.document, "", &one.email].map(CellValue::Text);
        sheet.row(&cells).expect("a row");
        bytes.extend(sheet.take());
    }
    bytes.extend(sheet.finish().expect("a whole workbook"));
    bytes
}

fn outlook(people: &[Somebody]) -> Vec<u8> {
    let header = "First Name,Middle Name,Last Name,Title,E-mail Address,E-mail Display Name,Government ID Number,Notes";
    let row = |one: &Somebody| {
        let (given, more) = one.given.split_once(' ').unwrap_or((one.given, ""));
        let shown = format!("{} ({})", one.full(), one.email);
        let document = one.document.clone();
        vec![
            given.to_owned(),
            more.to_owned(),
            one.last(),
            String::new(),
            one.email.clone(),
            shown,
            document,
        ]
    };
    WINDOWS_1252
        .encode(&table(header, people.iter().map(row), ",", "\r\n"))
        .0
        .into_owned()
}

fn excel_for_mac(people: &[Somebody]) -> Vec<u8> {
    let header = "Apellido paterno;Apellido materno;Nombres;Correo institucional;Cédula;País";
    let row = |one: &Somebody| {
        let names = [one.surname, one.second, one.given].map(str::to_owned);
        [
            names.to_vec(),
            vec![one.email.clone(), one.document.clone(), "México".to_owned()],
        ]
        .concat()
    };
    MACINTOSH
        .encode(&table(header, people.iter().map(row), ";", "\r"))
        .0
        .into_owned()
}

fn libre_office(people: &[Somebody]) -> Vec<u8> {
    let line = |one: &Somebody| {
        format!(
            "\"{}\"\t\"{}\"\t\"{}\"\tTRUE\n",
            one.full(),
            one.email,
            one.document
        )
    };
    let rows: String = people.iter().map(line).collect();
    format!("\"Nombres y apellidos\"\t\"E-mail\"\t\"N.º de documento\"\t\"Asistió\"\n{rows}")
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_six_programs_are_imported_completely() {
    let api = Api::start().await;
    let mut expected = BTreeSet::new();
    let shapes: [Shape; 6] = [
        google_forms,
        zoom,
        moodle,
        outlook,
        excel_for_mac,
        libre_office,
    ];
    for (program, shape) in shapes.into_iter().enumerate() {
        let people = people(program);
        let form = || file("people", shape(&people));
        let form = if program == 4 {
            // MacRoman can't be detected, so the upload must name it.
            let refused = api
                .upload("/attendees/bulk-upload", form())
                .await
                .expect(422);
            assert_eq!(refused.code(), "MISREAD_TEXT");
            form().text("encoding", "macintosh")
        } else {
            form()
        };
        let taken = api.upload("/attendees/bulk-upload", form).await.expect(200);
        let data = &taken.body["data"];
        assert_eq!(
            (&data["created"], &data["errors"]),
            (&json!(ROWS), &json!(0)),
            "{program}: {data}"
        );
        expected.extend(
            people
                .iter()
                .map(|one| (one.full(), one.document.clone(), one.email.clone())),
        );
    }
    let mut found = BTreeSet::new();
    let mut path = "/attendees?limit=200".to_owned();
    loop {
        let page = api.get(&path).await.expect(200);
        for person in page.body["data"].as_array().expect("a list") {
            let text = |field: &str| person[field].as_str().expect("a text").to_owned();
            found.insert((text("fullName"), text("documentNumber"), text("email")));
        }
        let Some(cursor) = page.body["meta"]["nextCursor"].as_str() else {
            break;
        };
        path = format!("/attendees?limit=200&cursor={cursor}");
    }
    assert_eq!(found, expected);
}

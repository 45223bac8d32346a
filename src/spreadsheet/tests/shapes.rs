//! Files with 1,000 people, in the form that six different programs write. Every person must be
//! read correctly.

use encoding_rs::{MACINTOSH, WINDOWS_1252};

use super::super::fixture::{Workbook, open_chosen, row};
use super::super::{Format, RowOutcome, SheetReader, sniff};
use crate::domain::certification::reading::Reading;

const PEOPLE: usize = 1_000;

struct Somebody {
    given: &'static str,
    first_surname: &'static str,
    second_surname: &'static str,
    email: String,
    document: String,
}

impl Somebody {
    fn full(&self) -> String {
        format!(
            "{} {} {}",
            self.given, self.first_surname, self.second_surname
        )
    }
}

/// Returns different people. Their names have accents, particles and apostrophes, and their
/// document numbers have leading zeros.
fn people() -> Vec<Somebody> {
    const GIVEN: &[&str] = &[
        "José María",
        "Begoña",
        "Óscar",
        "Íñigo",
        "Ana",
        "Zoë",
        "François",
        "Jürgen",
        "Lucía de los Ángeles",
        "Eva",
    ];
    const SURNAMES: &[&str] = &[
        "Muñoz",
        "Ibáñez",
        "O'Neil",
        "Peña",
        "de la Cruz",
        "Güell",
        "García-Rey",
        "D'Artagnan",
        "Núñez",
        "Àvila",
    ];
    (0..PEOPLE)
        .map(|n| Somebody {
            given: GIVEN[n % 10],
            first_surname: SURNAMES[n / 10 % 10],
            second_surname: SURNAMES[n / 100 % 10],
            email: format!("p{n}@example.org"),
            document: [
                format!("{:08}", n * 7 + 7),
                format!("X-{n}"),
                format!("{}E{}", n % 9 + 1, n + 100),
                format!("10{n:06}"),
            ][n % 4]
                .clone(),
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

fn line(cells: &[&str], delimiter: &str) -> String {
    cells
        .iter()
        .map(|cell| quoted(cell))
        .collect::<Vec<_>>()
        .join(delimiter)
}

/// Asserts that exactly `people` are read from a file.
fn assert_all(bytes: &[u8], reading: &Reading, people: &[Somebody]) {
    let format = sniff(bytes).expect("a known format");
    let reader: SheetReader = open_chosen(bytes, format, reading).expect("it opens");
    let rows: Vec<_> = reader.collect::<Result<_, _>>().expect("it is whole");
    assert_eq!(rows.len(), people.len(), "nobody is lost");
    for (row, somebody) in rows.iter().zip(people) {
        let RowOutcome::Person { person, .. } = &row.outcome else {
            panic!("row {}: {:?}", row.row, row.outcome)
        };
        assert_eq!(person.full_name.reveal_str(), somebody.full());
        assert_eq!(
            person.document_number().expect("a document").reveal_str(),
            somebody.document
        );
        assert_eq!(
            person.email.as_ref().expect("an address").reveal_str(),
            somebody.email
        );
    }
}

#[test]
fn google_forms_export_is_read_completely() {
    let people = people();
    let header = "Marca temporal,Dirección de correo electrónico,Nombre completo (como aparece en su documento),Número de documento,\
         ¿Autoriza el tratamiento de sus datos?,Comentarios";
    let rows = people.iter().map(|one| {
        let comment = "Dijo \"sí\",\ny se fue";
        line(
            &[
                "21/11/2026 9:02:11",
                &one.email,
                &one.full(),
                &one.document,
                "Sí",
                comment,
            ],
            ",",
        )
    });
    let text = [header.to_owned()]
        .into_iter()
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\r\n");
    assert_all(text.as_bytes(), &Reading::default(), &people);
}

#[test]
fn zoom_report_is_read_completely() {
    let people = people();
    let head = "Registration Report\nReport Generated:,\"Nov 21, 2026 10:00 AM\"\nTopic,Webinar ID,Scheduled Time,# Registered\n\
                Curso,\"812 345\",\"Nov 20, 2026 9:00 AM\",1000\n\n\
                First Name,Last Name,Email,Country/Region,Registration Time,Approval Status,Número de documento,";
    let rows = people.iter().map(|one| {
        let last = format!("{} {}", one.first_surname, one.second_surname);
        let time = "Nov 19, 2026 08:00 PM";
        line(
            &[
                one.given,
                &last,
                &one.email,
                "Colombia",
                time,
                "approved",
                &one.document,
                "",
            ],
            ",",
        )
    });
    let text = [head.to_owned()]
        .into_iter()
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n");
    assert_all(
        format!("\u{feff}{text}").as_bytes(),
        &Reading::default(),
        &people,
    );
}

#[test]
fn moodle_workbook_is_read_completely() {
    let people = people();
    let mut sheet = row(
        1,
        &[
            "Nombre",
            "Apellido(s)",
            "Número de ID",
            "Institución",
            "Dirección de correo",
            "Total del curso",
        ],
    );
    for (number, one) in (2..).zip(&people) {
        let last = format!("{} {}", one.first_surname, one.second_surname);
        sheet += &row(
            number,
            &[one.given, &last, &one.document, "", &one.email, "10,00"],
        );
    }
    assert_all(&Workbook::of(&sheet).pack(), &Reading::default(), &people);
}

#[test]
fn outlook_export_is_read_completely() {
    let people = people();
    let header = "First Name,Middle Name,Last Name,Title,Suffix,Nickname,E-mail Address,E-mail Display Name,Manager's Name,\
                  Government ID Number,Home Country/Region,Notes,Spouse,Categories";
    let rows = people.iter().map(|one| {
        let (given, more) = one.given.split_once(' ').unwrap_or((one.given, ""));
        let last = format!("{} {}", one.first_surname, one.second_surname);
        let shown = format!("{} ({})", one.full(), one.email);
        // Blank cells at the end of a row are omitted.
        line(
            &[
                given,
                more,
                &last,
                "",
                "",
                "",
                &one.email,
                &shown,
                "",
                &one.document,
            ],
            ",",
        )
    });
    let text = [header.to_owned()]
        .into_iter()
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\r\n");
    let bytes = WINDOWS_1252.encode(&text).0.into_owned();
    assert_all(&bytes, &Reading::default(), &people);
}

#[test]
fn excel_for_mac_export_is_read_completely() {
    let people = people();
    let header = "Apellido paterno;Apellido materno;Nombres;Correo institucional;Cédula;País";
    let rows = people.iter().map(|one| {
        line(
            &[
                one.first_surname,
                one.second_surname,
                one.given,
                &one.email,
                &one.document,
                "México",
            ],
            ";",
        )
    });
    let text = [header.to_owned()]
        .into_iter()
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\r");
    let (bytes, _, has_lost) = MACINTOSH.encode(&text);
    assert!(!has_lost);
    let error = match open_chosen(&bytes, Format::Csv, &Reading::default()) {
        Err(error) => error,
        Ok(reader) => reader
            .filter_map(Result::err)
            .next()
            .expect("it is refused, not misread"),
    };
    assert_eq!(error.code(), "MISREAD_TEXT");
    assert!(
        error.for_uploader().contains("encoding=macintosh"),
        "{}",
        error.for_uploader()
    );
    let chosen = Reading {
        encoding: Some("macintosh".to_owned()),
        ..Reading::default()
    };
    assert_all(&bytes, &chosen, &people);
}

#[test]
fn libre_office_csv_and_workbook_are_read_completely() {
    let people = people();
    // Text cells are quoted, other cells are not.
    let mut text =
        "\"Nombres y apellidos\"\t\"E-mail\"\t\"N.º de documento\"\t\"Asistió\"\n".to_owned();
    for one in &people {
        text += &format!(
            "\"{}\"\t\"{}\"\t\"{}\"\tTRUE\n",
            one.full(),
            one.email,
            one.document
        );
    }
    assert_all(text.as_bytes(), &Reading::default(), &people);

    // A workbook with shared strings, and numbers in a format with leading zeros.
    let mut strings = String::new();
    let mut sheet = row(1, &["Nombres y apellidos", "E-mail", "N.º de documento"]);
    for (n, one) in people.iter().enumerate() {
        strings += &format!(
            "<si><t>{}</t></si><si><t>{}</t></si><si><t>{}</t></si>",
            one.full(),
            one.email,
            one.document
        );
        let number = n + 2;
        let document = match one.document.parse::<u64>() {
            Ok(digits) => format!(r#"<c r="C{number}" s="1"><v>{digits}</v></c>"#),
            Err(_) => format!(r#"<c r="C{number}" t="s"><v>{}</v></c>"#, n * 3 + 2),
        };
        sheet += &format!(
            r#"<row r="{number}"><c r="A{number}" t="s"><v>{}</v></c><c r="B{number}" t="s"><v>{}</v></c>{document}</row>"#,
            n * 3,
            n * 3 + 1
        );
    }
    let mut workbook = Workbook::of(&sheet);
    workbook.strings = Some(format!("<sst>{strings}</sst>"));
    workbook.styles = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[&lt;=9999999]00000000;0#######"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>"#;
    assert_all(&workbook.pack(), &Reading::default(), &people);
}

//! Hidden rows, columns and sheets.

use super::super::fixture::biff::{Xls, record};
use super::super::fixture::{Workbook, briefs, open_chosen, row};
use super::super::{Format, HowRead, RowOutcome, SheetRow};
use crate::domain::certification::reading::Reading;

const HEADER: &[&str] = &["Nombre completo", "Correo", "DNI", "Nota"];

fn how(bytes: &[u8], format: Format, reading: &Reading) -> HowRead {
    open_chosen(bytes, format, reading)
        .expect("it opens")
        .read_through()
        .expect("it is whole")
        .1
}

fn hidden_headers(how: &HowRead) -> Vec<(&str, &str)> {
    let columns = how.hidden_columns.iter();
    columns
        .map(|column| {
            (
                column.sheet.as_deref().unwrap_or_default(),
                column.header.as_str(),
            )
        })
        .collect()
}

#[test]
fn rows_without_height_are_hidden() {
    let height = |number: u32, height: &str, cells: &[&str]| {
        row(number, cells).replacen(
            "<row ",
            &format!("<row ht=\"{height}\" customHeight=\"1\" "),
            1,
        )
    };
    let rows = [
        row(1, HEADER),
        height(2, "0", &["No Vino", "n@example.org", "1"]),
        height(3, "15.75", &["Ana Gil", "a@example.org", "2"]),
    ];
    let bytes = Workbook::of(&rows.concat()).pack();
    assert_eq!(briefs(&bytes, Format::Xlsx), ["3 Ana Gil|2|a@example.org"]);
    assert_eq!(
        how(&bytes, Format::Xlsx, &Reading::default()).hidden.count,
        1
    );

    let of_height = |row: u16, height: u16| {
        let numbers = [row, 0, 4, height, 0, 0].map(u16::to_le_bytes).concat();
        record(0x0208, &[&numbers[..], &[0, 1, 0x0F, 0]].concat())
    };
    let rows = [
        of_height(1, 0),
        of_height(2, 0x80FF),
        Xls::row(0, HEADER),
        Xls::row(1, &["No Vino", "n@example.org", "1"]),
        Xls::row(2, &["Ana Gil", "a@example.org", "2"]),
    ];
    assert_eq!(
        briefs(&Xls::of(rows.concat()).pack(), Format::Xls),
        ["3 Ana Gil|2|a@example.org"]
    );
}

#[test]
fn rows_of_a_sheet_that_hides_unused_rows_are_shown() {
    // `zeroHeight` hides the rows that the file doesn't contain.
    let hidden =
        row(3, &["No Vino", "n@example.org", "1"]).replacen("<row ", "<row hidden=\"1\" ", 1);
    let shown =
        row(4, &["Eva Gil", "e@example.org", "4"]).replacen("<row ", "<row hidden=\"0\" ", 1);
    let rows = [
        row(1, HEADER),
        row(2, &["Ana Gil", "a@example.org", "2"]),
        hidden,
        shown,
    ];
    let mut workbook = Workbook::of(&rows.concat());
    workbook.columns = r#"<sheetFormatPr defaultRowHeight="15" zeroHeight="1"/>"#;
    let bytes = workbook.pack();
    assert_eq!(
        briefs(&bytes, Format::Xlsx),
        ["2 Ana Gil|2|a@example.org", "4 Eva Gil|4|e@example.org"]
    );
    assert_eq!(
        how(&bytes, Format::Xlsx, &Reading::default()).hidden.count,
        1
    );
}

#[test]
fn hidden_columns_are_read_and_reported() {
    let mut workbook =
        Workbook::of(&(row(1, HEADER) + &row(2, &["Ana Gil", "a@example.org", "2", "x"])));
    let plain = how(&workbook.pack(), Format::Xlsx, &Reading::default());
    assert!(plain.hidden_columns.is_empty());
    let columns = r#"<cols><col min="1" max="1" width="9"/><col min="2" max="3" width="9" hidden="1"/><col min="4" max="4" width="0"/></cols>"#;
    workbook.columns = columns;
    let bytes = workbook.pack();
    let message = how(&bytes, Format::Xlsx, &Reading::default());
    assert_eq!(
        hidden_headers(&message),
        [("People", "Correo"), ("People", "DNI"), ("People", "Nota")]
    );
    assert_eq!(briefs(&bytes, Format::Xlsx), ["2 Ana Gil|2|a@example.org"]);

    let info = |first: u16, last: u16, width: u16, flags: u16| {
        record(
            0x007D,
            &[first, last, width, 0, flags, 0]
                .map(u16::to_le_bytes)
                .concat(),
        )
    };
    let rows = [
        info(0, 1, 2_000, 0),
        info(2, 2, 2_000, 1),
        Xls::row(0, HEADER),
        Xls::row(1, &["Ana Gil", "a@example.org", "2", "x"]),
    ];
    let bytes = Xls::of(rows.concat()).pack();
    assert_eq!(
        hidden_headers(&how(&bytes, Format::Xls, &Reading::default())),
        [("People", "DNI")]
    );
}

#[test]
fn sheets_beyond_the_limit_are_reported() {
    let people = row(1, HEADER) + &row(2, &["Ana Gil", "a@example.org", "2"]);
    let mut workbook = Workbook::of(&people);
    workbook
        .sheets
        .extend((1..258).map(|_| ("More", "visible", people.clone())));
    let bytes = workbook.pack();
    let states = |reading: &Reading| {
        let how = how(&bytes, Format::Xlsx, reading);
        let states = how
            .sheets
            .iter()
            .map(|sheet| sheet.fate.name())
            .collect::<Vec<_>>();
        (states.len(), states[255], states[256], states[257])
    };
    let all = Reading {
        sheets: Some("all".to_owned()),
        ..Reading::default()
    };
    assert_eq!(states(&all), (258, "read", "beyondLimit", "beyondLimit"));
    assert_eq!(
        states(&Reading::default()),
        (258, "notChosen", "notChosen", "notChosen")
    );
}

#[test]
fn row_of_a_later_sheet_names_earlier_rows_with_their_sheet() {
    let person = |number: u32| row(number, &["Ana Gil", "a@example.org", "2"]);
    let mut workbook = Workbook::of(&(row(1, HEADER) + &person(2) + &person(3)));
    let second = row(1, HEADER) + &person(2);
    workbook.sheets.push(("More", "visible", second));
    let all = Reading {
        sheets: Some("all".to_owned()),
        ..Reading::default()
    };
    let reader = open_chosen(&workbook.pack(), Format::Xlsx, &all).expect("it opens");
    let rows: Vec<SheetRow> = reader.collect::<Result<_, _>>().expect("it is whole");
    let RowOutcome::Person { raw, .. } = &rows[2].outcome else {
        panic!("a person")
    };
    assert_eq!(raw.named_row(rows[1].row), "row 3 of sheet \"People\"");
    assert_eq!(raw.named_row(rows[2].row), "row 2");
}

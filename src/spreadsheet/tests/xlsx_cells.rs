//! Values of XLSX cells in all representations.

use std::io::Cursor;

use calamine::{Data, Reader as _};
use proptest::prelude::*;

use super::super::fixture::{Workbook, briefs, row, rows};
use super::super::{Format, RowOutcome};

const HEADER: &[&str] = &["Nombre completo", "Correo", "Documento"];

fn people(more: &str) -> Workbook {
    Workbook::of(&format!("{}{more}", row(1, HEADER)))
}

fn xlsx(workbook: &Workbook) -> Vec<String> {
    briefs(&workbook.pack(), Format::Xlsx)
}

fn text(text: &str) -> String {
    format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#)
}

/// Returns a row about Ada, with `cell` as the document number.
fn document(number: u32, cell: &str) -> String {
    format!(
        r#"<row r="{number}">{}{}{cell}</row>"#,
        text("Ada"),
        text("a@example.com")
    )
}

#[test]
fn numbers_are_formatted_as_in_the_spreadsheet_program() {
    let mut workbook = people(
        &[
            document(2, r#"<c s="1"><v>45943</v></c>"#),
            document(3, r#"<c s="2"><v>1234</v></c>"#),
            document(4, r#"<c s="3"><v>1.5208333333</v></c>"#),
            document(5, r#"<c s="2" t="str"><v>0007</v></c>"#),
            document(6, r#"<c s="4"><v>123456789</v></c>"#),
            document(7, r#"<c t="d"><v>2025-10-13T00:00:00</v></c>"#),
            document(8, r#"<c s="99"><v>5</v></c>"#),
        ]
        .concat(),
    );
    workbook.styles = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="00000000"/><numFmt numFmtId="165"
        formatCode="[h]:mm:ss"/><numFmt numFmtId="166" formatCode="000\-00\-0000"/></numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>
        <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>"#;
    let documents = |workbook: &Workbook| -> Vec<String> {
        super::written(&workbook.pack(), Format::Xlsx)
            .into_iter()
            .map(|mut row| row.remove(2))
            .collect()
    };
    let mut expected = [
        "2025-10-13",
        "00001234",
        "36:30:00",
        "0007",
        "123-45-6789",
        "2025-10-13",
        "5",
    ];
    assert_eq!(documents(&workbook), expected);
    workbook.properties = r#"<workbookPr date1904="1"/>"#;
    expected[0] = "2029-10-14";
    assert_eq!(documents(&workbook), expected, "the 1904 date system");
    let briefs = xlsx(&workbook);
    for dated in [0, 2, 5] {
        assert!(
            briefs[dated].ends_with("Documento:DATE_CELL"),
            "{}",
            briefs[dated]
        );
    }
}

#[test]
fn any_error_cell_is_an_error_of_its_row() {
    let workbook = people(
        &[
            document(2, r#"<c t="e"><v>#SPILL!</v></c>"#),
            document(3, r#"<c t="e"><v>Err:508</v></c>"#),
            document(4, r#"<c t="b"><v>7</v></c>"#),
            document(5, r#"<c t="n"><v>not a number</v></c>"#),
            document(6, r#"<c t="future"><v>8</v></c>"#),
            document(7, r#"<c><f>1+1</f><v>2</v></c>"#),
            document(8, r#"<c><f>NOW()</f></c>"#),
        ]
        .concat(),
    );
    assert_eq!(
        xlsx(&workbook),
        [
            "2 Documento:ERROR_CELL",
            "3 Documento:ERROR_CELL",
            "4 Documento:BOOLEAN_CELL",
            "5 Ada|not a number|a@example.com",
            "6 Ada|8|a@example.com",
            "7 Ada|2|a@example.com",
            "8 Documento:NOT_CALCULATED",
        ]
    );
}

#[test]
fn text_that_looks_like_a_formula_is_read_as_text() {
    let formula = row(2, &["+SUM(A1)", "a@example.com", "@1"]);
    let found = rows(&people(&formula).pack(), Format::Xlsx);
    let RowOutcome::Person { person, .. } = &found[0].outcome else {
        panic!("it is a text like any other")
    };
    assert_eq!(person.full_name.reveal_str(), "+SUM(A1)");
}

#[test]
fn cell_with_many_text_runs_is_truncated() {
    let runs = "<r><rPr><b/></rPr><t>0123456789</t></r>".repeat(1 << 20);
    let workbook = people(
        &[
            document(2, &format!(r#"<c t="inlineStr"><is>{runs}</is></c>"#)),
            document(
                3,
                &format!(
                    r#"<c t="str"><v>{}</v></c>"#,
                    "<![CDATA[0123456789]]>".repeat(1 << 20)
                ),
            ),
            document(4, "<c><v>1</v></c>"),
        ]
        .concat(),
    );
    assert_eq!(
        xlsx(&workbook),
        [
            "2 Documento:TOO_LONG",
            "3 Documento:TOO_LONG",
            "4 Ada|1|a@example.com"
        ]
    );
}

#[test]
fn shared_string_with_many_text_runs_is_truncated() {
    let mut workbook = people(&document(2, r#"<c t="s"><v>1</v></c>"#));
    let runs = "<r><t>0123456789</t></r>".repeat(1 << 20);
    workbook.strings = Some(format!("<sst><si><t>x</t></si><si>{runs}</si></sst>"));
    assert_eq!(xlsx(&workbook), ["2 Documento:TOO_LONG"]);
}

fn calamines_text(data: &Data) -> String {
    match data {
        Data::Empty => String::new(),
        Data::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cells_are_read_as_by_calamine(
        cells in proptest::collection::vec((prop_oneof!["[a-zñéλж <&]{4,9}".prop_map(Ok), (-1e9_f64..1e9).prop_map(Err)], 0_usize..4, any::<bool>()), 1..30),
    ) {
        let mut sheet = row(1, &["name", "email", "documento", "note"]);
        let mut shared = String::new();
        for (index, (cell, column, is_shared)) in cells.iter().enumerate() {
            let number = index + 2;
            let place = ["A", "B", "C", "D"][*column];
            let written = match cell {
                Ok(text) => text.replace('&', "&amp;").replace('<', "&lt;"),
                Err(value) => value.to_string(),
            };
            shared.push_str(&format!(r#"<si><t xml:space="preserve">{written}</t></si>"#));
            sheet.push_str(&match (cell, is_shared) {
                (Err(_), _) => format!(r#"<row r="{number}"><c r="{place}{number}"><v>{written}</v></c></row>"#),
                (Ok(_), true) => format!(r#"<row r="{number}"><c r="{place}{number}" t="s"><v>{index}</v></c></row>"#),
                (Ok(_), false) => format!(
                    r#"<row r="{number}"><c r="{place}{number}" t="inlineStr"><is><t xml:space="preserve">{written}</t></is></c></row>"#
                ),
            });
        }
        let mut workbook = Workbook::of(&sheet);
        workbook.strings = Some(format!("<sst>{shared}</sst>"));
        let bytes = workbook.pack();
        let mut theirs = calamine::Xlsx::new(Cursor::new(&bytes[..])).expect("calamine opens it");
        let theirs = theirs.worksheet_range("People").expect("the sheet is there");
        let theirs: Vec<Vec<String>> = theirs.rows().skip(1)
            .map(|row| row.iter().map(calamines_text).filter(|text| !text.trim().is_empty()).collect::<Vec<_>>())
            .filter(|row: &Vec<String>| !row.is_empty()).collect();
        prop_assert_eq!(super::written(&bytes, Format::Xlsx), theirs);
    }
}

//! CSV files in all supported dialects.

use proptest::prelude::*;

use super::super::fixture::{brief, briefs, error, open_within, rows};
use super::super::{Format, Limits, RowOutcome};

fn csv(text: impl AsRef<[u8]>) -> Vec<String> {
    briefs(text.as_ref(), Format::Csv)
}

#[test]
fn comma_semicolon_and_tab_are_detected_as_delimiters() {
    for delimiter in [",", ";", "\t"] {
        let text = "Full name|E-mail|Document number\r\nAda|ada@example.com|0012\r\n"
            .replace('|', delimiter);
        assert_eq!(csv(text), ["2 Ada|0012|ada@example.com"], "{delimiter:?}");
    }
    // Quoted headers may contain other delimiters. The delimiter with recognised headers is chosen.
    assert_eq!(
        csv("\"a;b;c;d\",name,email,documento\nx,Ada,a@example.com,1"),
        ["2 Ada|1|a@example.com"]
    );
}

#[test]
fn separator_line_of_excel_is_skipped() {
    assert_eq!(
        csv("sep=;\r\nname;email;documento\r\nAda;a@example.com;1"),
        ["2 Ada|1|a@example.com"]
    );
    assert_eq!(
        csv("\u{feff}SEP=|\nname|email|documento\nAda|a@example.com|1"),
        ["2 Ada|1|a@example.com"]
    );
}

#[test]
fn common_csv_encodings_are_detected() {
    let text = "nombre,correo,documento\nJosé Muñoz,j@example.com,1\n";
    let windows: Vec<u8> = text
        .chars()
        .map(|character| u8::try_from(character).expect("Latin-1"))
        .collect();
    let utf_16: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = format!("\u{feff}{text}").into_bytes();
    for bytes in [text.as_bytes(), &marked, &windows, &utf_16] {
        assert_eq!(csv(bytes), ["2 José Muñoz|1|j@example.com"]);
    }
}

#[test]
fn row_numbers_match_the_spreadsheet_program() {
    let text = "\r\nname,email,documento,note\r\n\r\nAda,a@example.com,1,\"two\r\nlines, \"\"quoted\"\"\"\r\n,,,\r\n \
                \r\nBob,b@example.com,2,\r\nCyd,c@example.com,3,";
    assert_eq!(
        csv(text),
        [
            "4 Ada|1|a@example.com",
            "7 Bob|2|b@example.com",
            "8 Cyd|3|c@example.com"
        ]
    );
}

#[test]
fn invalid_row_does_not_affect_other_rows() {
    let text = "name,email,documento,certificate_id\n\
                Ada,a@example.com,1,8a1a6f0e-54a5-4f2e-8d7e-0d2f0f7a9c11\n\
                \"Eve\nMallory\",e@example.com,2,\n\
                N\0ul,n@example.com,3,\n\
                ,no mail,,7\n\
                Few,f@example.com\n\
                Many,m@example.com,4,,x\n\
                Blank,l@example.com,5,,, ,\n";
    assert_eq!(
        csv(text),
        [
            "2 Ada|1|a@example.com",
            "3 name:FORBIDDEN_CHARACTER",
            "4 name:FORBIDDEN_CHARACTER",
            "5 name:REQUIRED email:INVALID_EMAIL certificate_id:INVALID_UUID",
            "6 documento:REQUIRED",
            "7 -:FIELD_COUNT",
            "8 Blank|5|l@example.com",
        ]
    );
    let RowOutcome::Person { certificate_id, .. } = &rows(text.as_bytes(), Format::Csv)[0].outcome
    else {
        panic!("row 2 is a person");
    };
    assert_eq!(
        certificate_id.map(|id| id.to_string()).as_deref(),
        Some("8a1a6f0e-54a5-4f2e-8d7e-0d2f0f7a9c11")
    );
}

#[test]
fn rejected_row_keeps_its_values_and_hides_them_in_debug_output() {
    let found = rows(b"name,email,documento\nAda,secret,\n", Format::Csv);
    let RowOutcome::Rejected { raw, errors } = &found[0].outcome else {
        panic!("no valid address")
    };
    let pairs: Vec<_> = raw
        .pairs()
        .map(|(header, value)| (header, value.reveal_str()))
        .collect();
    assert_eq!(
        pairs,
        [("name".to_owned(), "Ada"), ("email".to_owned(), "secret")]
    );
    let output = errors
        .iter()
        .map(|error| &error.message)
        .fold(format!("{found:?}"), |all, message| all + message);
    assert!(
        !output.contains("Ada") && !output.contains("secret"),
        "{output}"
    );
}

#[test]
fn unclosed_quote_is_an_error_after_the_preceding_rows() {
    let good = "name,email,documento\nAda,a@example.com,1\n\n";
    for rest in [
        "\"Bob,b@example.com,2\nCyd,c@example.com,3\n".to_owned(),
        format!("\"{}", "x\n".repeat(3_000_000)),
    ] {
        let text = format!("{good}{rest}");
        let mut reader = open_within(text.as_bytes(), Format::Csv, Limits::default())
            .expect("the header is whole");
        assert_eq!(
            brief(&reader.next().expect("a row").expect("a whole row")),
            "2 Ada|1|a@example.com"
        );
        let broken = reader.next().expect("the broken row").expect_err("no end");
        assert_eq!(broken.code(), "UNCLOSED_QUOTE");
        assert!(
            broken.to_string().contains("row 4") || broken.to_string().contains("row 3"),
            "{broken}"
        );
        assert!(reader.next().is_none());
    }
}

#[test]
fn too_long_unquoted_row_is_reported_as_too_long() {
    let good = "name,email,documento\n\"Ada\",a@example.com,1\n";
    for rest in ["x".repeat(10 << 20), "x,".repeat(5 << 20)] {
        let mut reader = open_within(
            format!("{good}{rest}\n").as_bytes(),
            Format::Csv,
            Limits::default(),
        )
        .expect("a header");
        assert!(reader.next().is_some_and(|row| row.is_ok()));
        let error = reader.next().expect("the long row").expect_err("too long");
        assert_eq!(error.code(), "ROW_TOO_LONG");
        assert!(
            error.to_string().contains("row 3") && error.to_string().contains("4 MiB"),
            "{error}"
        );
    }
}

#[test]
fn row_with_a_megabyte_field_is_one_row_error() {
    let text = format!(
        "name,email,documento\n{},a@example.com,1\nBob,b@example.com,2\n",
        "x".repeat(1 << 20)
    );
    assert_eq!(csv(&text), ["2 name:TOO_LONG", "3 Bob|2|b@example.com"]);
    let RowOutcome::Rejected { raw, .. } = &rows(text.as_bytes(), Format::Csv)[0].outcome else {
        panic!("too long")
    };
    assert_eq!(
        raw.pairs()
            .next()
            .map(|(_, value)| value.reveal_str().len()),
        Some(4_096)
    );
}

#[test]
fn file_beyond_the_csv_limits_is_refused() {
    let code = |text: &str, limits| match open_within(text.as_bytes(), Format::Csv, limits) {
        Err(error) => error.code(),
        Ok(reader) => reader
            .filter_map(Result::err)
            .next()
            .map_or("none", |error| error.code()),
    };
    let text = "name,email,documento\nAda,a@example.com,1\n\nBob,b@example.com,2\n";
    let usual = Limits::default();
    assert_eq!(code(text, usual), "none");
    assert_eq!(
        code(
            text,
            Limits {
                max_rows: 2,
                ..usual
            }
        ),
        "none"
    );
    assert_eq!(
        code(
            text,
            Limits {
                max_rows: 1,
                ..usual
            }
        ),
        "TOO_MANY_ROWS"
    );
    assert_eq!(
        code(
            text,
            Limits {
                max_columns: 2,
                ..usual
            }
        ),
        "TOO_MANY_COLUMNS"
    );
    assert_eq!(
        code(
            text,
            Limits {
                max_bytes: 10,
                ..usual
            }
        ),
        "FILE_TOO_LARGE"
    );
    assert_eq!(code("", usual), "EMPTY_FILE");
    assert_eq!(code("\n \n,,\n", usual), "EMPTY_FILE");
    assert_eq!(code("name,email\n", usual), "MISSING_COLUMNS");
}

#[test]
fn binary_file_is_refused_without_showing_its_content() {
    let output = error(b"Ana Garc\xEDa\x00\x01,ana@example.com\n", Format::Csv);
    assert_eq!(output.code(), "MISSING_COLUMNS");
    assert!(
        !format!("{output} {output:?}").contains("ana@"),
        "{output:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_read_without_panic(
        head in proptest::sample::select(vec!["", "name,email,documento\n", "name;email;documento\n\"", "sep=;\n"]),
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(b",;\"\r\n\t".to_vec())], 0..300),
    ) {
        let bytes = [head.as_bytes(), &bytes].concat();
        if let Ok(reader) = open_within(&bytes, Format::Csv, Limits::default()) {
            prop_assert!(reader.count() <= bytes.len());
        }
    }

    #[test]
    fn a_table_written_with_any_delimiter_reads_back(
        delimiter in proptest::sample::select(b",;\t".to_vec()),
        people in proptest::collection::vec(("([a-zñé]{1,9}|λ{1,9}|я{1,9})", "[0-9]{1,9}", "[^\\p{Co}\\p{Cn}\r\u{feff}\0]{0,9}"), 1..9),
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["Nombre", "Nota", "Documento", "Correo"]).expect("writing to memory never fails");
        for (name, document, note) in &people {
            writer.write_record([name, note, document, "a@example.com"]).expect("writing to memory never fails");
        }
        let bytes = writer.into_inner().expect("writing to memory never fails");
        let found = rows(&bytes, Format::Csv);
        prop_assert_eq!(found.len(), people.len());
        for ((name, document, note), (index, row)) in people.iter().zip(found.iter().enumerate()) {
            prop_assert_eq!(row.row as usize, index + 2);
            let RowOutcome::Person { person, raw, .. } = &row.outcome else {
                return Err(TestCaseError::fail(format!("{} of {name:?}", brief(row))));
            };
            let number = person.document_number().map(|number| number.reveal_str());
            prop_assert!(number.is_none_or(|number| number == document), "a placeholder is no number");
            let read = raw.pairs().find(|(header, _)| header == "Nota").map(|(_, value)| value.reveal_str());
            prop_assert_eq!(read.unwrap_or_default(), note.as_str());
        }
    }
}

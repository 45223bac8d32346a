//! Variants of the files in `tests/cases`, with the same kinds of problems.

use encoding_rs::{Encoding, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1253};

use super::super::fixture::biff::{Xls, formula, label, record};
use super::super::fixture::{Workbook, brief, briefs, error, open_chosen, row, rows};
use super::super::{Format, HowRead, RowOutcome, SheetError, sniff};
use crate::domain::certification::reading::Reading;

fn csv(text: &str) -> Vec<String> {
    briefs(text.as_bytes(), Format::Csv)
}

fn how(bytes: &[u8], format: Format, reading: &Reading) -> HowRead {
    open_chosen(bytes, format, reading)
        .expect("it opens")
        .read_through()
        .expect("it is whole")
        .1
}

fn refused(bytes: &[u8], reading: &Reading) -> SheetError {
    match open_chosen(bytes, Format::Csv, reading) {
        Err(error) => error,
        Ok(reader) => reader
            .filter_map(Result::err)
            .next()
            .expect("it is refused"),
    }
}

#[test]
fn names_in_up_to_four_columns_are_joined() {
    let text = "Primer nombre,Segundo nombre,Primer apellido,Segundo apellido,Correo,Cédula\n\
                Ana,María,Rojas,Peña,a@example.org,1\n\
                Luis,,Mora,,l@example.org,2\n\
                Eva,Sofía,,Gil,e@example.org,3\n\
                ,Sofía,Paz,Gil,z@example.org,4\n";
    assert_eq!(
        csv(text),
        [
            "2 Ana María Rojas Peña|1|a@example.org",
            "3 Luis Mora|2|l@example.org",
            "4 Primer apellido:REQUIRED",
            "5 Primer nombre:REQUIRED",
        ]
    );
    assert_eq!(
        csv(
            "Apellido paterno;Apellido materno;Nombre(s);RUN;E-mail\nSoto;Vera;Ana;1-9;a@example.cl\n"
        ),
        ["2 Ana Soto Vera|1-9|a@example.cl"]
    );
    assert_eq!(
        csv(
            "First Name,Middle Name,Last Name,Suffix,E-mail Address,Government ID Number\nJohn,Q.,Public,Jr.,j@example.com,77\n"
        ),
        ["2 John Q. Public Jr.|77|j@example.com"]
    );
    assert_eq!(
        csv("Nome,Cognome,Codice fiscale,Indirizzo email\nZoe,Rossi,RSSZOE,z@example.it\n"),
        ["2 Zoe Rossi|RSSZOE|z@example.it"]
    );
}

#[test]
fn dash_or_dot_in_place_of_a_name_part_is_ignored() {
    let text = "First name,Last name,Email,DNI\n\
                Suharto,-,s@example.org,1\n\
                .,Madonna,m@example.org,2\n\
                Sukarno,.,k@example.org,3\n\
                Ana,,a@example.org,4\n\
                -,-,x@example.org,5\n";
    assert_eq!(
        csv(text),
        [
            "2 Suharto|1|s@example.org",
            "3 Madonna|2|m@example.org",
            "4 Sukarno|3|k@example.org",
            "5 Last name:REQUIRED",
            "6 First name:REQUIRED",
        ]
    );
    assert_eq!(
        csv("Nombre,Correo,DNI\nSuharto,s@example.org,1\nPelé -,p@example.org,2\n"),
        ["2 Suharto|1|s@example.org", "3 Pelé|2|p@example.org"]
    );
    let workbook = Workbook::of(
        &[
            row(1, &["Nombres", "Apellidos", "Correo", "DNI"]),
            row(2, &["Suharto", "—", "s@example.org", "1"]),
        ]
        .concat(),
    );
    assert_eq!(
        briefs(&workbook.pack(), Format::Xlsx),
        ["2 Suharto|1|s@example.org"]
    );
}

#[test]
fn header_row_is_found_below_title_rows() {
    let text = "Attendee Report\nReport generated:,11/21/2026\nTopic,Webinar ID,Duration\n\"Course, of 2026\",123,60\n\
                Attendee Details\nAttended,User Name (Original Name),First Name,Last Name,Email,Passport\n\
                Yes,iPhone de Ana,Ana,Rojas,a@example.org,X1\n";
    assert_eq!(csv(text), ["7 Ana Rojas|X1|a@example.org"]);
    assert_eq!(
        how(text.as_bytes(), Format::Csv, &Reading::default()).header_row,
        6
    );

    let workbook = Workbook::of(
        &[
            row(1, &["Congreso 2026"]),
            row(3, &["", "Nombre", "Correo", "DNI"]),
            row(4, &["", "Ana", "a@example.org", "1"]),
        ]
        .concat(),
    );
    assert_eq!(
        briefs(&workbook.pack(), Format::Xlsx),
        ["4 Ana|1|a@example.org"]
    );

    let lacking = "Informe\nNombre completo,Correo,Nota\nAna,a@example.org,5\n";
    let output = error(lacking.as_bytes(), Format::Csv).to_string();
    assert!(
        output.starts_with("row 2 looks like the header row") && output.contains("documentNumber"),
        "{output}"
    );
    assert!(output.contains("mapping"), "{output}");

    let chosen = |row| Reading {
        header_row: Some(row),
        ..Reading::default()
    };
    let twice = "Nombre,Correo,DNI\nNombre,Correo,DNI\nAna,a@example.org,1\n";
    let read: Vec<_> = open_chosen(twice.as_bytes(), Format::Csv, &chosen(2))
        .expect("it opens")
        .collect();
    assert_eq!(read.len(), 1);
    assert_eq!(
        refused(b"\n\nNombre,Correo,DNI\n", &chosen(2)).code(),
        "NO_HEADER_ROW"
    );
    assert_eq!(
        refused(twice.as_bytes(), &chosen(3)).code(),
        "MISSING_COLUMNS"
    );
}

#[test]
fn mapping_makes_unknown_headers_readable() {
    let text = "Quién,Contacto digital,Carné,Apellido de casada\nAna Rojas,a@example.org,77,Mora\n";
    let mapping = [
        ("Quién", Some("fullName")),
        ("contacto digital", Some("email")),
        ("Carné", Some("documentNumber")),
        ("Apellido de casada", None),
    ];
    let mapping = mapping
        .map(|(header, field)| (header.to_owned(), field.map(str::to_owned)))
        .into();
    let reading = Reading {
        mapping,
        ..Reading::default()
    };
    let read = open_chosen(text.as_bytes(), Format::Csv, &reading).expect("it opens");
    let read: Vec<String> = read.map(|row| brief(&row.expect("whole"))).collect();
    assert_eq!(read, ["2 Ana Rojas|77|a@example.org"]);
    let how = how(text.as_bytes(), Format::Csv, &reading);
    assert_eq!(how.columns[3], ("Apellido de casada".to_owned(), None));
    // Mapped headers also determine the delimiter.
    let text = text.replace(',', ";").replace("Quién", "Quién, cómo");
    let mapping = [
        ("Quién, cómo", "fullName"),
        ("Contacto digital", "email"),
        ("Carné", "documentNumber"),
    ]
    .map(|(header, field)| (header.to_owned(), Some(field.to_owned())))
    .into_iter()
    .chain([("Apellido de casada".to_owned(), None)])
    .collect();
    let reading = Reading {
        mapping,
        ..Reading::default()
    };
    assert_eq!(
        open_chosen(text.as_bytes(), Format::Csv, &reading)
            .expect("it opens")
            .count(),
        1
    );
}

fn encoded(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    encoding.encode(text).0.into_owned()
}

#[test]
fn encoding_is_detected_from_the_names() {
    for (encoding, names) in [
        (
            WINDOWS_1250,
            [
                "Łukasz Źrebiec",
                "Małgorzata Dąbrowska",
                "Święta Ćwiklińska",
            ],
        ),
        (
            WINDOWS_1251,
            ["Щукина Юлия", "Ёлкин Пётр", "Ольга Кузнецова"],
        ),
        (
            WINDOWS_1253,
            ["Ιωάννα Αλεξίου", "Γιώργος Χατζής", "Ζωή Ρήγα"],
        ),
        (SHIFT_JIS, ["山田 太郎", "佐藤 花子", "鈴木 一郎"]),
        (
            encoding_rs::WINDOWS_1252,
            ["José Muñoz", "Begoña Ávila", "François Lefèvre"],
        ),
        (
            encoding_rs::WINDOWS_1252,
            ["Jürgen Groß", "Zoë Müller", "Åse Sørensen"],
        ),
    ] {
        let people: String = names
            .iter()
            .enumerate()
            .map(|(n, name)| format!("{name},p{n}@example.org,{n}7\r\n"))
            .collect();
        let bytes = encoded(&format!("Name,Email,Document number\r\n{people}"), encoding);
        let read = briefs(&bytes, Format::Csv);
        for (n, name) in names.iter().enumerate() {
            assert!(read[n].contains(name), "{}: {}", encoding.name(), read[n]);
        }
    }
}

#[test]
fn doubly_encoded_text_is_refused_until_its_encoding_is_given() {
    let text = "Nombre,Correo,DNI\nJosÃ© MuÃ±oz,j@example.org,1\nAna Gil,a@example.org,2\n";
    let error = refused(text.as_bytes(), &Reading::default());
    assert_eq!(error.code(), "MISREAD_TEXT");
    let output = error.for_uploader();
    assert!(
        output.contains("encoding=utf-8-twice reads \"José Muñoz\""),
        "{output}"
    );
    let twice = Reading {
        encoding: Some("utf-8-twice".to_owned()),
        ..Reading::default()
    };
    let read = open_chosen(text.as_bytes(), Format::Csv, &twice).expect("it opens");
    let read: Vec<String> = read.map(|row| brief(&row.expect("whole"))).collect();
    assert_eq!(
        read,
        ["2 José Muñoz|1|j@example.org", "3 Ana Gil|2|a@example.org"]
    );
    // A workbook has no encoding to choose, so only the row is rejected.
    let workbook = Workbook::of(
        &[
            row(1, &["Nombre", "Correo", "DNI"]),
            row(2, &["JosÃ© MuÃ±oz", "j@example.org", "1"]),
        ]
        .concat(),
    );
    assert_eq!(
        briefs(&workbook.pack(), Format::Xlsx),
        ["2 Nombre:MISREAD_TEXT"]
    );
    // A single implausible name in UTF-8 text also rejects only its row.
    assert_eq!(
        csv("Nombre,Correo,DNI\nJosŽ,j@example.org,1\nÁna,a@example.org,2\n"),
        ["2 Nombre:MISREAD_TEXT", "3 Ána|2|a@example.org"]
    );
}

#[test]
fn misread_text_names_the_encoding_of_headers_and_names() {
    for (label, bytes) in [
        ("macintosh", encoded("Nombre;Correo;N\u{9C}mero de documento\r", encoding_rs::WINDOWS_1252)),
        ("macintosh", [&b"Nombre;Correo;N\x9Cmero de documento\rAna Gil;a@example.org;1\rRa\x9Cl Paz;r@example.org;2\r"[..]].concat()),
        ("ibm850", [&b"Nombre;Correo;N\xA3mero de documento\r\nRa\xA3l Paz;r@example.org;2\r\n"[..]].concat()),
    ] {
        let error = refused(&bytes, &Reading::default());
        if bytes.len() < 50 {
            continue;
        }
        assert_eq!(error.code(), "MISREAD_TEXT", "{label}: {error}");
        let output = error.for_uploader();
        assert!(output.contains(&format!("encoding={label} reads \"Raúl Paz\"")), "{output}");
    }
}

#[test]
fn separator_lines_and_quotes_of_other_programs_are_read() {
    for start in [
        "sep=;\r\n",
        "\"sep=;\"\r\n",
        "\u{feff}\"sep=;\"\r\n",
        "SEP=;\n",
    ] {
        assert_eq!(
            csv(&format!("{start}Nombre;Correo;DNI\nAna;a@example.org;1\n")),
            ["2 Ana|1|a@example.org"],
            "{start:?}"
        );
    }
    // Saved again by a program that showed the separator line as a row, so that line counts as row
    // 1.
    assert_eq!(
        csv("sep=;,,\nNombre,Correo,DNI\nAna,a@example.org,1\n"),
        ["3 Ana|1|a@example.org"]
    );
    assert_eq!(
        csv("\"sep=;\",,\nNombre,Correo,DNI\nAna,a@example.org,1\n"),
        ["3 Ana|1|a@example.org"]
    );
    assert_eq!(
        csv("sep=;\nNombre,Correo,DNI\nAna,a@example.org,1\n"),
        ["2 Ana|1|a@example.org"]
    );

    let backslashes = "\"Nombre\",\"Correo\",\"DNI\",\"Nota\"\n\"Ana \\\"Anita\\\" Rojas\",\"a@example.org\",\"1\",\"a, \\\"b\\\", c\"\n";
    assert_eq!(csv(backslashes), ["2 Ana \"Anita\" Rojas|1|a@example.org"]);
    assert_eq!(
        csv("Nombre,Correo,DNI\n\"Ana\" Rojas,a@example.org,1\n\"Eva \"Gil\",e@example.org,2\n"),
        ["2 Ana Rojas|1|a@example.org", "3 Nombre:STRAY_QUOTE"]
    );
    assert_eq!(
        csv("Nombre; Correo; DNI\nEva; \"e@example.org\"; \"7;7\"\n"),
        ["2 Eva|7;7|e@example.org"]
    );
    let many = rows(
        b"Nombre,Correo,DNI\nMora, Luis \"Lucho,l@example.org,1\n",
        Format::Csv,
    );
    let RowOutcome::Rejected { errors, .. } = &many[0].outcome else {
        panic!("too many fields")
    };
    assert!(
        errors[0].code == "FIELD_COUNT" && errors[0].message.contains("quotation mark"),
        "{}",
        errors[0].message
    );
}

#[test]
fn invalid_address_message_names_the_invalid_character() {
    let message = |address: &str| {
        let found = rows(
            format!("Nombre\tCorreo\tDNI\nAna\t{address}\t1\n").as_bytes(),
            Format::Csv,
        );
        match &found[0].outcome {
            RowOutcome::Rejected { errors, .. } => errors[0].message.clone(),
            RowOutcome::Person { .. } => panic!("{address}"),
        }
    };
    assert!(message("an\"a@example.org").contains("quotation mark"));
    assert!(message("“ana”@example.org").contains("quotation mark"));
    let output = message("aná@example.org");
    assert!(output.contains("accent"), "{output}");
    assert!(message("a na@example.org").contains("space"));
    assert!(
        message("Ana <ana@example.org").contains("bracket")
            || message("Ana <ana@example.org").contains("space")
    );
}

#[test]
fn formula_text_in_a_csv_cell_is_rejected() {
    assert_eq!(
        csv(
            "Nombre,Correo,DNI\n=A1&B1,a@example.org,1\n\"=\"\"Eva \"\"\"\"La\"\"\"\" Gil\"\"\",e@example.org,2\n"
        ),
        ["2 Nombre:FORMULA_TEXT", "3 Eva \"La\" Gil|2|e@example.org"]
    );
}

#[test]
fn conditional_number_formats_keep_leading_zeros() {
    let cells = |number: u32, style: u32, value: &str| {
        format!(
            r#"<row r="{number}"><c t="inlineStr"><is><t>Ada</t></is></c><c t="inlineStr"><is><t>a@example.org</t></is></c><c s="{style}"><v>{value}</v></c></row>"#
        )
    };
    let mut workbook = Workbook::of(
        &[
            row(1, &["Nombre", "Correo", "DNI"]),
            cells(2, 1, "1234"),
            cells(3, 1, "12345678"),
            cells(4, 2, "1234567"),
            cells(5, 3, "1234"),
        ]
        .concat(),
    );
    workbook.styles = r##"<styleSheet><numFmts><numFmt numFmtId="170" formatCode="[&lt;=9999999]0000000;00000000"/><numFmt numFmtId="171" formatCode="0#######"/><numFmt numFmtId="172" formatCode="[Red][&gt;=1000]000000;General"/></numFmts>
        <cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="171"/><xf numFmtId="172"/></cellXfs></styleSheet>"##;
    let documents: Vec<String> = briefs(&workbook.pack(), Format::Xlsx)
        .iter()
        .map(|row| row.split('|').nth(1).unwrap_or(row).to_owned())
        .collect();
    assert_eq!(documents, ["0001234", "12345678", "01234567", "001234"]);
}

#[test]
fn formula_without_a_result_is_rejected_in_a_row_with_data() {
    let header = row(1, &["Nombre", "Correo", "DNI", "País"]);
    let cells = r#"<row r="2"><c t="inlineStr"><is><t>Ada</t></is></c><c t="inlineStr"><is><t>a@example.org</t></is></c><c><v>1</v></c><c t="str"><f>IF(A1="","x","")</f><v></v></c></row>
        <row r="3"><c t="inlineStr"><is><t>Bea</t></is></c><c t="inlineStr"><is><t>b@example.org</t></is></c><c><f>1+1</f></c><c><v>5</v></c></row>"#;
    let workbook = Workbook::of(&[&header, cells].concat());
    // An empty string is a valid result of a formula.
    assert_eq!(
        briefs(&workbook.pack(), Format::Xlsx),
        ["2 Ada|1|a@example.org", "3 DNI:NOT_CALCULATED"]
    );

    let blank = [3, 0, 0, 0, 0, 0, 0xFF, 0xFF];
    let person = |row: u16| {
        [
            label(row, 0, "Ada"),
            label(row, 1, "a@example.org"),
            label(row, 2, "1"),
        ]
        .concat()
    };
    let people = |more: Vec<u8>| {
        Xls::of(
            [
                Xls::row(0, &["Nombre", "Correo", "DNI", "País"]),
                person(1),
                more,
            ]
            .concat(),
        )
    };
    let never = people(formula(1, 3, blank));
    assert_eq!(
        briefs(&never.pack(), Format::Xls),
        ["2 País:NOT_CALCULATED"]
    );
    let calculated = people(
        [
            formula(1, 3, blank),
            formula(2, 4, 7.0_f64.to_le_bytes()),
            person(2),
        ]
        .concat(),
    );
    assert_eq!(
        briefs(&calculated.pack(), Format::Xls)[0],
        "2 Ada|1|a@example.org"
    );
    let mut excel = people(formula(1, 3, blank));
    excel.globals = record(0x01C1, &[0xC1, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        briefs(&excel.pack(), Format::Xls),
        ["2 Ada|1|a@example.org"]
    );
}

#[test]
fn hidden_rows_and_sheets_of_xls_are_skipped_unless_requested() {
    let hidden = |row: u16| {
        record(
            0x0208,
            &[
                &row.to_le_bytes()[..],
                &[0, 0, 4, 0, 0xFF, 0, 0, 0, 0, 0],
                &[0x20, 1, 0x0F, 0],
            ]
            .concat(),
        )
    };
    let people = [
        Xls::row(0, &["Nombre", "Correo", "DNI"]),
        hidden(1),
        Xls::row(1, &["No Vino", "n@example.org", "1"]),
        Xls::row(2, &["Ana Gil", "a@example.org", "2"]),
    ]
    .concat();
    let mut workbook = Xls::of(people.clone());
    workbook.sheets.push(("Viejo", 1, people));
    let bytes = workbook.pack();
    assert_eq!(briefs(&bytes, Format::Xls), ["3 Ana Gil|2|a@example.org"]);
    let how = how(&bytes, Format::Xls, &Reading::default());
    assert_eq!((how.hidden.count, how.hidden.rows[0].1), (1, 2));
    let states: Vec<_> = how
        .sheets
        .iter()
        .map(|sheet| (sheet.name.as_str(), sheet.fate.name()))
        .collect();
    assert_eq!(states, [("People", "read"), ("Viejo", "hidden")]);
    let chosen = Reading {
        hidden_rows: true,
        sheets: Some("Viejo".to_owned()),
        ..Reading::default()
    };
    assert_eq!(
        open_chosen(&bytes, Format::Xls, &chosen)
            .expect("it opens")
            .count(),
        2
    );
}

#[test]
fn prefilled_rows_without_a_person_are_blank() {
    let mut workbook = Workbook::of(&row(1, &["N.º", "Nombre", "Correo", "DNI", "Asistió"]));
    let rest: String = (2..40)
        .map(|n| {
            format!(
                r#"<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="E{n}" t="b"><v>0</v></c></row>"#
            )
        })
        .collect();
    workbook.sheets[0].2 += &rest;
    workbook.sheets[0].2 += &row(40, &["40", "Ana", "a@example.org", "1", "TRUE"]);
    let bytes = workbook.pack();
    assert_eq!(briefs(&bytes, Format::Xlsx), ["40 Ana|1|a@example.org"]);
    assert_eq!(
        how(&bytes, Format::Xlsx, &Reading::default()).blank_rows,
        38
    );
    // A row with a filled cell outside the fields is not an unused row.
    assert_eq!(
        csv("N,Nombre,Correo,DNI,Tel\n1,,,,3001234567\n2,,,,\n").len(),
        1
    );
}

#[test]
fn web_pages_named_as_workbooks_are_refused() {
    for (start, what) in [
        (
            "MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\nContent-Type: multipart/related; boundary=\"x\"\r\n",
            "MHTML",
        ),
        (
            "<html xmlns:x=\"urn:schemas-microsoft-com:office:excel\"><table>",
            "a web page",
        ),
        (
            "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">",
            "an XML document",
        ),
    ] {
        let error = sniff(start.as_bytes()).expect_err("no workbook");
        assert!(
            error.to_string().contains(what) && error.to_string().contains("XLSX"),
            "{error}"
        );
    }
}

#[test]
fn error_of_a_sheet_contains_the_sheet_name() {
    let workbook = Workbook::of(&row(1, &["Nombre", "Correo"]));
    let output = error(&workbook.pack(), Format::Xlsx).to_string();
    assert!(
        output.starts_with("sheet \"People\": row 1 looks like the header row"),
        "{output}"
    );
}

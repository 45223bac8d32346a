//! Full names that have the surname first.

use super::super::fixture::{Workbook, briefs, names_of, open_bytes, row};
use super::super::{Format, SheetError};
use crate::domain::certification::reading::Reading;

fn names(header: &str, names: &[&str]) -> Vec<String> {
    names_of(&text(header, names), &Reading::default()).expect("a header row")
}

fn text(header: &str, names: &[&str]) -> String {
    let rows = names
        .iter()
        .enumerate()
        .map(|(n, name)| format!("\"{name}\",p{n}@example.org,{n}7\n"));
    format!("\"{header}\",Correo,DNI\n{}", rows.collect::<String>())
}

fn read_through(header: &str, names: &[&str]) -> Result<u32, SheetError> {
    let reader = open_bytes(text(header, names).as_bytes(), Format::Csv).expect("a header row");
    reader.read_through().map(|(rows, _)| rows)
}

#[test]
fn surname_is_moved_behind_given_name_if_the_header_says_so() {
    for header in [
        "Apellidos y nombres",
        "APELLIDOS, NOMBRES",
        "Last name, first name",
        "Surname, given name",
        "Name (Last, First)",
        "Nachname, Vorname",
        "Cognome e nome",
    ] {
        let written = ["Rojas, Ana", "Pérez, Juan, Jr.", "Gil Mora Eva"];
        assert_eq!(
            names(header, &written),
            ["Ana Rojas", "Juan Pérez, Jr.", "Gil Mora Eva"],
            "{header}"
        );
        assert!(read_through(header, &written).is_ok(), "{header}");
    }
}

#[test]
fn surname_first_without_a_matching_header_is_refused() {
    for header in [
        "Student",
        "Name",
        "Nombre completo",
        "Nombres y apellidos",
        "Participante",
    ] {
        let error =
            read_through(header, &["Rojas, Ana", "", "Gil, Eva", "Luis Mora"]).expect_err(header);
        assert_eq!(error.code(), "SURNAME_FIRST", "{header}");
        let message = error.for_uploader();
        assert!(
            message.contains(header) && message.contains("row 2"),
            "{message}"
        );
        assert!(
            message.contains("Apellidos y nombres") && message.contains("Last name, first name"),
            "{message}"
        );
        assert!(!message.contains("Rojas"), "{message}");
        // A name with a comma is never accepted as written, even if few names have one.
        assert_eq!(
            names(header, &["Rojas, Ana", "Eva Gil", "Luis Mora"]),
            ["INVALID_NAME", "Eva Gil", "Luis Mora"]
        );
        assert!(read_through(header, &["Rojas, Ana", "Eva Gil", "Luis Mora"]).is_ok());
    }
    let workbook = Workbook::of(
        &(row(1, &["Name", "Correo", "DNI"]) + &row(2, &["Rojas, Ana", "a@example.org", "1"])),
    );
    assert_eq!(
        briefs(&workbook.pack(), Format::Xlsx),
        ["2 Name:INVALID_NAME"]
    );
    let error = open_bytes(&workbook.pack(), Format::Xlsx)
        .expect("it opens")
        .read_through()
        .expect_err("refused");
    assert!(
        error
            .to_string()
            .starts_with("sheet \"People\": most names"),
        "{error}"
    );
}

#[test]
fn suffixes_behind_a_comma_are_kept() {
    let written = [
        "Juan Pérez, Jr.",
        "Ana Gil, PhD",
        "Eva Mora, MD",
        "John Public, II",
    ];
    assert_eq!(names("Name", &written), written);
    assert!(read_through("Name", &written).is_ok());
}

#[test]
fn names_in_an_own_export_are_read_unchanged() {
    let text = "attendee_id,Nombre completo,Correo,DNI\n7,\"Ana Gil, MD\",a@example.org,1\n";
    assert_eq!(
        names_of(text, &Reading::default()).expect("a header row"),
        ["Ana Gil, MD"]
    );
}

#[test]
fn advertisement_columns_of_a_lead_export_are_not_names() {
    let text = "id,ad_name,adset_name,campaign_name,form_name,platform,full_name,email\n\
                1,Anuncio Uno,Madres,Verano,Curso Gratis,fb,Ana Rojas,a@example.org\n";
    assert_eq!(
        names_of(text, &Reading::default()).expect("a header row"),
        ["Ana Rojas"]
    );
    let text =
        "ad_name,first_name,platform,last_name,email\nAnuncio Uno,Ana,fb,Rojas,a@example.org\n";
    assert_eq!(
        names_of(text, &Reading::default()).expect("a header row"),
        ["Ana Rojas"]
    );
}

fn briefs_of(text: &str) -> Vec<String> {
    briefs(text.as_bytes(), Format::Csv)
}

#[test]
fn name_column_is_ignored_if_a_certificate_name_is_present() {
    assert_eq!(
        briefs_of(
            "Nombre en certificado,Nombre,Apellidos,Correo,DNI\n\
             Ana Rojas,Anita,,a@example.org,1\n\
             -,Luis,Mora,l@example.org,2\n"
        ),
        ["2 Ana Rojas|1|a@example.org", "3 Luis Mora|2|l@example.org"]
    );
    assert_eq!(
        briefs_of(
            "Nombre completo para el certificado,First name,Name,Last name,Email,DNI\n\
             Ana Rojas,,Anita Rojas,,a@example.org,1\n"
        ),
        ["2 Ana Rojas|1|a@example.org"]
    );
}

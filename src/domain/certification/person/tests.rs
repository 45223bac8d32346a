//! Accepted and rejected values of a person's fields.

use proptest::prelude::*;

use super::*;

mod invisible;
mod ways_in;

fn raw(name: &str, document: &str, email: &str) -> RawPerson {
    RawPerson {
        full_name: Some(name.to_owned()),
        document_number: Some(document.to_owned()),
        email: Some(email.to_owned()),
        ..RawPerson::default()
    }
}

fn codes(raw: RawPerson) -> Vec<(&'static str, &'static str)> {
    match raw.check(true) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .into_iter()
            .map(|error| (error.field, error.code))
            .collect(),
    }
}

fn unchecked(person: Person) -> RawPerson {
    let open = |value: Option<Personal<String>>| value.map(Personal::into_revealed);
    RawPerson {
        full_name: Some(person.full_name.into_revealed()),
        first_name: None,
        last_name: None,
        country: open(person.country),
        document_type: open(person.document_type),
        document_number: open(person.document_number),
        gender: open(person.gender),
        email: Some(person.email.into_revealed()),
    }
}

#[test]
fn names_of_many_scripts_are_accepted() {
    for name in [
        "José Ñandú-O'Higgins",
        "Nguyễn Thị Ánh",
        "İbrahim Çağlayan",
        "Δήμητρα Παππά",
        "Ольга Щербакова",
        "محمد عبد الله",
        "高橋 さくら",
        "मी\u{200D}रा",
        "علی\u{200C}رضا",
    ] {
        assert_eq!(codes(raw(name, "1", "a@example.com")), [], "{name}");
    }
}

#[test]
fn text_is_trimmed_and_composed() {
    let person = raw("  Jose\u{301}\u{a0}", " 007 ", "\tA@Example.com\n")
        .check(true)
        .expect("only space around");
    assert_eq!(person.full_name.reveal_str(), "José");
    assert_eq!(person.document_number, Some("007".to_owned().into()));
    assert_eq!(person.email.reveal_str(), "A@Example.com");
}

#[test]
fn first_and_last_name_make_the_full_name() {
    let parts = |full: Option<&str>, first: Option<&str>, last: Option<&str>| RawPerson {
        full_name: full.map(str::to_owned),
        first_name: first.map(str::to_owned),
        last_name: last.map(str::to_owned),
        ..raw("", "1", "a@example.com")
    };
    let joined = parts(Some(" "), Some(" Ada "), Some("Lovelace"))
        .check(true)
        .expect("both parts");
    assert_eq!(joined.full_name.reveal_str(), "Ada Lovelace");
    let whole = parts(Some("Ada King"), Some("Ada"), None)
        .check(true)
        .expect("the full name wins");
    assert_eq!(whole.full_name.reveal_str(), "Ada King");
    assert_eq!(
        codes(parts(None, Some("Ada"), None)),
        [("lastName", "REQUIRED")]
    );
    assert_eq!(
        codes(parts(None, None, Some("King"))),
        [("firstName", "REQUIRED")]
    );
    assert_eq!(codes(parts(None, None, None)), [("fullName", "REQUIRED")]);
}

#[test]
fn dash_in_place_of_a_name_part_is_not_printed() {
    let parts = |first: &str, last: &str| RawPerson {
        full_name: None,
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        ..raw("", "1", "a@example.com")
    };
    for (first, last) in [
        ("Sukarno", "-"),
        ("Sukarno", "."),
        ("-", "Sukarno"),
        ("Sukarno", "—"),
        (" Sukarno ", "N/A"),
    ] {
        let person = parts(first, last)
            .check(true)
            .expect("a person with one name");
        assert_eq!(person.full_name.reveal_str(), "Sukarno", "{first} {last}");
    }
    assert_eq!(
        codes(parts("-", ".")),
        [("firstName", "REQUIRED"), ("lastName", "REQUIRED")]
    );
    let null = parts("Ana", "Nul").check(true).expect("two names");
    assert_eq!(null.full_name.reveal_str(), "Ana Nul");
    for (written, name) in [
        ("Sukarno -", "Sukarno"),
        (". Sukarno", "Sukarno"),
        ("Ana - Luz", "Ana - Luz"),
    ] {
        let person = raw(written, "1", "a@example.com")
            .check(true)
            .expect("a person with one name");
        assert_eq!(person.full_name.reveal_str(), name);
    }
    for nobody in ["-", "N/A", "null", ". -"] {
        assert_eq!(
            codes(raw(nobody, "1", "a@example.com")),
            [("fullName", "REQUIRED")],
            "{nobody}"
        );
    }
}

#[test]
fn placeholder_is_not_a_document_number() {
    for placeholder in ["N/A", "0", "-", "sin documento", " Sin Documento "] {
        assert_eq!(
            codes(raw("Ada", placeholder, "a@example.com")),
            [("documentNumber", "PLACEHOLDER")]
        );
        let person = raw("Ada", placeholder, "a@example.com")
            .check(false)
            .expect("none is required");
        assert_eq!(person.document_number, None);
        let entry = raw("Ada", placeholder, "a@example.com")
            .check_entry()
            .expect("checked later");
        assert_eq!(entry.document, DocumentEntry::Placeholder);
        assert!(entry.check_placeholder(true).is_err() && entry.check_placeholder(false).is_ok());
    }
    let without = RawPerson {
        document_number: None,
        ..raw("Ada", "", "a@example.com")
    };
    assert_eq!(codes(without.clone()), [("documentNumber", "REQUIRED")]);
    assert_eq!(
        without
            .check(false)
            .expect("none is required")
            .document_number,
        None
    );
}

#[test]
fn blank_fields_of_a_row_keep_the_stored_values() {
    let known = RawPerson {
        country: Some("Colombia".to_owned()),
        gender: Some("F".to_owned()),
        ..raw("Ana Rojas", "7", "ana@example.com")
    };
    let known = known.check(true).expect("a valid person");
    let row = RawPerson {
        full_name: Some("Ana Rojas Peña".to_owned()),
        country: Some(" ".to_owned()),
        gender: Some("N/A".to_owned()),
        document_number: Some("n/a".to_owned()),
        ..RawPerson::default()
    };
    let changed = row.check_entry().expect("a row").over(&known);
    assert_eq!(
        changed,
        Person {
            full_name: "Ana Rojas Peña".to_owned().into(),
            ..known
        }
    );
}

#[test]
fn all_errors_are_reported_at_once() {
    let nothing = RawPerson {
        gender: Some("x".repeat(101)),
        ..RawPerson::default()
    };
    let expected = [
        ("fullName", "REQUIRED"),
        ("documentNumber", "REQUIRED"),
        ("gender", "TOO_LONG"),
        ("email", "REQUIRED"),
    ];
    assert_eq!(codes(nothing), expected);
}

#[test]
fn length_limits_count_characters_and_not_bytes() {
    assert_eq!(
        codes(raw(&"é".repeat(200), &"9".repeat(64), "a@example.com")),
        []
    );
    let long = raw(&"é".repeat(201), &"9".repeat(65), "a@example.com");
    assert_eq!(
        codes(long),
        [("fullName", "TOO_LONG"), ("documentNumber", "TOO_LONG")]
    );
}

#[test]
fn characters_that_do_not_print_are_refused_by_code_point() {
    for (character, code_point) in [
        ('\n', "U+000A"),
        ('\r', "U+000D"),
        ('\0', "U+0000"),
        ('\u{7f}', "U+007F"),
        ('\u{85}', "U+0085"),
        ('\u{202e}', "U+202E"),
        ('\u{2066}', "U+2066"),
        ('\u{200f}', "U+200F"),
        ('\u{61c}', "U+061C"),
        ('\u{200b}', "U+200B"),
        ('\u{200d}', "U+200D"),
        ('\u{feff}', "U+FEFF"),
        ('\u{e000}', "U+E000"),
        ('\u{fdd0}', "U+FDD0"),
        ('\u{fffd}', "U+FFFD"),
        ('\u{2028}', "U+2028"),
        ('\u{e0041}', "U+E0041"),
    ] {
        let errors = raw(&format!("Ada{character}Secret"), "1", "a@example.com")
            .check(true)
            .expect_err(code_point);
        assert_eq!(
            (errors[0].field, errors[0].code),
            ("fullName", "FORBIDDEN_CHARACTER")
        );
        assert!(
            errors[0].message.contains(code_point),
            "{}",
            errors[0].message
        );
        assert!(
            errors[0].message.contains("character 4"),
            "{}",
            errors[0].message
        );
        assert!(
            !errors[0].message.contains("Secret"),
            "{}",
            errors[0].message
        );
    }
}

#[test]
fn name_needs_a_letter_and_document_number_a_letter_or_digit() {
    let empty_words = raw("-- 12", ". - .", "a@example.com");
    assert_eq!(
        codes(empty_words),
        [
            ("fullName", "INVALID_NAME"),
            ("documentNumber", "PLACEHOLDER")
        ]
    );
    assert_eq!(
        codes(raw("Ada", "€ £", "a@example.com")),
        [("documentNumber", "INVALID_DOCUMENT_NUMBER")]
    );
}

#[test]
fn damaged_names_are_rejected() {
    for name in [
        "Jos? Mu?oz",
        "#N/A",
        "#¿NOMBRE?",
        "FALSO",
        "Jos&eacute;",
        "Jos\\u00e9",
        "Jos%C3%A9",
        "Ana Ruiz <ana@x.org>",
        "ana@x.org",
    ] {
        assert_eq!(
            codes(raw(name, "1", "a@example.com")),
            [("fullName", "INVALID_NAME")],
            "{name}"
        );
        assert!(
            raw(name, "1", "a@example.com").check_entry().is_err(),
            "{name}"
        );
    }
    let parts = |first: &str, last: &str| RawPerson {
        full_name: None,
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        ..raw("", "1", "a@example.com")
    };
    assert_eq!(codes(parts("Ana", "#REF!")), [("lastName", "INVALID_NAME")]);
    assert_eq!(
        codes(parts("Jos?", "Mora")),
        [("firstName", "INVALID_NAME")]
    );
    let errors = raw("Secret?o", "1", "a@example.com")
        .check(true)
        .expect_err("a lost letter");
    assert!(
        !errors[0].message.contains("Secret"),
        "{}",
        errors[0].message
    );
}

#[test]
fn full_name_with_the_last_name_first_is_rejected() {
    for written in ["Ruiz, Ana", "RUIZ PEÑA, ANA", "Ruiz, Ana,"] {
        let errors = raw(written, "1", "a@example.com")
            .check(true)
            .expect_err(written);
        assert_eq!(errors[0].code, "INVALID_NAME");
        assert!(errors[0].message.contains("comma"), "{}", errors[0].message);
    }
}

#[test]
fn commas_and_semicolons_at_the_end_are_removed() {
    for (written, name) in [
        ("Ana Ruiz,", "Ana Ruiz"),
        ("Ana Ruiz ;", "Ana Ruiz"),
        ("Ana Ruiz -,;", "Ana Ruiz"),
        ("Sammy Davis, Jr.,", "Sammy Davis, Jr."),
    ] {
        let person = raw(written, "1", "a@example.com")
            .check(true)
            .expect("a name");
        assert_eq!(person.full_name.reveal_str(), name, "{written}");
    }
    let parts = RawPerson {
        full_name: None,
        first_name: Some("Ana,".to_owned()),
        last_name: Some("Ruiz;".to_owned()),
        ..raw("", "1", "a@example.com")
    };
    assert_eq!(
        parts.check(true).expect("two names").full_name.reveal_str(),
        "Ana Ruiz"
    );
}

#[test]
fn invalid_mail_addresses_are_rejected() {
    let longest = format!(
        "{}@{}.{}.{}.com",
        "a".repeat(64),
        "b".repeat(61),
        "c".repeat(61),
        "d".repeat(60)
    );
    assert_eq!(longest.len(), 64 + 1 + 61 + 1 + 61 + 1 + 60 + 4);
    for good in [
        "a@example.com",
        "o'brien+x@sub.example.org",
        "n@ñandú.example",
        &longest,
    ] {
        assert_eq!(codes(raw("Ada", "1", good)), [], "{good}");
    }
    for bad in [
        "ada",
        "@example.com",
        "ada@",
        "ada@example",
        "ada@@example.com",
        "a@b@example.com",
        "ada lovelace@example.com",
        "ada@exam ple.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..b@example.com",
        "ada@-example.com",
        "ada@example-.com",
        "ada@example..com",
        "ada@example.com.",
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        "\"ada\"@example.com",
        "ada@example.com,b@example.com",
        "Ada <ada@example.com>",
        "añ@example.com",
        &format!("{}@example.com", "a".repeat(65)),
        &format!("a@{}.com", "b".repeat(64)),
        &format!("a@{}com", "ñ.".repeat(50)),
    ] {
        assert_eq!(
            codes(raw("Ada", "1", bad)),
            [("email", "INVALID_EMAIL")],
            "{bad}"
        );
    }
    let long = format!("a@{}com", "bcd.".repeat(63));
    assert_eq!(codes(raw("Ada", "1", &long)), [("email", "TOO_LONG")]);
}

#[test]
fn spellings_of_one_mailbox_or_document_number_normalise_equally() {
    let person = |document: &str, email: &str| {
        raw("Ada", document, email)
            .check(true)
            .expect("a valid person")
    };
    let one = person("x-12.345 678", "Ada.L@München.example");
    let other = person("Ｘ12345678", "ada.l@XN--MNCHEN-3YA.example");
    assert_eq!(
        one.normalised_email().reveal_str(),
        "ada.l@xn--mnchen-3ya.example"
    );
    assert_eq!(one.normalised_email(), other.normalised_email());
    assert_eq!(
        one.normalised_document(),
        Some("x12345678".to_owned().into())
    );
    assert_eq!(one.normalised_document(), other.normalised_document());
    assert_ne!(
        person("007", "a@example.com").normalised_document(),
        person("7", "a@example.com").normalised_document()
    );
}

#[test]
fn debug_output_hides_personal_data_and_json_contains_it() {
    let person = raw("Ada", "7", "ada@example.com")
        .check(true)
        .expect("a valid person");
    let shown = format!("{person:?} {:?}", raw("Ada", "7", "ada@example.com"));
    assert!(!shown.contains("Ada") && !shown.contains("ada@"), "{shown}");
    let json = serde_json::to_value(&person).expect("a person serialises");
    assert_eq!(
        json,
        serde_json::json!({"fullName": "Ada", "documentNumber": "7", "email": "ada@example.com"})
    );
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        any::<String>().prop_map(Some),
        proptest::collection::vec(any::<char>(), 0..8)
            .prop_map(|text| Some(text.into_iter().collect())),
    ]
}

fn plausible(pattern: &'static str) -> impl Strategy<Value = Option<String>> {
    prop_oneof![4 => proptest::string::string_regex(pattern).expect("a valid pattern").prop_map(Some), 1 => any_text()]
}

prop_compose! {
    fn any_raw()(
        full_name in plausible("[ \u{a0}]?\\PC{0,12}"),
        first_name in any_text(),
        last_name in any_text(),
        country in any_text(),
        document_type in any_text(),
        document_number in plausible("\\PC{1,12}"),
        gender in any_text(),
        email in plausible("[a-zA-Z.+]{1,6}@[a-zñé]{1,5}\\.[a-z]{2,3}"),
    ) -> RawPerson {
        RawPerson { full_name, first_name, last_name, country, document_type, document_number, gender, email }
    }
}

proptest! {
    #[test]
    fn checking_never_panics_and_accepts_its_own_result(raw in any_raw()) {
        match raw.check(true) {
            Err(errors) => prop_assert!(!errors.is_empty()),
            Ok(person) => {
                let json = serde_json::to_string(&person).expect("a person serialises");
                let unprintable = |c: char| c.is_control() || "\u{202e}\u{200f}\u{2066}\u{feff}".contains(c);
                prop_assert!(!json.chars().any(unprintable));
                prop_assert!(person.normalised_document().is_some_and(|number| !number.reveal_str().is_empty()));
                prop_assert_eq!(unchecked(person.clone()).check(true), Ok(person));
            }
        }
    }

    #[test]
    fn normalising_twice_changes_nothing(raw in any_raw()) {
        if let Ok(person) = raw.check(true) {
            let mailbox = person.normalised_email();
            prop_assert_eq!(&email::normalise(mailbox.reveal_str()), mailbox.reveal());
            let document = person.normalised_document().expect("a document is required");
            prop_assert_eq!(&normalised_document(document.reveal_str()), document.reveal());
        }
    }

    #[test]
    fn accepted_name_contains_no_forbidden_character(name in "\\PC{0,6}[\\s\\S]\\PC{1,6}") {
        if let Ok(person) = raw(&name, "1", "a@example.com").check(true) {
            let bad = |c: char| characters::is_forbidden(c) && !matches!(c, '\u{200c}' | '\u{200d}');
            prop_assert!(!person.full_name.reveal_str().chars().any(bad));
        }
    }
}

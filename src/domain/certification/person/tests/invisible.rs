//! Tests with invisible characters, which are removed, replaced, trimmed, or named in an error.

use super::{codes, raw};
use crate::domain::{clean_line, trimmed};

fn name(written: &str) -> Result<String, String> {
    match raw(written, "1", "a@example.com").check(true) {
        Ok(person) => Ok(person.full_name.into_revealed()),
        Err(errors) => Err(format!("{}: {}", errors[0].code, errors[0].message)),
    }
}

#[test]
fn every_space_of_unicode_becomes_one_space() {
    for space in [
        ' ', '\u{A0}', '\u{1680}', '\u{2000}', '\u{2001}', '\u{2002}', '\u{2003}', '\u{2004}',
        '\u{2005}', '\u{2006}', '\u{2007}', '\u{2008}', '\u{2009}', '\u{200A}', '\u{202F}',
        '\u{205F}', '\u{3000}',
    ] {
        let code = u32::from(space);
        assert_eq!(
            name(&format!("Ana{space}Rojas")).as_deref(),
            Ok("Ana Rojas"),
            "U+{code:04X}"
        );
        assert_eq!(
            name(&format!("{space}Ana{space}{space} Rojas{space}")).as_deref(),
            Ok("Ana Rojas")
        );
    }
    let person = raw("Ana", "N\u{202F}46\u{A0}000", "a@example.com")
        .check(true)
        .expect("valid");
    assert_eq!(person.document_number, Some("N 46 000".to_owned().into()));
}

#[test]
fn ignorable_characters_are_dropped() {
    for ignorable in [
        '\u{034F}',
        '\u{17B4}',
        '\u{180B}',
        '\u{180F}',
        '\u{2060}',
        '\u{FE00}',
        '\u{FE0E}',
        '\u{FE0F}',
        '\u{16FE4}',
        '\u{E0100}',
        '\u{E01EF}',
    ] {
        let code = u32::from(ignorable);
        assert_eq!(
            name(&format!("葛{ignorable}城 A{ignorable}na{ignorable}")).as_deref(),
            Ok("葛城 Ana"),
            "U+{code:04X}"
        );
        assert_eq!(
            name(&ignorable.to_string())
                .expect_err("no name")
                .split(':')
                .next(),
            Some("INVALID_NAME")
        );
    }
    // After the character between them is removed, the mark and its letter are composed.
    assert_eq!(name("Jose\u{034F}\u{301}").as_deref(), Ok("José"));
}

#[test]
fn name_of_invisible_characters_is_rejected() {
    for blank in [
        "\u{3164}",
        "\u{3164}\u{3164} \u{3164}",
        "\u{115F}\u{1160}",
        "\u{1160}",
        "\u{FFA0}",
        "\u{2800}\u{2800}",
        "\u{13441}\u{13442}",
        "\u{200B}\u{3164}\u{FEFF}",
        "\u{AD}\u{2060}",
    ] {
        let message = name(blank).expect_err("no name");
        assert!(
            message.starts_with("INVALID_NAME: fullName has no visible character"),
            "{message}"
        );
    }
    for missing in ["", "  ", "\u{A0}", "\u{FEFF}", "\u{200B} \u{200E}"] {
        assert_eq!(
            codes(raw(missing, "1", "a@example.com")),
            [("fullName", "REQUIRED")],
            "{missing:?}"
        );
    }
    assert_eq!(name("Ana \u{3164}").as_deref(), Ok("Ana"));
    assert_eq!(name("김\u{3164}철수").as_deref(), Ok("김 철수"));
    let parts = |first: &str, last: &str| {
        let parts = super::RawPerson {
            full_name: Some("\u{3164}".to_owned()),
            first_name: Some(first.to_owned()),
            last_name: Some(last.to_owned()),
            ..raw("", "1", "a@example.com")
        };
        parts
            .check(true)
            .map(|person| person.full_name.into_revealed())
    };
    assert_eq!(
        parts("Ana\u{3164}", "\u{FEFF}Rojas").as_deref(),
        Ok("Ana Rojas")
    );
    assert_eq!(
        parts("\u{3164}", "\u{2800}").expect_err("no name")[0].code,
        "INVALID_NAME"
    );
}

#[test]
fn format_characters_are_trimmed_at_both_ends() {
    for around in [
        "\u{FEFF}",
        "\u{200B}",
        "\u{200E}",
        "\u{200F}",
        "\u{AD}",
        "\u{61C}",
        "\u{202A}",
        "\u{202C}",
        "\u{2066}",
        "\u{2069}",
        "\u{200C}",
        "\u{200D}",
        "\u{200B} \u{FEFF}\t",
    ] {
        let written = format!("{around}Ana Rojas{around}");
        assert_eq!(name(&written).as_deref(), Ok("Ana Rojas"), "{around:?}");
        let contact = raw(
            "Ana",
            &format!("{around}7{around}"),
            &format!("{around}a@example.com{around}"),
        );
        let person = contact.check(true).expect("trimmed");
        let document = person
            .document_number
            .as_ref()
            .map(|number| number.reveal_str());
        assert_eq!(
            (document, person.email.reveal_str()),
            (Some("7"), "a@example.com")
        );
    }
    assert_eq!(trimmed("\u{FEFF} a\u{200B}b \u{AD}"), "a\u{200B}b");
}

#[test]
fn format_characters_inside_a_text_are_named_in_the_error() {
    for (character, named) in [
        ('\u{AD}', "U+00AD (SOFT HYPHEN)"),
        ('\u{61C}', "U+061C (ARABIC LETTER MARK)"),
        ('\u{200B}', "U+200B (ZERO WIDTH SPACE)"),
        ('\u{200C}', "U+200C (ZERO WIDTH NON-JOINER)"),
        ('\u{200D}', "U+200D (ZERO WIDTH JOINER)"),
        ('\u{200E}', "U+200E (LEFT-TO-RIGHT MARK)"),
        ('\u{200F}', "U+200F (RIGHT-TO-LEFT MARK)"),
        ('\u{202E}', "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ('\u{FEFF}', "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
        ('\u{FFFC}', "U+FFFC (OBJECT REPLACEMENT CHARACTER)"),
    ] {
        let message = name(&format!("Ana{character}Rojas")).expect_err(named);
        assert!(
            message.contains(named) && message.contains("character 4"),
            "{message}"
        );
    }
    // An override changes the order of the following characters, so it is rejected and not trimmed.
    assert!(
        name("\u{202E}anA")
            .expect_err("an override")
            .contains("RIGHT-TO-LEFT OVERRIDE")
    );
}

#[test]
fn joiners_are_kept_inside_words_of_scripts_that_join() {
    for kept in [
        "علی\u{200C}رضا",
        "نیما علی\u{200C}زاده",
        "ক্\u{200D}ষ",
        "क्\u{200D}ष राज",
        "श्\u{200C}र",
        // Malayalam chillu at the end of a word and of the name.
        "രമേശന്\u{200D} കുമാര്\u{200D}",
    ] {
        assert_eq!(name(kept).as_deref(), Ok(kept));
    }
    assert_eq!(name("علی\u{200C}").as_deref(), Ok("علی"));
    assert_eq!(name("\u{200D}रा\u{200D}").as_deref(), Ok("रा"));
    // Latin, Vietnamese, Cyrillic and Chinese letters do not join.
    for foreign in [
        "An\u{200C}a",
        "Nguyễ\u{200C}n",
        "Мари\u{200D}я",
        "王\u{200D}偉",
        "علی\u{200C}\u{200C}رضا",
    ] {
        assert!(
            name(foreign)
                .expect_err(foreign)
                .starts_with("FORBIDDEN_CHARACTER"),
            "{foreign}"
        );
    }
    assert_eq!(
        codes(raw("Ana", "۱\u{200C}۲", "a@example.com")),
        [("documentNumber", "FORBIDDEN_CHARACTER")]
    );
}

#[test]
fn cleaning_twice_changes_nothing() {
    for text in [
        "\u{200B} \u{3164}Ana\u{2009}\u{2009}Rojas\u{FE0F}\u{200D} ",
        "ന്\u{200D}",
        "\u{1160}\u{1161}",
        "가\u{1160}",
    ] {
        let once = clean_line(text);
        assert_eq!(clean_line(&once), once, "{text:?}");
    }
}

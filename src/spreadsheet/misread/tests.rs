//! Tests with guessed encodings. Files are accepted if the guess is correct, and rejected if it is
//! wrong.

use super::super::encoding::detect;
use super::*;

/// Returns the names as read, or the error of the first rejected one.
fn read(names: &str, encoding: &str) -> Result<String, SheetError> {
    let written = Charset::of_label(encoding).expect("a known label");
    let mut bytes = b"Nombre,Correo,DNI\r\n".to_vec();
    for (number, name) in names.split(", ").enumerate() {
        bytes.extend(written.encoded(name));
        bytes.extend(format!(",p{number}@example.org,{number}7\r\n").bytes());
    }
    let (charset, source) = detect(&bytes[..]).expect("a slice reads");
    let text = charset.decoded(&bytes).expect("the guess decodes");
    let assumed = Assumed {
        charset,
        source,
        start: Vec::new(),
    };
    let lines = text.lines().skip(1).zip(2..);
    let found = lines.map(|(line, row)| {
        let name = line.split(',').next().unwrap_or_default();
        assumed
            .check(name, row, || "Nombre".to_owned())
            .map(|()| name.to_owned())
    });
    Ok(found
        .collect::<Result<Vec<String>, SheetError>>()?
        .join(", "))
}

#[test]
fn wrongly_guessed_encoding_is_refused_and_the_right_one_proposed() {
    for (encoding, names, first) in [
        (
            "macintosh",
            "Jürgen Müller, Günter Grün, Käthe Schön",
            "Jürgen Müller",
        ),
        ("macintosh", "Käthe Schön", "Käthe Schön"),
        ("macintosh", "GARCÍA, RAMÍREZ, MARTÍN, DÍAZ", "GARCÍA"),
        ("ibm850", "GARCÍA, RAMÍREZ, MARTÍN, DÍAZ", "GARCÍA"),
        ("ibm850", "RAMÍREZ", "RAMÍREZ"),
        ("ibm850", "MARTÍN", "MARTÍN"),
        ("ibm850", "DÍAZ", "DÍAZ"),
        ("macintosh", "GÓMEZ, LÓPEZ RAÚL, LEÓN", "GÓMEZ"),
        ("ibm850", "GÓMEZ, LÓPEZ RAÚL, LEÓN", "GÓMEZ"),
        (
            "ibm850",
            "María García, Luis Ramírez, Eva Martín",
            "María García",
        ),
        (
            "ibm437",
            "María García, Luis Ramírez, Eva Martín",
            "María García",
        ),
        ("macintosh", "ÁLVARO RAÚL", "ÁLVARO RAÚL"),
        ("ibm850", "MUÑOZ", "MUÑOZ"),
        ("ibm850", "PEÑA", "PEÑA"),
        ("ibm850", "Müller", "Müller"),
        ("ibm850", "François", "François"),
        ("ibm437", "Núñez", "Núñez"),
        ("macintosh", "Björn", "Björn"),
        ("ibm850", "Weiß", "Weiß"),
        ("macintosh", "Noël", "Noël"),
        ("macintosh", "Benoît", "Benoît"),
        ("ibm850", "João Simões", "João Simões"),
        ("x-mac-cyrillic", "Иванов Иван", "Иванов Иван"),
        ("x-mac-cyrillic", "Щукина Юлия", "Щукина Юлия"),
        ("x-mac-cyrillic", "Ёлкин Пётр", "Ёлкин Пётр"),
        ("x-mac-cyrillic", "Смирнова Мария", "Смирнова Мария"),
        ("x-mac-cyrillic", "Максим Кузнецов", "Максим Кузнецов"),
        (
            "x-mac-cyrillic",
            "Анна Ковалёва, Роман Фёдоров",
            "Анна Ковалёва",
        ),
        ("windows-1257", "Jānis Bērziņš", "Jānis Bērziņš"),
        ("windows-1257", "Žygimantas Šiška", "Žygimantas Šiška"),
        ("windows-1250", "Tőke Űrös", "Tőke Űrös"),
    ] {
        let error = read(names, encoding).expect_err(names);
        assert_eq!(error.code(), "MISREAD_TEXT", "{names}");
        let message = error.for_uploader();
        assert!(
            message.contains(&format!("reads \"{first}\"")),
            "{encoding} {names}: {message}"
        );
    }
}

#[test]
fn dos_code_pages_are_never_misread_silently() {
    for (encoding, names) in [
        ("ibm862", "שרה כהן, דוד לוי, משה פרץ"),
        ("ibm862", "שרה כהן"),
        ("ibm862", "יעל"),
        ("ibm862", "אברהם, יצחק מזרחי"),
        ("ibm862", "רות, נועה ברק"),
        ("ibm737", "Ιωάννα Αλεξίου, Γιώργος Χατζής"),
        ("ibm737", "Ελένη"),
        ("ibm737", "Γιώργος Παππάς"),
        ("ibm855", "Томе Петровски, Ана Илиева"),
        ("ibm855", "Марија Јовановић"),
        ("ibm775", "Jānis Bērziņš, Eglė Čepaitė"),
        ("ibm852", "Łukasz Źrebiec, Małgorzata Dąbrowska"),
        ("ibm852", "Jiří Dvořák"),
        ("ibm866", "Щукина Юлия"),
        ("ibm866", "Анна"),
    ] {
        match read(names, encoding) {
            Ok(read) => assert_eq!(read, names, "{encoding}"),
            Err(error) => {
                assert_eq!(error.code(), "MISREAD_TEXT", "{names}");
                let message = error.for_uploader();
                let (_, rest) = message
                    .split_once("upload the file again with encoding=")
                    .expect("a way out");
                let assumed = rest.split(';').next().unwrap_or_default();
                assert!(Charset::of_label(assumed).is_some(), "{message}");
            }
        }
    }
}

#[test]
fn correctly_guessed_encoding_is_accepted() {
    for (encoding, names) in [
        ("windows-1252", "José Muñoz, Begoña Ávila, François Lefèvre"),
        ("windows-1252", "Jürgen Groß, Zoë Müller, Åse Sørensen"),
        ("windows-1252", "MARÍA GARCÍA, JOSÉ RAMÍREZ, RAÚL LÓPEZ"),
        ("windows-1252", "GONÇALVES, JOÃO SIMÕES"),
        ("windows-1252", "O’Neil, d’Artagnan"),
        ("windows-1252", "BJÖRN"),
        ("windows-1252", "MUÑOZ"),
        (
            "windows-1250",
            "Łukasz Źrebiec, Małgorzata Dąbrowska, Święta Ćwiklińska",
        ),
        ("windows-1250", "Tomáš Dvořák, Jiří Novák, Šárka Růžičková"),
        ("windows-1250", "Szűcs Ágnes, Kovács Ödön, Győző Péter"),
        ("windows-1250", "Tomáš Krška"),
        (
            "windows-1254",
            "Şule Öztürk, İbrahim Çağlayan, Ayşe Gül Yıldız",
        ),
        ("windows-1251", "Щукина Юлия, Ёлкин Пётр, Ольга Кузнецова"),
        ("windows-1251", "Ђорђе Јовановић, Љубица Његош, Ћирић Џемал"),
        ("windows-1251", "Салтыков–Щедрин, Ян Ким, МакДональд Рой"),
        (
            "windows-1257",
            "Žydrūnas Ąžuolas, Eglė Čepaitė, Šarūnas Jasikevičius",
        ),
        ("windows-1253", "Ιωάννα Αλεξίου, Γιώργος Χατζής, Ζωή Ρήγα"),
        ("koi8-r", "Щукина Юлия, Ёлкин Пётр, Ольга Кузнецова"),
        ("ibm866", "Щукина Юлия, Иванов Пётр, Ольга Кузнецова"),
        ("shift_jis", "山田 太郎, 佐藤 花子, 鈴木 一郎"),
        ("gbk", "王小明, 李娜, 张伟"),
        ("big5", "王小明, 李娜, 張偉"),
        ("euc-kr", "김철수, 이영희, 박지민"),
    ] {
        match read(names, encoding) {
            Ok(read) => assert_eq!(read, names, "{encoding}"),
            Err(error) => panic!("{encoding} {names}: {error}"),
        }
    }
}

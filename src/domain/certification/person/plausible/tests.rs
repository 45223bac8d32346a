//! Tests with misread names and real ones.

use super::*;

#[test]
fn misread_names_are_doubtful() {
    for (name, found) in [
        ("JosŽ", Doubt::CapitalInside),
        ("Mu–oz", Doubt::SymbolInside),
        ("Ib‡–ez", Doubt::SymbolInside),
        ("JosÃ©", Doubt::ReadTwice),
        ("PeÃ±a GarcÃ\u{AD}a", Doubt::ReadTwice),
        ("Mu¤oz", Doubt::SymbolInside),
        ("Mar¡a", Doubt::SymbolInside),
        ("£ukasz", Doubt::SymbolInside),
        ("JosИ", Doubt::MixedScripts),
        ("\u{5A4}igo", Doubt::MixedScripts),
        ("Jos\u{8E}", Doubt::SymbolInside),
        ("SofÍA", Doubt::CapitalInside),
        ("Mar’a", Doubt::SymbolInside),
        ("Raœl", Doubt::SymbolInside),
        ("Tom\u{A0}s", Doubt::SymbolInside),
        ("µvila", Doubt::SymbolInside),
        ("GARCêA", Doubt::SmallInside),
        ("LîPEZ", Doubt::SmallInside),
        ("GàMEZ", Doubt::SmallInside),
        ("çLVARO", Doubt::SmallInside),
        ("LEîN-MORA", Doubt::SmallInside),
        ("KŠthe", Doubt::CapitalInside),
        ("MŸller", Doubt::CapitalInside),
        ("Mar｛", Doubt::SymbolInside),
        ("Ram〉ez", Doubt::SymbolInside),
        ("Mart》", Doubt::SymbolInside),
        ("M〕ler", Doubt::SymbolInside),
        ("Fran㎜is", Doubt::SymbolInside),
        ("N￥ez", Doubt::SymbolInside),
        ("MUﾞOZ", Doubt::MixedScripts),
        ("Beno”t", Doubt::SymbolInside),
        ("Rapha‘l", Doubt::SymbolInside),
        ("Mart’", Doubt::SymbolInside),
        ("N’ Bhriain", Doubt::SymbolInside),
        ("G‘ll", Doubt::SymbolInside),
        ("M\u{A0}rio", Doubt::SymbolInside),
        ("·ngel", Doubt::SymbolInside),
        ("àscar Mora", Doubt::SmallInitial),
        ("Ana êcaro", Doubt::SmallInitial),
        ("çlvaro Gil", Doubt::SmallInitial),
        ("€ванов €ван", Doubt::SymbolInside),
        ("™укина", Doubt::SymbolInside),
        ("ћлиЯ", Doubt::Improbable),
        ("юлиЯ", Doubt::CapitalInside),
        ("ˆâàí", Doubt::SymbolInside),
        ("Œàêñèì", Doubt::Improbable),
        ("МарЯна", Doubt::CapitalInside),
        ("ΓιώργοΣ", Doubt::CapitalInside),
        ("Âàíîâà", Doubt::Improbable),
        ("Bçrziòð", Doubt::Improbable),
    ] {
        assert_eq!(doubt(name, true), Some(found), "{name}");
    }
}

#[test]
fn real_names_are_not_doubtful() {
    for name in [
        "José Muñoz Ibáñez",
        "d’Artagnan Rey",
        "Gal·la Pérez",
        "Mª José Ñíguez",
        "O´Donnell",
        "JOSÉ MUÑOZ",
        "Ẹniọlá ẹ̀gbẹ́",
        "Nguyễn Thị Hoàng",
        "Иванов Иван",
        "山田 太郎",
        "محمد علی",
        "Łukasz Źrebiec",
        "José “Pepe” Gómez",
        "Yetunde Adébáyọ̀",
        "Ana",
        "Şule Öztürk",
        "शर्मा",
        "Ðorđe",
        "İbrahim",
        "McDonald",
        "DiCaprio",
        "O’Neil",
        "D’ANGELO",
        "ÁLVARO",
        "Łukasz",
        "IJsbrand",
        "Åsa",
        "Đặng",
        "GROßMANN",
        "山田（Ana）",
        "José ‘Pepe’ Gil",
        "ЩУКИНА Юлия",
    ] {
        assert_eq!(
            (doubt(name, true), doubt(name, false)),
            (None, None),
            "{name}"
        );
    }
    for name in ["Jean–Pierre Élie", "LeÓnidas"] {
        assert_eq!(doubt(name, false), None, "{name}");
        assert!(doubt(name, true).is_some(), "{name}");
    }
    for name in ["JosŽ Mora", "Mu–oz", "Mu¤oz", "JosÃ©", "\u{5A4}igo Prado"] {
        assert!(doubt(name, false).is_some(), "{name}");
    }
}

#[test]
fn capital_after_a_known_name_prefix_is_not_doubtful() {
    for name in [
        "MICHEÁL Ó hÓGÁIN",
        "Micheál Ó hÓgáin",
        "Ní hÉigeartaigh",
        "Mac an tÁilí",
        "McÉVOY",
        "Ana McÉvoy",
        "MacÉIL",
        "DeÁVILA",
        "DiÉGUEZ MORA",
        "FitzÉAMONN",
        "VanÖRDEN",
    ] {
        assert_eq!(
            (doubt(name, true), doubt(name, false)),
            (None, None),
            "{name}"
        );
    }
    // "Macé", "Diéguez" and "Müller" in MacRoman, decoded as Windows-1252.
    for name in ["MacŽ", "DiŽguez", "hŽlne", "hŽ", "MŸller", "DeŽ", "SofÍA"] {
        assert!(doubt(name, true).is_some(), "{name}");
    }
}

#[test]
fn misread_cyrillic_and_greek_names_are_doubtful_in_any_encoding() {
    for name in [
        "ЩукинA юлиЯ",
        "юлиЯ",
        "ΓιώργοΣ Παππάς",
        "€ванов",
        "Иванов™",
        "Мар¤я",
        "Παπ¦άς",
    ] {
        assert!(doubt(name, false).is_some(), "{name}");
    }
    for name in [
        "ЩУКИНА ЮЛИЯ",
        "МакДональд Рой",
        "ДеВито",
        "О’Нил",
        "О'Нил",
        "ИвановА.А.",
        "Иванов А. А.",
        "Салтыков–Щедрин",
        "Јован „Јоца“ Петровић",
        "ΓΙΩΡΓΟΣ ΠΑΠΠΑΣ",
        "ΜακΝτόναλντ",
        "΄Αννα Ρήγα",
        "McDonald",
        "DeVito",
        "O'Neil",
        "Żółć",
        "JOSÉ",
    ] {
        assert_eq!(doubt(name, false), None, "{name}");
    }
}

#[test]
fn misread_texts_are_detected_and_texts_with_symbols_are_accepted() {
    for text in [
        "JosŽ Mu–oz",
        "Universidad de MÃ¡laga",
        "Direcci¢n General",
        "Asociaci\u{97}n JosŽ",
        "T‡cito y m‡s",
    ] {
        assert!(is_misread_text(text), "{text}");
    }
    for text in [
        "Acme™ Iberia",
        "Curso 2024–2025",
        "Taller enero–marzo",
        "¡Bienvenidos!",
        "Nivel 1°",
        "Año Ñ",
        "MÚSICA Y DANZA",
        "iÁNGEL",
        "Grupo É",
        "aprender…juntos",
        "E=mc²",
        "Universitat Pompeu Fabra · Gal·la",
        "Ξενία",
    ] {
        assert!(!is_misread_text(text), "{text}");
    }
}

//! Detection of words whose letters and marks have no script in common.

use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory as _};
use unicode_script::{Script, ScriptExtension, UnicodeScript as _};

/// Returns true if a word mixes scripts or begins with a combining mark. East Asian scripts may be
/// mixed with each other and with Latin letters.
pub(super) fn are_mixed(name: &[char]) -> bool {
    let is_ignored = |c: &&char| matches!(**c, '\u{FE00}'..='\u{FE0F}' | '\u{200C}' | '\u{200D}');
    let begins_with_mark = |word: &[char]| {
        word.iter()
            .find(|c| !is_ignored(c))
            .is_some_and(|c| is_mark(*c))
    };
    name.split(|c| c.is_whitespace()).any(begins_with_mark)
        || name
            .split(|c| !is_letter(*c))
            .any(|word| has_no_common_script(word) && !is_east_asian(word))
}

fn has_no_common_script(word: &[char]) -> bool {
    let all = |common: ScriptExtension, c: &char| common.intersection(c.script_extension());
    word.iter().fold(ScriptExtension::default(), all).is_empty()
}

fn is_east_asian(word: &[char]) -> bool {
    word.iter().all(|c| {
        matches!(
            c.script(),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Hangul
                | Script::Bopomofo
                | Script::Latin
                | Script::Common
                | Script::Inherited
        )
    })
}

/// Returns true for letters, marks and joiners.
fn is_letter(character: char) -> bool {
    character.is_alphabetic() || is_mark(character) || matches!(character, '\u{200C}' | '\u{200D}')
}

fn is_mark(character: char) -> bool {
    use Category::{EnclosingMark, NonspacingMark, SpacingMark};
    matches!(
        character.general_category(),
        NonspacingMark | EnclosingMark | SpacingMark
    )
}

#[cfg(test)]
mod tests {
    use super::are_mixed;

    fn is_mixed(name: &str) -> bool {
        are_mixed(&name.chars().collect::<Vec<_>>())
    }

    #[test]
    fn mixed_scripts_and_marks_without_a_letter_are_detected() {
        for name in [
            "\u{5A4}igo",
            "Ana \u{5A1}igo",
            "a\u{5A4}igo",
            "\u{301}Ana",
            "Ana \u{64B}Gil",
            "\u{368}联",
            "Jos\u{418}",
            "Ив\u{61}нов",
            "\u{421}arlos",
            "Ανα\u{61}",
            "Aնա",
            "محمدa",
            "שרהa",
            "क\u{9BE}",
            "का\u{430}",
            "한а",
        ] {
            assert!(is_mixed(name), "{name}");
        }
    }

    #[test]
    fn real_names_have_one_script_in_each_word() {
        let names = "José Muñoz, Íñigo Prado, Ẹniọlá ẹ̀gbẹ́, Yetunde Adébáyọ̀, Kɔ́fí Ɛ̀dɛ̀, G̃uahũ, Nguyễn Thị Ánh, Kaʻiulani, \
            ǃXóõ, Raꞌmon, Łukasz Źrebiec, Ąžuolas Ė̃, M̂̃ Ç̆, Мари́я Ё́, Щукина Юлия, Ђорђе Јовановић, Ґалаґан, Иванов Ivan, \
            Ιωάννα Αλεξίου, محمد علی, علی\u{200C}رضا, مُحَمَّد, شَرْمَا, שָׂרָה, ג׳ורג׳, שרה Sara, शर्मा, विद्युत्, ক্ষমা, ਗੁਰਪ੍ਰੀਤ, \
            தமிழ், ശ്രീ, สมชาย, ნინო, Արամ, 山田 太郎, 山田太郎, 田中さくら, サクラ, ひろ子, 김철수, 金철수, 李David, 陳大文 (David), \
            ᏣᎳᎩ, ትዕግስት, မောင်, ភាសា, d’Artagnan, O’Neil, O´Donnell, Gal·la, Mª José, ʻOkina, Hawaiʻi, José “Pepe” Gil, Ana ❤️, 1️⃣ Ana, \
            J. R. R. Tolkien, Anne-Marie, Ravi s/o Kumar, ߒߞߏ";
        for name in names.split(", ") {
            assert!(!is_mixed(name), "{name}");
        }
    }
}

//! Comparison of a name with its readings in other encodings.

use super::super::charset::Charset;
use super::is_plausible;
use crate::domain::certification::person::plausible::is_latin;

/// Encodings that a file may have although another one is guessed.
const COMPARED: [&str; 7] = [
    "windows-1252",
    "macintosh",
    "ibm850",
    "ibm437",
    "windows-1250",
    "windows-1254",
    "windows-1257",
];

/// Common parts of names, in capitals. `^` is the beginning of a word, and `$` is its end. An
/// accented letter within such a part is almost certainly correct.
const KNOWN: &[&str] = &[
    // Spanish, Catalan and Portuguese.
    "ÍA",
    "ÍREZ",
    "ÍNEZ",
    "TÍN$",
    "QUÍN$",
    "ÍAZ",
    "ÍS$",
    "ÍGUEZ",
    "ÓN$",
    "ÓPEZ",
    "ÓMEZ",
    "ÓNICA",
    "ÓSCAR",
    "ÓRDOBA",
    "AÚL$",
    "ÚÑEZ",
    "UÑOZ",
    "EÑA",
    "OÑA$",
    "ÑEZ$",
    "ÁLVA",
    "ÁVILA",
    "ÁNGEL",
    "ÁNCHEZ",
    "ÁNDEZ",
    "ÁÑEZ",
    "ÁSQUEZ",
    "ÁZQUEZ",
    "ÁREZ",
    "ÁN$",
    "ÁS$",
    "ÉREZ",
    "ÉNEZ",
    "ÉNDEZ",
    "OSÉ$",
    "ÉS$",
    "ÜELL",
    "GÜE",
    "ÃO$",
    "ÕES$",
    "ÇALVES$",
    "^MARTÍ$",
    "ÚRIA$",
    "^ÚRSULA",
    "^ÓRLA",
    "^ÀLEX",
    "^NÍ$",
    "HÃES$",
    // French.
    "AÏS$",
    "GAËL",
    "LOÏC",
    "ANÇOIS",
    "NÇOISE$",
    "ÈRE$",
    "ÈVRE$",
    "ENÉ",
    "ÉLÈNE$",
    "^ÉLODIE$",
    "ZOË$",
    "JOËL",
    "PHAËL",
    "NOËL",
    "BENOÎT",
    "ÔME$",
    "CÔTÉ",
    // German and the Nordic languages.
    "GUÐM",
    "SÖDER",
    "ÄKI",
    "ÄINEN",
    "ØYST",
    "^ÆSA$",
    "ÜRGEN",
    "ÜLLER",
    "ÜNTER",
    "GRÜN",
    "ÜHN",
    "ÜCK",
    "ÜLL",
    "ÜBER",
    "ÄTHE",
    "ÄFER$",
    "ÄGER$",
    "CHÖN$",
    "JÖRG",
    "BJÖRN",
    "ÖDER$",
    "ÖFER$",
    "KÖHLER",
    "KÖNIG",
    "KÖLL",
    "ÖLLER",
    "ÖHM",
    "ÖRN$",
    "STRÖM",
    "SJÖ",
    "GROß",
    "EIß",
    "RAUß",
    "^ÅSA$",
    "^ÅSE$",
    "ÅRD",
    "ØREN",
    "JØRG",
    "BJØRN",
    "ØRE",
    "JÆR",
    // Central Europe and Turkey.
    "AŃSK",
    "IŃSK",
    "DĄBR",
    "SZŰCS",
    "^ŞULE$",
    "^ŞAHİN$",
    "^ŞAHIN$",
    "AYŞE",
    "OĞAN$",
    "OĞLU$",
    "AĞLA",
    // Hungary.
    "TŐKE$",
    "^ŰRÖS$",
    "JENŐ$",
    "ERNŐ$",
    "GYŐZŐ$",
    "GYŐR",
    "DEZSŐ$",
    "GERGŐ$",
    "ERDŐ",
    "SZŐKE",
    "SZŐLLŐS",
    "ŐRINC",
    // The Baltic countries.
    "JĀNIS$",
    "ĒTERIS$",
    "^KĀRLIS$",
    "MĀRTIŅŠ$",
    "^ILZE$",
    "BĒRZ",
    "IŅŠ$",
    "IŅA$",
    "KRŪM",
    "^ŽYG",
    "^ŽIL",
    "^ŠIŠK",
    "AUSKIENĖ$",
    "AITĖ$",
    "YTĖ$",
    "ŪTĖ$",
    "ŪNAS$",
    "ČIUS$",
    "ČIENĖ$",
];

/// Minimum length of a run of consonants in which an accented letter counts as a misread vowel.
const LONG_RUN: usize = 4;

/// Returns true if another encoding reads a word of the name clearly better: as a common name, or
/// with a vowel within a run of consonants.
pub(super) fn is_better_elsewhere(name: &str, assumed: Charset) -> bool {
    let bytes = assumed.encoded(name);
    let others = COMPARED.iter().filter(|label| **label != assumed.label);
    let others = others.filter_map(|label| Charset::of_label(label)?.decoded(&bytes));
    others
        .filter(|other| other != name && is_plausible(other))
        .any(|other| {
            // In each of these encodings, one byte is one letter. So both readings have the same
            // words in the same order.
            words(name).zip(words(&other)).any(|(read, other)| {
                is_changed(read, other)
                    && (!is_known(read) && is_known(other) || has_lost_vowel(read, other))
            })
        })
}

/// Returns true if `read` is a word of Latin letters and `other` has the same length, and they
/// differ only in letters.
fn is_changed(read: &str, other: &str) -> bool {
    let pairs = || read.chars().zip(other.chars());
    read.chars().count() == other.chars().count()
        && read.chars().all(|c| !c.is_alphabetic() || is_latin(c))
        && pairs().any(|(one, other)| one != other)
        && pairs().all(|(one, other)| one == other || one.is_alphabetic())
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split([' ', '-', '\'', '.', ','])
        .filter(|word| !word.is_empty())
}

/// Returns true if the word has non-ASCII letters and each of them is within a part of [`KNOWN`].
fn is_known(word: &str) -> bool {
    // The capital of "ß" has two letters.
    let capital = |c: char| {
        if c == 'ß' {
            c
        } else {
            c.to_uppercase().next().unwrap_or(c)
        }
    };
    let word: String = format!("^{word}$").chars().map(capital).collect();
    let mut covered = vec![false; word.len()];
    for part in KNOWN {
        for (start, _) in word.match_indices(part) {
            covered
                .iter_mut()
                .skip(start)
                .take(part.len())
                .for_each(|is_covered| *is_covered = true);
        }
    }
    let mut accented = word
        .char_indices()
        .filter(|(_, c)| !c.is_ascii())
        .peekable();
    accented.peek().is_some() && accented.all(|(at, _)| covered.get(at) == Some(&true))
}

/// Returns true if a long run of consonants contains an accented letter that the other reading has
/// as a vowel, as in "Mźller". An "r" or "l" before the letter may be a syllable, as in "Krška".
fn has_lost_vowel(read: &str, other: &str) -> bool {
    let letters: Vec<char> = read.chars().collect();
    let has_vowel = letters.iter().any(|&c| is_vowel(c));
    let mut start = 0;
    while start < letters.len() {
        let run = letters
            .iter()
            .skip(start)
            .take_while(|&&c| c.is_alphabetic() && !is_vowel(c))
            .count();
        let lost = other
            .chars()
            .enumerate()
            .skip(start)
            .take(run)
            .any(|(at, replaced)| {
                let is_accented = letters.get(at).is_some_and(|c| !c.is_ascii());
                let before = at.checked_sub(1).and_then(|before| letters.get(before));
                let is_syllable =
                    at > start && matches!(before, Some('r' | 'l' | 'R' | 'L')) && has_vowel;
                // Names such as "Štrbac" and "Črnko" begin with such a run.
                at > 0 && is_accented && is_vowel(replaced) && !is_syllable
            });
        if run >= LONG_RUN && lost {
            return true;
        }
        start += run.max(1);
    }
    false
}

/// Returns true for the vowels of Latin letters, with or without accents.
fn is_vowel(letter: char) -> bool {
    let small = letter.to_lowercase().next().unwrap_or(letter);
    "aeiouyáàâäãåæăąāéèêëęěēėíìîïıīóòôöõøőōœúùûüűůūýÿ".contains(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_better(name: &str, assumed: &str) -> bool {
        is_better_elsewhere(name, Charset::of_label(assumed).expect("a known label"))
    }

    #[test]
    fn misread_name_is_more_plausible_in_another_encoding() {
        for (name, assumed) in [
            ("Jźrgen Mora", "windows-1250"),
            ("Ana Mźller", "windows-1250"),
            ("Grźn", "windows-1250"),
            ("Schšn", "windows-1250"),
            ("Bjšrn", "windows-1252"),
            ("GARCÖA", "windows-1252"),
            ("RAMÖREZ", "windows-1252"),
            ("MARTÖN", "windows-1252"),
            ("DÖAZ", "windows-1252"),
            ("MUĽOZ", "iso-8859-2"),
            ("Groá", "windows-1252"),
            ("Simäes", "windows-1252"),
            ("Muńoz", "windows-1250"),
            ("Stefañska", "windows-1252"),
            ("Ayţe", "windows-1250"),
            ("Þule", "windows-1252"),
        ] {
            assert!(is_better(name, assumed), "{name}");
        }
    }

    #[test]
    fn real_name_is_not_more_plausible_in_another_encoding() {
        let names = |text: &'static str| text.split(", ");
        let western = names(
            "José Muñoz, Begoña Ávila, François Lefèvre, Jürgen Groß, Zoë Müller, Åse Sørensen, MARÍA GARCÍA, \
             JOSÉ RAMÍREZ, RAÚL LÓPEZ, GÓMEZ, Björn Sjöberg, BJÖRN STRÖM, JÖRG SCHRÖDER, Käthe Schön, João Simões, \
             JOÃO SIMÕES, Gonçalves, GONÇALVES, Þórður Guðmundsson, Benoît Côté, Noël, Anaïs, Chloé, Zoé, Øystein, \
             ØYSTEIN, Ærø, O’Neil, d’Artagnan, ÁLVARO NÚÑEZ, Íñigo Güell, IÑIGO GÜELL, Märta, Pärt, Kõiv, Õie, \
             Mária, Agnès, Thérèse, ÖSTERMAN, GÖRAN ÖBERG, Hélène, HÉLÈNE, Aleš, Dušan, Žižek, Miloš",
        );
        let central = names(
            "Łukasz Źrebiec, Małgorzata Dąbrowska, Święta Ćwiklińska, Kaźmierczak, Wiśniewski, Krška, Tomáš Dvořák, \
             Jiří Novák, Šárka Růžičková, Černý, Škoda, Živković, Szűcs Ágnes, Kovács Ödön, Győző, Željko, Jožef, \
             Stefańska, Ľubomír, Štefan Ďurica, Przemysław Gołąb",
        );
        let turkish =
            names("Şule Öztürk, İbrahim Çağlayan, Ayşe Gül Yıldız, Gökçe, ÖZGÜR, Ümit Doğan");
        let all = western.map(|name| (name, "windows-1252"));
        let all = all.chain(central.map(|name| (name, "windows-1250")));
        for (name, assumed) in all.chain(turkish.map(|name| (name, "windows-1254"))) {
            assert!(is_plausible(name), "{name}");
            assert!(!is_better(name, assumed), "{name}");
        }
    }
}

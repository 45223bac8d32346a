//! Strength check of new passwords.

use zxcvbn::{Score, zxcvbn};

/// Words of this product. Attackers try them too.
const OUR_WORDS: [&str; 4] = ["laureate", "certificate", "certificado", "contraseña"];

/// Returns true if an attacker needs fewer than 10⁸ guesses, as zxcvbn estimates from common lists
/// and patterns (score 0 to 2). This rejects the most common passwords in any case and spelling,
/// keyboard sequences, and dates. So many guesses are not possible over the network, where guesses
/// are limited. With a stolen hash, they take a long time.
pub(super) fn is_guessable(password: &str) -> bool {
    zxcvbn(password, &OUR_WORDS).score() < Score::Three
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some of the most common passwords in breaches. Each has an upper-case letter, a lower-case
    /// letter and a digit, so the rule for characters does not reject it.
    const COMMONEST: &str = "Password1 Password123 Password12 Passw0rd Passw0rd1 P@ssw0rd P@ssword1 Pa55word Qwerty123 \
        Qwerty12 Qwerty1234 Qwerty123456 Abcd1234 Abc12345 Abc123456 Aa123456 Aa12345678 A123456a Abcdef123 \
        Welcome1 Welcome123 Welcome12 Iloveyou1 Iloveyou2 Princess1 Sunshine1 Football1 Baseball1 Superman1 \
        Michael1 Jessica1 Jennifer1 Charlie1 Monkey123 Dragon123 Master123 Shadow12 Letmein1 Letmein123 \
        Trustno1 Computer1 Internet1 Samsung1 Liverpool1 Chelsea1 Arsenal1 Admin123 Admin1234 Administrator1 \
        Changeme1 Changeme123 Summer2024 Winter2025 Spring2026 January2026 1q2w3e4R 1Qaz2wsx Zaq12wsx Q1w2e3r4 \
        Asdf1234 Asdfgh123 Zxcvbnm1 1234Qwer Alexander1 Elizabeth1 Jordan23 Hello123 Google123 Pokemon1 \
        Starwars1 Whatever1 Freedom1 Mustang1 Corvette1 Ferrari1 Yankees1 Cowboys1 Steelers1 Ashley123 \
        Daniel123 Andrew123 Matthew1 Joshua123 Anthony1 Nicholas1 Benjamin1 Victoria1 Samantha1 Butterfly1";

    #[test]
    fn most_common_passwords_are_guessable() {
        let accepted: Vec<_> = COMMONEST
            .split_whitespace()
            .filter(|common| !is_guessable(common))
            .collect();
        assert_eq!(accepted, Vec::<&str>::new());
        assert!(is_guessable("Laureate1") && is_guessable("Certificado1"));
    }

    #[test]
    fn uncommon_passwords_are_not_guessable() {
        for password in [
            "Correct-horse-1",
            "La1-0123456789abcdef0f1e2d3c4b5a6978",
            "fD7!kq0Zp",
            "Mi-gato-come-7-peces",
        ] {
            assert!(!is_guessable(password), "{password}");
        }
    }
}

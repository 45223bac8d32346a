//! Recovery codes for a lost authenticator. Each code works once.

use data_encoding::BASE32_NOPAD;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::domain::Secret;

/// Number of codes of a user.
const CODES: usize = 10;
/// Random bytes of a code. With 120 random bits, a slow hash is not needed.
const BYTES: usize = 15;
/// Number of characters between two hyphens. The hyphens make a code easier to type.
const GROUP: usize = 4;

/// Recovery code in plain text.
pub struct RecoveryCode(Secret);

impl RecoveryCode {
    /// Creates ten random codes.
    #[must_use]
    pub fn fresh(random: fn(&mut [u8])) -> Vec<Self> {
        let one = |_| {
            let mut bytes = [0; BYTES];
            random(&mut bytes);
            Self(Secret::new(BASE32_NOPAD.encode(&bytes)))
        };
        (0..CODES).map(one).collect()
    }

    /// Returns the whole code, such as `ABCD-EFGH-…`. Only the response that creates the codes
    /// contains it.
    #[must_use]
    pub fn reveal(&self) -> String {
        let letters: Vec<char> = self.0.reveal().chars().collect();
        letters
            .chunks(GROUP)
            .map(|group| group.iter().collect::<String>())
            .collect::<Vec<_>>()
            .join("-")
    }
}

/// Returns the hashes of codes. The log stores only these.
#[must_use]
pub fn sha256_of_all(codes: &[RecoveryCode]) -> Vec<String> {
    codes.iter().map(|code| sha256(code.0.reveal())).collect()
}

/// Returns the SHA-256 of a code as 64 hex digits. `bare` has no hyphens and is in upper case.
pub(super) fn sha256(bare: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(bare.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::auth::second_factor::Code;

    #[test]
    fn recovery_codes_are_unique_and_match_in_any_case_and_spacing() {
        let codes = RecoveryCode::fresh(|bytes| rand::fill(bytes));
        let known = sha256_of_all(&codes);
        assert_eq!(known.iter().collect::<BTreeSet<_>>().len(), CODES);
        for (code, known) in codes.iter().zip(&known) {
            let shown = code.reveal();
            assert_eq!((shown.len(), shown.matches('-').count()), (29, 5));
            let typed = Code::of(&shown.to_lowercase().replace('-', " ").into()).unwrap();
            assert_eq!(sha256(typed.0.reveal_str()), *known);
        }
    }
}

//! The second factor of a log-in: secrets, codes, and what a code shows. Whether it may still be used is
//! decided in the domain.

mod qr_code;
mod recovery_codes;
mod rule;
mod totp;

use super::sealed::Seal;
use super::{ApiError, HttpState};
use crate::domain::keyed_hash::Purpose;
use crate::domain::second_factor::{SecondFactorState, Shown};
use crate::domain::{Personal, Refusal, UserId};

pub use qr_code::data_url as qr_code;
pub use recovery_codes::{RecoveryCode, sha256_of_all};
pub use rule::SecondFactorRule;
pub use totp::Totp;

/// Longer input is refused unseen: a recovery code has 29 characters.
const MAX_BYTES: usize = 128;

/// A code that somebody gives: six digits, or a recovery code. Blanks, hyphens and case don't matter.
#[derive(Clone)]
pub struct Code(Personal<String>);

impl Code {
    /// A code as it was given.
    ///
    /// # Errors
    /// 400, if it is too long.
    pub fn of(given: &Personal<String>) -> Result<Self, ApiError> {
        if given.reveal_str().len() > MAX_BYTES {
            return Err(ApiError::field("code", format!("is longer than {MAX_BYTES} bytes")));
        }
        let bare = given.reveal_str().chars().filter(|c| !c.is_whitespace() && *c != '-');
        Ok(Self(bare.collect::<String>().to_ascii_uppercase().into()))
    }

    fn is_of_time(&self) -> bool {
        let text = self.0.reveal_str();
        text.len() == totp::DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// A fresh secret for somebody, and how the log keeps it.
///
/// # Errors
/// None that a key of this length can have.
pub fn fresh_secret(http: &HttpState, id: UserId) -> Result<(Totp, Personal<String>), ApiError> {
    let totp = Totp::fresh(http.random);
    let sealed = seal(http).close(http.random, id.0.as_bytes(), totp.secret());
    let sealed = sealed.ok_or_else(|| ApiError::internal("a secret could not be sealed"))?;
    Ok((totp, sealed.into()))
}

/// An event that is copied to another user opens nothing.
fn seal(http: &HttpState) -> Seal {
    Seal::of(Purpose::SecondFactor, &http.claim_key)
}

/// Takes a guess at somebody's second factor: what the code shows, if it fits. It counts as wrong until
/// [`guessed_right`] says otherwise.
///
/// # Errors
/// 401, if it fits nothing; 429, if there were too many wrong ones.
pub fn guess(
    http: &HttpState,
    id: UserId,
    factor: &SecondFactorState,
    code: &Code,
) -> Result<Shown, ApiError> {
    http.rate_limits.guess_code(id)?;
    let Some(sealed_secret) = factor.sealed_secret().filter(|_| code.is_of_time()).cloned() else {
        return Ok(Shown::RecoveryCode { sha256: recovery_codes::sha256(code.0.reveal_str()) });
    };
    // It was sealed here: what doesn't open was sealed under another `secrets.claim_key`.
    let secret = seal(http).open(id.0.as_bytes(), sealed_secret.reveal_str());
    let totp = secret.and_then(Totp::of).ok_or_else(|| ApiError::internal("a secret can't be opened"))?;
    let step = totp.step_of(code.0.reveal_str(), http.now()).ok_or(Refusal::WrongCode)?;
    Ok(Shown::Code { sealed_secret, step })
}

/// The code was right and is used up; the guess doesn't count.
pub fn guessed_right(http: &HttpState, id: UserId) {
    http.rate_limits.code_was_right(id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_taken_as_people_write_them() {
        let of = |text: &str| Code::of(&text.to_owned().into()).unwrap();
        for (given, bare, is_of_time) in [
            ("123 456", "123456", true),
            ("123-456", "123456", true),
            ("12345", "12345", false),
            ("1234567", "1234567", false),
            ("abcd-efgh", "ABCDEFGH", false),
            ("١٢٣٤٥٦", "١٢٣٤٥٦", false),
            ("", "", false),
        ] {
            assert_eq!((of(given).0.reveal_str(), of(given).is_of_time()), (bare, is_of_time), "{given}");
        }
        assert!(Code::of(&"1".repeat(MAX_BYTES + 1).into()).is_err());
    }
}

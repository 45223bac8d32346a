//! Second factor of a log-in: secrets and codes. The domain checks that a code has not been used
//! before.

mod qr_code;
mod recovery_codes;
mod rule;
mod totp;

use super::sealed::Seal;
use crate::domain::accounts::second_factor::{SecondFactorState, Shown};
use crate::domain::kernel::keyed_hash::Purpose;
use crate::domain::{Personal, Refusal, UserId};
use crate::http::{ApiError, HttpState};

pub use qr_code::data_url as qr_code;
pub use recovery_codes::{RecoveryCode, sha256_of_all};
pub use rule::SecondFactorRule;
pub use totp::Totp;

/// Longest input, in bytes. A recovery code has 29 characters.
const MAX_BYTES: usize = 128;

/// Code that a user enters: six digits, or a recovery code. Whitespace, hyphens and case are
/// ignored.
#[derive(Clone)]
pub struct Code(Personal<String>);

impl Code {
    /// Normalizes a code that a user entered.
    ///
    /// # Errors
    /// 422 if it has more than 128 bytes.
    pub fn of(given: &Personal<String>) -> Result<Self, ApiError> {
        if given.reveal_str().len() > MAX_BYTES {
            return Err(ApiError::field(
                "code",
                format!("is longer than {MAX_BYTES} bytes"),
            ));
        }
        let bare = given
            .reveal_str()
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-');
        Ok(Self(bare.collect::<String>().to_ascii_uppercase().into()))
    }

    fn is_of_time(&self) -> bool {
        let text = self.0.reveal_str();
        text.len() == totp::DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Creates a random secret for a user. Returns it in plain text, and encrypted for the log.
///
/// # Errors
/// 500 if encryption fails, which does not happen with a key of this length.
pub fn fresh_secret(http: &HttpState, id: UserId) -> Result<(Totp, Personal<String>), ApiError> {
    let totp = Totp::fresh(http.random);
    let sealed = seal(http).close(http.random, id.0.as_bytes(), totp.secret());
    let sealed = sealed.ok_or_else(|| ApiError::internal("a secret could not be encrypted"))?;
    Ok((totp, sealed.into()))
}

/// Returns the key for secrets. The user's id is authenticated, so a secret that is copied to
/// another user's event can't be decrypted.
fn seal(http: &HttpState) -> Seal {
    Seal::of(Purpose::SecondFactor, &http.claim_key)
}

/// Checks a time-based code, or hashes a recovery code, which the domain then checks. The guess
/// counts as wrong until [`guessed_right`] is called.
///
/// # Errors
/// 401 if a time-based code is wrong; 429 if there were too many wrong guesses; 500 if the secret
/// can't be decrypted.
pub fn guess(
    http: &HttpState,
    id: UserId,
    factor: &SecondFactorState,
    code: &Code,
) -> Result<Shown, ApiError> {
    http.rate_limits.guess_code(id)?;
    let Some(sealed_secret) = factor
        .sealed_secret()
        .filter(|_| code.is_of_time())
        .cloned()
    else {
        return Ok(Shown::RecoveryCode {
            sha256: recovery_codes::sha256(code.0.reveal_str()),
        });
    };
    // This installation encrypted the secret, so decryption fails only if `secrets.claim_key` has
    // changed.
    let secret = seal(http).open(id.0.as_bytes(), sealed_secret.reveal_str());
    let totp = secret
        .and_then(Totp::of)
        .ok_or_else(|| ApiError::internal("a secret can't be decrypted"))?;
    let step = totp
        .step_of(code.0.reveal_str(), http.now())
        .ok_or(Refusal::WrongCode)?;
    Ok(Shown::Code {
        sealed_secret,
        step,
    })
}

/// Removes a right guess from the count of wrong guesses. Called after the domain has accepted the
/// code.
pub fn guessed_right(http: &HttpState, id: UserId) {
    http.rate_limits.code_was_right(id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_hyphens_and_case_of_a_code_are_ignored() {
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
            assert_eq!(
                (of(given).0.reveal_str(), of(given).is_of_time()),
                (bare, is_of_time),
                "{given}"
            );
        }
        assert!(Code::of(&"1".repeat(MAX_BYTES + 1).into()).is_err());
    }
}

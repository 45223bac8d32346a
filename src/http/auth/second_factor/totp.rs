//! Time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, steps of 30 seconds. All
//! authenticators support these parameters, and many support no others.

use data_encoding::BASE32_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

/// Digits of a code.
pub(super) const DIGITS: usize = 6;
/// Length of a time step, in seconds.
const STEP_SECONDS: u64 = 30;
/// Largest clock difference of an authenticator, in steps (RFC 6238 §5.2 and §6).
const TOLERANCE: u64 = 1;
/// Length of a secret: 160 bits like the hash, as RFC 4226 §4 recommends.
const SECRET_BYTES: usize = 20;

/// Secret that is shared with an authenticator.
pub struct Totp([u8; SECRET_BYTES]);

impl Totp {
    /// Creates a random secret.
    #[must_use]
    pub fn fresh(random: fn(&mut [u8])) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        random(&mut bytes);
        Self(bytes)
    }

    /// Creates a secret from stored bytes. Returns `None` if they have another length.
    pub(super) fn of(bytes: Vec<u8>) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) const fn secret(&self) -> &[u8] {
        &self.0
    }

    /// Returns the secret for manual entry: 32 letters and digits in base32 (RFC 4648 §6).
    #[must_use]
    pub fn base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Returns the URI for an authenticator's QR code. The authenticator shows `issuer` and
    /// `account` beside its codes.
    #[must_use]
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let [issuer, account] =
            [issuer, account].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
        let secret = self.base32();
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}\
             &period={STEP_SECONDS}"
        )
    }

    /// Returns the time step of a code, if it is the current step, the one before or the one after.
    pub(super) fn step_of(&self, code: &str, now: OffsetDateTime) -> Option<u64> {
        let present = u64::try_from(now.unix_timestamp()).ok()? / STEP_SECONDS;
        let steps = present.saturating_sub(TOLERANCE)..=present + TOLERANCE;
        let fits = |step: &u64| bool::from(self.code(*step).as_bytes().ct_eq(code.as_bytes()));
        steps.rev().find(fits)
    }

    /// Returns the code of a time step (RFC 4226 §5.3).
    fn code(&self, step: u64) -> String {
        let tag = sign(
            &Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0),
            &step.to_be_bytes(),
        );
        let tag = tag.as_ref();
        let at = usize::from(tag.last().copied().unwrap_or_default() & 0xF);
        let four = tag
            .iter()
            .skip(at)
            .take(4)
            .fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
        format!("{:0DIGITS$}", (four & 0x7FFF_FFFF) % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// Values of RFC 6238, appendix B. The RFC has eight digits; these are the last six.
    #[test]
    fn codes_are_those_of_the_standard() {
        let totp = Totp(*b"12345678901234567890");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.code(seconds / STEP_SECONDS), code);
            let now = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap()).unwrap();
            assert_eq!(totp.step_of(code, now), Some(seconds / STEP_SECONDS));
        }
    }

    #[test]
    fn a_code_fits_one_step_before_and_after_its_own_and_no_longer() {
        let totp = Totp([7; SECRET_BYTES]);
        let now = datetime!(2026-11-21 12:00 UTC);
        let step = u64::try_from(now.unix_timestamp()).unwrap() / STEP_SECONDS;
        let code = totp.code(step);
        for (seconds, fits) in [
            (-31, false),
            (-30, true),
            (0, true),
            (29, true),
            (59, true),
            (60, false),
        ] {
            let then = now + time::Duration::seconds(seconds);
            assert_eq!(totp.step_of(&code, then), fits.then_some(step), "{seconds}");
        }
        assert_eq!(totp.step_of("", now), None);
        assert_eq!(totp.step_of(&code, datetime!(1960-01-01 0:00 UTC)), None);
    }

    #[test]
    fn the_address_for_authenticators_has_all_they_need() {
        let uri = Totp(*b"12345678901234567890").uri("Example & Co.", "ada@example.com");
        assert_eq!(
            uri,
            "otpauth://totp/Example%20%26%20Co%2E:ada%40example%2Ecom?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Example%20%26%20Co%2E&algorithm=SHA1&digits=6&period=30"
        );
    }
}

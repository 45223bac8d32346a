//! Time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, steps of 30 seconds. All
//! authenticator apps support these parameters, and many support no others.

use data_encoding::BASE32_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;
use totp_rs::Builder;

/// Number of digits of a code.
pub(super) const DIGITS: usize = 6;
/// Length of a secret: 160 bits, the length of the hash, as RFC 4226 §4 recommends.
const SECRET_BYTES: usize = 20;

/// Secret that the server shares with an authenticator app.
pub struct Totp(totp_rs::Totp);

impl Totp {
    /// Creates a random secret.
    #[must_use]
    pub fn fresh(random: fn(&mut [u8])) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        random(&mut bytes);
        Self::new(bytes)
    }

    /// Creates a secret from stored bytes. Returns `None` if the number of bytes is wrong.
    pub(super) fn of(bytes: Vec<u8>) -> Option<Self> {
        bytes.try_into().ok().map(Self::new)
    }

    /// Uses the defaults of the builder: the parameters above, and a tolerance of one step for
    /// clock differences (RFC 6238 §5.2). The defaults are valid, so the builder's check is not
    /// needed.
    fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(Builder::new().with_secret(bytes).build_noncompliant())
    }

    pub(super) fn secret(&self) -> &[u8] {
        self.0.secret().as_bytes()
    }

    /// Returns the secret as text that a person can type: 32 letters and digits in base32 (RFC 4648
    /// §6).
    #[must_use]
    pub fn base32(&self) -> String {
        BASE32_NOPAD.encode(self.secret())
    }

    /// Returns the URI for the QR code that authenticator apps read. The app shows `issuer` and
    /// `account` beside its codes.
    #[must_use]
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let [issuer, account] =
            [issuer, account].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
        let secret = self.base32();
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}\
             &period={}",
            self.0.step()
        )
    }

    /// Returns the time step that `code` belongs to: the current, previous or next one. Returns
    /// `None` if `code` belongs to none of them.
    pub(super) fn step_of(&self, code: &str, now: OffsetDateTime) -> Option<u64> {
        let seconds = now.unix_timestamp().try_into().ok()?;
        self.0.check(code, seconds)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// Test vectors of RFC 6238, appendix B. The RFC lists eight digits; these are the last six of
    /// them.
    #[test]
    fn codes_match_the_test_vectors_of_rfc_6238() {
        let totp = Totp::new(*b"12345678901234567890");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            assert_eq!(totp.step_of(code, now), u64::try_from(seconds / 30).ok());
        }
    }

    #[test]
    fn code_is_valid_one_time_step_early_or_late() {
        let totp = Totp::new([7; SECRET_BYTES]);
        let now = datetime!(2026-11-21 12:00 UTC);
        let seconds = u64::try_from(now.unix_timestamp()).unwrap();
        let step = seconds / 30;
        let code = totp.0.generate(seconds).to_string();
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
    fn otpauth_uri_contains_issuer_account_secret_and_parameters() {
        let uri = Totp::new(*b"12345678901234567890").uri("Example & Co.", "ada@example.com");
        assert_eq!(
            uri,
            "otpauth://totp/Example%20%26%20Co%2E:ada%40example%2Ecom?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Example%20%26%20Co%2E&algorithm=SHA1&digits=6&period=30"
        );
    }
}

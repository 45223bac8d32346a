//! Public id of a certificate: 128 random bits. This module parses all forms in which people write
//! it.
//!
//! The canonical form is 32 lower-case hexadecimal digits. The log, the tables and links contain
//! this form. The readable form on certificates is Crockford base32
//! (<https://www.crockford.com/base32.html>): 26 digits and a check character, in groups.

use std::fmt;
use std::ops::ControlFlow;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;

/// Digits of Crockford base32 (values 0–31), followed by the five additional check characters
/// (values 32–36).
const DIGITS: &[u8; 37] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";
/// Number of digits in the hexadecimal form.
const HEX_DIGITS: usize = 32;
/// Number of digits in the readable form, without the check character.
const READABLE_DIGITS: usize = 26;
/// Lengths of the groups in the readable form.
const GROUPS: [usize; 6] = [5, 5, 5, 5, 5, 2];
/// Maximum length of a text that is parsed, in bytes. It is sufficient for a whole URL.
const MAX_BYTES: usize = 1_024;
/// Path segment before the id in URLs of certificates.
const PAGE: &str = "certificate";

/// Public id of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicId(pub u128);

/// Reason why a text is not a public id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPublicId {
    /// The text contains no letter and no digit.
    #[error("the number is empty; type the number that is printed on the certificate")]
    Empty,
    /// The number of characters matches no form, or the text is longer than 1,024 bytes.
    #[error(
        "the number is incomplete or too long; it has {HEX_DIGITS} characters, or {} in groups",
        READABLE_DIGITS + 1
    )]
    Length,
    /// The text contains a letter that no public id contains.
    #[error(
        "the number has a letter that never occurs in such numbers; compare it with the certificate"
    )]
    Letter,
    /// The check character does not match the digits.
    #[error("the number has a typing error; compare it with the certificate")]
    Check,
}

impl PublicId {
    /// Parses the hexadecimal or readable form, in upper or lower case, or the URL of a
    /// certificate. Ignores percent-encoding, blanks, hyphens, quotation marks and punctuation.
    /// Reads `I` and `L` as 1, and `O` as 0.
    ///
    /// # Errors
    /// The text is not a public id.
    pub fn parse(text: &str) -> Result<Self, NotPublicId> {
        if text.len() > MAX_BYTES {
            return Err(NotPublicId::Length);
        }
        let decoded = decoded(text);
        let (digits, check) = significant(number_part(&decoded))?;
        match (digits.len(), check) {
            (0, _) => Err(NotPublicId::Empty),
            (HEX_DIGITS, _) => of_hex(&digits),
            (READABLE_DIGITS, Some(check)) => of_readable(&digits, check),
            (length, _) if length == READABLE_DIGITS + 1 => {
                of_readable(&digits[..READABLE_DIGITS], digits[READABLE_DIGITS])
            }
            _ => Err(NotPublicId::Length),
        }
    }

    /// Returns the printed form: `0HJ4K-…`, 27 characters in groups. The last character is the
    /// check character.
    #[must_use]
    pub fn readable(self) -> String {
        let digit = |n: usize| DIGITS[((self.0 >> (5 * n)) & 31) as usize];
        let mut characters = (0..READABLE_DIGITS)
            .rev()
            .map(digit)
            .chain([DIGITS[self.check()]]);
        let mut text = String::with_capacity(READABLE_DIGITS + GROUPS.len());
        for (n, length) in GROUPS.into_iter().enumerate() {
            if n > 0 {
                text.push('-');
            }
            text.extend(characters.by_ref().take(length).map(char::from));
        }
        text
    }

    /// Returns the value of the check character: the number modulo 37.
    const fn check(self) -> usize {
        (self.0 % 37) as usize
    }
}

impl fmt::Display for PublicId {
    /// Writes the canonical form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Returns the printed form of a stored public id. Any other text, such as the id of a sample, is
/// returned unchanged.
#[must_use]
pub fn printed(public_id: &str) -> String {
    let is_canonical =
        public_id.len() == HEX_DIGITS && public_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = is_canonical
        .then(|| u128::from_str_radix(public_id, 16).ok())
        .flatten();
    id.map_or_else(|| public_id.to_owned(), |id| PublicId(id).readable())
}

/// Returns the URL of the page on which a number can be typed, without the scheme:
/// `example.org/verify`. Returns an empty text if `verification_url` is not the URL of a
/// certificate's page.
#[must_use]
pub fn short_address(verification_url: &str) -> String {
    let base = verification_url
        .rsplit_once("/certificate/")
        .map(|(base, _)| base);
    let host = base.map(|base| base.split_once("://").map_or(base, |(_, host)| host));
    host.map(|host| format!("{host}/verify"))
        .unwrap_or_default()
}

/// Returns the text without percent-encoding. Compatibility forms, such as full-width digits, are
/// folded (NFKC).
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    // Mail programs may encode a URL that is already encoded.
    for _ in 0..2 {
        text = percent_decode_str(&text).decode_utf8_lossy().into_owned();
    }
    text.nfkc().collect()
}

/// Returns the part of a URL that contains the number, or the whole text if it is not a URL.
fn number_part(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let after = |marker: &str| lower.rfind(marker).map(|at| &text[at + marker.len()..]);
    let number = after("number=").map(|number| number.split('&').next().unwrap_or(number));
    let part = number
        .or_else(|| after(&format!("{PAGE}/")))
        .or_else(|| after("verify/"))
        .unwrap_or(text);
    let part = part.split(['?', '#']).next().unwrap_or(part);
    let part = part
        .split('/')
        .find(|segment| segment.contains(|c: char| c.is_alphanumeric()))
        .unwrap_or(part);
    let ending = [".json", ".pdf"].into_iter().find(|ending| {
        part.len() > ending.len()
            && part.is_char_boundary(part.len() - ending.len())
            && part[part.len() - ending.len()..].eq_ignore_ascii_case(ending)
    });
    ending.map_or(part, |ending| &part[..part.len() - ending.len()])
}

/// Returns the letters and digits in upper case, and the sign that follows them if it is a check
/// character. Skips all other characters.
fn significant(text: &str) -> Result<(Vec<u8>, Option<u8>), NotPublicId> {
    let mut digits = Vec::new();
    let mut check = None;
    let scanned = text.chars().try_for_each(|c| {
        match u8::try_from(c) {
            Ok(letter) if letter.is_ascii_alphanumeric() => {
                digits.push(letter.to_ascii_uppercase());
                check = None;
            }
            Ok(sign @ (b'*' | b'~' | b'$' | b'=')) => check = check.or(Some(sign)),
            _ if c.is_alphanumeric() => return ControlFlow::Break(NotPublicId::Letter),
            _ => {}
        }
        if digits.len() > HEX_DIGITS {
            ControlFlow::Break(NotPublicId::Length)
        } else {
            ControlFlow::Continue(())
        }
    });
    match scanned {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok((digits, check)),
    }
}

/// Returns the value of a digit in the readable form. Letters that look like digits are read as
/// these digits.
fn value(letter: u8) -> Option<usize> {
    let letter = match letter {
        b'I' | b'L' => b'1',
        b'O' => b'0',
        letter => letter,
    };
    DIGITS.iter().position(|digit| *digit == letter)
}

fn of_hex(digits: &[u8]) -> Result<PublicId, NotPublicId> {
    let add = |number: u128, letter: &u8| {
        value(*letter)
            .filter(|value| *value < 16)
            .map(|v| (number << 4) | v as u128)
    };
    digits
        .iter()
        .try_fold(0, add)
        .map(PublicId)
        .ok_or(NotPublicId::Letter)
}

fn of_readable(digits: &[u8], check: u8) -> Result<PublicId, NotPublicId> {
    let mut number: u128 = 0;
    for (n, letter) in digits.iter().enumerate() {
        let value = value(*letter)
            .filter(|value| *value < 32)
            .ok_or(NotPublicId::Letter)?;
        // 26 digits have 130 bits, of which the first two are always 0.
        if n == 0 && value > 7 {
            return Err(NotPublicId::Check);
        }
        number = (number << 5) | value as u128;
    }
    let id = PublicId(number);
    if value(check) == Some(id.check()) {
        Ok(id)
    } else {
        Err(NotPublicId::Check)
    }
}

#[cfg(test)]
mod tests;

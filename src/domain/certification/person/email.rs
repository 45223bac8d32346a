//! Syntax check of e-mail addresses, and the normal form in which they are compared.
//!
//! A subset of RFC 5321 §4.1.2 is accepted. The local part is a Dot-string of ASCII atext (no
//! quoted strings, no comments). The domain is a name with at least one dot (no address literals).
//! The domain may be international. In this case, its IDNA form (UTS #46), which mail servers use,
//! is checked.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// Maximum length of an address. RFC 5321 §4.5.3.1.3 allows 256 octets for a path, which includes
/// two angle brackets.
const MAX_ADDRESS: usize = 254;
/// Maximum length of a local part, in octets (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// Checks an address. The error contains the problem and how to correct it, and never quotes the
/// address.
pub(super) fn check(address: &str) -> Result<(), &'static str> {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return Err("email has no @; write it as name@example.com");
    };
    if local.contains('@') {
        return Err("email has more than one @; give one address only");
    }
    check_local_part(local)?;
    let Some(ascii) = ascii_domain(domain) else {
        return Err(
            "the part of email after the @ is not a domain name; write it as name@example.com",
        );
    };
    let Some((_, top)) = ascii.rsplit_once('.') else {
        return Err(
            "the part of email after the @ has no dot; write the whole domain, as in name@example.com",
        );
    };
    if top.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(
            "the part of email after the @ is a number; write the domain's name, as in name@example.com",
        );
    }
    if local.len() + 1 + ascii.len() > MAX_ADDRESS || address.chars().count() > MAX_ADDRESS {
        return Err("email is longer than 254 characters; give a shorter address");
    }
    Ok(())
}

fn check_local_part(local: &str) -> Result<(), &'static str> {
    if local.len() > MAX_LOCAL_PART {
        return Err(
            "the part of email before the @ is longer than 64 characters; give a shorter address",
        );
    }
    if local.split('.').any(str::is_empty) {
        return Err("the part of email before the @ is empty or has a misplaced dot; correct it");
    }
    match local.chars().find(|&character| !is_dot_atext(character)) {
        None => Ok(()),
        Some(character) => Err(refused(character)),
    }
}

/// Returns the problem for a forbidden character before the @.
fn refused(character: char) -> &'static str {
    match character {
        '"' | '“' | '”' | '‘' | '’' | '«' | '»' => {
            "the part of email before the @ has a quotation mark; remove it"
        }
        ',' | ';' => {
            "the part of email before the @ has a comma or semicolon; give one address only"
        }
        '<' | '>' | '(' | ')' | '[' | ']' | ':' => {
            "the part of email before the @ has a bracket or colon; write the address alone, as in name@example.com"
        }
        _ if character.is_whitespace() => "the part of email before the @ has a space; remove it",
        _ if character.is_alphabetic() => {
            "the part of email before the @ has a letter with an accent or of another script, which mail servers \
             refuse; correct it"
        }
        _ => "the part of email before the @ has a character that mail servers refuse; correct it",
    }
}

fn is_dot_atext(character: char) -> bool {
    character == '.' || u8::try_from(character).is_ok_and(is_atext)
}

/// Returns true for `atext` (RFC 5322 §3.2.3).
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Returns the domain in the ASCII form of DNS, in lower case. Returns `None` if it is not a domain
/// name.
fn ascii_domain(domain: &str) -> Option<String> {
    Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()
        .map(|ascii| ascii.into_owned())
}

/// Returns the same text for all spellings of a mailbox, in lower case. RFC 5321 lets servers
/// distinguish `Ada@` from `ada@`, but in practice they don't.
pub(super) fn normalise(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return address.to_lowercase();
    };
    let domain = ascii_domain(domain).unwrap_or_else(|| domain.to_lowercase());
    format!("{}@{domain}", local.to_lowercase())
}

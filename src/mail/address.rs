//! Conversion of e-mail addresses to a form that every mail server accepts.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use lettre::Address;

/// Parses an address and converts an internationalized domain to its ASCII form (`xn--…`, RFC
/// 5891). Even if the first server supports SMTPUTF8, the next one may not. Returns `None` if
/// `text` is not an address.
pub(super) fn wire_address(text: &str) -> Option<Address> {
    // SMTP allows no unquoted space or angle bracket in an address, but the parser may accept them.
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>'))
    {
        return None;
    }
    let address: Address = text.parse().ok()?;
    if address.domain().is_ascii() {
        return Some(address);
    }
    let domain = address.domain().as_bytes();
    let ascii = Uts46::new()
        .to_ascii(
            domain,
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()?;
    Address::new(address.user(), ascii.as_ref()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internationalised_domain_is_written_in_ascii() {
        for (text, wire) in [
            ("ada@example.org", "ada@example.org"),
            ("Ada.L@Example.ORG", "Ada.L@Example.ORG"),
            ("ana@münchen.example", "ana@xn--mnchen-3ya.example"),
            ("ana@MÜNCHEN.example", "ana@xn--mnchen-3ya.example"),
            ("ana@mu\u{308}nchen.example", "ana@xn--mnchen-3ya.example"),
            ("ana@xn--mnchen-3ya.example", "ana@xn--mnchen-3ya.example"),
            ("ana@correo.peña.example", "ana@correo.xn--pea-8ma.example"),
            ("ana@пример.рф", "ana@xn--e1afmkfd.xn--p1ai"),
            ("ana@straße.example", "ana@xn--strae-oqa.example"),
            ("анна@пример.рф", "анна@xn--e1afmkfd.xn--p1ai"),
        ] {
            assert_eq!(
                wire_address(text)
                    .map(|address| address.to_string())
                    .as_deref(),
                Some(wire),
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_address_has_no_wire_form() {
        let long = format!("ana@{}.example", "ü".repeat(64));
        for text in [
            "",
            "ana",
            "ana@",
            "@münchen.example",
            "a b@example.org",
            "<ana@example.org>",
            "ana@-ü.example",
            &long,
        ] {
            assert_eq!(wire_address(text), None, "{text}");
        }
    }
}

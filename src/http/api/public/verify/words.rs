//! Texts of the verification page, and the choice of their language.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use serde::Serialize;

use crate::domain::Locale;

/// Largest number of language ranges that are read from the header. Browsers send only a few.
const MAX_RANGES: usize = 20;

/// Returns the language `asked` if it is supported. Otherwise returns the preferred supported
/// language in `Accept-Language`, or `own` if there is none.
pub(in crate::http) fn chosen(asked: Option<&str>, headers: &HeaderMap, own: Locale) -> Locale {
    let preferred = || {
        let accepted = headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())?;
        best(accepted)
    };
    asked
        .and_then(|asked| asked.parse().ok())
        .or_else(preferred)
        .unwrap_or(own)
}

/// Returns the supported language with the highest weight in an `Accept-Language` header (RFC 9110
/// §12.5.4). If several have the same weight, returns the first of them.
///
/// The crate `accept-language` does not fit. It reads any number of ranges, accepts languages with
/// the weight 0, and compares whole tags, so it would not recognize `es-CO` as Spanish.
fn best(accepted: &str) -> Option<Locale> {
    let mut best: Option<(f32, Locale)> = None;
    for range in accepted.split(',').take(MAX_RANGES) {
        let (language, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let primary = language
            .trim()
            .split('-')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let weight = weight
            .trim()
            .strip_prefix("q=")
            .and_then(|weight| weight.parse::<f32>().ok());
        let (Ok(locale), Some(weight)) = (primary.parse::<Locale>(), weight) else {
            continue;
        };
        if weight > best.map_or(0.0, |(best, _)| best) {
            best = Some((weight, locale));
        }
    }
    best.map(|(_, locale)| locale)
}

/// Writes a date such as `2026-11-21` in words. Returns any other text unchanged.
pub(super) fn long_date(date: &str, locale: Locale) -> String {
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const SPANISH: [&str; 12] = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ];
    let parts: Vec<usize> = date
        .split('-')
        .filter_map(|part| part.parse().ok())
        .collect();
    let &[year, month @ 1..=12, day] = parts.as_slice() else {
        return date.to_owned();
    };
    match locale {
        Locale::En => format!("{day} {} {year}", ENGLISH[month - 1]),
        Locale::Es => format!("{day} de {} de {year}", SPANISH[month - 1]),
    }
}

/// Texts of the page.
#[derive(Serialize)]
pub(super) struct Words {
    lang: &'static str,
    title: &'static str,
    valid: &'static str,
    pending: &'static str,
    revoked: &'static str,
    awarded_to: &'static str,
    certificate: &'static str,
    for_event: &'static str,
    issued_by: &'static str,
    issued_on: &'static str,
    revoked_on: &'static str,
    number: &'static str,
    download: &'static str,
    digest: &'static str,
    checked_on: &'static str,
    other_lang: &'static str,
    other_name: &'static str,
}

pub(super) const fn words(locale: Locale) -> Words {
    match locale {
        Locale::En => ENGLISH,
        Locale::Es => SPANISH,
    }
}

const ENGLISH: Words = Words {
    lang: "en",
    title: "Certificate verification",
    valid: "This certificate is genuine and valid",
    pending: "This certificate is genuine; its file is being prepared",
    revoked: "This certificate was revoked by its issuer and is not valid",
    awarded_to: "Awarded to",
    certificate: "Certificate",
    for_event: "Event or course",
    issued_by: "Issued by",
    issued_on: "Date of issue",
    revoked_on: "Date of revocation",
    number: "Certificate number",
    download: "Download the certificate (PDF)",
    digest: "SHA-256 of the file",
    checked_on: "Checked on",
    other_lang: "es",
    other_name: "Español",
};

const SPANISH: Words = Words {
    lang: "es",
    title: "Verificación de certificado",
    valid: "Este certificado es auténtico y válido",
    pending: "Este certificado es auténtico; su archivo se está preparando",
    revoked: "Este certificado fue revocado por su emisor y no es válido",
    awarded_to: "Otorgado a",
    certificate: "Certificado",
    for_event: "Evento o curso",
    issued_by: "Emitido por",
    issued_on: "Fecha de emisión",
    revoked_on: "Fecha de revocación",
    number: "Número de certificado",
    download: "Descargar el certificado (PDF)",
    digest: "SHA-256 del archivo",
    checked_on: "Consultado el",
    other_lang: "en",
    other_name: "English",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_language_is_evaluated_by_quality() {
        for (accepted, locale) in [
            ("es-CO,es;q=0.9,en;q=0.8", Some(Locale::Es)),
            ("en-GB", Some(Locale::En)),
            ("de, en;q=0.3, es;q=0.7", Some(Locale::Es)),
            ("EN, es", Some(Locale::En)),
            ("es;q=0", None),
            ("de", None),
            ("es;q=much", None),
            ("", None),
        ] {
            assert_eq!(best(accepted), locale, "{accepted}");
        }
    }

    #[test]
    fn requested_language_overrides_the_header_and_the_certificate() {
        let mut headers = HeaderMap::new();
        assert_eq!(chosen(None, &headers, Locale::Es), Locale::Es);
        headers.insert(ACCEPT_LANGUAGE, "en".parse().unwrap());
        assert_eq!(chosen(None, &headers, Locale::Es), Locale::En);
        assert_eq!(chosen(Some("es"), &headers, Locale::En), Locale::Es);
        assert_eq!(chosen(Some("fr"), &headers, Locale::Es), Locale::En);
    }

    #[test]
    fn dates_are_formatted_with_the_month_name() {
        assert_eq!(long_date("2026-11-21", Locale::En), "21 November 2026");
        assert_eq!(long_date("2026-01-02", Locale::Es), "2 de enero de 2026");
        for odd in ["", "2026", "2026-13-01", "soon"] {
            assert_eq!(long_date(odd, Locale::En), odd);
        }
    }
}

//! Texts of the pages without a certificate.

use serde::Serialize;

use crate::domain::Locale;
use crate::http::ErrorCode;

/// Kinds of pages without a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// The visitor can enter a number.
    Enter,
    /// No certificate has this number.
    NotIssued,
    /// The number has a typing error.
    Mistyped,
    /// There is no page at this address.
    NoPage,
    /// The certificate was revoked, so its file is not available.
    Revoked,
    /// The file does not exist yet.
    Prepared,
    /// The client sends too many requests.
    TooOften,
    /// The server is busy, or a dependency is unavailable.
    Busy,
    /// The request is not valid.
    Refused,
    /// An internal error occurred.
    Broken,
}

impl Says {
    /// Returns the kind of page for an error. `is_certificate` is true if the path is that of a
    /// certificate.
    pub(super) fn of_error(code: ErrorCode, is_certificate: bool) -> Self {
        match code {
            ErrorCode::NumberMistyped => Self::Mistyped,
            ErrorCode::NotFound if is_certificate => Self::NotIssued,
            ErrorCode::NotFound => Self::NoPage,
            ErrorCode::CertificateRevoked => Self::Revoked,
            ErrorCode::NotGenerated => Self::Prepared,
            ErrorCode::TooManyRequests => Self::TooOften,
            code if code.status() == 503 => Self::Busy,
            code if code.status().is_server_error() => Self::Broken,
            _ => Self::Refused,
        }
    }

    /// Returns the heading and the text. `wait` is in seconds.
    pub(super) fn in_locale(self, locale: Locale, wait: Option<u64>) -> (&'static str, String) {
        let (heading, text) = match locale {
            Locale::En => self.english(),
            Locale::Es => self.spanish(),
        };
        (
            heading,
            text.replace("{wait}", &wait.unwrap_or(1).to_string()),
        )
    }

    const fn english(self) -> (&'static str, &'static str) {
        match self {
            Self::Enter => (
                "Verify a certificate",
                "Type the number that is printed on the certificate. You can also scan its code.",
            ),
            Self::NotIssued => (
                "No certificate of this number was issued here",
                "Compare the number with the certificate, or ask the person who gave it to you.",
            ),
            Self::Mistyped => (
                "This number has a typing error",
                "Compare it with the certificate, character by character. Upper and lower case make no difference.",
            ),
            Self::NoPage => (
                "There is no page at this address",
                "Check the address. To verify a certificate, type its number.",
            ),
            Self::Revoked => (
                "This certificate was revoked by its issuer and is not valid",
                "Its file can no longer be downloaded.",
            ),
            Self::Prepared => (
                "This certificate is genuine; its file is being prepared",
                "Open this address again in a minute.",
            ),
            Self::TooOften => (
                "Too many requests",
                "This address was opened too often. Wait {wait} s and load the page again.",
            ),
            Self::Busy => (
                "The server is busy at the moment",
                "Nothing is wrong with the address. Wait {wait} s and load the page again.",
            ),
            Self::Refused => (
                "This request cannot be answered",
                "Check the address, and open it exactly as it is on the certificate or in the mail.",
            ),
            Self::Broken => (
                "Something went wrong on the server",
                "Load the page again. If it fails again, tell the issuer this reference:",
            ),
        }
    }

    const fn spanish(self) -> (&'static str, &'static str) {
        match self {
            Self::Enter => (
                "Verificar un certificado",
                "Escriba el número impreso en el certificado. También puede escanear su código.",
            ),
            Self::NotIssued => (
                "Aquí no se emitió ningún certificado con este número",
                "Compare el número con el certificado o pregunte a quien se lo dio.",
            ),
            Self::Mistyped => (
                "Este número tiene un error de escritura",
                "Compárelo con el certificado carácter por carácter. Da igual escribir mayúsculas o minúsculas.",
            ),
            Self::NoPage => (
                "No hay ninguna página en esta dirección",
                "Revise la dirección. Para verificar un certificado, escriba su número.",
            ),
            Self::Revoked => (
                "Este certificado fue revocado por su emisor y no es válido",
                "Su archivo ya no se puede descargar.",
            ),
            Self::Prepared => (
                "Este certificado es auténtico; su archivo se está preparando",
                "Abra de nuevo esta dirección dentro de un minuto.",
            ),
            Self::TooOften => (
                "Demasiadas solicitudes",
                "Esta dirección se abrió demasiadas veces. Espere {wait} s y cargue la página de nuevo.",
            ),
            Self::Busy => (
                "El servidor está ocupado en este momento",
                "La dirección es correcta. Espere {wait} s y cargue la página de nuevo.",
            ),
            Self::Refused => (
                "No se puede atender esta solicitud",
                "Revise la dirección y ábrala tal como figura en el certificado o en el correo.",
            ),
            Self::Broken => (
                "Algo falló en el servidor",
                "Cargue la página de nuevo. Si vuelve a fallar, indique al emisor esta referencia:",
            ),
        }
    }
}

/// Texts that are the same on all these pages.
#[derive(Serialize)]
pub(super) struct NoticeWords {
    title: &'static str,
    number: &'static str,
    hint: &'static str,
    verify: &'static str,
    see: &'static str,
    reference: &'static str,
    other_lang: &'static str,
    other_name: &'static str,
}

pub(super) const fn words(locale: Locale) -> NoticeWords {
    match locale {
        Locale::En => NoticeWords {
            title: "Certificate verification",
            number: "Certificate number",
            hint: "27 characters: letters and digits, and sometimes *, ~, $ or = as the last one. Blanks and hyphens make no difference.",
            verify: "Verify",
            see: "See the certificate's page",
            reference: "Reference:",
            other_lang: "es",
            other_name: "Español",
        },
        Locale::Es => NoticeWords {
            title: "Verificación de certificado",
            number: "Número del certificado",
            hint: "27 caracteres: letras y cifras, y a veces *, ~, $ o = al final. Los espacios y guiones no importan.",
            verify: "Verificar",
            see: "Ver la página del certificado",
            reference: "Referencia:",
            other_lang: "en",
            other_name: "English",
        },
    }
}

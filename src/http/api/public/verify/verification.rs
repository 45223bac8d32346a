//! Public data of a certificate.

use serde::Serialize;
use utoipa::ToSchema;

use super::{PublicState, public_state};
use crate::domain::Personal;
use crate::domain::certification::public_id::printed;
use crate::http::HttpState;
use crate::http::protocol::names::{LocaleName, VerificationStatusName};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::settings::PersonShown;
use crate::projection::queries::issuances::IssuanceRow;

/// Public data of a certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Always true. The response for a certificate that was not issued here is 404.
    #[schema(example = true)]
    pub(super) genuine: bool,
    /// `valid`; `pending` if it was issued and its PDF is being created; `revoked` if the issuer
    /// revoked it.
    #[schema(value_type = VerificationStatusName)]
    pub(super) status: &'static str,
    /// Public id of the certificate.
    #[schema(example = "00112233445566778899aabbccddeeff")]
    pub(super) public_id: String,
    /// Number that is printed on the certificate.
    #[schema(example = "0024H-36H2N-CSVRH-6DAQF-6DVVQ-ZW")]
    pub(super) number: String,
    /// Name of the person, its initials, or null. The operator configures this.
    #[schema(value_type = Option<String>, example = "María Núñez")]
    pub(super) full_name: Option<Personal<String>>,
    /// Name of the certificate.
    #[schema(example = "Speaker")]
    pub(super) certificate_name: String,
    /// Name of the event or course.
    #[schema(example = "Summit 2026")]
    pub(super) event_name: String,
    /// Issuing organisation.
    #[schema(example = "Acme")]
    pub(super) issuer: String,
    /// Date on the certificate.
    #[schema(example = "2026-11-21", format = Date)]
    pub(super) issue_date: String,
    /// Language of the certificate: `en` or `es`.
    #[schema(value_type = LocaleName)]
    pub(super) locale: String,
    /// Time of the revocation (RFC 3339). Null if the certificate is not revoked.
    #[schema(example = json!(null), format = DateTime)]
    pub(super) revoked_at: Option<Timestamp>,
    /// URL of the PDF. Null if the PDF does not exist yet, if the certificate is revoked, or if the
    /// full name is not public.
    #[schema(
        example = "https://certificates.example.com/certificate/00112233445566778899aabbccddeeff/download"
    )]
    pub(super) download_url: Option<String>,
    /// SHA-256 of the PDF as 64 hex digits. Null if the PDF does not exist yet.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub(super) sha256: Option<String>,
    /// Time of this verification (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z", format = DateTime)]
    pub(super) checked_at: Timestamp,
}

pub(super) fn verification(http: &HttpState, row: IssuanceRow) -> Verification {
    let public_state = public_state(&row);
    let shows = http.settings.verification_shows;
    let path = format!("/certificate/{}/download", row.public_id);
    let has_download = public_state == PublicState::Valid && shows == PersonShown::Full;
    Verification {
        genuine: true,
        status: match public_state {
            PublicState::Valid => "valid",
            PublicState::Pending => "pending",
            PublicState::Revoked => "revoked",
        },
        number: printed(&row.public_id),
        public_id: row.public_id,
        full_name: shown(row.full_name, shows),
        certificate_name: row.certificate_name,
        event_name: row.event_name,
        issuer: row.client,
        issue_date: row.issue_date.to_string(),
        locale: row.locale,
        revoked_at: row.revoked_at.map(Timestamp),
        download_url: has_download.then(|| http.public_url(&path)),
        sha256: row.sha256,
        checked_at: Timestamp(http.now()),
    }
}

/// Returns the name in the form that the operator has configured: in full, as initials, or not at
/// all.
fn shown(name: Personal<String>, shows: PersonShown) -> Option<Personal<String>> {
    match shows {
        PersonShown::Full => Some(name),
        PersonShown::Initials => Some(initials(name.reveal_str()).into()),
        PersonShown::Nothing => None,
    }
}

/// Returns the initials of a name: `María José Núñez` becomes `M. J. N.`
fn initials(name: &str) -> String {
    let first = |part: &str| part.chars().find(|c| c.is_alphabetic());
    let letters = name.split_whitespace().filter_map(first);
    let letters: Vec<String> = letters
        .map(|letter| format!("{}.", letter.to_uppercase()))
        .collect();
    letters.join(" ")
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    pub(in super::super) fn verification(status: &'static str) -> Verification {
        Verification {
            genuine: true,
            status,
            public_id: "00112233445566778899aabbccddeeff".to_owned(),
            number: printed("00112233445566778899aabbccddeeff"),
            full_name: Some("María <b>José</b> Núñez".to_owned().into()),
            certificate_name: "Speaker".to_owned(),
            event_name: "Summit 2026".to_owned(),
            issuer: "Acme & Sons".to_owned(),
            issue_date: "2026-11-21".to_owned(),
            locale: "es".to_owned(),
            revoked_at: None,
            download_url: Some("https://example.com/certificate/00/download".to_owned()),
            sha256: Some("ab".repeat(32)),
            checked_at: Timestamp(time::macros::datetime!(2026-12-01 08:00 UTC)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_the_first_letters_of_the_names() {
        for (name, letters) in [
            ("María José Núñez", "M. J. N."),
            ("ángel  d'Arc", "Á. D."),
            ("李雷", "李."),
            ("(Ada)", "A."),
            ("", ""),
        ] {
            assert_eq!(initials(name), letters);
        }
    }

    #[test]
    fn setting_selects_full_name_initials_or_no_name() {
        let of = |shows| {
            shown("Ada Lovelace".to_owned().into(), shows).map(|name| name.reveal_str().to_owned())
        };
        assert_eq!(of(PersonShown::Full).as_deref(), Some("Ada Lovelace"));
        assert_eq!(of(PersonShown::Initials).as_deref(), Some("A. L."));
        assert_eq!(of(PersonShown::Nothing), None);
    }
}

//! Tests of issuances in the form given, when, then.

use super::samples::{generated, request, revoked};
use super::*;
use crate::domain::kernel::decider::spec::given;

fn failed(code: &str) -> CertificateGenerationFailed {
    CertificateGenerationFailed {
        code: code.to_owned(),
        reason: "why".to_owned().into(),
    }
}

fn ask(name: &str) -> IssuanceCommand {
    IssuanceCommand::Request(Box::new(request(name)))
}

#[test]
fn second_request_changes_nothing() {
    given::<Issuance>(vec![])
        .when(ask("Ada"))
        .then(vec![request("Ada").into()]);
    given::<Issuance>(vec![request("Ada").into()])
        .when(ask("Grace"))
        .then_nothing();
}

#[test]
fn the_pdf_is_recorded_once() {
    let history = vec![request("Ada").into(), generated("aa").into()];
    given::<Issuance>(history[..1].to_vec())
        .when(IssuanceCommand::RecordGenerated(generated("aa")))
        .then(vec![generated("aa").into()]);
    given::<Issuance>(history)
        .when(IssuanceCommand::RecordGenerated(generated("aa")))
        .then_nothing();
}

#[test]
fn issued_bytes_never_change() {
    given::<Issuance>(vec![request("Ada").into(), generated("aa").into()])
        .when(IssuanceCommand::RecordGenerated(generated("bb")))
        .then_refused("WRONG_STATE");
}

#[test]
fn a_failure_is_recorded_once_and_never_after_success() {
    let requested: IssuanceEvent = request("Ada").into();
    let failure = IssuanceCommand::RecordFailure(failed("MISSING_GLYPH"));
    given::<Issuance>(vec![requested.clone()])
        .when(failure.clone())
        .then(vec![failed("MISSING_GLYPH").into()]);
    given::<Issuance>(vec![requested.clone(), failed("MISSING_GLYPH").into()])
        .when(failure.clone())
        .then_nothing();
    given::<Issuance>(vec![requested, generated("aa").into()])
        .when(failure)
        .then_nothing();
}

#[test]
fn issuance_is_revoked_once_and_keeps_the_first_reason() {
    let first = revoked(WhyRevoked::WrongData, Some("misspelt"));
    let second = revoked(WhyRevoked::Other, None);
    let history = vec![request("Ada").into(), generated("aa").into()];
    given::<Issuance>(history.clone())
        .when(IssuanceCommand::Revoke(first.clone()))
        .then(vec![first.clone().into()]);
    given::<Issuance>([history, vec![first.into()]].concat())
        .when(IssuanceCommand::Revoke(second))
        .then_nothing();
}

#[test]
fn only_issuances_without_a_pdf_are_revoked_as_unfinished() {
    let why = revoked(WhyRevoked::BatchCancelled, None);
    let command = || IssuanceCommand::RevokeUnfinished(why.clone());
    given::<Issuance>(vec![request("Ada").into()])
        .when(command())
        .then(vec![why.clone().into()]);
    given::<Issuance>(vec![request("Ada").into(), failed("MISSING_GLYPH").into()])
        .when(command())
        .then(vec![why.clone().into()]);
    given::<Issuance>(vec![request("Ada").into(), generated("aa").into()])
        .when(command())
        .then_nothing();
}

#[test]
fn failed_issuance_is_replaced_once_and_gets_no_pdf_afterwards() {
    let gone = revoked(WhyRevoked::GenerationFailed, None);
    let history = vec![request("Ada").into(), failed("MISSING_GLYPH").into()];
    given::<Issuance>(history.clone())
        .when(IssuanceCommand::GiveWay)
        .then(vec![gone.clone().into()]);
    let history = [history, vec![gone.into()]].concat();
    given::<Issuance>(history.clone())
        .when(IssuanceCommand::GiveWay)
        .then_nothing();
    given::<Issuance>(history)
        .when(IssuanceCommand::RecordGenerated(generated("aa")))
        .then_nothing();
}

#[test]
fn issuance_with_a_pdf_or_in_progress_cannot_be_replaced() {
    let give_way = || IssuanceCommand::GiveWay;
    given::<Issuance>(vec![])
        .when(give_way())
        .then_refused("NOT_FOUND");
    given::<Issuance>(vec![request("Ada").into()])
        .when(give_way())
        .then_refused("WRONG_STATE");
    // A successful second rendering replaces the failure.
    let history = vec![
        request("Ada").into(),
        failed("X").into(),
        generated("aa").into(),
    ];
    given::<Issuance>(history)
        .when(give_way())
        .then_refused("WRONG_STATE");
}

#[test]
fn attendee_holds_an_issuance_unless_it_failed_or_is_revoked() {
    let is_held = |history: &[IssuanceEvent]| Issuance::fold(history).status().is_held();
    let (asked, failed): (IssuanceEvent, IssuanceEvent) =
        (request("Ada").into(), failed("X").into());
    assert!(!is_held(&[]));
    assert!(is_held(std::slice::from_ref(&asked)));
    assert!(!is_held(&[asked.clone(), failed.clone()]));
    assert!(is_held(&[asked.clone(), failed, generated("aa").into()]));
    assert!(!is_held(&[
        asked,
        generated("aa").into(),
        revoked(WhyRevoked::Other, None).into()
    ]));
}

#[test]
fn pdf_after_the_revocation_is_not_recorded() {
    let history = || {
        vec![
            request("Ada").into(),
            revoked(WhyRevoked::Withdrawn, None).into(),
        ]
    };
    given::<Issuance>(history())
        .when(IssuanceCommand::RecordGenerated(generated("aa")))
        .then_nothing();
    given::<Issuance>(history())
        .when(IssuanceCommand::RecordFailure(failed("X")))
        .then_nothing();
    given::<Issuance>(history()).when(ask("Ada")).then_nothing();
}

#[test]
fn command_for_an_unrequested_issuance_is_refused() {
    given::<Issuance>(vec![])
        .when(IssuanceCommand::RecordGenerated(generated("aa")))
        .then_refused("NOT_FOUND");
    given::<Issuance>(vec![])
        .when(IssuanceCommand::Revoke(revoked(WhyRevoked::Other, None)))
        .then_refused("NOT_FOUND");
}

//! Renderer: one PDF for each request. The PDF never changes.

use std::sync::{Arc, OnceLock};

use laureate::certificate_pdf::{RENDERER_VERSION, Renderer};
use laureate::commands::issue::IssuingFacts;
use laureate::domain::certification::certificate::TemplateRef;
use laureate::domain::certification::issuance::{
    CertificateGenerated, CertificateRequested, Issuance, IssuanceCommand, Page,
};
use laureate::domain::certification::mail::{EmailQueued, MailDelivery, OnUnknown};
use laureate::domain::{IssuanceId, Locale, MailId, TimeZone};
use laureate::rendering::{Rendering, RenderingError};
use laureate::sandbox::Sandbox;
use laureate::storage::ObjectKey;
use laureate::workers::processes::Processes;
use laureate::workers::renderer::RendererWorker;
use uuid::Uuid;

use super::fixture::Plant;
use crate::log::fixture::person;
use crate::support::{laureate, until};

/// Returns a renderer. The fonts are loaded once for all tests in this process.
pub fn renderer() -> Arc<Renderer> {
    static RENDERER: OnceLock<Arc<Renderer>> = OnceLock::new();
    RENDERER
        .get_or_init(|| Arc::new(Renderer::new().unwrap()))
        .clone()
}

pub fn rendering(plant: &Plant) -> Rendering {
    let sandbox = Sandbox::new(laureate().to_path_buf());
    Rendering::new(
        plant.log.commands.clone(),
        renderer(),
        plant.storage.clone(),
        sandbox,
    )
}

/// Returns a request like those of the issue command.
pub fn request(name: &str, email: &str) -> CertificateRequested {
    CertificateRequested {
        certificate_id: Uuid::new_v4().into(),
        attendee_id: Uuid::new_v4().into(),
        origins: Vec::new(),
        public_id: Uuid::new_v4().simple().to_string(),
        page: Page {
            pdf_template: TemplateRef::new("classic", 1),
            own_template: None,
            renderer_version: RENDERER_VERSION.to_owned(),
            fonts_sha256: renderer().fonts_digest().to_owned(),
            design: None,
            locale: Locale::En,
            issue_date: time::macros::date!(2026 - 11 - 21),
            public_base_url: "https://certificates.example.com".to_owned(),
            client: "Acme".to_owned(),
            certificate_name: "Speaker".to_owned(),
            event_name: "Summit 2026".to_owned(),
            full_name: name.to_owned().into(),
            document_number: None,
        },
        email: email.to_owned().into(),
        event_link: None,
        delivery: MailDelivery::Immediate,
    }
}

pub async fn requested(plant: &Plant, request: CertificateRequested) -> IssuanceId {
    let id = IssuanceId(Uuid::new_v4());
    let command = IssuanceCommand::Request(Box::new(request));
    plant
        .log
        .commands
        .execute::<Issuance>(&person(), id, command)
        .await
        .unwrap();
    id
}

/// Returns a mail whose content does not matter.
pub fn queued_mail(address: &str, on_unknown: OnUnknown) -> EmailQueued {
    EmailQueued {
        issuance_id: Uuid::new_v4().into(),
        certificate_id: Uuid::new_v4().into(),
        batch_id: None,
        previous: None,
        attendee_id: Uuid::new_v4().into(),
        to_name: "Ada".to_owned().into(),
        to_address: address.to_owned().into(),
        locale: Locale::En,
        client: "Acme".to_owned(),
        certificate_name: "Speaker".to_owned(),
        event_name: "Summit 2026".to_owned(),
        event_link: None,
        download_link: "https://certificates.example.com/certificate/00/download".to_owned(),
        object_key: "certificates/a.pdf".to_owned(),
        sha256: "aa".to_owned(),
        on_unknown,
        delivery: MailDelivery::Immediate,
    }
}

/// Starts the renderer and the process managers.
pub fn run_renderer(plant: &Plant) {
    let facts = IssuingFacts {
        renderer_version: RENDERER_VERSION.to_owned(),
        fonts_sha256: renderer().fonts_digest().to_owned(),
        public_base_url: "https://certificates.example.com".to_owned(),
        random: || Uuid::new_v4().as_u128(),
        on_unknown: OnUnknown::Park,
        time_zone: TimeZone::default(),
    };
    plant.run(Arc::new(RendererWorker(rendering(plant))));
    plant.run(Arc::new(Processes::new(plant.log.commands.clone(), facts)));
}

pub async fn generated(plant: &Plant, id: IssuanceId) -> CertificateGenerated {
    let pdf = async || {
        plant
            .log
            .commands
            .load::<Issuance>(id)
            .await
            .unwrap()
            .state
            .generated
    };
    until("the PDF is generated", async || pdf().await.is_some()).await;
    pdf().await.unwrap()
}

#[tokio::test]
async fn request_leads_to_a_stored_pdf_and_a_queued_mail() {
    let plant = Plant::new().await;
    run_renderer(&plant);
    let id = requested(&plant, request("Ada Lovelace", "ada@example.com")).await;
    let pdf = generated(&plant, id).await;
    let bytes = rendering(&plant).issued_pdf(id).await.unwrap().unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    assert_eq!(bytes.len() as u64, pdf.size);
    let mail = MailId::first_of(id);
    until("the mail is queued", async || {
        plant.history("mail", mail).await == ["EmailQueued"]
    })
    .await;
    assert_eq!(
        plant.history("issuance", id).await,
        ["CertificateRequested", "CertificateGenerated"]
    );
}

#[tokio::test]
async fn deleted_pdf_is_rendered_again_with_the_same_bytes() {
    let plant = Plant::new().await;
    run_renderer(&plant);
    let id = requested(&plant, request("Ada Lovelace", "ada@example.com")).await;
    let key = ObjectKey::parse(&generated(&plant, id).await.object_key).unwrap();
    let issued = plant.storage.get(&key, 1 << 26).await.unwrap().unwrap();
    plant.storage.delete(&key).await.unwrap();
    assert_eq!(
        rendering(&plant).issued_pdf(id).await.unwrap().unwrap(),
        issued
    );
    assert_eq!(
        plant.storage.get(&key, 1 << 26).await.unwrap().unwrap(),
        issued,
        "it is stored again"
    );
}

#[tokio::test]
async fn replaced_pdf_is_not_returned() {
    let plant = Plant::new().await;
    run_renderer(&plant);
    let id = requested(&plant, request("Ada Lovelace", "ada@example.com")).await;
    let key = ObjectKey::parse(&generated(&plant, id).await.object_key).unwrap();
    plant
        .storage
        .put(&key, "%PDF-1.7 forged".into())
        .await
        .unwrap();
    let refused = rendering(&plant).issued_pdf(id).await;
    assert!(
        matches!(refused, Err(RenderingError::Differs)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn no_pdf_is_returned_before_it_is_issued() {
    let plant = Plant::new().await;
    let id = requested(&plant, request("Ada Lovelace", "ada@example.com")).await;
    assert!(rendering(&plant).issued_pdf(id).await.unwrap().is_none());
    assert!(
        rendering(&plant)
            .issued_pdf(IssuanceId(Uuid::new_v4()))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn name_without_glyphs_does_not_affect_its_batch() {
    let plant = Plant::new().await;
    let good = ["Ada Lovelace", "Grace Hopper", "Zoë Lindqvist"];
    let mut ids = Vec::new();
    for name in [good[0], "Ada \u{12000}", good[1], good[2]] {
        ids.push(requested(&plant, request(name, "ada@example.com")).await);
    }
    // All requests exist before the renderer starts, so they are one batch.
    run_renderer(&plant);
    let bad = ids.remove(1);
    for id in ids {
        generated(&plant, id).await;
    }
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(
        (letters[0].id.clone(), letters[0].cause.as_str()),
        (bad.to_string(), "RENDER_MISSING_GLYPH")
    );
    assert_eq!(
        plant.history("issuance", bad).await,
        ["CertificateRequested", "CertificateGenerationFailed"]
    );
    let raw = plant.dead_letters().await;
    assert!(
        !String::from_utf8_lossy(&raw[0]).contains("Ada"),
        "a name in a dead letter"
    );
}

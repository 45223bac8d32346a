//! Workers that meet work for a newer program. They stop and hand back what they have, and another
//! process does it.

use std::sync::Arc;

use laureate::certificate_pdf::RENDERER_VERSION;
use laureate::domain::certification::certificate::TemplateRef;
use laureate::domain::certification::issuance::CertificateRequested;
use laureate::event_log::Position;
use laureate::workers::renderer::RendererWorker;
use laureate::workers::retries::repeat;
use laureate::workers::{Delivery, StateHandle, Verdict, WorkLimits, Worker, WorkerState};
use uuid::Uuid;

use super::consume::{Ahead, gated, put};
use super::fixture::{Plant, Probe};
use super::issuing::{rendering, request, requested};
use super::mailing::{address, mailer, smtp, waiting_mail};
use super::withdrawing::{generated, processes};
use crate::log::fixture::{event, put_newer};
use crate::mail::peer::{Content, Peer, Script};
use crate::support::until;

fn newer() -> Verdict {
    Verdict::Newer {
        why: "an event of a newer program".to_owned(),
    }
}

/// Starts a worker that another process can replace.
async fn run_old<W: Worker>(plant: &Plant, worker: Arc<W>, concurrency: usize) -> StateHandle {
    let log = plant.log.another_process().await;
    let limits = WorkLimits::new(concurrency);
    plant.run_within(log, worker, limits).0
}

/// Waits until a worker is stopped. Returns the reason.
async fn stopped(state: &StateHandle) -> String {
    let mut reason = String::new();
    until("the worker is stopped", async || {
        if let WorkerState::Stopped { why } = state.get() {
            reason = why;
            return true;
        }
        false
    })
    .await;
    reason
}

/// Starts a worker of the newer program, and waits until it has done everything. Returns the
/// positions.
async fn done_by_newer(plant: &Plant, count: usize) -> Vec<Position> {
    let probe = Probe::new(async |_| Verdict::Done);
    plant.run(probe.clone());
    until("the newer program does the work", async || {
        probe.seen().len() >= count
    })
    .await;
    plant.settled("renderer").await;
    let seen = probe.seen();
    seen.iter().map(|(position, _)| *position).collect()
}

#[tokio::test]
async fn deliveries_that_wait_are_handed_back_when_the_worker_stops() {
    let plant = Plant::new().await;
    let positions = put(&plant, (0..10).map(event).collect()).await;
    let (_, gate) = gated();
    let passed = gate.clone();
    let probe = Probe::new(move |_| {
        let passed = passed.clone();
        async move {
            passed.acquire().await.unwrap().forget();
            newer()
        }
    });
    let state = run_old(&plant, Arc::new(Ahead(probe.clone())), 1).await;
    until("all are delivered", async || {
        plant.consumer("renderer").await["num_ack_pending"] == 10
    })
    .await;
    gate.add_permits(1);
    stopped(&state).await;
    assert_eq!(done_by_newer(&plant, 10).await, positions, "each once");
    assert_eq!(probe.seen().len(), 1, "the others were only waiting");
    assert!(plant.dead_letters().await.is_empty());
}

#[tokio::test]
async fn delivery_after_crashes_is_handed_back() {
    let plant = Plant::new().await;
    let positions = put(&plant, vec![event(0)]).await;
    let probe = Probe::new(async |delivery: Delivery| {
        assert!(delivery.attempt > 2, "simulated crash");
        newer()
    });
    let state = run_old(&plant, probe.clone(), 1).await;
    stopped(&state).await;
    assert_eq!(done_by_newer(&plant, 1).await, positions);
    assert!(plant.dead_letters().await.is_empty());
    assert!(probe.abandoned().is_empty());
}

#[tokio::test]
async fn timer_of_an_event_for_a_newer_worker_stops_the_worker() {
    let plant = Plant::new().await;
    let log = &plant.log.log;
    // The renderer's consumer has no mails, so the worker gets the event only from the timer.
    let mail = Uuid::new_v4().to_string();
    let position = put_newer(log, ("mail", &mail), "MailPraised", 1, "renderer").await;
    repeat(log, "renderer", position).await.unwrap();
    let probe = Probe::new(async |_| Verdict::Done);
    let state = run_old(&plant, probe.clone(), 1).await;
    let why = stopped(&state).await;
    assert!(why.contains("MailPraised"), "{why}");
    assert!(probe.seen().is_empty());
    // Another process gets the timer.
    let state = run_old(&plant, Probe::new(async |_| Verdict::Done), 1).await;
    stopped(&state).await;
    assert!(plant.dead_letters().await.is_empty());
}

#[tokio::test]
async fn command_that_meets_an_event_of_a_newer_program_stops_the_worker() {
    let plant = Plant::new().await;
    let id = requested(&plant, request("Ada", "ada@example.com")).await;
    generated(&plant, id).await;
    let issuance = id.to_string();
    let aggregate = ("issuance", issuance.as_str());
    put_newer(&plant.log.log, aggregate, "CertificatePraised", 1, "").await;
    let log = plant.log.another_process().await;
    let worker = Arc::new(processes(&plant));
    let (state, running) = plant.run_within(log, worker, WorkLimits::new(1));
    let why = stopped(&state).await;
    assert!(why.contains("CertificatePraised"), "{why}");
    plant.shutdown.cancel();
    running.await.unwrap();
    // The first event is CertificateRequested, which this worker doesn't handle.
    let info = plant.consumer("processes").await;
    assert_eq!(info["ack_floor"]["stream_seq"], 1, "{info}");
    assert!(plant.dead_letters().await.is_empty());
}

#[tokio::test]
async fn certificate_of_a_newer_renderer_or_theme_stops_the_renderer() {
    let known = request("Ada", "ada@example.com");
    let mut renderer = known.clone();
    renderer.page.renderer_version = format!("{RENDERER_VERSION}0");
    let mut theme = known.clone();
    theme.page.pdf_template = TemplateRef::new("baroque", 1);
    let mut version = known;
    version.page.pdf_template = TemplateRef::new("classic", 900);
    for unknown in [renderer, theme, version] {
        leaves_to_newer(unknown).await;
    }
}

/// The renderer stops at this request and records no outcome.
async fn leaves_to_newer(unknown: CertificateRequested) {
    let plant = Plant::new().await;
    let id = requested(&plant, unknown).await;
    let worker = Arc::new(RendererWorker(rendering(&plant)));
    let state = run_old(&plant, worker, 1).await;
    stopped(&state).await;
    assert_eq!(
        plant.history("issuance", id).await,
        ["CertificateRequested"]
    );
    assert_eq!(done_by_newer(&plant, 1).await.len(), 1);
    assert!(plant.dead_letters().await.is_empty());
}

#[tokio::test]
async fn outcome_after_an_event_of_a_newer_program_stops_the_mailer() {
    let plant = Plant::new().await;
    let (_, id) = waiting_mail(&plant, &address(&plant, "")).await;
    let peer = Peer::start(Script {
        content: Content::WaitForPermission,
        ..Script::default()
    })
    .await;
    let state = run_old(&plant, Arc::new(mailer(&plant, smtp(peer.address))), 1).await;
    until("the server has the mail", async || {
        peer.verbs().concat().contains(&"DATA".to_owned())
    })
    .await;
    let mail = id.to_string();
    put_newer(&plant.log.log, ("mail", &mail), "MailPraised", 1, "").await;
    peer.reply();
    let why = stopped(&state).await;
    assert!(why.contains("MailPraised"), "{why}");
}

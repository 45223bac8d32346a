//! Storage that is away, failed imports, and work that was lost.

use async_nats::jetstream::consumer::PullConsumer;
use futures_util::StreamExt;
use laureate::app::{Extras, Role};
use laureate::commands::CommandContext;
use laureate::domain::certification::batch::{Batch, BatchCommand, BatchRequested};
use laureate::domain::certification::import::{Import, ImportCommand, ImportFailed};
use laureate::domain::certification::mail::MailDelivery;
use laureate::domain::{BatchId, ImportId};
use laureate::event_log::Durable;
use laureate::spreadsheet::made_up_people;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Answered, Api, file};
use crate::support::{TestApp, until};

const PEOPLE: &str = "Name,Email,Document number\nAda,ada@example.com,1\n";

/// Starts another process with one role, until the end of the test.
pub async fn start(api: &Api, role: Role) {
    let app = &api.app.app;
    let running = app
        .start(&[role], Extras::default(), CancellationToken::new())
        .await
        .expect("started");
    tokio::spawn(running.wait());
}

/// Acknowledges the next `count` events of a worker without doing the work.
pub async fn lose(api: &Api, worker: &str, count: usize) {
    lose_from(api, "EVENTS", worker, count).await;
}

/// Acknowledges the next `count` messages of a consumer.
pub async fn lose_from(api: &Api, stream: &str, name: &str, count: usize) {
    let durable = Durable { stream, name };
    let log = api.app.app.commands().log();
    let consumer: PullConsumer = log.open_durable(durable).await.expect("provisioned");
    let messages = consumer.messages().await.expect("a stream");
    let mut messages = messages.take(count);
    while let Some(message) = messages.next().await {
        message
            .expect("delivered")
            .double_ack()
            .await
            .expect("acknowledged");
    }
}

/// Imports one person.
async fn import_person(api: &Api) {
    let imported = api
        .upload("/attendees/bulk-upload", file("p.csv", PEOPLE))
        .await;
    imported.expect(200);
}

/// Requests a certificate for the only person. Returns the path of the batch.
async fn request_batch(api: &Api) -> String {
    let certificate = api.certificate().await.parse::<Uuid>().expect("a UUID");
    let people = api.get("/attendees").await.expect(200).body;
    let person = people["data"][0]["id"].as_str().expect("an id");
    let request = BatchRequested {
        certificate_id: certificate.into(),
        attendee_ids: vec![person.parse::<Uuid>().expect("a UUID").into()],
        delivery: MailDelivery::Immediate,
        issue_date: None,
        import_id: None,
    };
    let id = BatchId(Uuid::new_v4());
    let context = CommandContext::of_person(Uuid::new_v4().into(), "test");
    api.app
        .app
        .commands()
        .execute::<Batch>(&context, id, BatchCommand::Request(request))
        .await
        .expect("requested");
    format!("/batches/{id}")
}

fn state(body: &Value) -> &str {
    body["data"]["state"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn unmounted_storage_delays_work_and_rejects_uploads_for_the_moment() {
    let api = Api::start().await;
    let place = api.app.storage().to_owned();
    let mounted = place.with_extension("mounted");
    import_person(&api).await;
    std::fs::rename(&place, &mounted).expect("moved");
    std::fs::create_dir(&place).expect("made");

    let path = request_batch(&api).await;
    until("health reports that the renderer is paused", async || {
        let health = Answered::of(api.management("/health/ready").await)
            .await
            .body;
        let text = health["dependencies"].to_string();
        text.contains("renderer is paused, storage is away")
    })
    .await;
    until("an upload is rejected for the moment", async || {
        let form = file("q.csv", PEOPLE.replace("ada", "eva"));
        let upload = api.upload("/attendees/bulk-upload", form).await;
        (upload.status.as_u16(), upload.code()) == (503, "UNAVAILABLE")
    })
    .await;

    std::fs::remove_dir_all(&place).expect("removed");
    std::fs::rename(&mounted, &place).expect("moved");
    let is_sent = |body: &Value| body["data"]["progress"]["mailsSent"] == 1;
    let done = api.until("the mail is sent", &path, is_sent).await;
    assert_eq!(done["data"]["progress"]["generationFailed"], 0, "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn process_started_while_the_folder_is_unmounted_does_not_mark_the_mount_point() {
    let api = Api::start().await;
    let place = api.app.storage().to_owned();
    let mounted = place.with_extension("mounted");
    import_person(&api).await;
    std::fs::rename(&place, &mounted).expect("moved");
    std::fs::create_dir(&place).expect("made");
    let address = api.app.second_api_with(&[]).await;
    let upload = async || {
        let url = format!("http://{address}/api/v1/attendees/bulk-upload");
        let form = file("q.csv", PEOPLE.replace("ada", "eva"));
        let request = api.app.client.post(url).multipart(form);
        Answered::of(
            request
                .bearer_auth(&api.token)
                .send()
                .await
                .expect("answered"),
        )
        .await
    };
    until("an upload is rejected for the moment", async || {
        let upload = upload().await;
        (upload.status.as_u16(), upload.code()) == (503, "UNAVAILABLE")
    })
    .await;
    assert!(!place.join("laureate-storage").exists());
    std::fs::remove_dir_all(&place).expect("removed");
    std::fs::rename(&mounted, &place).expect("moved");
    upload().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_import_is_tried_again_under_its_id() {
    let roles = [Role::Api, Role::Projector, Role::Processes];
    let api = Api::of(TestApp::with_roles(&roles, &[]).await).await;
    let mut people = Vec::new();
    made_up_people(1_001, 7, &mut people).expect("written");
    let begun = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await;
    let begun = begun.expect(202);
    let id = begun.body["data"]["id"].as_str().expect("an id").to_owned();
    let failed = ImportFailed {
        code: "WORKER_STOPPED".to_owned(),
        reason: "the storage was away".to_owned(),
    };
    let context = CommandContext::of_person(Uuid::new_v4().into(), "test");
    let import = ImportId(id.parse().expect("a UUID"));
    api.app
        .app
        .commands()
        .execute::<Import>(&context, import, ImportCommand::Fail(failed))
        .await
        .expect("failed");
    let path = format!("/imports/{id}");
    api.until("it has failed", &path, |body| state(body) == "failed")
        .await;
    let again = api.post(&format!("{path}/retry"), &Value::Null).await;
    let again = again.expect(202).body;
    assert_eq!(
        (state(&again), &again["data"]["failure"]),
        ("requested", &Value::Null)
    );
    start(&api, Role::Importer).await;
    let done = api
        .until("it is completed", &path, |body| state(body) == "completed")
        .await;
    assert_eq!(
        (&done["data"]["created"], &done["data"]["failure"]),
        (&json!(1_001), &Value::Null)
    );
    let again = api.post(&format!("{path}/retry"), &Value::Null).await;
    assert_eq!((again.status.as_u16(), again.code()), (409, "WRONG_STATE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_work_is_repeated_by_the_scheduled_task() {
    let settings = [
        "scheduler.stuck_after_minutes=0",
        "scheduler.tasks.stuck_work.cron=* * * * * *",
    ];
    let roles = [Role::Api, Role::Projector, Role::Importer, Role::Mailer];
    let api = Api::of(TestApp::with_roles(&roles, &settings).await).await;
    import_person(&api).await;
    let path = request_batch(&api).await;
    // The events of the import and of the batch.
    lose(&api, "processes", 4).await;
    start(&api, Role::Scheduler).await;
    start(&api, Role::Processes).await;
    let is_dispatched = |body: &Value| state(body) == "dispatched";
    api.until("the batch is dispatched again", &path, is_dispatched)
        .await;
    lose(&api, "renderer", 1).await;
    start(&api, Role::Renderer).await;
    let is_sent = |body: &Value| body["data"]["progress"]["mailsSent"] == 1;
    api.until("the certificate is drawn and sent", &path, is_sent)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_whose_dispatch_was_lost_can_be_cancelled() {
    let roles = [Role::Api, Role::Projector, Role::Importer];
    let api = Api::of(TestApp::with_roles(&roles, &[]).await).await;
    import_person(&api).await;
    let path = request_batch(&api).await;
    lose(&api, "processes", 4).await;
    api.post(&format!("{path}/cancel"), &Value::Null)
        .await
        .expect(202);
    start(&api, Role::Processes).await;
    let done = api
        .until("it is cancelled", &path, |body| state(body) == "cancelled")
        .await;
    assert_eq!(
        (&done["data"]["requested"], &done["data"]["left"]),
        (&json!(0), &json!(1)),
        "{done}"
    );
}

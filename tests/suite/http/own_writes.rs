//! Reads after writes. The response to a write is sent when a read can show the write.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use laureate::app::Role;
use laureate::http::protocol::endpoint::Endpoint;
use laureate::http::router;
use uuid::Uuid;

use super::{Answered, Api, file};
use crate::support::{TestApp, until};

fn definition() -> Value {
    json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit" })
}

async fn define_async(api: &Api) -> Answered {
    let request = api
        .request(Method::POST, "/certificates")
        .header("prefer", "respond-async");
    Answered::of(request.json(&definition()).send().await.expect("answered"))
        .await
        .expect(201)
}

fn path_of(created: &Answered) -> String {
    created
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn created_resources_can_be_read_at_once() {
    let api = Api::start().await;
    let rows: String = (0..2000)
        .map(|n| format!("Ana Rojas {n},a{n}@example.com,{n}\n"))
        .collect();
    let import = file("people.csv", format!("Name,Email,Document\n{rows}"));
    let busy = api
        .request(Method::POST, "/attendees/bulk-upload")
        .header("prefer", "respond-async");
    let busy = async { Answered::of(busy.multipart(import).send().await.expect("answered")).await };
    let one_by_one = |client: usize| {
        let api = &api;
        async move {
            for n in 0..20 {
                let created = api.post("/certificates", &definition()).await.expect(201);
                let path = path_of(&created);
                assert_eq!(
                    api.get(&path).await.expect(200).header("etag"),
                    created.header("etag")
                );
                let number = format!("c{client}-{n}");
                let email = format!("{number}@example.com");
                let person =
                    json!({ "fullName": "Eva Gil", "email": email, "documentNumber": number });
                let created = api.post("/attendees", &person).await.expect(201);
                api.get(&path_of(&created)).await.expect(200);
                let deleted = api
                    .request(Method::DELETE, &path_of(&created))
                    .send()
                    .await
                    .expect("answered");
                assert_eq!(deleted.status(), 200);
                api.get(&path_of(&created)).await.expect(404);
            }
        }
    };
    let (import, _) = tokio::join!(busy, join_all((0..3).map(one_by_one)));
    assert!(
        [200, 202].contains(&import.status.as_u16()),
        "{}",
        import.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn write_response_states_that_the_tables_are_behind() {
    let settings = ["management.stalled_after_seconds=1"];
    let api = Api::of(TestApp::with_roles(&Role::ALL, &settings).await).await;
    let shown = api.post("/certificates", &definition()).await.expect(201);
    assert!(shown.headers.get("x-tables-behind").is_none());
    // The lock stops the projection. Reads of the tables are still possible.
    let schema = laureate::database::meta_schema(&api.app.app.config().namespace);
    let client = api.app.app.pool().get().await.expect("a connection");
    let hold = format!("BEGIN; LOCK TABLE \"{schema}\".checkpoints IN EXCLUSIVE MODE");
    client.batch_execute(&hold).await.expect("locked");
    let request = api
        .request(Method::POST, "/certificates")
        .json(&definition());
    let behind = Answered::of(request.send().await.expect("answered"))
        .await
        .expect(201);
    assert_eq!(behind.header("x-tables-behind"), "true");
    api.get(&path_of(&behind)).await.expect(404);
    let not_awaited = define_async(&api).await;
    assert_eq!(not_awaited.header("preference-applied"), "respond-async");
    assert!(not_awaited.headers.get("x-tables-behind").is_none());
    until("tables that do not move are reported", async || {
        let health = Answered::of(api.management("/health/ready").await).await;
        health.status == 503 && health.body.to_string().contains("is stalled at")
    })
    .await;
    client.batch_execute("ROLLBACK").await.expect("released");
    until("the tables advance", async || {
        api.get(&path_of(&not_awaited)).await.status == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_waits_for_the_requested_event_position() {
    let api = Api::start().await;
    for _ in 0..20 {
        let created = define_async(&api).await;
        let read = api.request(Method::GET, &path_of(&created));
        let read = read.header("x-min-event-position", created.header("x-event-position"));
        Answered::of(read.send().await.expect("answered"))
            .await
            .expect(200);
    }
}

async fn stop_projection(api: &Api, name: &str) {
    let schema = laureate::database::meta_schema(&api.app.app.config().namespace);
    let client = api.app.app.pool().get().await.expect("a connection");
    let stop = format!(
        "UPDATE \"{schema}\".checkpoints SET status = 'stopped', error = 'an unknown event'
         WHERE projection = '{name}'"
    );
    client.batch_execute(&stop).await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_projection_makes_only_its_own_routes_unavailable() {
    let api = Api::start().await;
    stop_projection(&api, "designs").await;
    until("the projection is known to be stopped", async || {
        let designs = api.get("/certificates/designs").await;
        designs.code() == "NOT_CAUGHT_UP" && designs.header("retry-after") == "30"
    })
    .await;
    let created = api.post("/certificates", &definition()).await.expect(201);
    assert!(created.headers.get("x-tables-behind").is_none());
    api.get(&path_of(&created)).await.expect(200);
    let min = api.request(Method::GET, &path_of(&created));
    let min = min.header("x-min-event-position", created.header("x-event-position"));
    assert_eq!(min.send().await.expect("answered").status(), 200);
    // A write of the stopped projection's resource is answered without waiting for it.
    let image = file("design.png", super::png()).text("name", "Gold");
    let design = api.upload("/certificates/upload-design", image).await;
    assert_eq!(design.expect(201).header("x-tables-behind"), "true");
    until("the server is degraded and ready", async || {
        let health = Answered::of(api.public("/health/ready").await).await;
        health.status == 200 && health.body["data"]["status"] == "degraded"
    })
    .await;
}

/// Returns the URL path of an endpoint, with ids that do not exist.
fn filled(endpoint: &Endpoint) -> String {
    let of = |part: &str| match part {
        "{version}" => "1".to_owned(),
        "{publicId}" => Uuid::from_u128(0xFFFF).simple().to_string(),
        part if part.starts_with('{') => Uuid::from_u128(0xFFFF).to_string(),
        part => part.to_owned(),
    };
    let parts: Vec<String> = endpoint.path.split('/').map(of).collect();
    parts.join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_declare_all_tables_that_they_read() {
    let api = Api::of(TestApp::with_roles(&[Role::Api, Role::Projector], &[]).await).await;
    let set = api.app.app.readers().set().clone();
    let under_prefix = router::api().into_iter().map(|one| ("/api/v1", one));
    let routes: Vec<_> = under_prefix
        .chain(router::root().into_iter().map(|one| ("", one)))
        .filter(|(_, endpoint)| endpoint.method == Method::GET)
        .collect();
    let client = api.app.app.pool().get().await.expect("a connection");
    let mut undeclared = Vec::new();
    for member in set.members() {
        let (name, schema) = (member.projection.name.as_str(), &member.schema);
        let rename = |from: &str, to: &str| format!("ALTER SCHEMA \"{from}\" RENAME TO \"{to}\"");
        let hidden = format!("{schema}_x");
        client
            .batch_execute(&rename(schema, &hidden))
            .await
            .expect("hidden");
        for (prefix, endpoint) in &routes {
            let url = api.app.url(&format!("{prefix}{}", filled(endpoint)));
            let read = api.app.client.get(url).bearer_auth(&api.token);
            let read = Answered::of(read.send().await.expect("answered")).await;
            if read.code() == "NOT_CAUGHT_UP" && !endpoint.tables.contains(&name) {
                undeclared.push(format!("{} reads {name}", endpoint.path));
            }
        }
        client
            .batch_execute(&rename(&hidden, schema))
            .await
            .expect("shown");
    }
    assert!(undeclared.is_empty(), "{undeclared:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn respond_async_skips_every_wait() {
    let roles = [Role::Api, Role::Projector];
    let api = Api::of(TestApp::with_roles(&roles, &[]).await).await;
    let post = async |path: &str, body: Value| {
        let request = api.request(Method::POST, path).json(&body);
        let request = request.header("prefer", "respond-async").send().await;
        Answered::of(request.expect("answered")).await.expect(202)
    };
    // No other role runs, so the work never ends.
    let person = json!({ "fullName": "Eva Gil", "email": "e@example.com", "documentNumber": "7" });
    let import = post("/attendees/bulk", json!([person])).await;
    assert_eq!(import.body["data"]["state"], "requested");
    let certificate = api.certificate().await;
    let people = json!({ "certificateId": certificate, "attendeeIds": [Uuid::from_u128(7)] });
    let batch = post("/generated-certificates/generate", people).await;
    assert_eq!(batch.body["data"]["state"], "requested");
    post("/jobs/scheduler/force", json!({})).await;

    // The people of an import are known only after it has ended.
    let of_import = json!({ "certificateId": certificate, "importId": import.body["data"]["id"] });
    let early = api
        .post("/generated-certificates/generate", &of_import)
        .await;
    assert_eq!((early.status.as_u16(), early.code()), (409, "WRONG_STATE"));
    assert_eq!(early.header("retry-after"), "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_upload_is_accepted_when_the_process_stops() {
    let roles = [Role::Api, Role::Projector];
    let api = Api::of(TestApp::with_roles(&roles, &[]).await).await;
    let people = file(
        "people.csv",
        "Name,Email,Document\nEva Gil,e@example.com,7\n",
    );
    let upload = api.upload("/attendees/bulk-upload", people);
    let stop = async {
        api.until("the import is requested", "/imports", |body| {
            body["data"].as_array().is_some_and(|all| all.len() == 1)
        })
        .await;
        api.app.stop();
    };
    let (answered, ()) = tokio::join!(upload, stop);
    assert_eq!(answered.expect(202).body["data"]["state"], "requested");
}

//! Reads after writes. The response to a write is sent when a read can show the write.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use laureate::app::Role;
use laureate::http::protocol::endpoint::Endpoint;
use laureate::http::router;
use uuid::Uuid;

use super::{Answered, Api, file};
use crate::support::{TestApp, until};

/// Time in which a request that does not wait is answered, even on a busy machine. It is shorter than
/// the time for which a request waits for work.
const SOON: Duration = Duration::from_secs(5);

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
        // A route without tables checks that the log has the position.
        let me = api.request(Method::GET, "/auth/me");
        let me = me.header("x-min-event-position", created.header("x-event-position"));
        assert_eq!(me.send().await.expect("answered").status(), 200);
    }
    for path in ["/auth/me", "/templates", "/certificates"] {
        let read = api.request(Method::GET, path);
        let read = read.header("x-min-event-position", "99999999").send().await;
        let read = Answered::of(read.expect("answered")).await.expect(422);
        assert_eq!(read.code(), "POSITION_BEYOND_END", "{path}");
    }
}

pub(super) async fn stop_projection(api: &Api, name: &str) {
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
    // Without the table of issuances, it is not known whether a certificate is in use.
    stop_projection(&api, "issuances").await;
    until("no certificate can be deleted", async || {
        let unused = api.post("/certificates", &definition()).await.expect(201);
        api.delete(&path_of(&unused)).await.code() == "NOT_CAUGHT_UP"
    })
    .await;
    until("the server is degraded and ready", async || {
        let health = Answered::of(api.public("/health/ready").await).await;
        health.status == 200 && health.body["data"]["status"] == "degraded"
    })
    .await;
}

/// Creates a resource of most kinds: a design, and a person with a certificate whose mail is sent.
async fn fill(api: &Api) {
    let design = file("design.png", super::png()).text("name", "Gold");
    api.upload("/certificates/upload-design", design)
        .await
        .expect(201);
    let certificate = api.certificate().await;
    let people = "Name,Email,Document\nEva Gil,e@example.com,7\n";
    let import = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    let import = &import.body["data"]["id"];
    api.issue(&json!({ "certificateId": certificate, "importId": import }))
        .await;
    api.until("the mail is sent", "/jobs", |body| {
        body["data"][0]["state"] == "sent"
    })
    .await;
}

/// Returns the URL path of an endpoint. An id is that of the first resource in the list above it, or
/// one that does not exist if there is no such list.
async fn filled(api: &Api, endpoint: &Endpoint) -> String {
    let mut path = String::new();
    for part in endpoint.path.split('/').skip(1) {
        let field = match part {
            "{version}" => {
                path.push_str("/1");
                continue;
            }
            "{publicId}" => "publicId",
            "{name}" => "name",
            "{id}" => "id",
            part => {
                path = format!("{path}/{part}");
                continue;
            }
        };
        let list = if field == "publicId" {
            "/generated-certificates"
        } else {
            &path
        };
        let listed = api.get(list).await.body["data"][0][field].clone();
        let nobody = Uuid::from_u128(0xFFFF).to_string();
        path = format!("{path}/{}", listed.as_str().unwrap_or(&nobody));
    }
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_declare_all_tables_that_they_read() {
    let api = Api::start().await;
    fill(&api).await;
    let set = api.app.app.readers().set().clone();
    let mut routes = Vec::new();
    for (prefix, endpoints) in [("/api/v1", router::api()), ("", router::root())] {
        for endpoint in endpoints {
            if endpoint.method == Method::GET {
                let url = format!("{prefix}{}", filled(&api, &endpoint).await);
                routes.push((url, endpoint));
            }
        }
    }
    let client = api.app.app.pool().get().await.expect("a connection");
    let mut undeclared = Vec::new();
    let mut unread = Vec::new();
    for member in set.members() {
        let (name, schema) = (member.projection.name.as_str(), &member.schema);
        let rename = |from: &str, to: &str| format!("ALTER SCHEMA \"{from}\" RENAME TO \"{to}\"");
        let hidden = format!("{schema}_x");
        client
            .batch_execute(&rename(schema, &hidden))
            .await
            .expect("hidden");
        for (url, endpoint) in &routes {
            let read = api.app.client.get(api.app.url(url)).bearer_auth(&api.token);
            let read = Answered::of(read.send().await.expect("answered")).await;
            let is_read = read.code() == "NOT_CAUGHT_UP";
            let is_declared = endpoint.tables.contains(&name);
            if is_read && !is_declared {
                undeclared.push(format!("{} reads {name}", endpoint.path));
            }
            if is_declared && !is_read {
                unread.push(format!("{} reads no {name}", endpoint.path));
            }
        }
        client
            .batch_execute(&rename(&hidden, schema))
            .await
            .expect("shown");
    }
    assert!(undeclared.is_empty(), "{undeclared:#?}");
    // These read the table only for some filters, or after an earlier table.
    insta::assert_snapshot!("tables_not_always_read", unread.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn respond_async_skips_every_wait() {
    let roles = [Role::Api, Role::Projector];
    let api = Api::of(TestApp::with_roles(&roles, &[]).await).await;
    let post = async |path: &str, body: Value| {
        let request = api.request(Method::POST, path).json(&body);
        let request = request.header("prefer", "respond-async").send();
        let answered = tokio::time::timeout(SOON, request).await;
        let answered = answered
            .expect("answered without a wait")
            .expect("answered");
        Answered::of(answered).await.expect(202)
    };
    // No other role runs, so the work never ends.
    let person = json!({ "fullName": "Eva Gil", "email": "e@example.com", "documentNumber": "7" });
    let import = post("/attendees/bulk", json!([person])).await;
    assert_eq!(import.body["data"]["state"], "requested");
    assert_eq!(import.header("preference-applied"), "respond-async");
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
    let both = async {
        tokio::pin!(upload);
        tokio::select! {
            early = &mut upload => early,
            () = stop => tokio::time::timeout(SOON, upload).await.expect("the wait ends"),
        }
    };
    let answered = both.await;
    assert_eq!(answered.expect(202).body["data"]["state"], "requested");
}

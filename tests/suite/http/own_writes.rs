//! Reads after writes. The response to a write is sent when a read can show the write.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answered, Api, file};
use crate::support::until;

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
    let api = Api::start().await;
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

//! Progress as server-sent events.

use std::time::Duration;

use laureate::spreadsheet::made_up_people;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::own_writes::stop_projection;
use super::{Api, file};

/// Time in which a stream ends, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Server-sent event, as a client receives it.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

async fn opened(api: &Api, path: &str, last: Option<&str>) -> Response {
    let mut request = api.request(Method::GET, path);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    request.send().await.expect("answered")
}

/// Returns all events until the server closes the stream.
async fn events(mut response: Response) -> Vec<Event> {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while let Some(piece) = response.chunk().await.expect("readable") {
        text.push_str(std::str::from_utf8(&piece).expect("UTF-8"));
    }
    let field = |block: &str, name: &str| {
        let found = block.lines().find_map(|line| line.strip_prefix(name));
        found.map(|value| value.trim_start_matches(':').trim_start().to_owned())
    };
    let blocks = text
        .split("\n\n")
        .filter(|block| block.lines().any(|line| line.starts_with("data")));
    blocks
        .map(|block| Event {
            name: field(block, "event").expect("a name"),
            id: field(block, "id").expect("an id"),
            data: serde_json::from_str(&field(block, "data").expect("data")).expect("JSON"),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn import_progress_is_streamed_until_it_ends() {
    let api = Api::start().await;
    let mut people = Vec::new();
    made_up_people(2_500, 7, &mut people).expect("written");
    let begun = api
        .upload("/attendees/bulk-upload", file("many.csv", people))
        .await
        .expect(202);
    let path = format!(
        "/imports/{}",
        begun.body["data"]["id"].as_str().expect("an id")
    );
    api.until("the import is listed", &path, |body| {
        body["success"] == true
    })
    .await;
    let message = events(opened(&api, &format!("{path}/events"), None).await).await;
    let (last, before) = message.split_last().expect("events");
    assert_eq!((last.name.as_str(), last.id.as_str()), ("end", "end"));
    assert_eq!(
        (&last.data["state"], &last.data["created"]),
        (&json!("completed"), &json!(2_500))
    );
    let mut through = 0;
    for event in before {
        assert_eq!(event.name, "progress");
        let now = event.data["throughRow"].as_u64().expect("a number");
        assert!(now >= through, "the progress goes back");
        through = now;
    }
    // A client that has received `end` gets 204 and does not reconnect. Other clients get `end`
    // immediately.
    assert_eq!(
        opened(&api, &format!("{path}/events"), Some("end"))
            .await
            .status(),
        204
    );
    let late = events(opened(&api, &format!("{path}/events"), Some("1")).await).await;
    assert_eq!((late.len(), late[0].name.as_str()), (1, "end"));
    let nobody = format!("/imports/{}/events", uuid::Uuid::new_v4());
    assert_eq!(api.get(&nobody).await.expect(404).code(), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_progress_is_streamed_until_its_mails_are_sent() {
    let api = Api::start().await;
    let certificate = api.certificate().await;
    let people = "Name,Email,Document\nAda,ada@example.com,1\nBea,bea@example.com,2\n";
    let import = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    let body = json!({"certificateId": certificate, "importId": import.body["data"]["id"]});
    let begun = api.issue(&body).await;
    let path = format!(
        "/batches/{}",
        begun.body["data"]["id"].as_str().expect("an id")
    );
    api.until("the batch is listed", &path, |body| body["success"] == true)
        .await;
    let message = events(opened(&api, &format!("{path}/events"), None).await).await;
    let last = message.last().expect("events");
    assert_eq!(
        (last.name.as_str(), &last.data["progress"]["mailsSent"]),
        ("end", &json!(2))
    );
    assert_eq!(
        (&last.data["state"], &last.data["requested"]),
        (&json!("dispatched"), &json!(2))
    );
}

/// Creates a batch that does not end, because its mail is held. Returns its path.
async fn held_batch(api: &Api) -> String {
    let certificate = api.certificate().await;
    let people = "Name,Email,Document\nAda,ada@example.com,1\n";
    let import = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    let import = import.body["data"]["id"].clone();
    let body = json!({"certificateId": certificate, "importId": import, "delivery": "held"});
    let begun = api.issue(&body).await;
    let path = format!(
        "/batches/{}",
        begun.body["data"]["id"].as_str().expect("an id")
    );
    api.until("the batch is listed", &path, |body| body["success"] == true)
        .await;
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn open_streams_end_when_the_server_stops() {
    let api = Api::start().await;
    let path = held_batch(&api).await;
    let stream = opened(&api, &format!("{path}/events"), None).await;
    api.app.stop();
    let message = events(stream).await;
    assert!(
        message.iter().all(|event| event.name == "progress"),
        "{message:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn open_streams_end_when_a_projection_stops() {
    let api = Api::start().await;
    let path = held_batch(&api).await;
    let stream = opened(&api, &format!("{path}/events"), None).await;
    stop_projection(&api, "batches").await;
    // Without an end, the stream would send comments for 15 minutes.
    let message = tokio::time::timeout(PATIENCE, events(stream)).await;
    let message = message.expect("the stream ends");
    assert!(
        message.iter().all(|event| event.name == "progress"),
        "{message:?}"
    );
    let again = opened(&api, &format!("{path}/events"), None).await;
    assert_eq!(again.status(), 503);
}

//! Tickets, with which an `EventSource` can open an event stream without an `Authorization` header.

use laureate::http::auth::access::Permission;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::people::text;
use super::{Answered, Api, file};

/// Imports one person and returns the path of the import, without the API's prefix.
async fn imported(api: &Api) -> String {
    let people = "Name,Email,Document number\nAda,ada@example.com,1\n";
    let done = api
        .upload("/attendees/bulk-upload", file("p.csv", people))
        .await
        .expect(200);
    format!("/imports/{}", text(&done.body["data"]["id"]))
}

/// Gets a ticket for the events of this resource, and returns the URL of the stream.
async fn ticket(api: &Api, path: &str) -> String {
    let made = api
        .post(&format!("{path}/events/ticket"), &json!({}))
        .await
        .expect(200);
    text(&made.body["data"]["url"])
}

/// Opens a stream without a token.
async fn opened(api: &Api, url: &str) -> Response {
    api.public(url).await
}

async fn refused(response: Response) {
    let answered = Answered::of(response).await.expect(401);
    assert_eq!(answered.code(), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn ticket_opens_its_stream_once() {
    let api = Api::start().await;
    let path = imported(&api).await;
    let url = ticket(&api, &path).await;
    assert!(url.starts_with(&format!("/api/v1{path}/events?ticket=")));
    let stream = opened(&api, &url).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let events = stream.text().await.expect("readable");
    assert!(events.contains("event: end"), "{events}");
    // A browser reconnects with the same URL. The 401 closes its `EventSource`.
    refused(opened(&api, &url).await).await;

    // With a new ticket, the stream continues after the last event. The id of this event is in the
    // URL, because a browser can't set the header of a new `EventSource`.
    let again = format!("{}&lastEventId=end", ticket(&api, &path).await);
    assert_eq!(opened(&api, &again).await.status(), 204);
    refused(opened(&api, &format!("/api/v1{path}/events?ticket=abc")).await).await;
    refused(opened(&api, &format!("/api/v1{path}/events")).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ticket_is_bound_to_stream_session_and_time() {
    let api = Api::start().await;
    let path = imported(&api).await;
    let other = imported(&api).await;
    let of_other = ticket(&api, &other).await.replace(&other, &path);
    refused(opened(&api, &of_other).await).await;
    // Only streams accept a ticket.
    let elsewhere = ticket(&api, &path).await.replace("/events", "");
    refused(opened(&api, &elsewhere).await).await;

    let late = ticket(&api, &path).await;
    api.app.pass(31);
    refused(opened(&api, &late).await).await;

    let grace = api.person("grace", "viewer").await;
    let made = api
        .as_(
            &grace.token,
            Method::POST,
            &format!("{path}/events/ticket"),
            None,
        )
        .await
        .expect(200);
    let logout = json!({ "refresh_token": grace.refresh_token });
    api.open_post("/auth/logout", &logout).await.expect(200);
    refused(opened(&api, &text(&made.body["data"]["url"])).await).await;

    let nobody = format!("/imports/{}/events/ticket", uuid::Uuid::new_v4());
    let unknown = api.post(&nobody, &json!({})).await.expect(404);
    assert_eq!(unknown.code(), "NOT_FOUND");
    let body = json!({ "name": "key", "scopes": [Permission::ReadAttendees.scope()] });
    let key = api.post("/api-keys", &body).await.expect(201);
    let by_key = api
        .as_(
            &text(&key.body["data"]["key"]),
            Method::POST,
            &format!("{path}/events/ticket"),
            None,
        )
        .await
        .expect(403);
    assert_eq!(by_key.code(), "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn ticket_works_once_whichever_process_gets_it() {
    let api = Api::start().await;
    let second = api.app.second_api().await;
    let path = imported(&api).await;
    let url = ticket(&api, &path).await;
    let other = api.app.client.get(format!("http://{second}{url}"));
    assert_eq!(other.send().await.expect("answered").status(), 200);
    refused(opened(&api, &url).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn number_of_unused_tickets_of_a_user_is_bounded() {
    let api = Api::start().await;
    let path = imported(&api).await;
    let mut last = Value::Null;
    for _ in 0..32 {
        last = ticket(&api, &path).await.into();
    }
    let make = format!("{path}/events/ticket");
    let too_many = api.post(&make, &json!({})).await.expect(429);
    assert!(too_many.headers.contains_key("retry-after"));
    assert_eq!(opened(&api, &text(&last)).await.status(), 200);
    ticket(&api, &path).await;
    // Expired tickets are not counted.
    api.post(&make, &json!({})).await.expect(429);
    api.app.pass(31);
    ticket(&api, &path).await;
}

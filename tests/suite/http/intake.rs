//! Limits of uploads. A client that has taken all of its places does not affect other clients.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::multipart::{Form, Part};

use super::{Answered, Api, file, png};
use crate::support::until;

const PEOPLE: &str = "Name,Email,Document number\nAda Lovelace,ada@example.com,1\n";

/// Returns a form whose file starts but never ends.
fn endless() -> Form {
    let first = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"Name,Email\n")) });
    let body = reqwest::Body::wrap_stream(first.chain(stream::pending()));
    Form::new().part("file", Part::stream(body).file_name("people.csv"))
}

#[tokio::test(flavor = "multi_thread")]
async fn client_with_too_many_uploads_gets_429_and_others_are_served() {
    let api = Api::start().await;
    let other = api.person("other", "operator").await;
    for path in [
        "/attendees/bulk-upload?dryRun=true",
        "/certificates/upload-design",
    ] {
        // Retries if the request is refused, because an upload of this test may still have a place
        // at that moment.
        let hang = || {
            let client = api.app.client.clone();
            let token = api.token.clone();
            let url = api.app.url(&format!("/api/v1{path}"));
            async move {
                loop {
                    let _ = client
                        .post(&url)
                        .bearer_auth(&token)
                        .multipart(endless())
                        .send()
                        .await;
                }
            }
        };
        let hanging: Vec<_> = (0..8).map(|_| tokio::spawn(hang())).collect();
        let (name, bytes) = if path.contains("design") {
            ("a.png", png())
        } else {
            ("a.csv", PEOPLE.into())
        };
        let form = || {
            let form = file(name, bytes.clone());
            if path.contains("design") {
                form.text("name", "Frame")
            } else {
                form
            }
        };
        until("the client's places are taken", || async {
            api.upload(path, form()).await.status == 429
        })
        .await;
        let refused = api.upload(path, form()).await.expect(429);
        assert_eq!(refused.code(), "TOO_MANY_REQUESTS");
        assert!(
            refused
                .header("retry-after")
                .parse::<u32>()
                .is_ok_and(|seconds| seconds > 0)
        );
        let request = api
            .app
            .client
            .post(api.app.url(&format!("/api/v1{path}")))
            .bearer_auth(&other.token);
        let served = Answered::of(request.multipart(form()).send().await.expect("answered")).await;
        assert!(served.status.is_success(), "{}", served.body);
        hanging.iter().for_each(|hanging| hanging.abort());
        until("the places are free again", || async {
            api.upload(path, form()).await.status.is_success()
        })
        .await;
    }
}

//! Log lines about log-ins and about requests that were denied.

use std::io;
use std::sync::{Arc, Mutex};

use laureate::app::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::Api;
use crate::support::TestApp;

/// Captured log output, as one JSON object per line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("whole lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("whole lines").clone()).expect("text")
    }

    fn with(&self, message: &str) -> Vec<Value> {
        let lines: Vec<Value> = self
            .text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        lines
            .into_iter()
            .filter(|line| line["fields"]["message"] == message)
            .collect()
    }
}

// Single-threaded, because the subscriber is set for the current thread only.
#[tokio::test]
async fn log_ins_and_denials_are_logged_without_personal_data() {
    let lines = Lines::default();
    let writer = lines.clone();
    let logged = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::INFO);
    let _log =
        tracing::subscriber::set_default(logged.with_writer(move || writer.clone()).finish());

    let api = Api::of(TestApp::with_roles(&[Role::Api, Role::Projector], &[]).await).await;
    let me = api.get("/auth/me").await.expect(200).body["data"]["id"].clone();
    let id = me.as_str().expect("an id");
    let wrong = json!({ "email": api.app.email, "password": "Not-the-password-1" });
    api.open_post("/auth/login", &wrong).await.expect(401);
    let unknown = json!({ "email": "nobody-at-all@example.com", "password": "Not-the-password-1" });
    api.open_post("/auth/login", &unknown).await.expect(401);

    let accepted = lines.with("user logged in");
    assert_eq!(
        (
            accepted.len(),
            &accepted[0]["level"],
            &accepted[0]["fields"]["user"]
        ),
        (1, &json!("INFO"), &me)
    );
    assert!(
        accepted[0]["fields"]["session_id"].is_string() && accepted[0]["timestamp"].is_string()
    );
    let refused = lines.with("log-in refused");
    assert_eq!((refused.len(), &refused[0]["level"]), (2, &json!("WARN")));
    assert!(refused[0].to_string().contains(id) && !refused[1].to_string().contains(id));
    for (line, reason) in refused.iter().zip(["wrong_password", "unknown_account"]) {
        assert_eq!(
            (&line["fields"]["client"], &line["fields"]["reason"]),
            (&json!("127.0.0.1"), &json!(reason))
        );
    }
    let metrics = api.management("/metrics").await.text().await.expect("text");
    for reason in ["wrong_password", "unknown_account"] {
        let counted = format!("laureate_logins_total{{outcome=\"refused\",reason=\"{reason}\"}}");
        assert!(metrics.contains(&counted), "{counted} is not in {metrics}");
    }

    let vera = api.person("vera", "viewer").await;
    api.as_(&vera.token, Method::GET, "/users", None)
        .await
        .expect(403);
    let forbidden = lines.with("not allowed");
    assert_eq!(
        (forbidden.len(), &forbidden[0]["fields"]["role"]),
        (1, &json!("viewer"))
    );
    assert!(
        forbidden[0].to_string().contains(&vera.id) && forbidden[0].to_string().contains("/users")
    );

    let text = lines.text();
    for personal in [
        api.app.email.as_str(),
        &api.app.password,
        "Not-the-password-1",
        "nobody-at-all",
        "vera@",
    ] {
        assert!(!text.contains(personal), "{personal} is in the log");
    }
}

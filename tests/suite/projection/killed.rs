//! Processes that are killed with SIGKILL at random points. The next process resumes the work, and
//! the tables are correct.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use laureate::database::meta_schema;

use super::given_log::Happened;
use super::real::{Real, any_of, shown};
use super::story::*;
use crate::support::until;

/// Returns events of people and their mails, five events per person.
fn history(people: u128) -> Vec<Happened> {
    (0..people)
        .flat_map(|id| {
            let mail = 0x10_0000 + id;
            [
                imported(0x1000 + id, "Ada", None),
                queued(mail, id),
                claimed(mail, 1),
                sent(mail, 1),
                updated(0x1000 + id, "Bob"),
            ]
        })
        .collect()
}

/// Runs a process for a random time and kills it. Once the process gets beyond `position`, it is
/// killed within 200 ms. Returns true if it got beyond `position`.
async fn kill_somewhere(
    real: &Real,
    arguments: &[&str],
    position_sql: &str,
    position: i64,
) -> bool {
    let mut process = real.start(arguments);
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    let at_most = any_of(400);
    let afterwards = any_of(40);
    let mut polls = 0;
    let mut further = false;
    while process.is_running() && polls < at_most && !further {
        pace.tick().await;
        further = real
            .number(position_sql)
            .await
            .is_some_and(|now| now > position);
        polls += 1;
    }
    for _ in 0..if further { afterwards } else { 0 } {
        pace.tick().await;
    }
    further
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_a_repeatedly_killed_projector_are_correct() {
    let real = Real::new().await;
    let end = real.append(&history(8_000)).await;
    let meta = meta_schema(real.namespace.name());
    let reached = format!("SELECT min(position) FROM \"{meta}\".checkpoints");
    let projector = ["serve", "--roles", "projector"];
    for _ in 0..10 {
        let position = real.number(&reached).await.unwrap_or(0);
        kill_somewhere(&real, &projector, &reached, position).await;
    }
    let version = real.present();
    let _last = real.start(&projector);
    until("all is built", || version.is_ready()).await;
    assert_eq!(real.number(&reached).await, i64::try_from(end).ok());
    let (code, out, err) = real.run(&["verify"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(
        out.matches(" equal ").count(),
        version.set.members().len(),
        "{out}"
    );
    assert_eq!(real.schemas("_bld").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_rebuild_is_resumed_and_readers_are_not_affected() {
    let real = Arc::new(Real::new().await);
    real.append(&history(8_000)).await;
    let (code, _, err) = real.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{err}");

    let version = real.present();
    let done = Arc::new(AtomicBool::new(false));
    let reading = {
        let reader = version.reader().await;
        let done = done.clone();
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let shown = shown(&reader).await.expect("readable at any time");
                assert_eq!(shown.counted, 8_000);
            }
        })
    };
    let attendees = version
        .set
        .members()
        .iter()
        .find(|m| m.projection.name == "attendees")
        .expect("is there");
    let copied = format!(
        "SELECT max(position) FROM \"{}_new\".copy_progress",
        attendees.schema
    );
    let mut resumed = 0;
    let mut kills = 0;
    while resumed < 3 {
        let position = real.number(&copied).await.unwrap_or(0);
        kill_somewhere(&real, &["rebuild", "attendees", "jobs"], &copied, position).await;
        kills += 1;
        resumed += u32::from(position > 0);
        assert!(kills < 60, "no copy makes progress");
    }
    // Leave a copy behind and check that it is resumed. PostgreSQL may still complete the last
    // statement of a killed process. If this was the swap, there is no copy to resume.
    let mut tries = 0;
    loop {
        while real.number(&copied).await.unwrap_or(0) == 0 {
            kill_somewhere(&real, &["rebuild", "attendees", "jobs"], &copied, 0).await;
        }
        let (code, out, err) = real.run(&["rebuild", "attendees", "jobs"]).await;
        assert_eq!(
            (code, out.as_str()),
            (0, "rebuilt attendees, jobs\n"),
            "{err}"
        );
        if err.starts_with("resuming at position ") {
            break;
        }
        tries += 1;
        assert!(tries < 20, "no copy is resumed");
    }
    done.store(true, Ordering::Relaxed);
    reading.await.expect("the reader is not affected");
    let (code, out, _) = real.run(&["verify"]).await;
    assert_eq!(code, 0, "{out}");
    for ending in ["_new", "_old", "_ver"] {
        assert_eq!(real.schemas(ending).await, [""; 0]);
    }
}

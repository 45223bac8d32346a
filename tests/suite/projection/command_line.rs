//! Tests of `laureate rebuild` and `laureate verify`.

use super::real::Real;
use super::story::*;

async fn execute(real: &Real, sql: &str) {
    real.pool
        .get()
        .await
        .expect("a connection")
        .batch_execute(sql)
        .await
        .expect("accepted");
}

#[tokio::test]
async fn rebuild_and_verify_report_differences_without_values() {
    let real = Real::new().await;
    let end = real.append(&everything()).await;
    let (code, out, err) = real.run(&["rebuild"]).await;
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (0, "rebuilt all projections\n", "")
    );
    let (code, out, _) = real.run(&["verify"]).await;
    assert_eq!(code, 0);
    insta::assert_snapshot!("verify_equal", out);

    let version = real.present();
    let schema = |name: &str| {
        let member = version
            .set
            .members()
            .iter()
            .find(|m| m.projection.name == name)
            .expect("is there");
        member.schema.clone()
    };
    let ada = "00000000-0000-0000-0000-0000000000a1";
    let attendees = schema("attendees");
    let jobs = schema("jobs");
    let overview = schema("overview");
    let touch = format!(
        "UPDATE \"{attendees}\".attendees SET full_name = 'Eve', country = NULL WHERE id = '{ada}';
         DELETE FROM \"{jobs}\".jobs WHERE id = '00000000-0000-0000-0000-000000000022';
         UPDATE \"{overview}\".overview_counts SET count = 7, position = 3 WHERE name = 'mails';"
    );
    execute(&real, &touch).await;
    let (code, out, _) = real.run(&["verify"]).await;
    assert_eq!(code, 3);
    insta::assert_snapshot!("verify_different", out);
    let (code, out, _) = real.run(&["verify", "attendees", "jobs", "--json"]).await;
    assert_eq!(code, 3);
    assert!(!out.contains("Eve") && !out.contains("Ada"), "{out}");
    insta::assert_snapshot!("verify_json", out);

    let name = format!("{}_then", real.namespace);
    let (code, out, err) = real
        .run(&["rebuild", "--until", "10", "--into", &name])
        .await;
    assert_eq!(
        (code, out.as_str()),
        (
            0,
            "schema NS_then holds all projections as of position 10\n"
        ),
        "{err}"
    );
    let beyond = (end + 1).to_string();
    let (code, _, err) = real
        .run(&["rebuild", "--until", &beyond, "--into", "later"])
        .await;
    assert_eq!(code, 1);
    assert!(
        err.contains(&format!(
            "position {beyond} is beyond the log, which ends at position {end}"
        )),
        "{err}"
    );
    let (code, _, err) = real
        .run(&["rebuild", "--until", "noon", "--into", "later"])
        .await;
    assert_eq!(code, 2);
    assert!(
        err.contains("give a time such as 2026-11-21T12:00:00Z, or a position"),
        "{err}"
    );
}

#[tokio::test]
async fn tables_that_do_not_move_are_reported() {
    let real = Real::new().await;
    real.append(&everything()).await;
    let (code, _, err) = real.run(&["rebuild"]).await;
    assert_eq!(code, 0, "{err}");
    // No projector runs, so these events are not applied.
    real.append(&[imported(0xFF01, "Eva Gil", None)]).await;
    let (code, out, _) = real.run(&["verify", "attendees"]).await;
    assert_eq!(code, 4, "{out}");
    assert!(
        out.contains("equal") && out.contains(", 1 BEHIND the log"),
        "{out}"
    );
    let (_, out, _) = real.run(&["doctor", "--json"]).await;
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let tables = findings.iter().find(|finding| finding["check"] == "tables");
    let tables = tables.expect("checked");
    assert_eq!(tables["level"], "failed", "{tables}");
    assert!(
        tables["found"].to_string().contains("not moving"),
        "{tables}"
    );
}

//! Compares the table of events in ARCHITECTURE.md with `src/domain/flow.rs`.

use std::fmt::Write as _;
use std::{env, fs};

use laureate::domain::flow::{FLOW, Row};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md");
/// Lines before and after the generated table.
const BEGIN: &str = "<!-- flow: generated from src/domain/flow.rs by `make flow` -->\n";
const END: &str = "<!-- end of flow -->\n";

/// Returns the table of `rows` as Markdown.
fn table(rows: &[Row]) -> String {
    let mut table =
        "| event | worker | effect | events that may follow |\n|---|---|---|---|\n".to_owned();
    for row in rows {
        let next: Vec<_> = row
            .followed_by
            .iter()
            .map(|event| format!("`{event}`"))
            .collect();
        let event = row.event;
        let worker = row.worker;
        let effect = row.effect;
        writeln!(
            table,
            "| `{event}` | {worker} | {effect} | {} |",
            next.join(", ")
        )
        .unwrap();
    }
    table
}

/// Returns `page` with `table` between the two markers. Returns `None` if a marker is missing.
fn with_table(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[test]
fn table_of_events_matches_the_flow() {
    let page = fs::read_to_string(PAGE).unwrap();
    let expected =
        with_table(&page, &table(FLOW)).expect("ARCHITECTURE.md has the markers of the table");
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") && page != expected {
        fs::write(PAGE, &expected).unwrap();
        return;
    }
    assert!(
        page == expected,
        "the table of events in ARCHITECTURE.md is out of date; run `make flow`"
    );
}

#[test]
fn outdated_table_is_replaced() {
    let page = format!("before\n{BEGIN}\n| old |\n\n{END}after\n");
    let replaced = with_table(&page, &table(&FLOW[..1])).unwrap();
    assert!(replaced.starts_with("before\n") && replaced.ends_with("after\n"));
    assert!(replaced.contains(FLOW[0].event) && !replaced.contains("old"));
    assert_eq!(with_table("a page without markers", "| table |"), None);
}

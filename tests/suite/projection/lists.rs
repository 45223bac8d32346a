//! Lists of all resources, with each filter. The tests for users, sessions and API keys are in
//! `users.rs`.

use deadpool_postgres::Client;
use laureate::projection::queries::batches::{self, BatchFilter, BatchRow};
use laureate::projection::queries::certificates;
use laureate::projection::queries::designs::{self, DesignFilter, DesignRow};
use laureate::projection::queries::imports::{self, ImportFilter, ImportRow, RejectionRow};
use laureate::projection::queries::issuances::{self, DrawnRow, IssuanceFilter};
use laureate::projection::queries::jobs::{self, JobFilter, JobRow};
use laureate::projection::queries::listing::{self, Conditions, Start, Table};
use laureate::projection::queries::templates::{self, TemplateRow};
use uuid::Uuid;

use super::listing::all;
use super::story::*;
use super::world::World;

async fn with_everything() -> (World, Client) {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let client = world.reader().await;
    (world, client)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
async fn jobs_are_filtered() {
    let (_world, client) = with_everything().await;
    let id = Uuid::from_u128;
    let ids = async |filter: JobFilter| {
        let listed: Vec<JobRow> = all(&client, &jobs::TABLE, &filter.clone().conditions()).await;
        let mut listed: Vec<_> = listed.iter().map(|row| row.id.as_u128()).collect();
        // The query that selects jobs for a command finds the same jobs, with the oldest first.
        let found = jobs::find(&client, filter, 50).await.expect("answers");
        let found: Vec<_> = found.iter().map(|id| id.as_u128()).collect();
        listed.reverse();
        assert_eq!(listed, found);
        listed
    };
    let any = JobFilter::default;
    let status = |status: &str| JobFilter {
        status: Some(status.to_owned()),
        ..any()
    };
    let stages = |stages: &[&str]| {
        let stages = stages.iter().map(|stage| (*stage).to_owned()).collect();
        JobFilter {
            stages: Some(stages),
            ..any()
        }
    };
    assert_eq!(ids(any()).await, (0x21..=0x2C).collect::<Vec<_>>());
    assert_eq!(
        ids(status("pending")).await,
        [0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A]
    );
    assert_eq!(ids(status("sent")).await, [0x21]);
    assert_eq!(ids(status("error")).await, [0x22, 0x23]);
    assert_eq!(ids(status("cancelled")).await, [0x2B, 0x2C]);
    assert_eq!(ids(stages(&["held"])).await, [0x26, 0x2A]);
    assert_eq!(ids(stages(&["scheduled"])).await, [0x27, 0x29]);
    assert_eq!(ids(stages(&["failed", "unknown"])).await, [0x22, 0x23]);
    assert_eq!(
        ids(JobFilter {
            issuance_id: Some(id(0x12)),
            ..any()
        })
        .await,
        [0x22, 0x23, 0x24]
    );
    let of_certificate = |certificate| JobFilter {
        certificate_id: Some(id(certificate)),
        ..any()
    };
    assert_eq!(ids(of_certificate(CERTIFICATE)).await.len(), 12);
    assert!(ids(of_certificate(CERTIFICATE + 1)).await.is_empty());
    let of_batch = JobFilter {
        batch_id: Some(id(BATCH)),
        ..stages(&["held"])
    };
    assert_eq!(ids(of_batch).await, [0x26, 0x2A]);
    assert!(
        ids(JobFilter {
            batch_id: Some(id(BATCH + 1)),
            ..any()
        })
        .await
        .is_empty()
    );
    let rows: Vec<JobRow> = all(&client, &jobs::TABLE, &any().conditions()).await;
    let oldest = rows[11].created_at;
    let newest = rows[0].created_at;
    assert_eq!(
        ids(JobFilter {
            from: Some(newest),
            ..any()
        })
        .await
        .len(),
        1
    );
    assert_eq!(
        ids(JobFilter {
            from: Some(oldest),
            to: Some(newest),
            ..any()
        })
        .await
        .len(),
        11
    );

    let name = rows[0].to_name.reveal_str().to_uppercase();
    let search = |text: &str| JobFilter {
        search: Some(text.to_owned()),
        ..any()
    };
    assert!(
        ids(search(&name)).await.contains(&rows[0].id.as_u128()),
        "{name}"
    );
    assert!(
        !ids(search(rows[0].to_address.reveal_str()))
            .await
            .is_empty()
    );
    assert!(ids(search("nobody of this name")).await.is_empty());
    assert_eq!(
        jobs::find(&client, any(), 2).await.expect("answers"),
        [id(0x21), id(0x22)],
        "the oldest"
    );

    let due = jobs::next_due(&client).await.expect("answers");
    let scheduled = jobs::scheduled(&client, None, 1).await.expect("answers");
    assert_eq!(
        (scheduled[0].id, Some(scheduled[0].due_at)),
        (id(0x27), due)
    );
    let rest = jobs::scheduled(&client, scheduled.first(), 5)
        .await
        .expect("answers");
    assert_eq!(
        rest.iter().map(|job| job.id).collect::<Vec<_>>(),
        [id(0x29)]
    );
    let mut counted = jobs::stages_of(&client, &[id(0x26), id(0x2A), id(0x21)])
        .await
        .expect("answers");
    counted.sort_by_key(|counted| counted.count);
    let counted: Vec<_> = counted
        .iter()
        .map(|c| (c.stage.as_str(), c.count))
        .collect();
    assert_eq!(counted, [("sent", 1), ("held", 2)]);
}

#[tokio::test]
async fn imports_are_filtered_and_rejected_rows_are_sorted() {
    let (_world, client) = with_everything().await;
    let found = async |filter: ImportFilter| {
        let rows: Vec<ImportRow> = all(&client, &imports::TABLE, &filter.conditions()).await;
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    let any = ImportFilter::default;
    assert_eq!(found(any()).await.len(), 3);
    assert_eq!(
        found(ImportFilter {
            state: Some("completed"),
            ..any()
        })
        .await,
        [IMPORT]
    );
    assert_eq!(
        found(ImportFilter {
            state: Some("cancelled"),
            ..any()
        })
        .await,
        [IMPORT + 2]
    );
    assert_eq!(
        found(ImportFilter {
            format: Some("csv"),
            ..any()
        })
        .await
        .len(),
        3
    );
    assert_eq!(
        found(ImportFilter {
            format: Some("xls"),
            ..any()
        })
        .await
        .len(),
        0
    );
    let of_certificate = |id| ImportFilter {
        certificate_id: Some(Uuid::from_u128(id)),
        ..any()
    };
    assert_eq!(found(of_certificate(CERTIFICATE)).await.len(), 3);
    assert_eq!(found(of_certificate(CERTIFICATE + 1)).await.len(), 0);
    let newest: Vec<ImportRow> = all(&client, &imports::TABLE, &any().conditions()).await;
    let moment = Some(newest[0].created_at);
    assert_eq!(
        found(ImportFilter {
            created_after: moment,
            ..any()
        })
        .await,
        [newest[0].id.as_u128()]
    );
    assert_eq!(
        found(ImportFilter {
            created_before: moment,
            ..any()
        })
        .await
        .len(),
        2
    );

    let of_import = imports::rejected_of(Uuid::from_u128(IMPORT));
    let rejections = async |start: &Start| {
        let table = &imports::REJECTIONS;
        let order = imports::BY_ROW;
        let part = listing::list::<RejectionRow>(&client, table, &of_import, order, start, 2);
        let part = part.await.expect("answers");
        (
            part.items
                .iter()
                .map(|row| row.row_number)
                .collect::<Vec<_>>(),
            part.last,
        )
    };
    let (rows, last) = rejections(&Start::First).await;
    assert_eq!(rows, [4, 5]);
    assert_eq!(
        rejections(&Start::After(last.expect("more"))).await,
        (vec![7], None)
    );
}

#[tokio::test]
async fn batches_designs_templates_and_generated_issuances_are_filtered() {
    let (_world, client) = with_everything().await;
    let batches = async |filter: BatchFilter| {
        let rows: Vec<BatchRow> = all(&client, &batches::TABLE, &filter.conditions()).await;
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    let id = |id| Some(Uuid::from_u128(id));
    assert_eq!(batches(BatchFilter::default()).await, [BATCH + 1, BATCH]);
    assert_eq!(
        batches(BatchFilter {
            state: Some("undone"),
            ..BatchFilter::default()
        })
        .await,
        [BATCH]
    );
    let of_certificate = |certificate| BatchFilter {
        certificate_id: id(certificate),
        ..BatchFilter::default()
    };
    assert_eq!(batches(of_certificate(CERTIFICATE)).await.len(), 2);
    assert_eq!(batches(of_certificate(CERTIFICATE + 1)).await.len(), 0);

    let designs = async |filter: DesignFilter| {
        let rows: Vec<DesignRow> = all(&client, &designs::TABLE, &filter.conditions()).await;
        rows.iter()
            .map(|row| (row.id.as_u128(), row.name.clone()))
            .collect::<Vec<_>>()
    };
    let there = designs(DesignFilter::default()).await;
    assert_eq!(
        there.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        [0xD1],
        "the other one was deleted"
    );
    let search = |text: &str| DesignFilter {
        search: Some(text.to_owned()),
        folder: None,
    };
    assert_eq!(designs(search(&there[0].1.to_uppercase())).await, there);
    assert_eq!(designs(search("nothing like it")).await, []);
    assert_eq!(
        designs(DesignFilter {
            folder: Some("nobody".to_owned()),
            search: None
        })
        .await,
        []
    );

    let templates = async |search: Option<&str>| {
        let rows: Vec<TemplateRow> =
            all(&client, &templates::TABLE, &templates::present(search)).await;
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(templates(None).await, [0xF1], "the other one was retired");
    assert_eq!(templates(Some("DIPLÓMA 1")).await, [0xF1]);
    assert_eq!(templates(Some("diploma 2")).await, [0; 0]);

    let drawn = async |certificate: Option<u128>, theme: Option<&str>| {
        let filter = IssuanceFilter {
            state: Some("generated".to_owned()),
            certificate_id: certificate.and_then(id),
            theme: theme.map(str::to_owned),
            ..IssuanceFilter::default()
        };
        let rows: Vec<DrawnRow> = all(&client, &issuances::DRAWN, &filter.conditions()).await;
        rows.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(drawn(Some(CERTIFICATE), None).await, [0x11]);
    assert_eq!(drawn(Some(CERTIFICATE + 1), None).await, [0; 0]);
    let certificate = certificates::get(&client, Uuid::from_u128(CERTIFICATE))
        .await
        .expect("answers");
    assert_eq!(
        drawn(None, Some(&certificate.expect("is there").theme)).await,
        [0x11]
    );
    assert_eq!(drawn(None, Some("baroque")).await, [0; 0]);
}

/// Returns the query plan for the first page of a list that shows the oldest row first. If the list
/// shows the newest row first, the same index is read backwards.
async fn plan(client: &Client, table: &Table, conditions: &Conditions) -> String {
    let (sql, values) = listing::all(table, conditions);
    let rows = client
        .query(&format!("EXPLAIN {sql} LIMIT 51"), &values)
        .await
        .expect("planned");
    rows.iter()
        .map(|row| row.get::<_, String>(0))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn frequent_queries_use_an_index() {
    let world = World::new().await;
    world.project().await;
    let jobs = world.schema("jobs");
    let issuances = world.schema("issuances");
    let imports = world.schema("imports");
    // Every hundredth mail is held. Each certificate and each batch has ten held mails.
    let fill = format!(
        "INSERT INTO \"{issuances}\".issuances (id, certificate_id, attendee_id, batch_id, public_id, state, client,
             certificate_name, event_name, full_name, locale, issue_date, created_at, updated_at, created_position, position)
         SELECT md5('i' || n)::uuid, md5('c' || n % 1000)::uuid, md5('a' || n)::uuid, md5('b' || n % 1000)::uuid, n,
             'generated', 'Acme', 'Speaker', 'Summit', 'Ada', 'en', '2026-11-21', now(), now(), n, n
         FROM generate_series(1, 10000) AS n;
         INSERT INTO \"{jobs}\".jobs (id, issuance_id, to_name, to_address, stage, created_at, updated_at,
             created_position, position)
         SELECT md5('j' || n)::uuid, md5('i' || n)::uuid, 'Ada', 'ada@example.com',
             CASE WHEN n % 100 = 0 THEN 'held' ELSE 'sent' END, now(), now(), n, n
         FROM generate_series(1, 10000) AS n;
         INSERT INTO \"{imports}\".imports (id, state, object_key, format, sha256, size, update_existing, created_at,
             updated_at, created_position, position)
         SELECT md5('f' || n)::uuid, 'completed', '', 'csv', '', 1, false, now(), now(), n, n
         FROM generate_series(1, 10000) AS n;
         ANALYZE \"{issuances}\".issuances; ANALYZE \"{jobs}\".jobs; ANALYZE \"{imports}\".imports;"
    );
    world
        .pool
        .get()
        .await
        .expect("a connection")
        .batch_execute(&fill)
        .await
        .expect("filled");
    let client = world.reader().await;
    let row = client
        .query_one(
            "SELECT certificate_id, batch_id FROM issuances LIMIT 1",
            &[],
        )
        .await;
    let row = row.expect("a row");
    let (certificate_id, batch_id): (Option<Uuid>, Option<Uuid>) = (row.get(0), row.get(1));
    let any = JobFilter::default;
    let held = || Some(vec!["held".to_owned()]);
    for filter in [
        any(),
        JobFilter {
            status: Some("pending".to_owned()),
            ..any()
        },
        JobFilter {
            stages: held(),
            ..any()
        },
        JobFilter {
            issuance_id: Some(Uuid::from_u128(1)),
            ..any()
        },
        JobFilter {
            certificate_id,
            ..any()
        },
        JobFilter {
            certificate_id,
            stages: held(),
            ..any()
        },
        JobFilter { batch_id, ..any() },
    ] {
        let message = format!("{filter:?}");
        let plan = plan(&client, &jobs::TABLE, &filter.conditions()).await;
        assert!(!plan.contains("Seq Scan"), "{message}:\n{plan}");
    }
    let by_change = Table {
        tie: "jobs.position",
        ..jobs::TABLE
    };
    for (table, conditions) in [
        (by_change, Conditions::default()),
        (imports::TABLE, ImportFilter::default().conditions()),
    ] {
        let plan = plan(&client, &table, &conditions).await;
        assert!(!plan.contains("Seq Scan"), "{conditions:?}:\n{plan}");
    }
}

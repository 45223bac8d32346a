//! Latency of every filter of every list, in every order, with 1,000,000 rows in each table.

use std::time::Instant;

use anyhow::{Context, anyhow, ensure};
use deadpool_postgres::Client;
use laureate::database;
use laureate::projection::projections;
use laureate::projection::queries::attendees::AttendeeRow;
use laureate::projection::queries::batches::BatchRow;
use laureate::projection::queries::certificates::CertificateRow;
use laureate::projection::queries::filters::Filter;
use laureate::projection::queries::imports::ImportRow;
use laureate::projection::queries::issuances::IssuanceRow;
use laureate::projection::queries::jobs::JobRow;
use laureate::projection::queries::listing::{Conditions, Listed, Order, Start, count, list};
use time::OffsetDateTime;

use super::ground::Ground;
use super::report::{Report, percentile};

/// SQL that fills the tables.
const FILL: &str = include_str!("lists.sql");
/// Rows per page: the default of the API.
const PAGE: u32 = 50;
/// Number of times that each page is read.
const TIMES: usize = 4;

/// Values of a filter: frequent, rare, old and absent ones, as far as the filter has them. Several
/// values of one filter are separated by `&`; an id is the text from which the row has it.
type Samples = &'static [(&'static str, &'static [&'static str])];

const TIMES_OF_CREATION: [(&str, &[&str]); 2] = [
    ("createdFrom", &["2024-02-01", "2025-11-20", "2027-01-01"]),
    ("createdTo", &["2024-01-02", "2024-06-01", "2025-10-01"]),
];
/// Words of names, e-mail addresses and document numbers: frequent, rare and absent ones.
const SEARCHES_OF_PEOPLE: &[&str] = &[
    "maria",
    "garcia quispe",
    "xiomara",
    "777@",
    "d-123456",
    "example",
    "pe",
    "zzzzz",
];
const EMAILS: &[&str] = &[
    "person.7@example.com",
    "nobody@example.com",
    "person.8@example.com&x@x.com",
];
const PEOPLE: Samples = &[
    ("search", SEARCHES_OF_PEOPLE),
    ("email", EMAILS),
    ("documentNumber", &["D-7", "d999999", "none"]),
    ("documentType", &["dni", "carné", "cedula", "none"]),
    (
        "country",
        &[
            "peru",
            "tuvalu",
            "ecuador",
            "bhutan",
            "none",
            "tuvalu&bhutan",
        ],
    ),
    ("importId", &["f1", "f200", "f0"]),
    ("certificateId", &["c1", "c2", "c20", "c0"]),
];
const ISSUANCES: Samples = &[
    ("search", SEARCHES_OF_PEOPLE),
    ("email", EMAILS),
    ("documentNumber", &["D-7", "d999999", "none"]),
    ("number", &["00112233445566778899aabbccddeeff"]),
    ("certificateId", &["c1", "c2", "c20", "c0", "c1&c2"]),
    ("attendeeId", &["a1", "a999999", "a0"]),
    ("batchId", &["b1", "b100", "b0"]),
    ("importId", &["f1", "f200", "f0"]),
    (
        "state",
        &[
            "generated",
            "requested",
            "failed",
            "revoked",
            "failed&revoked",
        ],
    ),
    ("isSent", &["true", "false"]),
    ("issuedFrom", &["2024-02-01", "2025-11-20", "2027-01-01"]),
    ("issuedTo", &["2024-01-02", "2024-06-01", "2025-10-01"]),
];
const JOBS: Samples = &[
    (
        "search",
        &["maria", "garcia quispe", "xiomara", "777@", "zzzzz"],
    ),
    (
        "status",
        &["pending", "sent", "error", "cancelled", "error&cancelled"],
    ),
    (
        "state",
        &[
            "queued",
            "claimed",
            "sent",
            "failed",
            "unknown",
            "held",
            "scheduled",
        ],
    ),
    ("certificateId", &["c1", "c2", "c20", "c0", "c1&c2"]),
    ("batchId", &["b1", "b100", "b0"]),
    ("generatedCertificateId", &["i1", "i999999", "i0"]),
];
const CERTIFICATES: Samples = &[
    ("search", &["course 777", "event 4999", "xenology", "zzzzz"]),
    ("client", &["client 7", "wayqui", "none"]),
    ("theme", &["classic", "corporate", "rare", "none"]),
    ("locale", &["es", "en"]),
    ("isActive", &["true", "false"]),
];
const IMPORTS: Samples = &[
    (
        "state",
        &["completed", "running", "cancelled", "failed", "cancelling"],
    ),
    ("certificateId", &["c7", "c0", "c1000000"]),
    ("format", &["csv", "xlsx", "xls", "json"]),
];
const BATCHES: Samples = &[
    ("certificateId", &["c7", "c0", "c1000000"]),
    ("importId", &["f7", "f0"]),
    (
        "state",
        &["dispatched", "requested", "undone", "cancelled", "undoing"],
    ),
];

/// Slowest combinations of a filter and an order.
#[derive(Default)]
struct Slowest {
    page: (f64, String),
    count: (f64, String),
    over: Vec<String>,
}

/// Fills the tables and measures all lists.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::start(true).await?;
    // This creates the extension that searches need.
    ground.app().await?;
    let pool = database::connect(ground.stack.postgres_url(), None, 1)?;
    let client = pool.get().await?;
    report.progress("lists, filling the tables");
    fill(&client).await?;
    let mut slowest = Slowest::default();
    report.progress("lists of people, certificates and mails");
    slowest.measure::<AttendeeRow>(&client, PEOPLE).await?;
    slowest.measure::<IssuanceRow>(&client, ISSUANCES).await?;
    slowest.measure::<JobRow>(&client, JOBS).await?;
    report.progress("lists of definitions, imports and batches");
    slowest
        .measure::<CertificateRow>(&client, CERTIFICATES)
        .await?;
    slowest.measure::<ImportRow>(&client, IMPORTS).await?;
    slowest.measure::<BatchRow>(&client, BATCHES).await?;
    let Slowest { page, count, over } = slowest;
    report.figure("list_slowest_p95", "ms for a page", vec![page.0]);
    report.figure("list_slowest_count_p95", "ms for a total", vec![count.0]);
    report.note(format!(
        "slowest page: {}; slowest total: {}",
        page.1, count.1
    ));
    for line in over {
        report.note(format!("over 100 ms: {line}"));
    }
    drop(client);
    ground.stop().await;
    Ok(())
}

/// Creates the tables, fills them, and then creates their indexes, as a rebuild does.
async fn fill(client: &Client) -> anyhow::Result<()> {
    let projections = projections()?;
    client
        .batch_execute("CREATE SCHEMA lists; SET search_path = lists; SET statement_timeout = 0")
        .await?;
    for projection in &projections {
        client.batch_execute(&projection.tables_sql).await?;
    }
    client.batch_execute(FILL).await?;
    for projection in &projections {
        client.batch_execute(&projection.indexes_sql).await?;
    }
    // Each statement must be alone, because VACUUM doesn't run in a transaction.
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(())
}

impl Slowest {
    async fn measure<T: Listed>(
        &mut self,
        client: &Client,
        samples: Samples,
    ) -> anyhow::Result<()> {
        let now = OffsetDateTime::now_utc();
        self.combination::<T>(client, "no filter", &[Conditions::default()])
            .await?;
        for filter in T::LIST.filters() {
            let given = samples.iter().chain(&TIMES_OF_CREATION);
            let (_, values) = given
                .copied()
                .find(|(name, _)| *name == filter.name)
                .with_context(|| format!("{}: no samples of {}", T::LIST.noun, filter.name))?;
            let mut all = Vec::new();
            for value in values.iter() {
                all.push(conditions(client, &filter, value, now).await?);
            }
            self.combination::<T>(client, filter.name, &all).await?;
        }
        Ok(())
    }

    /// Measures a filter in all orders.
    async fn combination<T: Listed>(
        &mut self,
        client: &Client,
        filter: &str,
        all: &[Conditions],
    ) -> anyhow::Result<()> {
        let noun = T::LIST.noun;
        for sort in T::LIST.sort_names() {
            let key = T::LIST.sort_key(sort).context("no such order")?;
            for descending in [true, false] {
                let order = Order { key, descending };
                let mut took = Vec::new();
                for conditions in all {
                    for _ in 0..TIMES {
                        took.push(page::<T>(client, conditions, order).await?);
                    }
                }
                took.sort_by(f64::total_cmp);
                let direction = if descending {
                    "descending"
                } else {
                    "ascending"
                };
                let p95 = percentile(&took, 0.95);
                self.keep(
                    p95,
                    format!("{noun} by {filter}, {sort} {direction}"),
                    false,
                );
            }
        }
        let mut took = Vec::new();
        for conditions in all {
            for _ in 0..TIMES {
                let begun = Instant::now();
                count(client, &T::LIST.table, conditions).await?;
                took.push(begun.elapsed().as_secs_f64() * 1_000.0);
            }
        }
        took.sort_by(f64::total_cmp);
        self.keep(percentile(&took, 0.95), format!("{noun} by {filter}"), true);
        Ok(())
    }

    fn keep(&mut self, p95: f64, name: String, is_count: bool) {
        let slowest = if is_count {
            &mut self.count
        } else {
            &mut self.page
        };
        if p95 > 100.0 {
            let what = if is_count { "total" } else { "page" };
            self.over.push(format!("{p95:.0} ms: {what} of {name}"));
        }
        if p95 > slowest.0 {
            *slowest = (p95, name);
        }
    }
}

/// Returns the milliseconds that the first page takes.
async fn page<T: Listed>(
    client: &Client,
    conditions: &Conditions,
    order: Order,
) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let table = &T::LIST.table;
    let part = list::<T>(client, table, conditions, order, &Start::First, PAGE).await?;
    let took = begun.elapsed().as_secs_f64() * 1_000.0;
    ensure!(
        part.items.len() <= PAGE as usize,
        "a page has too many rows"
    );
    Ok(took)
}

/// Parses a sample. The database makes the ids, as in the rows.
async fn conditions(
    client: &Client,
    filter: &Filter,
    sample: &str,
    now: OffsetDateTime,
) -> anyhow::Result<Conditions> {
    let mut values = Vec::new();
    for value in sample.split('&') {
        values.push(if filter.name.ends_with("Id") {
            let sql = "SELECT md5($1)::uuid::text";
            client.query_one(sql, &[&value]).await?.try_get(0)?
        } else {
            value.to_owned()
        });
    }
    let value = filter
        .parse(&values)
        .map_err(|rejected| anyhow!("{}: {rejected:?}", filter.name))?
        .context("an empty sample")?;
    Ok(filter.apply(Conditions::default(), value, now))
}

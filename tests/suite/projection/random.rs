//! Property test: the rows do not depend on the sizes of batches or on redeliveries.

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::Value;

use super::given_log::{Delivery, Happened};
use super::story::*;
use super::world::World;

/// Generates any event of a few aggregates, in any order. The resulting histories include some that
/// no decider would produce.
fn event() -> impl Strategy<Value = Happened> {
    (0..29_usize, 0..3_u128).prop_map(|(kind, n)| match kind {
        0 => imported(0xA0 + n, "Ada", Some(2)),
        1 => updated(0xA0 + n, "Grace"),
        2 => defined(0xC0 + n),
        3 => activated(0xC0 + n),
        4 => deactivated(0xC0 + n),
        5 => requested(0x10 + n, 0xA0 + n),
        6 => generated(0x10 + n),
        7 => generation_failed(0x10 + n),
        8 => queued(0x20 + n, 0x10 + n),
        9 => claimed(0x20 + n, 1),
        10 => sent(0x20 + n, 1),
        11 => failed(0x20 + n, 1, true),
        12 => failed(0x20 + n, 2, false),
        13 => unknown(0x20 + n, 1),
        14 => retry(0x20 + n),
        15 => import_requested(0xF0 + n),
        16 => rows_accepted(0xF0 + n, 5),
        17 => rows_rejected(0xF0 + n, &[4, 5]),
        18 => import_completed(0xF0 + n),
        19 => import_failed(0xF0 + n),
        20 => batch_requested(0xB0 + n, &[1, 2]),
        21 => batch_dispatched(0xB0 + n, 2),
        22 => registered(0xE0 + n, "Grace"),
        23 => attendee_deleted(0xA0 + n),
        24 => redefined(0xC0 + n, "Keynote"),
        25 => certificate_deleted(0xC0 + n),
        26 => queued_again(0x30 + n, 0x10 + n, 0x20 + n),
        27 => revoked(0x10 + n),
        _ => password_changed(0xE0 + n),
    })
}

fn rows(history: &[Happened], delivery: Delivery) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::delivering(delivery).await;
        world.log.append(history.to_vec());
        world.project().await;
        let client = world.reader().await;
        for (counted, rows) in [(BATCH_ISSUANCES, ISSUANCES), (BATCH_MAILS, MAILS)] {
            let sql = format!(
                "SELECT count(*) FROM (({counted} EXCEPT {rows}) UNION ALL ({rows} EXCEPT {counted})) AS different"
            );
            let different: i64 = client.query_one(&sql, &[]).await.expect("counted").get(0);
            assert_eq!(different, 0, "the counts of batches differ from their rows");
        }
        world.all_rows().await
    })
}

const BATCH_ISSUANCES: &str =
    "SELECT batch_id, issued, generated, failed, revoked, without_pdf FROM batch_issuances";
/// Query that gets the counts of issuances from the issuances themselves.
const ISSUANCES: &str = "SELECT batch_id, count(*), count(generated_at), \
    count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'revoked'), \
    count(*) FILTER (WHERE state IN ('requested', 'failed')) \
    FROM issuances WHERE batch_id IS NOT NULL GROUP BY batch_id";
const BATCH_MAILS: &str = "SELECT batch_id, pending, sent, failed, cancelled FROM batch_mails";
/// Query that gets the counts of mails from the mails themselves.
const MAILS: &str = "SELECT batch_id, count(*) FILTER (WHERE counts AND status = 'pending'), \
    count(*) FILTER (WHERE counts AND status = 'sent'), \
    count(*) FILTER (WHERE counts AND status = 'error'), \
    count(*) FILTER (WHERE counts AND status = 'cancelled') FROM ( \
        SELECT jobs.*, NOT EXISTS (SELECT FROM jobs AS later WHERE later.previous = jobs.id) AS counts FROM jobs \
    ) AS jobs WHERE batch_id IS NOT NULL GROUP BY batch_id";

#[test]
fn batches_of_any_size_give_the_same_rows() {
    let history = everything();
    let whole = rows(&history, Delivery::default());
    for size in [1, 2, 3, 5, 8, 13] {
        let cut = rows(
            &history,
            Delivery {
                sizes: vec![size],
                again: 0,
            },
        );
        assert_eq!(cut, whole, "in batches of {size}");
    }
}

proptest! {
    #![proptest_config(Config { cases: 12, ..Config::default() })]

    #[test]
    fn any_history_gives_the_same_rows_for_any_batches_and_redeliveries(
        history in prop::collection::vec(prop_oneof![3 => event(), 1 => super::users::event()], 1..120),
        sizes in prop::collection::vec(1..40_usize, 1..6),
        again in 0..10_usize,
    ) {
        let one_by_one = rows(&history, Delivery { sizes: vec![1], again: 0 });
        let cut = rows(&history, Delivery { sizes, again });
        prop_assert_eq!(cut, one_by_one);
    }
}

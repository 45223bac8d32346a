//! Property test: group commit is serializable. For any concurrent commits, there is an order in
//! which they would have had the same results.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use laureate::event_log::{Append, AppendError, Commit, EventLog, Position};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use super::fixture::{Log, append, event, put};

/// Number of aggregates that the commits of one case can use.
const AGGREGATES: usize = 5;

/// Position that a commit expects for one of its aggregates.
#[derive(Clone, Copy, Debug)]
enum Expectation {
    /// Position of the aggregate at the start of the case.
    Present,
    /// Smaller position. If the aggregate has no events, a position that never existed.
    Stale,
    /// Position that another commit of the case may produce. The value is its distance from the end
    /// of the log.
    Future(Position),
}

/// Commit: distinct aggregates, each with the expected position and the number of events.
type Wanted = Vec<(usize, Expectation, usize)>;

/// Concurrent commits. The flag is true if the second process submits the commit.
#[derive(Clone, Debug)]
struct Case {
    /// Number of events that each aggregate has at the start.
    histories: Vec<usize>,
    commits: Vec<(bool, Wanted)>,
}

fn case() -> impl Strategy<Value = Case> {
    let expectation = prop_oneof![
        6 => Just(Expectation::Present),
        1 => Just(Expectation::Stale),
        3 => (1..12_u64).prop_map(Expectation::Future),
    ];
    let aggregates = proptest::sample::subsequence((0..AGGREGATES).collect::<Vec<_>>(), 1..=3);
    let one = (
        aggregates,
        proptest::collection::vec((expectation, 1..3_usize), 3),
    )
        .prop_map(|(ids, rest)| {
            ids.into_iter()
                .zip(rest)
                .map(|(id, (e, n))| (id, e, n))
                .collect()
        });
    let histories = proptest::collection::vec(0..3_usize, AGGREGATES);
    let commits = proptest::collection::vec((any::<bool>(), one), 1..14);
    (histories, commits).prop_map(|(histories, commits)| Case { histories, commits })
}

/// Commit that was submitted.
#[derive(Debug)]
struct Submitted {
    /// Expected position of each aggregate.
    expected: BTreeMap<String, Position>,
    /// Aggregate of each event, in order.
    subjects: Vec<String>,
    events: Vec<Uuid>,
}

impl Submitted {
    fn of(appends: &[Append]) -> Self {
        let events = || {
            appends
                .iter()
                .flat_map(|a| a.events.iter().map(move |e| (a, e)))
        };
        Self {
            expected: appends.iter().map(|a| (a.id.clone(), a.expected)).collect(),
            subjects: events().map(|(a, _)| a.id.clone()).collect(),
            events: events().map(|(_, e)| e.event_id).collect(),
        }
    }

    /// Returns true if all expected positions match `state`.
    fn holds(&self, state: &BTreeMap<String, Position>) -> bool {
        self.expected
            .iter()
            .all(|(id, expected)| state.get(id).copied().unwrap_or(0) == *expected)
    }
}

/// Two processes with a common log. Each case uses other aggregates.
struct World {
    log: Log,
    other: EventLog,
    next_case: usize,
}

impl World {
    async fn run(&mut self, case: &Case) -> Result<(), TestCaseError> {
        self.next_case += 1;
        let name = |aggregate: usize| format!("c{}-{aggregate}", self.next_case);
        let mut state = BTreeMap::new();
        for (aggregate, length) in case
            .histories
            .iter()
            .enumerate()
            .filter(|(_, length)| **length > 0)
        {
            let positions = put(&self.log.log, &name(aggregate), 0, vec![event(0); *length]).await;
            state.insert(
                name(aggregate),
                *positions.last().expect("at least one event"),
            );
        }
        let end = self
            .log
            .log
            .info()
            .await
            .expect("provisioned")
            .last_position;
        let expected = |id: &str, expectation| match expectation {
            Expectation::Present => state.get(id).copied().unwrap_or(0),
            Expectation::Stale => state.get(id).map_or(1_000_000, |position| position - 1),
            Expectation::Future(ahead) => end + ahead,
        };
        let appends = |wanted: &Wanted| -> Vec<Append> {
            let one = |(aggregate, expectation, length): &(usize, Expectation, usize)| {
                let id = name(*aggregate);
                append(
                    &id,
                    expected(&id, *expectation),
                    (0..*length).map(event).collect(),
                )
            };
            wanted.iter().map(one).collect()
        };
        let commits: Vec<(bool, Vec<Append>)> = case
            .commits
            .iter()
            .map(|(by_other, wanted)| (*by_other, appends(wanted)))
            .collect();
        let answers = join_all(commits.iter().map(|(by_other, appends)| {
            let log = if *by_other {
                &self.other
            } else {
                &self.log.log
            };
            log.append(Commit::new(log.names(), appends.clone()))
        }))
        .await;
        let submitted = commits
            .iter()
            .map(|(_, appends)| Submitted::of(appends))
            .collect::<Vec<_>>();
        self.explain(end, state, &submitted, answers).await
    }

    /// Replays the written commits in their order, and checks that the result of each commit is
    /// justified.
    async fn explain(
        &self,
        end: Position,
        mut state: BTreeMap<String, Position>,
        submitted: &[Submitted],
        answers: Vec<Result<Vec<Position>, AppendError>>,
    ) -> Result<(), TestCaseError> {
        let mut acknowledged = BTreeMap::new();
        let mut refused = Vec::new();
        for (one, answer) in submitted.iter().zip(answers) {
            match answer {
                Ok(positions) => {
                    acknowledged.insert(positions[0], (positions, one));
                }
                Err(AppendError::Conflict) => refused.push(one),
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            }
        }
        // A conflict is justified if there was a moment at which the expected positions were wrong.
        let mut justified: BTreeSet<usize> = BTreeSet::new();
        let mut look = |state: &BTreeMap<String, Position>| {
            let wrong = refused
                .iter()
                .enumerate()
                .filter(|(_, one)| !one.holds(state));
            justified.extend(wrong.map(|(n, _)| n));
        };
        look(&state);
        let mut written = self.written_after(end).await.into_iter();
        for (positions, one) in acknowledged.values() {
            prop_assert!(
                one.holds(&state),
                "written with a wrong expected position: {one:?} on {state:?}"
            );
            for ((position, id), subject) in positions.iter().zip(&one.events).zip(&one.subjects) {
                let expected = (*position, *id, subject.clone());
                prop_assert_eq!(
                    written.next(),
                    Some(expected),
                    "incomplete, or at another position"
                );
                state.insert(subject.clone(), *position);
            }
            look(&state);
        }
        prop_assert_eq!(written.next(), None, "more events than acknowledged");
        prop_assert_eq!(
            justified.len(),
            refused.len(),
            "refused without a conflict: {:?}",
            refused
        );
        Ok(())
    }

    async fn written_after(&self, position: Position) -> Vec<(Position, Uuid, String)> {
        let last = self
            .log
            .log
            .info()
            .await
            .expect("provisioned")
            .last_position;
        let mut reader = self.log.log.read_after(position);
        let mut written = Vec::new();
        while reader.position() < last {
            let batch = reader
                .next_batch(1_000, std::time::Duration::from_secs(30))
                .await
                .expect("readable");
            written.extend(batch.into_iter().map(|e| (e.position, e.event_id, e.id)));
        }
        written
    }
}

#[test]
fn concurrent_commits_are_serializable() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(async {
        let log = Log::provisioned().await;
        let other = log.another_process().await;
        World {
            log,
            other,
            next_case: 0,
        }
    });
    let world = std::cell::RefCell::new(world);
    let mut runner = TestRunner::new(Config {
        cases: 60,
        max_shrink_iters: 200,
        ..Config::default()
    });
    runner
        .run(&case(), |case| {
            let mut world = world.borrow_mut();
            runtime.block_on(world.run(&case))
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let _inside = runtime.enter();
    drop(world);
}

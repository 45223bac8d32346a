//! Scheduled tasks on real servers. Exactly one of many schedulers executes each planned run.

use std::collections::HashMap;

use laureate::app::{Extras, Role};
use laureate::event_log::task_runs::{Begun, Ended, LONGEST, Run, Trigger};
use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::log::fixture::Log;
use crate::support::{TestApp, until};

const TASK: &str = "due_mails";

fn second(n: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(1_800_000_000 + n)
}

fn ended(mut run: Run, at: OffsetDateTime) -> Run {
    run.ended = Some(Ended {
        at,
        succeeded: true,
        result: "nothing".to_owned(),
    });
    run
}

#[tokio::test]
async fn only_one_process_begins_a_planned_run() {
    let log = Log::provisioned().await;
    let mut processes = Vec::new();
    for _ in 0..4 {
        processes.push(log.another_process().await);
    }
    for n in 0..15 {
        let due = second(n);
        let begin = |process: usize| {
            let log = processes[process].clone();
            async move {
                log.begin_run(Uuid::new_v4(), TASK, Trigger::Cron, Some(due), due)
                    .await
                    .unwrap()
            }
        };
        let begun = tokio::join!(begin(0), begin(1), begin(2), begin(3));
        let mut mine = Vec::new();
        for begun in [begun.0, begun.1, begun.2, begun.3] {
            if let Begun::Run(run) = begun {
                mine.push(run);
            }
        }
        assert_eq!(mine.len(), 1, "at {n}");
        processes[1]
            .end_run(&ended(mine.remove(0), due))
            .await
            .unwrap();
        // A process that is late sees that the run is completed, even if there was a forced run in
        // between.
        let forced = processes[2]
            .begin_run(Uuid::new_v4(), TASK, Trigger::Forced, None, due)
            .await
            .unwrap();
        let Begun::Run(forced) = forced else {
            panic!("{forced:?}")
        };
        processes[2].end_run(&ended(forced, due)).await.unwrap();
        let late = processes[3]
            .begin_run(Uuid::new_v4(), TASK, Trigger::Cron, Some(due), due)
            .await
            .unwrap();
        assert_eq!(late, Begun::ByAnother);
    }
    let runs = log.log.runs().await.unwrap();
    assert_eq!(runs.len(), 30);
    assert!(runs.iter().all(|run| run.ended.is_some()));
    assert_eq!(runs[0].trigger, Trigger::Forced, "the newest is first");
}

#[tokio::test]
async fn runs_of_a_task_do_not_overlap_and_an_interrupted_run_expires() {
    let Log {
        log,
        namespace: _kept,
        ..
    } = Log::provisioned().await;
    let begin = async |n: i64, trigger| {
        let due = (trigger == Trigger::Cron).then(|| second(n));
        log.begin_run(Uuid::new_v4(), TASK, trigger, due, second(n))
            .await
            .unwrap()
    };
    let Begun::Run(run) = begin(0, Trigger::Cron).await else {
        panic!("the run was not begun")
    };
    assert_eq!(begin(1, Trigger::Cron).await, Begun::Busy);
    assert_eq!(begin(1, Trigger::Forced).await, Begun::Busy);
    // If the process of a run has crashed, another run may start after the longest duration of a
    // run.
    let later = i64::try_from(LONGEST.as_secs()).unwrap();
    assert!(run.is_under_way(second(later - 1)) && !run.is_under_way(second(later)));
    assert!(matches!(begin(later, Trigger::Cron).await, Begun::Run(_)));
    // Other tasks are not affected.
    let other = log
        .begin_run(
            Uuid::new_v4(),
            "expired_files",
            Trigger::Forced,
            None,
            second(1),
        )
        .await;
    assert!(matches!(other.unwrap(), Begun::Run(_)));
}

#[tokio::test]
async fn the_history_is_bounded() {
    let Log {
        log,
        namespace: _kept,
        ..
    } = Log::provisioned().await;
    for n in 0..130 {
        let begun = log
            .begin_run(
                Uuid::new_v4(),
                TASK,
                Trigger::Cron,
                Some(second(n)),
                second(n),
            )
            .await;
        let Begun::Run(run) = begun.unwrap() else {
            panic!("the run was not begun")
        };
        log.end_run(&ended(run, second(n))).await.unwrap();
    }
    let runs = log.runs().await.unwrap();
    assert_eq!(runs.len(), 100);
    assert_eq!(runs[0].covers, Some(second(129)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schedulers_share_the_work() {
    let every_second = "scheduler.tasks.expired_answers.cron=* * * * * *";
    let app = TestApp::with_roles(
        &[Role::Api, Role::Projector, Role::Scheduler],
        &[every_second],
    )
    .await;
    let stop = CancellationToken::new();
    let another = app
        .app
        .start(&[Role::Scheduler], Extras::default(), stop.clone())
        .await
        .unwrap();
    let running = tokio::spawn(another.wait());
    let log = app.app.commands().log();
    let runs = async || {
        let mut runs = log.runs().await.unwrap();
        runs.retain(|run| run.task == "expired_answers" && run.ended.is_some());
        runs
    };
    until("four runs have ended", async || runs().await.len() >= 4).await;
    let mut at: HashMap<_, usize> = HashMap::new();
    for run in runs().await {
        assert_eq!(run.trigger, Trigger::Cron);
        assert!(
            run.ended.is_some_and(
                |ended| ended.succeeded && ended.result.ends_with("responses deleted")
            )
        );
        *at.entry(run.covers).or_default() += 1;
    }
    assert!(at.values().all(|runs| *runs == 1), "{at:?}");
    stop.cancel();
    running.await.unwrap().unwrap();
}

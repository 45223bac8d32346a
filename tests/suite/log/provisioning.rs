//! Streams and consumers: their number of replicas, and planned changes.

use laureate::event_log::plan::{Action, Change, Kind};
use laureate::event_log::{EventLog, ProvisionError, Step};
use serde_json::{Value, json};

use super::fixture::{Log, On, event, put};

async fn api(log: &EventLog, subject: String) -> Value {
    let answer = log
        .client()
        .request(format!("$JS.API.{subject}"), "".into())
        .await
        .unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}

/// Returns, for each stream and consumer in the order of `steps`, the number of other servers that
/// have a replica.
async fn followers(log: &EventLog, steps: &[Step]) -> Vec<usize> {
    let mut counts = Vec::new();
    for step in steps {
        let info = match step.kind {
            Kind::Stream => api(log, format!("STREAM.INFO.{}", step.name)).await,
            Kind::Consumer => {
                api(
                    log,
                    format!("CONSUMER.INFO.{}", step.name.replace('/', ".")),
                )
                .await
            }
        };
        counts.push(info["cluster"]["replicas"].as_array().map_or(0, Vec::len));
    }
    counts
}

#[tokio::test]
async fn replicas_of_streams_and_their_consumers_can_be_changed() {
    let namespace = On::Cluster.namespace();
    let log = On::Cluster.open(&namespace).await;
    let made = log.provision(1).await.unwrap();
    assert_eq!(followers(&log, &made).await, [0; 18]);
    put(&log, "a", 0, vec![event(1)]).await;

    let plan = log.plan_provision(3).await.unwrap();
    let wanted = [Change {
        field: "num_replicas".to_owned(),
        from: json!(1),
        to: json!(3),
    }];
    for step in &plan {
        match step.kind {
            Kind::Stream => assert_eq!(
                (step.action, &step.changes[..]),
                (Action::Change, &wanted[..])
            ),
            Kind::Consumer => assert_eq!((step.action, step.changes.len()), (Action::Nothing, 0)),
        }
    }
    assert_eq!(
        log.plan_provision(3).await.unwrap(),
        plan,
        "a plan changes nothing"
    );
    assert_eq!(
        log.provision(3).await.unwrap(),
        plan,
        "the plan equals the changes"
    );
    crate::support::until("all have their replicas", async || {
        followers(&log, &made).await == [2; 18]
    })
    .await;
    put(&log, "a", 1, vec![event(2)]).await;

    // If no number of replicas is given, nothing changes. If a smaller number is given, replicas
    // are removed.
    let level = |steps: Vec<Step>| steps.iter().all(|step| step.action == Action::Nothing);
    assert!(level(log.provision(None).await.unwrap()));
    assert!(level(log.plan_provision(3).await.unwrap()));
    log.provision(1).await.unwrap();
    crate::support::until("all have one replica", async || {
        followers(&log, &made).await == [0; 18]
    })
    .await;
    assert_eq!(log.load("user", "a", 0).await.unwrap().len(), 2);
    put(&log, "a", 2, vec![event(3)]).await;
}

#[tokio::test]
async fn missing_stream_is_created_with_the_replicas_of_the_log() {
    let log = Log::on(On::Cluster).await;
    let gone = log.log.names().stream("DEADLETTERS");
    log.log.context().delete_stream(&gone).await.unwrap();
    let steps = log.log.provision(None).await.unwrap();
    let made: Vec<_> = steps
        .iter()
        .filter(|step| step.action == Action::Create)
        .collect();
    assert_eq!(
        made.iter().map(|step| &step.name).collect::<Vec<_>>(),
        [&gone]
    );
    assert_eq!(
        api(&log.log, format!("STREAM.INFO.{gone}")).await["config"]["num_replicas"],
        3
    );
}

#[tokio::test]
async fn settings_outside_of_our_configuration_are_kept() {
    let log = Log::provisioned().await;
    let name = log.log.names().stream("PUBLIC");
    let mut config = api(&log.log, format!("STREAM.INFO.{name}")).await["config"].clone();
    config["max_msgs_per_subject"] = json!(7);
    config["max_age"] = json!(3_600_000_000_000_u64);
    let body = config.to_string().into();
    log.log
        .client()
        .request(format!("$JS.API.STREAM.UPDATE.{name}"), body)
        .await
        .unwrap();

    let steps = log.log.provision(None).await.unwrap();
    let changed: Vec<_> = steps
        .iter()
        .filter(|step| step.action == Action::Change)
        .collect();
    let back = Change {
        field: "max_age".to_owned(),
        from: json!(3_600_000_000_000_u64),
        to: json!(0),
    };
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (&changed[0].name, &changed[0].changes),
        (&name, &vec![back])
    );
    let config = api(&log.log, format!("STREAM.INFO.{name}")).await["config"].clone();
    assert_eq!(
        (&config["max_msgs_per_subject"], &config["max_age"]),
        (&json!(7), &json!(0))
    );
}

#[tokio::test]
async fn impossible_number_of_replicas_is_refused() {
    let alone = Log::provisioned().await;
    let error = alone.log.provision(3).await.unwrap_err();
    assert!(matches!(error, ProvisionError::NotClustered(3)), "{error}");
    assert!(matches!(
        alone.log.plan_provision(2).await,
        Err(ProvisionError::Replicas(2))
    ));

    let clustered = Log::on(On::Cluster).await;
    let error = clustered.log.provision(5).await.unwrap_err();
    assert!(
        matches!(error, ProvisionError::TooFewServers { replicas: 5, .. }),
        "{error}"
    );
    let error = clustered.log.provision(4).await.unwrap_err().to_string();
    assert!(error.contains("3 or 5"), "{error}");
    let namespace = On::Cluster.namespace();
    let fresh = On::Cluster.open(&namespace).await;
    let error = fresh.provision(5).await.unwrap_err();
    assert!(
        matches!(error, ProvisionError::TooFewServers { replicas: 5, .. }),
        "{error}"
    );
}

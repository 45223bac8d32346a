//! Embedded stack. It starts, keeps its data, survives SIGKILL, and does not leave processes or
//! files.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use laureate::dev_stack::supervise::bound_to_us;
use laureate::dev_stack::{NatsCluster, Stack, StackError, StackOptions};
use object_store::{ObjectStoreExt, PutPayload};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

use crate::support::{Namespace, laureate, postgres, servers, until};

/// Creates a folder that PostgreSQL's user can traverse, for the case that the tests run as root.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    folder
}

async fn start_in(folder: &Path) -> Result<Stack, StackError> {
    Stack::start(StackOptions {
        supervisor: Some(laureate().to_path_buf()),
        ..StackOptions::persistent(folder)
    })
    .await
}

async fn start_temporary() -> Stack {
    let options = StackOptions {
        supervisor: Some(laureate().to_path_buf()),
        ..StackOptions::default()
    };
    Stack::start(options).await.unwrap()
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed()).unwrap()
}

/// Returns the process ids of servers and supervisors.
fn all_pids(stack: &Stack) -> Vec<u32> {
    let servers = stack.server_pids();
    let mut pids = stack.supervisor_pids();
    pids.extend([servers.nats.unwrap(), servers.postgres.unwrap()]);
    pids
}

async fn until_gone(pids: &[u32]) {
    for number in pids {
        until(&format!("process {number} is gone"), async || {
            test_kill_process(pid(*number)).is_err()
        })
        .await;
    }
}

/// Writes one row to PostgreSQL, and one message that NATS acknowledges.
async fn write(stack: &Stack) {
    let client = postgres(stack.postgres_url()).await;
    client
        .batch_execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('Ñandú')")
        .await
        .unwrap();
    let nats = async_nats::connect(stack.nats_url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(nats);
    let config = async_nats::jetstream::stream::Config {
        name: "KEPT".to_owned(),
        subjects: vec!["kept".to_owned()],
        ..Default::default()
    };
    jetstream.create_stream(config).await.unwrap();
    let ack = jetstream.publish("kept", "hello".into()).await.unwrap();
    assert_eq!(ack.await.unwrap().sequence, 1);
}

async fn assert_kept(stack: &Stack) {
    let client = postgres(stack.postgres_url()).await;
    let row = client
        .query_one("SELECT upper(word) FROM kept", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, String>(0), "ÑANDÚ");
    let nats = async_nats::connect(stack.nats_url()).await.unwrap();
    let stream = async_nats::jetstream::new(nats)
        .get_stream("KEPT")
        .await
        .unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    assert_eq!(&message.payload[..], b"hello");
}

#[tokio::test]
async fn dropped_namespace_removes_its_schema_and_stream() {
    let namespace = Namespace::new();
    let client = postgres(&servers().postgres_url).await;
    let schema = format!("CREATE SCHEMA {namespace}; CREATE TABLE {namespace}.t (n int)");
    client.batch_execute(&schema).await.unwrap();
    let nats = async_nats::connect(&servers().nats_url).await.unwrap();
    let config = async_nats::jetstream::stream::Config {
        name: namespace.name().to_uppercase(),
        subjects: vec![format!("{namespace}.>")],
        ..Default::default()
    };
    let jetstream = async_nats::jetstream::new(nats);
    jetstream.create_stream(config).await.unwrap();

    let name = namespace.name().to_owned();
    drop(namespace);
    let left = client
        .query("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&name])
        .await
        .unwrap();
    assert!(left.is_empty(), "the schema is dropped with the namespace");
    assert!(jetstream.get_stream(name.to_uppercase()).await.is_err());
}

#[tokio::test]
async fn s3_server_stores_objects() {
    // Another test in this process may already have installed the provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let namespace = Namespace::new();
    servers().make_s3_bucket(namespace.name()).await;
    let store = object_store::aws::AmazonS3Builder::new()
        .with_endpoint(servers().s3_url())
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(namespace.name())
        .with_access_key_id("test")
        .with_secret_access_key("test")
        .build()
        .unwrap();
    let path = object_store::path::Path::from("a/b.pdf");
    let payload = PutPayload::from_static(b"%PDF");
    store.put(&path, payload).await.unwrap();
    let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
    assert_eq!(&bytes[..], b"%PDF");
}

#[tokio::test]
async fn data_survive_a_restart() {
    let folder = folder();
    let stack = start_in(folder.path()).await.unwrap();
    write(&stack).await;
    let pids = all_pids(&stack);
    stack.stop().await;
    until_gone(&pids).await;
    let stack = start_in(folder.path()).await.unwrap();
    assert_kept(&stack).await;
}

#[tokio::test]
async fn killed_servers_are_detected_and_restart_with_their_data() {
    let folder = folder();
    let mut stack = start_in(folder.path()).await.unwrap();
    write(&stack).await;
    let servers = stack.server_pids();
    for server in [servers.nats, servers.postgres] {
        kill_process(pid(server.unwrap()), Signal::KILL).unwrap();
    }
    let error = tokio::time::timeout(Duration::from_secs(60), stack.failed()).await;
    assert!(matches!(error, Ok(StackError::Ended { .. })), "{error:?}");
    drop(stack);
    assert!(
        folder.path().join("postgres/data/postmaster.pid").exists(),
        "this test needs a stale pid file"
    );
    let stack = start_in(folder.path()).await.unwrap();
    assert_kept(&stack).await;
}

#[tokio::test]
async fn servers_of_killed_supervisors_stop_and_can_restart() {
    let folder = folder();
    let stack = start_in(folder.path()).await.unwrap();
    write(&stack).await;
    for supervisor in stack.supervisor_pids() {
        kill_process(pid(supervisor), Signal::KILL).unwrap();
    }
    let servers = stack.server_pids();
    drop(stack);
    // On Linux, the servers get a stop signal immediately. On other systems, the next start stops
    // them.
    if cfg!(target_os = "linux") {
        let pids: Vec<u32> = [servers.nats, servers.postgres]
            .into_iter()
            .flatten()
            .collect();
        until_gone(&pids).await;
    }
    let stack = start_in(folder.path()).await.unwrap();
    assert_kept(&stack).await;
}

#[tokio::test]
async fn two_stacks_run_in_parallel_and_a_dropped_one_leaves_nothing() {
    let (first, second) = tokio::join!(start_temporary(), start_temporary());
    write(&first).await;
    write(&second).await;
    let pids = all_pids(&first);
    let folder = first.data_dir().to_path_buf();
    drop(first);
    assert!(!folder.exists());
    for number in pids {
        assert!(
            test_kill_process(pid(number)).is_err(),
            "process {number} is still running"
        );
    }
    assert_kept(&second).await;
}

#[tokio::test]
async fn a_folder_in_use_is_refused_with_a_clear_error() {
    let folder = folder();
    let _first = start_in(folder.path()).await.unwrap();
    let error = start_in(folder.path()).await.unwrap_err();
    assert!(matches!(error, StackError::InUse { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&std::process::id().to_string()), "{text}");
}

#[tokio::test]
async fn server_that_cannot_start_reports_its_log() {
    let folder = folder();
    let stack = start_in(folder.path()).await.unwrap();
    stack.stop().await;
    fs::write(
        folder.path().join("postgres/data/postgresql.conf"),
        "shared_buffers = nonsense\n",
    )
    .unwrap();
    let error = start_in(folder.path()).await.unwrap_err().to_string();
    assert!(error.starts_with("PostgreSQL has ended"), "{error}");
    assert!(error.contains("shared_buffers"), "{error}");
}

#[tokio::test]
async fn a_cluster_elects_a_leader_and_leaves_nothing_behind() {
    let mut cluster = NatsCluster::start(Some(laureate().to_path_buf()))
        .await
        .unwrap();
    cluster.ready().await.unwrap();
    let urls = cluster.urls();
    let client = async_nats::connect(&urls[2]).await.unwrap();
    let info = client.server_info();
    assert_eq!(
        (info.server_name.as_str(), info.cluster.as_deref()),
        ("nats-3", Some("laureate"))
    );
    let config = async_nats::jetstream::stream::Config {
        name: "KEPT".to_owned(),
        num_replicas: 3,
        ..Default::default()
    };
    let stream = async_nats::jetstream::new(client)
        .create_stream(config)
        .await
        .unwrap();
    let nodes = stream.cached_info().cluster.clone().unwrap();
    assert!(
        nodes
            .leader
            .is_some_and(|leader| cluster.names().contains(&leader.as_str()))
    );
    assert_eq!(nodes.replicas.len(), 2);

    let pids: Vec<u32> = (0..3).map(|node| cluster.pid(node).unwrap()).collect();
    let folder = cluster.data_dir().to_path_buf();
    drop(cluster);
    assert!(!folder.exists());
    for number in pids {
        assert!(
            test_kill_process(pid(number)).is_err(),
            "process {number} is still running"
        );
    }
}

/// Starts `laureate with-servers` with `script`, in a separate process group. The process still
/// ends together with this one.
fn with_servers(script: &str) -> Child {
    let args = ["with-servers", "--", "sh", "-c", script].map(OsString::from);
    bound_to_us(laureate(), laureate().as_os_str(), &args)
        .process_group(0)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Starts `with-servers`, and waits until its command is running. Returns the process, the data
/// folder and the process ids of the servers.
async fn running_with_servers() -> (Child, PathBuf, Vec<u32>) {
    let report = tempfile::tempdir().unwrap();
    let file = report.path().join("mail-dir");
    let script = format!(
        r#"echo "$LAUREATE_TEST_MAIL_DIR" > '{0}.new'; mv '{0}.new' '{0}'; exec sleep 600"#,
        file.display()
    );
    let child = with_servers(&script);
    until("the command runs", async || file.exists()).await;
    let mail_dir = fs::read_to_string(file).unwrap();
    let folder = Path::new(mail_dir.trim()).parent().unwrap().to_path_buf();
    let pids = ["nats/nats.pid", "postgres/data/postmaster.pid"].map(|name| {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        text.lines().next().unwrap().trim().parse().unwrap()
    });
    (child, folder, pids.to_vec())
}

async fn exit_code(child: &mut Child) -> Option<i32> {
    let mut status = None;
    until("the command ends", || {
        status = child.try_wait().unwrap();
        std::future::ready(status.is_some())
    })
    .await;
    status.and_then(|status| status.code())
}

#[tokio::test]
async fn with_servers_returns_the_exit_code_of_its_command() {
    let mut child = with_servers(
        r#"test -n "$LAUREATE_TEST_POSTGRES_URL" && test -n "$LAUREATE_TEST_NATS_CLUSTER_URL" && exit 7"#,
    );
    assert_eq!(exit_code(&mut child).await, Some(7));
}

#[tokio::test]
async fn ctrl_c_leaves_neither_process_nor_folder() {
    let (mut child, folder, pids) = running_with_servers().await;
    kill_process_group(pid(child.id()), Signal::INT).unwrap();
    assert_eq!(exit_code(&mut child).await, Some(130));
    until_gone(&pids).await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn servers_of_a_killed_run_stop() {
    let (mut child, folder, pids) = running_with_servers().await;
    child.kill().unwrap();
    child.wait().unwrap();
    until_gone(&pids).await;
    drop(start_temporary().await);
    assert!(!folder.exists(), "the next run removes what was left");
}

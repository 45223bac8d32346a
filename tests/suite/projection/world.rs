//! Namespace with its projections, and the operations that the tests use.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Pool};
use laureate::database::{self, DatabaseError};
use laureate::event_log::LogInfo;
use laureate::projection::queries::attendees::{self, AttendeeRow};
use laureate::projection::queries::listing::{Conditions, Order, SortKey, Start, list};
use laureate::projection::{
    LogSource, Maintenance, Pace, Projection, ProjectionHealth, ProjectionSet, Projector,
    ProjectorError, Readers,
};
use serde_json::{Map, Value};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::given_log::{Delivery, GivenLog};
use crate::support::{Namespace, servers};

/// Timeout that is long enough for any machine. It is reached only if there is an error.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    pub namespace: Namespace,
    pub pool: Pool,
    pub log: Arc<GivenLog>,
    pub set: Arc<ProjectionSet>,
    pub readers: Readers,
}

/// Projector that is running in the background.
pub struct AtWork {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), ProjectorError>>,
}

impl AtWork {
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task
            .await
            .expect("the projector does not panic")
            .expect("the projector does not fail");
    }
}

impl World {
    pub async fn new() -> Self {
        Self::delivering(Delivery::default()).await
    }

    pub async fn delivering(delivery: Delivery) -> Self {
        let namespace = Namespace::new();
        let pool = database::connect(&servers().postgres_url, None, 8).expect("a good URL");
        database::migrate(&pool, namespace.name())
            .await
            .expect("migrated");
        let set = Arc::new(ProjectionSet::embedded(namespace.name()).expect("good projections"));
        let readers = Readers::new(pool.clone(), set.clone());
        Self {
            namespace,
            pool,
            log: GivenLog::new(delivery),
            set,
            readers,
        }
    }

    /// Simulates another program with other projections, on the same database and log.
    pub fn program(&self, projections: Vec<Projection>) -> Self {
        let set = Arc::new(
            ProjectionSet::of(self.namespace.name(), projections).expect("good projections"),
        );
        Self {
            namespace: Namespace::new(),
            pool: self.pool.clone(),
            log: self.log.clone(),
            readers: Readers::new(self.pool.clone(), set.clone()),
            set,
        }
    }

    pub fn source(&self) -> Arc<dyn LogSource> {
        self.log.clone()
    }

    pub fn projector(&self) -> Projector {
        let pace = Pace {
            idle: Duration::from_millis(20),
            stand_back: Duration::from_millis(50),
            confirm: Duration::from_millis(1_500),
            ..Pace::default()
        };
        Projector::new(self.pool.clone(), self.source(), self.readers.clone()).with_pace(pace)
    }

    pub fn start(&self) -> AtWork {
        let projector = self.projector();
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        AtWork {
            shutdown,
            task: tokio::spawn(async move { projector.run(token).await }),
        }
    }

    /// Runs a projector until it has applied all events in the log.
    pub async fn project(&self) {
        let at_work = self.start();
        self.readers
            .wait_for(self.log.last_position(), PATIENCE)
            .await
            .expect("caught up");
        self.until_ready().await;
        at_work.stop().await;
    }

    pub async fn until_ready(&self) {
        crate::support::until("every projection is ready", || async {
            self.status().await.iter().all(|health| health.ready)
        })
        .await;
    }

    pub fn maintenance(&self) -> Maintenance {
        Maintenance::new(self.pool.clone(), self.source(), self.set.clone())
    }

    pub async fn status(&self) -> Vec<ProjectionHealth> {
        let log: LogInfo = self.log.info().await.expect("given");
        self.readers
            .status(&log)
            .await
            .expect("the database answers")
    }

    pub async fn health(&self, name: &str) -> ProjectionHealth {
        self.status()
            .await
            .into_iter()
            .find(|health| health.name == name)
            .expect("a projection of that name")
    }

    /// Returns a connection that has the search path of the program.
    pub async fn reader(&self) -> Client {
        let pool = database::connect(&servers().postgres_url, Some(&self.set.search_path()), 1);
        pool.expect("a good URL").get().await.expect("a connection")
    }

    pub fn schema(&self, projection: &str) -> &str {
        let found = self
            .set
            .members()
            .iter()
            .find(|member| member.projection.name == projection);
        &found.expect("a projection of that name").schema
    }

    /// Returns all rows of a schema, by table.
    pub async fn rows_of_schema(&self, schema: &str) -> Value {
        let client = self.pool.get().await.expect("a connection");
        let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY 1";
        let mut tables = Map::new();
        for table in client.query(sql, &[&schema]).await.expect("the tables") {
            let table: String = table.get(0);
            let sql = format!(
                "SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY to_jsonb(t)::text COLLATE \"C\"), '[]')
                 FROM \"{schema}\".\"{table}\" AS t"
            );
            let rows: Value = client.query_one(&sql, &[]).await.expect("the rows").get(0);
            tables.insert(table, rows);
        }
        Value::Object(tables)
    }

    pub async fn rows(&self, projection: &str) -> Value {
        self.rows_of_schema(self.schema(projection)).await
    }

    /// Returns all rows of all projections.
    pub async fn all_rows(&self) -> Value {
        let mut all = Map::new();
        for member in self.set.members() {
            all.insert(
                member.projection.name.clone(),
                self.rows_of_schema(&member.schema).await,
            );
        }
        Value::Object(all)
    }

    pub async fn execute(&self, sql: &str) -> u64 {
        self.pool
            .get()
            .await
            .expect("a connection")
            .execute(sql, &[])
            .await
            .expect("accepted")
    }
}

/// Returns at most `limit` attendees, newest first.
pub async fn newest_attendees(
    client: &Client,
    limit: u32,
) -> Result<Vec<AttendeeRow>, DatabaseError> {
    let order = Order {
        key: SortKey::Position(attendees::LIST.table.tie),
        descending: true,
    };
    let all = Conditions::default();
    Ok(list(
        client,
        &attendees::LIST.table,
        &all,
        order,
        &Start::First,
        limit,
    )
    .await?
    .items)
}

//! State that a client can't see: the mailbox, the object storage, and the checkpoints of the
//! tables.

use anyhow::Context;

use crate::app::App;
use crate::projection::VerifyReport;
use crate::storage::ObjectKey;

use super::progress::{Progress, Track};
use super::report::Rebuild;

/// Direct access to the product, without the API.
pub struct Backstage<'a> {
    app: &'a App,
    mails: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Number of mails from earlier runs.
    mails_before: u64,
}

/// Progress of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Position up to which all tables are filled.
    pub position: u64,
    /// Position of the last event in the log.
    pub log_end: u64,
}

impl<'a> Backstage<'a> {
    /// Counts mails from now on. `mails` returns the number of mails in the mailbox.
    pub fn new(app: &'a App, mails: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self {
            app,
            mails_before: mails(),
            mails: Box::new(mails),
        }
    }

    /// Returns the product.
    pub const fn app(&self) -> &App {
        self.app
    }

    /// Returns the number of mails that arrived in this run.
    pub fn mails_caught(&self) -> u64 {
        (self.mails)().saturating_sub(self.mails_before)
    }

    /// Returns the progress of the tables.
    ///
    /// # Errors
    /// Fails if the log or the database doesn't respond, or if a projection has stopped.
    pub async fn tables(&self) -> anyhow::Result<Tables> {
        let log = self.app.commands().log().info().await?;
        let status = self.app.readers().status(&log).await?;
        if let Some(stopped) = status
            .iter()
            .find_map(|projection| projection.error.as_ref())
        {
            anyhow::bail!("a projection has stopped: {stopped}");
        }
        let position = status
            .iter()
            .map(|projection| projection.position)
            .min()
            .unwrap_or(0);
        Ok(Tables {
            position,
            log_end: log.last_position,
        })
    }

    /// Returns true if the object is stored.
    ///
    /// # Errors
    /// Fails if the storage doesn't respond.
    pub async fn is_stored(&self, key: &ObjectKey) -> anyhow::Result<bool> {
        self.app
            .storage()
            .exists(key)
            .await
            .context("object storage")
    }

    /// Rebuilds copies of all tables and compares them with the live tables.
    ///
    /// # Errors
    /// Fails if a server doesn't respond, or if a handler fails.
    pub async fn rebuild_and_compare(&self, progress: &Progress) -> anyhow::Result<Rebuild> {
        progress.begin(Track::Rebuilt, 0);
        let show = |now: crate::projection::Progress| {
            progress.begin(Track::Rebuilt, now.target);
            progress.set(Track::Rebuilt, now.position);
        };
        let report = self.app.maintenance()?.verify(&[], show).await?;
        progress.end(Track::Rebuilt);
        Ok(found(&report))
    }
}

fn found(report: &VerifyReport) -> Rebuild {
    let differences = report.projections.iter().flat_map(|projection| {
        projection
            .differences
            .iter()
            .map(move |d| format!("{}.{}: {} {}", projection.name, d.table, d.kind, d.key))
    });
    Rebuild {
        equal: report.equal() && !report.projections.is_empty(),
        position: report
            .projections
            .iter()
            .map(|projection| projection.position)
            .max()
            .unwrap_or(0),
        rows: report
            .projections
            .iter()
            .map(|projection| projection.rows)
            .sum(),
        differences: differences.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::{Difference, Verified};

    #[test]
    fn differences_have_table_and_key() {
        let difference = Difference {
            table: "jobs".to_owned(),
            key: "[\"7\"]".to_owned(),
            kind: "missing",
            columns: Vec::new(),
            live_position: None,
            log_position: Some(9),
        };
        let verified = |name: &str, rows, differences: Vec<Difference>| Verified {
            name: name.to_owned(),
            position: 9,
            behind: 0,
            rows,
            equal: differences.is_empty(),
            differences,
        };
        let projections = vec![
            verified("users", 1, vec![]),
            verified("jobs", 3, vec![difference]),
        ];
        let rebuild = found(&VerifyReport { projections });
        assert!(!rebuild.equal);
        assert_eq!((rebuild.rows, rebuild.position), (4, 9));
        assert_eq!(rebuild.differences, ["jobs.jobs: missing [\"7\"]"]);
    }

    #[test]
    fn report_without_projections_is_not_equal() {
        assert!(
            !found(&VerifyReport {
                projections: vec![]
            })
            .equal
        );
    }
}

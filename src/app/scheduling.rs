//! Scheduler role: timers and tasks.

use super::{App, Running};
use crate::scheduler::{Plan, Scheduler, SchedulerParts};
use crate::workers::timers::Timers;

impl App {
    pub(super) fn start_scheduler(&self, running: &mut Running) -> anyhow::Result<()> {
        let settings = self.config.scheduler.clone();
        let plan = Plan::of(&settings)?;
        let scheduler = Scheduler::new(
            SchedulerParts {
                commands: self.commands.clone(),
                tables: self.pool.clone(),
                readers: self.readers.clone(),
                database: self.projector_pool.clone(),
                namespace: self.config.namespace.clone(),
                storage: self.storage.clone(),
                settings,
            },
            plan,
        );
        let timers = Timers::new(self.commands.clone());
        let stop = || running.shutdown.clone();
        let first = stop();
        let second = stop();
        running.spawn("timers", async move { Ok(timers.run(first).await?) });
        running.spawn("tasks", async move { Ok(scheduler.run(second).await?) });
        Ok(())
    }
}

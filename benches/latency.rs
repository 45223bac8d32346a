//! Latency of a command at 500 commands per second, and of its events until all tables contain
//! them.

use std::time::{Duration, Instant};

use laureate::app::Role;
use laureate::commands::Loaded;
use laureate::domain::MailId;
use laureate::domain::certification::mail::{Mail, MailCommand};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::ground::{Ground, PATIENCE, Roles};
use super::lives::{context, queued};
use super::report::{Report, percentile};

/// Commands per second.
const RATE: u32 = 500;
/// Duration of each run.
const FOR: Duration = Duration::from_secs(8);

/// Measures with a projector that follows the log.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::start(true).await?;
    let mut figures: [Vec<f64>; 4] = Default::default();
    for run in 1..=report.runs {
        report.progress(&format!("latency, run {run}"));
        let app = ground.app().await?;
        let roles = Roles::start(&app, &[Role::Projector]).await?;
        app.readers().wait_for(0, PATIENCE).await?;
        let mut commands = Vec::new();
        let mut visible = Vec::new();
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
        let mut waiting = JoinSet::new();
        let begun = Instant::now();
        let mut number = 0;
        while begun.elapsed() < FOR {
            ticks.tick().await;
            number += 1;
            let commanding = app.commands().clone();
            let readers = app.readers().clone();
            waiting.spawn(async move {
                let queue = MailCommand::Queue(Box::new(queued(number)));
                let id = MailId(Uuid::new_v4());
                let asked = Instant::now();
                let done = commanding
                    .execute_assuming::<Mail>(&context(), id, Loaded::new(), queue)
                    .await?;
                let acknowledged = Instant::now();
                readers.wait_for(done.position, PATIENCE).await?;
                anyhow::Ok((acknowledged - asked, acknowledged.elapsed()))
            });
        }
        while let Some(measured) = waiting.join_next().await {
            let (command, shown) = measured??;
            commands.push(command.as_secs_f64() * 1e3);
            visible.push(shown.as_secs_f64() * 1e3);
        }
        roles.stop().await?;
        commands.sort_by(f64::total_cmp);
        visible.sort_by(f64::total_cmp);
        for (figure, (sorted, share)) in figures.iter_mut().zip([
            (&commands, 0.5),
            (&commands, 0.99),
            (&visible, 0.5),
            (&visible, 0.99),
        ]) {
            figure.push(percentile(sorted, share));
        }
    }
    let names = [
        "command_p50",
        "command_p99",
        "append_to_visible_p50",
        "append_to_visible_p99",
    ];
    for (name, figure) in names.into_iter().zip(figures) {
        report.figure(name, "ms at 500 events/s", figure);
    }
    ground.stop().await;
    Ok(())
}

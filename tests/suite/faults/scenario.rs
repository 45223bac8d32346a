//! Scenarios: faults that happen to one installation under load, in an order and at times that
//! depend on a seed.

use std::time::Duration;

use laureate::app::Role;
use laureate::dev_stack::Server;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::fault::{Fault, Storage};
use super::installation::Topology;
use super::load::Habits;
use super::mail_server::{Behaviour, Step};

pub struct Scenario {
    pub name: &'static str,
    pub topology: Topology,
    /// True if `make test` runs this scenario. `make faults` runs all.
    pub selected: bool,
    /// Faults, which happen once each. The seed determines their order.
    pub faults: fn() -> Vec<Fault>,
    /// Longest time before a fault in milliseconds.
    pub between: u64,
    pub habits: Habits,
    /// Settings of all processes.
    pub settings: &'static [(&'static str, &'static str)],
}

/// Fault with the number of milliseconds before it.
pub type Planned = (u64, Fault);

impl Scenario {
    /// Returns the faults in the order of a seed.
    pub fn schedule(&self, seed: u64) -> Vec<Planned> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut faults = (self.faults)();
        faults.shuffle(&mut random);
        let planned = faults.into_iter();
        planned
            .map(|fault| (random.random_range(100..self.between), fault))
            .collect()
    }

    /// Returns true if the mail server refuses mails permanently.
    pub fn mails_may_fail(&self) -> bool {
        let permanent = |fault: &Fault| matches!(fault, Fault::Mail(Behaviour::Answers(_, text), _) if text.starts_with('5'));
        (self.faults)().iter().any(permanent)
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Habits of the clients in most scenarios.
pub const USUAL: Habits = Habits {
    clients: 3,
    greylisted: false,
    retries: false,
};
const RETRYING: Habits = Habits {
    retries: true,
    ..USUAL
};

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "selection",
        topology: Topology::OneServer,
        selected: true,
        faults: selection,
        between: 800,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "selection_on_cluster",
        topology: Topology::Cluster,
        selected: true,
        faults: || {
            Vec::from([
                Fault::LeaderKilled(seconds(2)),
                Fault::FollowerFrozen(seconds(3)),
            ])
        },
        between: 800,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "killed_roles",
        topology: Topology::OneServer,
        selected: false,
        faults: || {
            Role::ALL
                .repeat(3)
                .into_iter()
                .map(Fault::RoleKilled)
                .collect()
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "dead_projector",
        topology: Topology::OneServer,
        selected: false,
        faults: || Vec::from([Fault::ProjectorDown(seconds(10))]),
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "frozen_and_restarted_roles",
        topology: Topology::OneServer,
        selected: false,
        faults: || {
            let frozen = Role::ALL.map(|role| Fault::RoleFrozen(role, seconds(20)));
            let mut faults = Vec::from(frozen);
            faults.extend([Fault::RolesRestarted; 2]);
            faults
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "nats",
        topology: Topology::OneServer,
        selected: false,
        faults: || {
            Vec::from([
                Fault::ServerKilled(Server::Nats, seconds(1)),
                Fault::ServerKilled(Server::Nats, seconds(20)),
                Fault::ServerFrozen(Server::Nats, seconds(30)),
            ])
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "full_disks",
        topology: Topology::SmallDisks,
        selected: false,
        faults: || {
            Vec::from([
                Fault::DiskFull(seconds(40)),
                Fault::StorageFull(seconds(90)),
            ])
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "postgres",
        topology: Topology::OneServer,
        selected: false,
        faults: || {
            Vec::from([
                Fault::ServerKilled(Server::Postgres, seconds(1)),
                Fault::ServerKilled(Server::Postgres, seconds(20)),
                Fault::ServerFrozen(Server::Postgres, seconds(30)),
                Fault::ConnectionsTerminated,
                Fault::TablesLocked(seconds(30)),
            ])
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "storage",
        topology: Topology::OneServer,
        selected: false,
        faults: || {
            Vec::from([
                Fault::StorageAway(Storage::Empty, seconds(90)),
                Fault::StorageAway(Storage::Broken, seconds(90)),
            ])
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "mail_server_away",
        topology: Topology::OneServer,
        selected: false,
        faults: mail_server_away,
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "mail_server_refuses",
        topology: Topology::OneServer,
        selected: false,
        faults: || {
            let refused = |step| Fault::Mail(Behaviour::Answers(step, "554 5.7.1 No"), seconds(3));
            STEPS_WITH_ANSWER.map(refused).into()
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "mail_server_defers",
        topology: Topology::OneServer,
        selected: false,
        // Each is short, so that no mail fails so often that its next attempt is after the end.
        faults: || {
            [Step::Mail, Step::Recipient, Step::Data, Step::End]
                .map(|step| Fault::Mail(Behaviour::Answers(step, "451 4.7.1 Later"), seconds(1)))
                .into()
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "mail_server_silent",
        topology: Topology::OneServer,
        selected: false,
        faults: || {
            let silent = |step| Fault::Mail(Behaviour::Silent(step), seconds(15));
            let mut faults = Vec::from(STEPS_WITH_ANSWER.map(silent));
            faults.push(Fault::Mail(Behaviour::Silent(Step::Greeting), seconds(6)));
            faults
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "unknown_mails_sent_again",
        topology: Topology::OneServer,
        selected: false,
        faults: || {
            let mut faults = Vec::from([Fault::RoleKilled(Role::Mailer); 4]);
            faults.extend([Fault::Mail(Behaviour::Drops(Step::End), seconds(2)); 2]);
            faults.push(Fault::Mail(Behaviour::Silent(Step::End), seconds(15)));
            faults
        },
        between: 2_500,
        habits: USUAL,
        settings: &[("mail.on_unknown", "retry")],
    },
    Scenario {
        name: "cluster",
        topology: Topology::Cluster,
        selected: false,
        faults: || {
            Vec::from([
                Fault::LeaderKilled(seconds(1)),
                Fault::LeaderKilled(seconds(20)),
                Fault::LeaderFrozen(seconds(20)),
                Fault::FollowerFrozen(seconds(30)),
                Fault::FollowerSlowed(seconds(20)),
                Fault::NodesRestarted,
                Fault::RoleKilled(Role::Projector),
            ])
        },
        between: 2_500,
        habits: USUAL,
        settings: &[],
    },
    Scenario {
        name: "retried_mails_on_cluster",
        topology: Topology::Cluster,
        selected: false,
        faults: || {
            let refused = Fault::Mail(Behaviour::Answers(Step::Recipient, "550 No"), seconds(2));
            let mut faults = Vec::from([refused; 5]);
            faults.extend([Fault::FollowerSlowed(seconds(10)); 2]);
            faults.extend([Fault::FollowerFrozen(seconds(5)); 2]);
            faults
        },
        between: 2_500,
        habits: RETRYING,
        settings: &[],
    },
];

/// Returns one fault of each kind that ends soon.
fn selection() -> Vec<Fault> {
    let mut faults: Vec<Fault> = Role::ALL.into_iter().map(Fault::RoleKilled).collect();
    faults.extend([
        Fault::ServerKilled(Server::Nats, seconds(1)),
        Fault::ServerKilled(Server::Postgres, seconds(1)),
        Fault::ConnectionsTerminated,
        Fault::NewerEvents,
        Fault::StorageAway(Storage::Broken, seconds(3)),
        Fault::Mail(Behaviour::Unreachable, seconds(2)),
        Fault::Mail(Behaviour::Drops(Step::End), seconds(1)),
    ]);
    faults
}

/// Steps at which the server gives an answer.
const STEPS_WITH_ANSWER: [Step; 5] = [
    Step::Greeting,
    Step::Mail,
    Step::Recipient,
    Step::Data,
    Step::End,
];

fn mail_server_away() -> Vec<Fault> {
    let dropped = |step| Fault::Mail(Behaviour::Drops(step), seconds(3));
    let mut faults = Vec::from(STEPS_WITH_ANSWER.map(dropped));
    faults.push(dropped(Step::Content));
    let later = |step| Fault::Mail(Behaviour::Answers(step, "421 4.3.2 Later"), seconds(3));
    faults.extend(STEPS_WITH_ANSWER.map(later));
    faults.push(Fault::Mail(Behaviour::Unreachable, seconds(60)));
    faults
}

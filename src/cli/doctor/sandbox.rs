//! Check of the sandbox, the process without further rights that reads uploaded files.

use std::sync::Arc;

use super::Context;
use super::finding::Finding;
use crate::sandbox::{Attempt, Landlock, Probed, Protections, Sandbox};

const CHECK: &str = "sandbox";
/// Attempts, and their names.
const ATTEMPTS: [(Attempt, &str); 4] = [
    (Attempt::OpenFile, "open a file"),
    (Attempt::OpenSocket, "open a socket"),
    (Attempt::Execute, "start another program"),
    (Attempt::StartThread, "start a thread"),
];

pub async fn check(_: Arc<Context>) -> Vec<Finding> {
    let probe = async |attempt| {
        let sandbox = Sandbox::of_this_program().map_err(|error| error.to_string())?;
        sandbox
            .probe(attempt)
            .await
            .map_err(|error| error.to_string())
    };
    let mut findings = match probe(Attempt::Nothing).await {
        Ok(probed) => active(probed),
        Err(why) => return vec![unusable(&why)],
    };
    for (attempt, what) in ATTEMPTS {
        match probe(attempt).await {
            Ok(probed) => findings.extend(tried(what, probed)),
            Err(why) => findings.push(unusable(&why)),
        }
    }
    findings
}

/// Returns a finding that lists the active and the missing protections.
fn active(probed: Probed) -> Vec<Finding> {
    let Probed::Alive { protections, .. } = probed else {
        return vec![unusable("the process ended before it answered")];
    };
    let Protections {
        no_new_privileges,
        landlock,
        system_calls,
    } = protections;
    let landlock = match landlock {
        Landlock::Full => (true, "landlock"),
        Landlock::Partial => (true, "landlock (as far as this kernel supports it)"),
        Landlock::Absent => (false, "landlock"),
    };
    let all = [
        (no_new_privileges, "no_new_privs"),
        landlock,
        (system_calls, "seccomp"),
    ];
    let named = |wanted| {
        let those = all.into_iter().filter(move |(is_on, _)| *is_on == wanted);
        those.map(|(_, name)| name).collect::<Vec<_>>()
    };
    let on = [vec!["limits"], named(true)].concat().join(", ");
    let off = named(false);
    if off.is_empty() {
        return vec![Finding::ok(CHECK, format!("active: {on}"))];
    }
    let found = format!("active: {on}; not active: {}", off.join(", "));
    let advice = "use Linux 5.13 or newer on x86-64 or arm64, with Landlock enabled and a container that allows \
                  seccomp filters";
    vec![Finding::warning(CHECK, found, advice)]
}

/// Returns a failure if a forbidden attempt succeeded.
fn tried(what: &str, probed: Probed) -> Option<Finding> {
    match probed {
        Probed::Alive {
            succeeded: true, ..
        } => Some(Finding::failed(
            CHECK,
            format!("a sandbox process could {what}"),
            "report this as a defect, with the kernel's version",
        )),
        Probed::Alive { .. } | Probed::Stopped | Probed::Ended => None,
    }
}

fn unusable(why: &str) -> Finding {
    Finding::failed(
        CHECK,
        format!("no sandbox process could be used: {why}"),
        "check whether this user may start processes, and whether /proc is mounted",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn alive(no_new_privileges: bool, landlock: Landlock, system_calls: bool) -> Probed {
        let protections = Protections {
            no_new_privileges,
            landlock,
            system_calls,
        };
        Probed::Alive {
            protections,
            succeeded: false,
        }
    }

    #[test]
    fn missing_protections_are_a_warning_that_names_them() {
        let all = active(alive(true, Landlock::Full, true)).remove(0);
        assert_eq!(
            (all.level, all.found.as_str()),
            (Level::Ok, "active: limits, no_new_privs, landlock, seccomp")
        );
        let old = active(alive(true, Landlock::Partial, true)).remove(0);
        assert!(
            old.level == Level::Ok && old.found.contains("as far as"),
            "{old:?}"
        );
        let without = active(alive(true, Landlock::Absent, false)).remove(0);
        assert_eq!(without.level, Level::Warning);
        assert_eq!(
            without.found,
            "active: limits, no_new_privs; not active: landlock, seccomp"
        );
        assert_eq!(active(Probed::Ended).remove(0).level, Level::Failed);
    }

    #[test]
    fn forbidden_operation_that_succeeds_in_the_sandbox_is_a_failure() {
        let Probed::Alive { protections, .. } = alive(true, Landlock::Full, true) else {
            panic!("alive")
        };
        let done = Probed::Alive {
            protections,
            succeeded: true,
        };
        assert_eq!(
            tried("open a file", done).map(|finding| finding.level),
            Some(Level::Failed)
        );
        for harmless in [
            alive(true, Landlock::Full, true),
            Probed::Stopped,
            Probed::Ended,
        ] {
            assert_eq!(tried("open a file", harmless), None);
        }
    }
}

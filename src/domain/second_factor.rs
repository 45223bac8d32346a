//! Second factor: what somebody who logs in shows besides the password.
//!
//! One for each user, by the user's id: codes of an authenticator (RFC 6238), and recovery codes for the
//! day when that is lost. Whether a code fits a secret is found out elsewhere; here it is decided that
//! each works once.

use serde::{Deserialize, Serialize};

use super::events::domain_events;
use super::{Decider, Personal, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// Somebody was given a secret for an authenticator. It counts once a code has shown that it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorBegun {
    /// The secret, encrypted; never the secret.
    pub sealed_secret: Personal<String>,
}

/// A code has fitted: from now on the password alone is not enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorConfirmed {
    /// The time step of that code.
    pub step: u64,
    /// SHA-256 of each recovery code, 64 hex digits.
    pub recovery_sha256: Vec<String>,
}

/// A code was used; it and those before it work no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorUsed {
    /// The code's time step.
    pub step: u64,
}

/// A recovery code was used; it works no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodeUsed {
    /// SHA-256 of it, 64 hex digits.
    pub sha256: String,
}

/// There are other recovery codes; those before work no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodesRenewed {
    /// SHA-256 of each recovery code, 64 hex digits.
    pub recovery_sha256: Vec<String>,
}

/// The password alone is enough again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorRemoved {
    /// Why.
    pub reason: WhyRemoved,
}

domain_events! {
    /// What can happen to a second factor.
    SecondFactorEvent for "secondfactor" {
        SecondFactorBegun, SecondFactorConfirmed, SecondFactorUsed, RecoveryCodeUsed, RecoveryCodesRenewed,
        SecondFactorRemoved,
    }
}

/// Why a second factor is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WhyRemoved {
    /// Its user wanted it so, and has shown it.
    ByUser,
    /// Its user has lost it, and somebody else removed it.
    Lost,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of a second factor.
#[derive(Clone, Debug)]
pub enum SecondFactorCommand {
    /// Give a secret. One that was given before and never confirmed counts no more.
    Begin {
        /// The secret, encrypted.
        sealed_secret: Personal<String>,
    },
    /// Switch it on.
    Confirm {
        /// What shows that the authenticator has the secret; no recovery code does.
        shown: Shown,
        /// SHA-256 of each recovery code.
        recovery_sha256: Vec<String>,
    },
    /// Let somebody in who has shown it.
    Use(Shown),
    /// Have other recovery codes.
    RenewRecoveryCodes {
        /// What shows who asks.
        shown: Shown,
        /// SHA-256 of each recovery code.
        recovery_sha256: Vec<String>,
    },
    /// Switch it off.
    Remove(Shown),
    /// Switch it off for somebody who has lost it.
    RemoveLost,
}

/// What somebody has shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// A code that fits the secret.
    Code {
        /// The secret that it fits, encrypted as it is in the log: the one that counts may be another by now.
        sealed_secret: Personal<String>,
        /// The code's time step.
        step: u64,
    },
    /// A recovery code, which fits if it is one.
    RecoveryCode {
        /// SHA-256 of it, 64 hex digits.
        sha256: String,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Where somebody's second factor stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SecondFactorState {
    /// There is none.
    #[default]
    None,
    /// A secret was given, and has not been confirmed.
    Begun {
        /// The secret, encrypted.
        sealed_secret: Personal<String>,
    },
    /// It is asked for.
    On(Factor),
}

/// A second factor that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// The secret, encrypted.
    pub sealed_secret: Personal<String>,
    /// The time step of the last code that was used.
    pub last_step: u64,
    /// SHA-256 of each recovery code that was not used.
    pub recovery_sha256: Vec<String>,
}

impl SecondFactorState {
    /// Whether it is asked for.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::On(_))
    }

    /// The secret that codes have to fit, encrypted.
    #[must_use]
    pub const fn sealed_secret(&self) -> Option<&Personal<String>> {
        match self {
            Self::None => None,
            Self::Begun { sealed_secret } | Self::On(Factor { sealed_secret, .. }) => Some(sealed_secret),
        }
    }
}

impl Factor {
    /// What is recorded of something shown, if it fits and was not used before.
    fn used(&self, shown: &Shown) -> Result<SecondFactorEvent, Refusal> {
        match shown {
            Shown::Code { sealed_secret, step }
                if *sealed_secret == self.sealed_secret && *step > self.last_step =>
            {
                Ok(SecondFactorUsed { step: *step }.into())
            }
            Shown::RecoveryCode { sha256 } if self.recovery_sha256.contains(sha256) => {
                Ok(RecoveryCodeUsed { sha256: sha256.clone() }.into())
            }
            Shown::Code { .. } | Shown::RecoveryCode { .. } => Err(Refusal::WrongCode),
        }
    }
}

/// The decider of second factors.
pub struct SecondFactor;

impl Decider for SecondFactor {
    const AGGREGATE: &'static str = "secondfactor";
    type State = SecondFactorState;
    type Command = SecondFactorCommand;
    type Event = SecondFactorEvent;

    fn decide(
        state: &SecondFactorState,
        command: &SecondFactorCommand,
    ) -> Result<Vec<SecondFactorEvent>, Refusal> {
        use SecondFactorCommand as Command;
        use SecondFactorState as State;
        match (command, state) {
            (Command::Begin { sealed_secret }, State::None | State::Begun { .. }) => {
                Ok(vec![SecondFactorBegun { sealed_secret: sealed_secret.clone() }.into()])
            }
            (Command::Begin { .. } | Command::Confirm { .. }, State::On(_)) => {
                Err(wrong_state("the second factor is on; remove it before you set up another"))
            }
            (Command::Confirm { shown, recovery_sha256 }, State::Begun { sealed_secret }) => match shown {
                Shown::Code { sealed_secret: fitted, step } if fitted == sealed_secret => {
                    let recovery_sha256 = recovery_sha256.clone();
                    Ok(vec![SecondFactorConfirmed { step: *step, recovery_sha256 }.into()])
                }
                Shown::Code { .. } | Shown::RecoveryCode { .. } => Err(Refusal::WrongCode),
            },
            (Command::Confirm { .. }, State::None) => {
                Err(wrong_state("no second factor is being set up; begin with that"))
            }
            (Command::Use(shown), State::On(factor)) => Ok(vec![factor.used(shown)?]),
            (Command::RenewRecoveryCodes { shown, recovery_sha256 }, State::On(factor)) => {
                let recovery_sha256 = recovery_sha256.clone();
                Ok(vec![factor.used(shown)?, RecoveryCodesRenewed { recovery_sha256 }.into()])
            }
            (Command::Remove(shown), State::On(factor)) => {
                Ok(vec![factor.used(shown)?, removed(WhyRemoved::ByUser)])
            }
            (
                Command::Use(_) | Command::RenewRecoveryCodes { .. } | Command::Remove(_),
                State::None | State::Begun { .. },
            ) => Err(wrong_state("the second factor is not on")),
            (Command::RemoveLost, State::None) => Err(Refusal::NotFound("second factor")),
            (Command::RemoveLost, State::Begun { .. } | State::On(_)) => Ok(vec![removed(WhyRemoved::Lost)]),
        }
    }

    fn evolve(state: SecondFactorState, event: &SecondFactorEvent) -> SecondFactorState {
        use SecondFactorEvent as Event;
        use SecondFactorState as State;
        match (event, state) {
            (Event::SecondFactorBegun(e), _) => State::Begun { sealed_secret: e.sealed_secret.clone() },
            (Event::SecondFactorRemoved(_), _) => State::None,
            (Event::SecondFactorConfirmed(e), State::Begun { sealed_secret }) => State::On(Factor {
                sealed_secret,
                last_step: e.step,
                recovery_sha256: e.recovery_sha256.clone(),
            }),
            (Event::SecondFactorUsed(e), State::On(factor)) => {
                State::On(Factor { last_step: factor.last_step.max(e.step), ..factor })
            }
            (Event::RecoveryCodeUsed(e), State::On(mut factor)) => {
                factor.recovery_sha256.retain(|sha256| *sha256 != e.sha256);
                State::On(factor)
            }
            (Event::RecoveryCodesRenewed(e), State::On(factor)) => {
                State::On(Factor { recovery_sha256: e.recovery_sha256.clone(), ..factor })
            }
            (Event::SecondFactorConfirmed(_), state @ (State::None | State::On(_)))
            | (
                Event::SecondFactorUsed(_) | Event::RecoveryCodeUsed(_) | Event::RecoveryCodesRenewed(_),
                state @ (State::None | State::Begun { .. }),
            ) => state,
        }
    }
}

fn removed(reason: WhyRemoved) -> SecondFactorEvent {
    SecondFactorRemoved { reason }.into()
}

fn wrong_state(text: &str) -> Refusal {
    Refusal::WrongState(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decider::spec::given;

    fn begun(secret: &str) -> SecondFactorEvent {
        SecondFactorBegun { sealed_secret: secret.to_owned().into() }.into()
    }

    fn code(secret: &str, step: u64) -> Shown {
        Shown::Code { sealed_secret: secret.to_owned().into(), step }
    }

    fn recovery(sha256: &str) -> Shown {
        Shown::RecoveryCode { sha256: sha256.to_owned() }
    }

    fn hashes() -> Vec<String> {
        vec!["one".to_owned(), "two".to_owned()]
    }

    /// On, with the code of step 10 used for that.
    fn on() -> Vec<SecondFactorEvent> {
        vec![begun("s"), SecondFactorConfirmed { step: 10, recovery_sha256: hashes() }.into()]
    }

    fn confirm(shown: Shown) -> SecondFactorCommand {
        SecondFactorCommand::Confirm { shown, recovery_sha256: hashes() }
    }

    #[test]
    fn it_is_on_once_a_code_of_the_last_secret_was_shown() {
        let begin = SecondFactorCommand::Begin { sealed_secret: "s".to_owned().into() };
        given::<SecondFactor>(vec![begun("before")]).when(begin.clone()).then(vec![begun("s")]);
        let history = vec![begun("before"), begun("s")];
        let confirmed = SecondFactorConfirmed { step: 10, recovery_sha256: hashes() };
        given::<SecondFactor>(history.clone()).when(confirm(code("s", 10))).then(vec![confirmed.into()]);
        for wrong in [code("before", 10), recovery("one")] {
            given::<SecondFactor>(history.clone()).when(confirm(wrong)).then_refused("WRONG_CODE");
        }
        given::<SecondFactor>(vec![]).when(confirm(code("s", 10))).then_refused("WRONG_STATE");
        given::<SecondFactor>(on()).when(begin).then_refused("WRONG_STATE");
        given::<SecondFactor>(on()).when(confirm(code("s", 11))).then_refused("WRONG_STATE");
    }

    #[test]
    fn a_code_works_once_and_none_before_it() {
        let used = |step| -> SecondFactorEvent { SecondFactorUsed { step }.into() };
        let show = |step| SecondFactorCommand::Use(code("s", step));
        given::<SecondFactor>(on()).when(show(11)).then(vec![used(11)]);
        given::<SecondFactor>(on()).when(show(10)).then_refused("WRONG_CODE");
        let later = [on(), vec![used(12)]].concat();
        for step in [0, 11, 12] {
            given::<SecondFactor>(later.clone()).when(show(step)).then_refused("WRONG_CODE");
        }
        given::<SecondFactor>(later.clone()).when(show(13)).then(vec![used(13)]);
        let of_another = SecondFactorCommand::Use(code("other", 13));
        given::<SecondFactor>(later).when(of_another).then_refused("WRONG_CODE");
    }

    #[test]
    fn a_recovery_code_works_once_until_there_are_others() {
        let used: SecondFactorEvent = RecoveryCodeUsed { sha256: "one".to_owned() }.into();
        let show = |sha256| SecondFactorCommand::Use(recovery(sha256));
        given::<SecondFactor>(on()).when(show("one")).then(vec![used.clone()]);
        given::<SecondFactor>(on()).when(show("three")).then_refused("WRONG_CODE");
        let later = [on(), vec![used]].concat();
        given::<SecondFactor>(later.clone()).when(show("one")).then_refused("WRONG_CODE");
        let recovery_sha256 = vec!["three".to_owned()];
        let renew = SecondFactorCommand::RenewRecoveryCodes {
            shown: code("s", 11),
            recovery_sha256: recovery_sha256.clone(),
        };
        let renewed: SecondFactorEvent = RecoveryCodesRenewed { recovery_sha256 }.into();
        given::<SecondFactor>(later.clone())
            .when(renew)
            .then(vec![SecondFactorUsed { step: 11 }.into(), renewed.clone()]);
        let later = [later, vec![renewed]].concat();
        given::<SecondFactor>(later.clone()).when(show("two")).then_refused("WRONG_CODE");
        given::<SecondFactor>(later)
            .when(show("three"))
            .then(vec![RecoveryCodeUsed { sha256: "three".to_owned() }.into()]);
    }

    #[test]
    fn only_whoever_has_it_switches_it_off_unless_it_is_lost() {
        let used: SecondFactorEvent = SecondFactorUsed { step: 11 }.into();
        let remove = |step| SecondFactorCommand::Remove(code("s", step));
        given::<SecondFactor>(on()).when(remove(11)).then(vec![used, removed(WhyRemoved::ByUser)]);
        given::<SecondFactor>(on()).when(remove(10)).then_refused("WRONG_CODE");
        let lost = || SecondFactorCommand::RemoveLost;
        for history in [on(), vec![begun("s")]] {
            given::<SecondFactor>(history).when(lost()).then(vec![removed(WhyRemoved::Lost)]);
        }
        let gone = [on(), vec![removed(WhyRemoved::Lost)]].concat();
        given::<SecondFactor>(gone.clone()).when(lost()).then_refused("NOT_FOUND");
        given::<SecondFactor>(gone).when(remove(12)).then_refused("WRONG_STATE");
    }
}

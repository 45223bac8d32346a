//! Second factor: proof that a user gives at login in addition to the password.
//!
//! Each user has at most one second factor, whose id is the user's id. It consists of codes of an
//! authenticator (RFC 6238), and of recovery codes for the case that the authenticator is lost.
//! Other code checks that a code matches the secret. This aggregate ensures that each code is
//! accepted only once.

use serde::{Deserialize, Serialize};

use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, Personal, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A user received a secret for an authenticator. It takes effect when a code confirms it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorBegun {
    /// Encrypted secret. The log never contains it in plain text.
    pub sealed_secret: Personal<String>,
}

/// A code confirmed the secret. From now on, a login requires the second factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorConfirmed {
    /// Time step of the confirming code.
    pub step: u64,
    /// SHA-256 of each recovery code, 64 hex digits.
    pub recovery_sha256: Vec<String>,
}

/// A code was used. This code and earlier ones are no longer valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorUsed {
    /// Time step of the code.
    pub step: u64,
}

/// A recovery code was used and is no longer valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodeUsed {
    /// SHA-256 of the recovery code, 64 hex digits.
    pub sha256: String,
}

/// The recovery codes were replaced. The former ones are no longer valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodesRenewed {
    /// SHA-256 of each recovery code, 64 hex digits.
    pub recovery_sha256: Vec<String>,
}

/// The second factor was removed. A login requires only the password again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorRemoved {
    /// Reason.
    pub reason: WhyRemoved,
}

domain_events! {
    /// Events of a second factor.
    SecondFactorEvent for "secondfactor" {
        SecondFactorBegun, SecondFactorConfirmed, SecondFactorUsed, RecoveryCodeUsed, RecoveryCodesRenewed,
        SecondFactorRemoved,
    }
}

/// Reason for the removal of a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WhyRemoved {
    /// The user removed it and proved possession of it.
    ByUser,
    /// The user lost it, and another user removed it.
    Lost,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a second factor.
#[derive(Clone, Debug)]
pub enum SecondFactorCommand {
    /// Sets a secret. Replaces a secret that was never confirmed.
    Begin {
        /// Encrypted secret.
        sealed_secret: Personal<String>,
    },
    /// Turns the second factor on.
    Confirm {
        /// Proof that the authenticator has the secret. A recovery code is not accepted.
        shown: Shown,
        /// SHA-256 of each recovery code.
        recovery_sha256: Vec<String>,
    },
    /// Records the proof that was given at a login.
    Use(Shown),
    /// Replaces the recovery codes.
    RenewRecoveryCodes {
        /// Proof of possession.
        shown: Shown,
        /// SHA-256 of each recovery code.
        recovery_sha256: Vec<String>,
    },
    /// Turns the second factor off.
    Remove(Shown),
    /// Turns the second factor off for a user who lost it.
    RemoveLost,
}

/// Proof of possession.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// A code that matches the secret.
    Code {
        /// Encrypted secret that the code matches, as stored in the log. The current secret may
        /// have changed since.
        sealed_secret: Personal<String>,
        /// Time step of the code.
        step: u64,
    },
    /// A recovery code that has not been compared yet.
    RecoveryCode {
        /// SHA-256 of the recovery code, 64 hex digits.
        sha256: String,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// State of a user's second factor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SecondFactorState {
    /// The user has no second factor.
    #[default]
    None,
    /// A secret is set but not confirmed.
    Begun {
        /// Encrypted secret.
        sealed_secret: Personal<String>,
    },
    /// The second factor is on.
    On(Factor),
}

/// An active second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Encrypted secret.
    pub sealed_secret: Personal<String>,
    /// Time step of the last used code.
    pub last_step: u64,
    /// SHA-256 of each unused recovery code, 64 hex digits.
    pub recovery_sha256: Vec<String>,
}

impl SecondFactorState {
    /// Returns true if the second factor is on.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::On(_))
    }

    /// Returns the encrypted secret that codes must match.
    #[must_use]
    pub const fn sealed_secret(&self) -> Option<&Personal<String>> {
        match self {
            Self::None => None,
            Self::Begun { sealed_secret } | Self::On(Factor { sealed_secret, .. }) => {
                Some(sealed_secret)
            }
        }
    }
}

impl Factor {
    /// Returns the event that records the use of a proof. Refuses a proof that is wrong or has
    /// already been used.
    fn used(&self, shown: &Shown) -> Result<SecondFactorEvent, Refusal> {
        match shown {
            Shown::Code {
                sealed_secret,
                step,
            } if *sealed_secret == self.sealed_secret && *step > self.last_step => {
                Ok(SecondFactorUsed { step: *step }.into())
            }
            Shown::RecoveryCode { sha256 } if self.recovery_sha256.contains(sha256) => {
                Ok(RecoveryCodeUsed {
                    sha256: sha256.clone(),
                }
                .into())
            }
            Shown::Code { .. } | Shown::RecoveryCode { .. } => Err(Refusal::WrongCode),
        }
    }
}

/// Decider of second factors.
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
            (Command::Begin { sealed_secret }, State::None | State::Begun { .. }) => Ok(vec![
                SecondFactorBegun {
                    sealed_secret: sealed_secret.clone(),
                }
                .into(),
            ]),
            (Command::Begin { .. } | Command::Confirm { .. }, State::On(_)) => Err(wrong_state(
                "the second factor is on; remove it before you set up another",
            )),
            (
                Command::Confirm {
                    shown,
                    recovery_sha256,
                },
                State::Begun { sealed_secret },
            ) => match shown {
                Shown::Code {
                    sealed_secret: fitted,
                    step,
                } if fitted == sealed_secret => {
                    let recovery_sha256 = recovery_sha256.clone();
                    Ok(vec![
                        SecondFactorConfirmed {
                            step: *step,
                            recovery_sha256,
                        }
                        .into(),
                    ])
                }
                Shown::Code { .. } | Shown::RecoveryCode { .. } => Err(Refusal::WrongCode),
            },
            (Command::Confirm { .. }, State::None) => Err(wrong_state(
                "no second factor is being set up; start the setup first",
            )),
            (Command::Use(shown), State::On(factor)) => Ok(vec![factor.used(shown)?]),
            (
                Command::RenewRecoveryCodes {
                    shown,
                    recovery_sha256,
                },
                State::On(factor),
            ) => {
                let recovery_sha256 = recovery_sha256.clone();
                Ok(vec![
                    factor.used(shown)?,
                    RecoveryCodesRenewed { recovery_sha256 }.into(),
                ])
            }
            (Command::Remove(shown), State::On(factor)) => {
                Ok(vec![factor.used(shown)?, removed(WhyRemoved::ByUser)])
            }
            (
                Command::Use(_) | Command::RenewRecoveryCodes { .. } | Command::Remove(_),
                State::None | State::Begun { .. },
            ) => Err(wrong_state("the second factor is not on")),
            (Command::RemoveLost, State::None) => Err(Refusal::NotFound("second factor")),
            (Command::RemoveLost, State::Begun { .. } | State::On(_)) => {
                Ok(vec![removed(WhyRemoved::Lost)])
            }
        }
    }

    fn data_subject(
        id: &str,
        _: &SecondFactorState,
        event: &SecondFactorEvent,
    ) -> Option<DataSubject> {
        match event {
            SecondFactorEvent::SecondFactorBegun(_)
            | SecondFactorEvent::SecondFactorConfirmed(_)
            | SecondFactorEvent::SecondFactorUsed(_)
            | SecondFactorEvent::RecoveryCodeUsed(_)
            | SecondFactorEvent::RecoveryCodesRenewed(_)
            | SecondFactorEvent::SecondFactorRemoved(_) => DataSubject::user(id),
        }
    }

    fn evolve(state: SecondFactorState, event: &SecondFactorEvent) -> SecondFactorState {
        use SecondFactorEvent as Event;
        use SecondFactorState as State;
        match (event, state) {
            (Event::SecondFactorBegun(e), _) => State::Begun {
                sealed_secret: e.sealed_secret.clone(),
            },
            (Event::SecondFactorRemoved(_), _) => State::None,
            (Event::SecondFactorConfirmed(e), State::Begun { sealed_secret }) => {
                State::On(Factor {
                    sealed_secret,
                    last_step: e.step,
                    recovery_sha256: e.recovery_sha256.clone(),
                })
            }
            (Event::SecondFactorUsed(e), State::On(factor)) => State::On(Factor {
                last_step: factor.last_step.max(e.step),
                ..factor
            }),
            (Event::RecoveryCodeUsed(e), State::On(mut factor)) => {
                factor.recovery_sha256.retain(|sha256| *sha256 != e.sha256);
                State::On(factor)
            }
            (Event::RecoveryCodesRenewed(e), State::On(factor)) => State::On(Factor {
                recovery_sha256: e.recovery_sha256.clone(),
                ..factor
            }),
            (Event::SecondFactorConfirmed(_), state @ (State::None | State::On(_)))
            | (
                Event::SecondFactorUsed(_)
                | Event::RecoveryCodeUsed(_)
                | Event::RecoveryCodesRenewed(_),
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
    use crate::domain::kernel::decider::spec::given;

    fn begun(secret: &str) -> SecondFactorEvent {
        SecondFactorBegun {
            sealed_secret: secret.to_owned().into(),
        }
        .into()
    }

    fn code(secret: &str, step: u64) -> Shown {
        Shown::Code {
            sealed_secret: secret.to_owned().into(),
            step,
        }
    }

    fn recovery(sha256: &str) -> Shown {
        Shown::RecoveryCode {
            sha256: sha256.to_owned(),
        }
    }

    fn hashes() -> Vec<String> {
        vec!["one".to_owned(), "two".to_owned()]
    }

    /// Returns the history of a second factor that the code of step 10 confirmed.
    fn on() -> Vec<SecondFactorEvent> {
        vec![
            begun("s"),
            SecondFactorConfirmed {
                step: 10,
                recovery_sha256: hashes(),
            }
            .into(),
        ]
    }

    fn confirm(shown: Shown) -> SecondFactorCommand {
        SecondFactorCommand::Confirm {
            shown,
            recovery_sha256: hashes(),
        }
    }

    #[test]
    fn second_factor_is_confirmed_by_a_code_of_the_latest_secret() {
        let begin = SecondFactorCommand::Begin {
            sealed_secret: "s".to_owned().into(),
        };
        given::<SecondFactor>(vec![begun("before")])
            .when(begin.clone())
            .then(vec![begun("s")]);
        let history = vec![begun("before"), begun("s")];
        let confirmed = SecondFactorConfirmed {
            step: 10,
            recovery_sha256: hashes(),
        };
        given::<SecondFactor>(history.clone())
            .when(confirm(code("s", 10)))
            .then(vec![confirmed.into()]);
        for wrong in [code("before", 10), recovery("one")] {
            given::<SecondFactor>(history.clone())
                .when(confirm(wrong))
                .then_refused("WRONG_CODE");
        }
        given::<SecondFactor>(vec![])
            .when(confirm(code("s", 10)))
            .then_refused("WRONG_STATE");
        given::<SecondFactor>(on())
            .when(begin)
            .then_refused("WRONG_STATE");
        given::<SecondFactor>(on())
            .when(confirm(code("s", 11)))
            .then_refused("WRONG_STATE");
    }

    #[test]
    fn code_works_once_and_earlier_codes_are_refused() {
        let used = |step| -> SecondFactorEvent { SecondFactorUsed { step }.into() };
        let show = |step| SecondFactorCommand::Use(code("s", step));
        given::<SecondFactor>(on())
            .when(show(11))
            .then(vec![used(11)]);
        given::<SecondFactor>(on())
            .when(show(10))
            .then_refused("WRONG_CODE");
        let later = [on(), vec![used(12)]].concat();
        for step in [0, 11, 12] {
            given::<SecondFactor>(later.clone())
                .when(show(step))
                .then_refused("WRONG_CODE");
        }
        given::<SecondFactor>(later.clone())
            .when(show(13))
            .then(vec![used(13)]);
        let of_another = SecondFactorCommand::Use(code("other", 13));
        given::<SecondFactor>(later)
            .when(of_another)
            .then_refused("WRONG_CODE");
    }

    #[test]
    fn recovery_code_works_once_and_until_codes_are_renewed() {
        let used: SecondFactorEvent = RecoveryCodeUsed {
            sha256: "one".to_owned(),
        }
        .into();
        let show = |sha256| SecondFactorCommand::Use(recovery(sha256));
        given::<SecondFactor>(on())
            .when(show("one"))
            .then(vec![used.clone()]);
        given::<SecondFactor>(on())
            .when(show("three"))
            .then_refused("WRONG_CODE");
        let later = [on(), vec![used]].concat();
        given::<SecondFactor>(later.clone())
            .when(show("one"))
            .then_refused("WRONG_CODE");
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
        given::<SecondFactor>(later.clone())
            .when(show("two"))
            .then_refused("WRONG_CODE");
        given::<SecondFactor>(later).when(show("three")).then(vec![
            RecoveryCodeUsed {
                sha256: "three".to_owned(),
            }
            .into(),
        ]);
    }

    #[test]
    fn removal_requires_a_code_unless_the_factor_is_lost() {
        let used: SecondFactorEvent = SecondFactorUsed { step: 11 }.into();
        let remove = |step| SecondFactorCommand::Remove(code("s", step));
        given::<SecondFactor>(on())
            .when(remove(11))
            .then(vec![used, removed(WhyRemoved::ByUser)]);
        given::<SecondFactor>(on())
            .when(remove(10))
            .then_refused("WRONG_CODE");
        let lost = || SecondFactorCommand::RemoveLost;
        for history in [on(), vec![begun("s")]] {
            given::<SecondFactor>(history)
                .when(lost())
                .then(vec![removed(WhyRemoved::Lost)]);
        }
        let gone = [on(), vec![removed(WhyRemoved::Lost)]].concat();
        given::<SecondFactor>(gone.clone())
            .when(lost())
            .then_refused("NOT_FOUND");
        given::<SecondFactor>(gone)
            .when(remove(12))
            .then_refused("WRONG_STATE");
    }
}

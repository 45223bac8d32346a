//! Outcomes of deliveries, and how errors become outcomes.

use std::fmt::Display;
use std::time::Duration;

use super::state::Away;
use crate::commands::CommandError;
use crate::event_log::LogError;
use crate::importing::ImportError;
use crate::rendering::RenderingError;
use crate::storage::StorageError;

/// Outcome of a delivery. All texts are without personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The outcome is recorded in the log, or there was nothing to do.
    Done,
    /// The work failed. A timer repeats it until the worker's budget is used up.
    Failed {
        /// Reason.
        why: String,
    },
    /// Infrastructure is away. If a probe confirms this, the worker is paused and repeats the work
    /// when the infrastructure is back. This costs no budget. If the probe succeeds, the verdict
    /// counts as [`Self::Failed`]. A missing sandbox delays only the work that needs it.
    Away {
        /// Missing infrastructure.
        what: Away,
        /// Reason.
        why: String,
    },
    /// A timer repeats the work after a delay. This costs no budget: the worker counts its attempts
    /// itself.
    Again {
        /// Delay until the next attempt.
        after: Duration,
        /// Reason.
        why: String,
    },
    /// A further attempt can't succeed. The outcome is recorded in the log, unless the command was
    /// refused. A dead letter is stored for the operator.
    GiveUp {
        /// Reason.
        why: String,
    },
    /// The work needs an event, a theme or a renderer that only a newer program knows. The worker
    /// stops, and a process of the newer program does the work.
    Newer {
        /// Reason.
        why: String,
    },
    /// Like [`Self::GiveUp`], but the refusal comes from another party, such as a mail server. An
    /// operator can requeue the dead letter only by its number, not together with all others.
    Bounced {
        /// Reason.
        why: String,
    },
}

impl Verdict {
    /// Returns a verdict for an error of the work.
    pub fn failed(error: &impl Display) -> Self {
        Self::Failed {
            why: error.to_string(),
        }
    }

    /// Returns a verdict for infrastructure that is away.
    pub fn away(what: Away, error: &impl Display) -> Self {
        let why = error.to_string();
        Self::Away { what, why }
    }

    /// Returns the label in metrics.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Away { .. } => "away",
            Self::Again { .. } => "again",
            Self::Newer { .. } => "newer",
            Self::GiveUp { .. } | Self::Bounced { .. } => "given_up",
        }
    }
}

impl From<CommandError> for Verdict {
    /// A refused command is given up, because a further attempt would be refused, too. All other
    /// errors are temporary.
    fn from(error: CommandError) -> Self {
        match &error {
            CommandError::Refused(refusal) => Self::GiveUp {
                why: refusal.code().to_owned(),
            },
            CommandError::Log(LogError::Unavailable(_) | LogError::NotProvisioned) => {
                Self::away(Away::Log, &error)
            }
            CommandError::Decode(unknown) if unknown.is_unknown() => Self::Newer {
                why: unknown.to_string(),
            },
            CommandError::Log(LogError::Refused { .. } | LogError::Undecodable { .. })
            | CommandError::Busy
            | CommandError::Decode(_) => Self::failed(&error),
        }
    }
}

impl From<StorageError> for Verdict {
    fn from(error: StorageError) -> Self {
        if error.is_away() {
            Self::away(Away::Storage, &error)
        } else {
            Self::failed(&error)
        }
    }
}

impl From<RenderingError> for Verdict {
    /// Returns the verdict for an error that is not permanent. The renderer records permanent
    /// errors as failures instead.
    fn from(error: RenderingError) -> Self {
        match error {
            RenderingError::Storage(error) => error.into(),
            RenderingError::Command(error) => error.into(),
            error if error.needs_newer_program() => Self::Newer {
                why: format!("{}: use a newer program", error.code()),
            },
            RenderingError::Sandbox(error) => Self::away(Away::Sandbox, &error),
            // The text of a render error may contain a person's name, so only its code is used.
            error => Self::failed(&error.code()),
        }
    }
}

impl From<ImportError> for Verdict {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Storage(error) => error.into(),
            ImportError::Command(error) => error.into(),
            error @ (ImportError::Sheet(_) | ImportError::SourceGone | ImportError::Local(_)) => {
                Self::failed(&error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Refusal;

    #[test]
    fn refused_command_is_given_up_and_a_log_that_is_away_pauses_the_worker() {
        let refused = CommandError::Refused(Refusal::NotFound("certificate"));
        assert!(matches!(Verdict::from(refused), Verdict::GiveUp { .. }));
        let lost = CommandError::from(LogError::Unavailable("no answer".to_owned()));
        let what = Away::Log;
        assert!(matches!(Verdict::from(lost), Verdict::Away { what: away, .. } if away == what));
        let refused = CommandError::from(LogError::Refused {
            code: 10_054,
            description: "message size exceeds maximum allowed".to_owned(),
        });
        assert!(matches!(Verdict::from(refused), Verdict::Failed { .. }));
        assert!(matches!(
            Verdict::from(CommandError::Busy),
            Verdict::Failed { .. }
        ));
    }
}

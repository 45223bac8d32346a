//! Sets of names in answers and parameters, as enums of the OpenAPI document.

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::openapi::filters::one_of;
use crate::projection::queries::filters::Names;
use crate::projection::queries::{api_keys, batches, certificates, imports, issuances, jobs};

/// Scheduled tasks.
pub const TASK: Names = Names {
    schema: "TaskName",
    all: &[
        "due_mails",
        "mail_statistics",
        "mail_warnings",
        "expired_answers",
        "expired_files",
        "stuck_work",
    ],
};
/// Triggers of a run.
pub const RUN_TRIGGER: Names = Names {
    schema: "RunTriggerName",
    all: &["cron", "forced", "start"],
};
/// Outcomes of a run.
pub const RUN_OUTCOME: Names = Names {
    schema: "RunOutcomeName",
    all: &["waiting", "running", "done", "failed", "interrupted"],
};

macro_rules! names {
    ($($(#[doc = $about:literal])+ $type:ident = $names:expr;)+) => {
        $(
            $(#[doc = $about])+
            pub struct $type;

            impl PartialSchema for $type {
                fn schema() -> RefOr<Schema> {
                    let about = concat!($($about),+).trim();
                    one_of($names).description(Some(about)).into()
                }
            }

            impl ToSchema for $type {}
        )+

        /// Returns the schemas of all sets, by their names in the document.
        pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
            vec![$(($type::name().into_owned(), $type::schema())),+]
        }
    };
}

names! {
    /// State of an API key. A key that was ended by a new password of its owner is `revoked`.
    ApiKeyStateName = api_keys::STATE.all.iter().copied();
    /// Outcome of an attempt to send a mail. Another attempt follows `retrying`.
    AttemptOutcomeName = ["sent", "retrying", "failed", "unknown"];
    /// State of a batch: `requested`; `dispatched` after a certificate was created or refused for
    /// each person; `cancelling` or `undoing` while it is being stopped; `cancelled` or `undone`
    /// when that is finished.
    BatchStateName = batches::STATE.all.iter().copied();
    /// State of the server.
    HealthStatusName = ["ok", "unavailable"];
    /// Format of an imported file.
    ImportFormatName = imports::FORMAT.all.iter().copied();
    /// State of an import, or `rehearsed` for a dry run.
    ImportResultStateName = imports::STATE.all.iter().copied().chain(["rehearsed"]);
    /// State of an import: `requested` while it waits; `running` while the file is read;
    /// `completed` after all rows; `failed` if the file could not be read to its end; `cancelling`
    /// while it is being cancelled; `cancelled` when that is finished.
    ImportStateName = imports::STATE.all.iter().copied();
    /// State of a generated certificate: `requested` while the PDF is being created; `generated`
    /// when it exists; `failed` if none could be created; `revoked` if the certificate is no
    /// longer valid.
    IssuanceStateName = issuances::STATE.all.iter().copied();
    /// State of a job.
    JobStateName = jobs::STATE.all.iter().copied();
    /// Status of a job: `pending` (also held and scheduled), `sent`, `error` (failed or unknown) or
    /// `cancelled`.
    JobStatusName = jobs::STATUS.all.iter().copied();
    /// Language.
    LocaleName = certificates::LOCALE.all.iter().copied();
    /// Kind of an option: `colour` (`#rrggbb`), `text`, `choice`, or `image`: the `url` of an
    /// uploaded design.
    OptionKindName = ["colour", "text", "choice", "image"];
    /// Result of a dry run.
    RehearsedName = ["rehearsed"];
    /// Outcome of issuing to a person.
    RehearsedOutcomeName = ["new", "existing", "undrawable", "refused"];
    /// Outcome of a run: `waiting` until it has started, `interrupted` if its process stopped before it ended.
    RunOutcomeName = RUN_OUTCOME.all.iter().copied();
    /// Trigger of a run: `cron`, `forced` by a request, or `start` of a scheduler.
    RunTriggerName = RUN_TRIGGER.all.iter().copied();
    /// State of a sheet: `notChosen` if another sheet was chosen; `beyondLimit` if it is not among
    /// the first 256 sheets.
    SheetStateName = ["read", "notChosen", "hidden", "noHeaders", "empty", "beyondLimit"];
    /// Name of a scheduled task.
    TaskName = TASK.all.iter().copied();
    /// Status of a certificate: `valid`; `pending` if it was issued and its PDF is being created;
    /// `revoked` if the issuer revoked it.
    VerificationStatusName = ["valid", "pending", "revoked"];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::Task;

    #[test]
    fn all_tasks_have_names() {
        assert_eq!(TASK.all, Task::ALL.map(Task::name));
    }
}

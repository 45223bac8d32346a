//! Failures on single aggregates, which don't end the run of a task.

use anyhow::bail;

use crate::commands::CommandError;

/// Number of failures and the first error. Its text has no personal data.
#[derive(Default)]
pub(super) struct Failures {
    count: u32,
    first: Option<CommandError>,
}

impl Failures {
    pub(super) fn add(&mut self, error: CommandError) {
        self.count += 1;
        self.first.get_or_insert(error);
    }

    /// Returns the result of the run.
    ///
    /// # Errors
    /// At least one aggregate failed. The text also contains `result`.
    pub(super) fn result(self, result: String) -> anyhow::Result<String> {
        if let Some(first) = self.first {
            bail!("{result}; {} could not be checked: {first}", self.count);
        }
        Ok(result)
    }
}

//! Tests with whole files, both valid and malicious.

mod cases;
mod csv_files;
mod dialects;
mod hidden;
mod invisible;
mod name_order;
mod samples;
mod shapes;
mod siblings;
mod values;
mod xls_files;
mod xlsx_cells;
mod xlsx_files;

use super::fixture::rows;
use super::{Format, RowOutcome};

/// Returns the filled cells of each row, in the form of a report.
fn written(bytes: &[u8], format: Format) -> Vec<Vec<String>> {
    let texts = |row: &super::SheetRow| {
        let (RowOutcome::Person { raw, .. } | RowOutcome::Rejected { raw, .. }) = &row.outcome;
        raw.pairs()
            .map(|(_, value)| value.reveal_str().to_owned())
            .collect()
    };
    rows(bytes, format).iter().map(texts).collect()
}

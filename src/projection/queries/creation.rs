//! Conditions on the time of creation that use the order of creation.
//!
//! A list is sorted by positions in the log. Rows are created in the order of their positions and,
//! except for differences between the clocks of processes, of their times. So a binary search finds
//! the position at which a range of times begins or ends, and the rows outside of it are not read.
//! It needs no index of times.

use super::filters::Bound;
use super::listing::Table;

/// Largest difference between the clocks of two processes.
const SKEW: &str = "interval '1 day'";

/// Columns that grow with the time of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growing {
    /// Table with the columns.
    pub table: Table,
    /// Column with the position of the last change, which is never before the creation.
    pub changed: &'static str,
}

impl Growing {
    /// Returns the conditions on positions that all rows meet whose time `created` is within the
    /// limit. The placeholder of the limit is `$$`.
    pub(super) fn condition(&self, created: &str, bound: Bound) -> String {
        let Table { tie, from, .. } = self.table;
        let name = from.split(' ').next().unwrap_or(from);
        match bound {
            Bound::From => {
                let first = format!(
                    "(WITH RECURSIVE step(low, high) AS ( \
                         SELECT 0::bigint, max({tie}) FROM {name} \
                         UNION ALL \
                         SELECT CASE WHEN outside THEN middle ELSE low END, \
                             CASE WHEN outside THEN high ELSE middle - 1 END \
                         FROM ( \
                             SELECT low, high, middle, ( \
                                 SELECT {created} < $$::timestamptz - {SKEW} FROM {name} \
                                 WHERE {tie} >= middle ORDER BY {tie} LIMIT 1 \
                             ) AS outside \
                             FROM step, LATERAL (SELECT (low + high + 1) / 2 AS middle OFFSET 0) AS half \
                             WHERE low < high \
                         ) AS looked \
                     ) SELECT max(low) FROM step)"
                );
                let changed = self.changed;
                format!("{tie} >= {first} AND {changed} >= {first}")
            }
            Bound::To => {
                let end = format!(
                    "(WITH RECURSIVE step(low, high) AS ( \
                         SELECT 0::bigint, max({tie}) + 1 FROM {name} \
                         UNION ALL \
                         SELECT CASE WHEN outside THEN low ELSE middle + 1 END, \
                             CASE WHEN outside THEN middle ELSE high END \
                         FROM ( \
                             SELECT low, high, middle, ( \
                                 SELECT {created} > $$::timestamptz + {SKEW} FROM {name} \
                                 WHERE {tie} >= middle ORDER BY {tie} LIMIT 1 \
                             ) AS outside \
                             FROM step, LATERAL (SELECT (low + high) / 2 AS middle OFFSET 0) AS half \
                             WHERE low < high \
                         ) AS looked \
                     ) SELECT min(high) FROM step)"
                );
                format!("{tie} < {end}")
            }
        }
    }
}

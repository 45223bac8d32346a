//! Whole files, as people upload them and as attackers would.

mod csv_files;
mod samples;
mod xlsx_files;

//! Results of the demo: counts, times, defects, and the JSON for programs.

use serde::Serialize;

/// All measurements and counts of the demo.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Uploaded source, such as `people.csv`.
    pub source: String,
    /// Rows in the uploaded files.
    pub rows: u64,
    /// People who exist after the import. Each must get a certificate.
    pub people: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// The first rejected rows, with their reasons.
    pub rejections: Vec<Rejection>,
    /// Number of rows that must be rejected, if it is known in advance.
    pub rejected_expected: Option<u64>,
    /// People who have a certificate.
    pub certificates: u64,
    /// Certificates whose PDF is in the object storage.
    pub pdfs: u64,
    /// Total size of these PDFs, in bytes.
    pub pdf_bytes: u64,
    /// Mails that the mail server accepted, as recorded by the product.
    pub mails_accepted: u64,
    /// Mails that arrived, as counted by the mail server.
    pub mails_caught: u64,
    /// True if the folder was used before, so mails of earlier runs may have arrived as well.
    pub folder_was_used: bool,
    /// Result of comparing the tables with the log.
    pub rebuild: Option<Rebuild>,
    /// Result of rendering alone.
    pub rendered_again: Option<RenderedAgain>,
    /// A certificate that was downloaded without login.
    pub download: Option<Download>,
    /// Warnings and errors in the log of the program.
    pub warnings: u64,
    /// Duration of each stage.
    pub seconds: Seconds,
    /// Problems that occurred during the run.
    pub problems: Vec<String>,
}

/// Rejected row. It contains no values of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Name of the file.
    pub file: String,
    /// Number of the row, as a spreadsheet program shows it.
    pub row: u64,
    /// Header of the column as written in the file. Absent if the error concerns the whole row.
    pub column: Option<String>,
    /// Stable code.
    pub code: String,
    /// Error message, which says what is wrong and how to correct it.
    pub message: String,
}

/// Result of comparing the live tables with rebuilt copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuild {
    /// True if every row equals the one rebuilt from the log.
    pub equal: bool,
    /// Position up to which the tables were compared.
    pub position: u64,
    /// Number of compared rows.
    pub rows: u64,
    /// Differences between the tables and the log.
    pub differences: Vec<String>,
}

/// Result of rendering alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RenderedAgain {
    /// Number of issued certificates that were rendered again.
    pub checked: u64,
    /// Number of these whose bytes differ from the issued ones.
    pub different: u64,
    /// Number of new certificates that were rendered.
    pub fresh: u64,
    /// Duration of rendering the new ones, in seconds.
    pub seconds: f64,
}

/// Certificate that was downloaded without login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Address of the PDF.
    pub url: String,
    /// Size of the PDF in bytes.
    pub bytes: u64,
}

/// Duration of each stage, in seconds. `generate` and `mail` both start with the first request to
/// issue, and overlap. `project` is the time that the tables needed after the last mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seconds {
    /// Until everything ran and the client was logged in.
    pub setup: f64,
    /// From the first upload until every row was processed.
    pub import: f64,
    /// Until the last PDF was stored.
    pub generate: f64,
    /// Until the last mail was accepted.
    pub mail: f64,
    /// Until the tables contained everything.
    pub project: f64,
    /// Rebuilding the tables and comparing them.
    pub verify: f64,
    /// Total, including the checks.
    pub total: f64,
}

impl Seconds {
    /// Returns the time from the upload until all mails are sent and all tables contain the events.
    pub fn end_to_end(&self) -> f64 {
        self.import + self.generate.max(self.mail) + self.project
    }
}

/// Content of the file that `--json` writes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    people: u64,
    rejected: u64,
    certificates: u64,
    pdfs: u64,
    mails_accepted: u64,
    rebuild_equal: bool,
    seconds: Seconds,
    certificates_per_second: f64,
    render_only_per_second: f64,
}

/// Returns the count per second, or 0 if `seconds` is 0.
pub fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

impl Outcome {
    /// Returns mailed certificates per second, from the upload of the spreadsheet until the tables
    /// are complete.
    pub fn certificates_per_second(&self) -> f64 {
        rate(
            self.certificates.min(self.mails_accepted),
            self.seconds.end_to_end(),
        )
    }

    /// Returns certificates per second by the renderer alone, on all cores.
    pub fn render_only_per_second(&self) -> f64 {
        self.rendered_again
            .map_or(0.0, |again| rate(again.fresh, again.seconds))
    }

    /// Returns one line for each defect. The list is empty if all checks passed.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = self.problems.clone();
        let mut check = |holds: bool, text: String| {
            if !holds {
                missing.push(text);
            }
        };
        let people = self.people;
        check(people > 0, "nobody was imported".to_owned());
        check(
            self.certificates == people,
            format!(
                "{} of {people} people have a certificate",
                self.certificates
            ),
        );
        check(
            self.pdfs == people,
            format!("{} of {people} PDFs are in the object storage", self.pdfs),
        );
        check(
            self.mails_accepted == people,
            format!(
                "{} of {people} mails were accepted by the mail server",
                self.mails_accepted
            ),
        );
        let caught = self.mails_caught;
        let all_caught = if self.folder_was_used {
            caught >= self.mails_accepted
        } else {
            caught == self.mails_accepted
        };
        check(
            all_caught,
            format!(
                "{} mails were accepted, but {caught} arrived",
                self.mails_accepted
            ),
        );
        if let Some(expected) = self.rejected_expected {
            let text = format!(
                "{} rows were rejected, but {expected} are invalid",
                self.rejected
            );
            check(self.rejected == expected, text);
        }
        match &self.rebuild {
            None => check(
                false,
                "the tables were not compared with the log".to_owned(),
            ),
            Some(rebuild) => check(
                rebuild.equal,
                format!(
                    "the tables differ from the log: {}",
                    rebuild.differences.join("; ")
                ),
            ),
        }
        match self.rendered_again {
            None => check(false, "no certificate was rendered again".to_owned()),
            Some(again) => {
                let text = format!(
                    "{} of {} certificates rendered again differ",
                    again.different, again.checked
                );
                check(again.different == 0 && again.checked > 0, text);
            }
        }
        check(
            self.download.is_some(),
            "no certificate could be downloaded".to_owned(),
        );
        missing
    }

    /// Returns the results for programs.
    pub fn report(&self) -> Report {
        let Seconds {
            setup,
            import,
            generate,
            mail,
            project,
            verify,
            total,
        } = self.seconds;
        let [setup, import, generate, mail, project, verify, total] =
            [setup, import, generate, mail, project, verify, total].map(to_thousandths);
        Report {
            people: self.people,
            rejected: self.rejected,
            certificates: self.certificates,
            pdfs: self.pdfs,
            mails_accepted: self.mails_accepted,
            rebuild_equal: self.rebuild.as_ref().is_some_and(|rebuild| rebuild.equal),
            seconds: Seconds {
                setup,
                import,
                generate,
                mail,
                project,
                verify,
                total,
            },
            certificates_per_second: to_thousandths(self.certificates_per_second()),
            render_only_per_second: to_thousandths(self.render_only_per_second()),
        }
    }
}

fn to_thousandths(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns the outcome of a run on the sample without any defect.
    pub(in super::super) fn good() -> Outcome {
        Outcome {
            source: "people.csv".to_owned(),
            rows: 72,
            people: 69,
            rejected: 3,
            rejections: vec![
                rejection(
                    64,
                    Some("Correo electrónico"),
                    "INVALID_EMAIL",
                    "give an address such as name@example.com",
                ),
                rejection(
                    66,
                    Some("Número documento"),
                    "REQUIRED",
                    "fill in the document number",
                ),
                rejection(
                    68,
                    None,
                    "DUPLICATE",
                    "email belongs to the person of row 12, whose documentNumber differs; \
                     correct one of the two rows",
                ),
            ],
            rejected_expected: Some(3),
            certificates: 69,
            pdfs: 69,
            pdf_bytes: 6_912_345,
            mails_accepted: 69,
            mails_caught: 69,
            folder_was_used: false,
            rebuild: Some(Rebuild {
                equal: true,
                position: 431,
                rows: 290,
                differences: Vec::new(),
            }),
            rendered_again: Some(RenderedAgain {
                checked: 69,
                different: 0,
                fresh: 621,
                seconds: 1.0,
            }),
            download: Some(Download {
                url: "http://127.0.0.1:1/certificate/x/download".to_owned(),
                bytes: 99,
            }),
            warnings: 0,
            seconds: Seconds {
                setup: 3.0,
                import: 0.5,
                generate: 0.25,
                mail: 0.5,
                project: 0.0,
                verify: 0.25,
                total: 6.0,
            },
            problems: Vec::new(),
        }
    }

    fn rejection(row: u64, column: Option<&str>, code: &str, message: &str) -> Rejection {
        let file = "people.csv".to_owned();
        let column = column.map(str::to_owned);
        Rejection {
            file,
            row,
            column,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn complete_outcome_has_no_missing_parts() {
        assert_eq!(good().missing(), Vec::<String>::new());
    }

    #[test]
    fn each_missing_part_is_reported() {
        type Spoil = fn(&mut Outcome);
        let spoilt: [(Spoil, &str); 12] = [
            (|o| o.people = 70, "69 of 70 people have"),
            (|o| *o = Outcome::default(), "nobody was imported"),
            (|o| o.certificates = 68, "68 of 69 people have"),
            (|o| o.pdfs = 68, "68 of 69 PDFs"),
            (|o| o.mails_accepted = 68, "68 of 69 mails"),
            (|o| o.mails_caught = 70, "but 70 arrived"),
            (|o| o.rejected = 4, "4 rows were rejected, but 3"),
            (|o| o.rebuild = None, "not compared"),
            (
                |o| o.rebuild.as_mut().expect("there").equal = false,
                "differ from the log",
            ),
            (
                |o| o.rendered_again.as_mut().expect("there").different = 1,
                "1 of 69 certificates rendered again",
            ),
            (|o| o.download = None, "could be downloaded"),
            (
                |o| o.problems.push("the import failed".to_owned()),
                "the import failed",
            ),
        ];
        for (spoil, text) in spoilt {
            let mut outcome = good();
            spoil(&mut outcome);
            let missing = outcome.missing();
            assert!(
                missing.iter().any(|line| line.contains(text)),
                "{text}: {missing:?}"
            );
        }
    }

    #[test]
    fn mails_of_an_earlier_run_may_arrive_in_a_used_folder() {
        let more = Outcome {
            mails_caught: 75,
            folder_was_used: true,
            ..good()
        };
        assert!(more.missing().is_empty());
        let fewer = Outcome {
            mails_caught: 68,
            folder_was_used: true,
            ..good()
        };
        assert!(!fewer.missing().is_empty());
    }

    #[test]
    fn json_report_matches_the_snapshot() {
        insta::assert_json_snapshot!(good().report());
    }
}

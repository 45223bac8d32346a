//! Summary that the demo prints for people.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use indicatif::{DecimalBytes, HumanCount};

use super::report::{Outcome, Rejection, rate};

/// Maximum number of rejected rows that are printed.
const REJECTIONS_SHOWN: usize = 10;

/// Addresses and credentials for exploring the running product.
#[derive(Clone, Debug)]
pub struct Links {
    /// Scheme, host and port.
    pub root: String,
    /// Address of the management listener, if there is one.
    pub management: Option<SocketAddr>,
    /// Prefix of the API's paths.
    pub prefix: String,
    /// E-mail address of the demo's administrator.
    pub email: String,
    /// Password of the demo's administrator, generated for this run.
    pub password: String,
}

/// Returns the whole summary. `links` is `None` if the product stops at the end.
pub fn summary(outcome: &Outcome, links: Option<&Links>) -> String {
    let mut text = String::new();
    // proof: writing to a String does not fail.
    let _ = write_counts(&mut text, outcome);
    let _ = write_stages(&mut text, outcome);
    let _ = write_rejections(&mut text, outcome);
    if let Some(links) = links {
        let _ = write_links(&mut text, outcome, links);
    }
    let _ = write_missing(&mut text, outcome);
    text
}

fn write_counts(text: &mut String, outcome: &Outcome) -> fmt::Result {
    let count = HumanCount;
    writeln!(
        text,
        "\nFrom a spreadsheet to {} mailed certificates in {:.1} s\n",
        count(outcome.mails_accepted.min(outcome.certificates)),
        outcome.seconds.end_to_end()
    )?;
    writeln!(
        text,
        "  people        {} ({} rows in {}, {} rejected)",
        count(outcome.people),
        count(outcome.rows),
        outcome.source,
        count(outcome.rejected)
    )?;
    writeln!(text, "  certificates  {}", count(outcome.certificates))?;
    writeln!(
        text,
        "  PDFs stored   {} ({})",
        count(outcome.pdfs),
        DecimalBytes(outcome.pdf_bytes)
    )?;
    writeln!(
        text,
        "  mails         {} accepted by the mail server, {} counted in its mailbox{}",
        count(outcome.mails_accepted),
        count(outcome.mails_caught),
        if outcome.folder_was_used {
            " (including mails of earlier runs)"
        } else {
            ""
        }
    )?;
    if let Some(rebuild) = &outcome.rebuild {
        let verdict = if rebuild.equal {
            "equal to the live ones"
        } else {
            "NOT equal to the live ones"
        };
        writeln!(
            text,
            "  tables        {} rows, rebuilt from {} events: {verdict}",
            count(rebuild.rows),
            count(rebuild.position)
        )?;
    }
    if let Some(download) = &outcome.download {
        let size = DecimalBytes(download.bytes);
        writeln!(
            text,
            "  download      one fetched without login: a PDF of {size}, with the recorded SHA-256"
        )?;
    }
    if outcome.warnings > 0 {
        writeln!(
            text,
            "  warnings      {} in the log",
            count(outcome.warnings)
        )?;
    }
    Ok(())
}

fn write_stages(text: &mut String, outcome: &Outcome) -> fmt::Result {
    let seconds = &outcome.seconds;
    let events = outcome
        .rebuild
        .as_ref()
        .map_or(0, |rebuild| rebuild.position);
    let stages = [
        ("setup", seconds.setup, None),
        ("import", seconds.import, Some((outcome.rows, "rows"))),
        (
            "generate",
            seconds.generate,
            Some((outcome.pdfs, "certificates")),
        ),
        (
            "mail",
            seconds.mail,
            Some((outcome.mails_accepted, "mails, during generation")),
        ),
        ("project", seconds.project, None),
        ("verify", seconds.verify, Some((events, "events"))),
    ];
    writeln!(text, "\n  stage       seconds   per second")?;
    for (name, seconds, counted) in stages {
        let rate = match counted {
            Some((count, unit)) => {
                let rate = HumanCount(rate(count, seconds).round() as u64).to_string();
                format!("  {rate:>11} {unit}")
            }
            None => String::new(),
        };
        writeln!(text, "  {name:9} {seconds:>9.2}{rate}")?;
    }
    writeln!(text, "  {:9} {:>9.2}", "total", seconds.total)?;
    writeln!(
        text,
        "\n  {:.0} certificates per second from the upload to the last mail",
        outcome.certificates_per_second()
    )?;
    if let Some(again) = &outcome.rendered_again {
        let same = if again.different == 0 {
            "all bytes identical"
        } else {
            "bytes NOT identical"
        };
        writeln!(
            text,
            "  {:.0} certificates per second by the renderer alone ({} new; {} issued ones rendered again, {same})",
            outcome.render_only_per_second(),
            HumanCount(again.fresh),
            HumanCount(again.checked)
        )?;
    }
    Ok(())
}

fn write_rejections(text: &mut String, outcome: &Outcome) -> fmt::Result {
    if outcome.rejections.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n  Rejected rows")?;
    for Rejection {
        file,
        row,
        column,
        code,
        message,
    } in outcome.rejections.iter().take(REJECTIONS_SHOWN)
    {
        let column = column
            .as_ref()
            .map(|column| format!("  {column}"))
            .unwrap_or_default();
        writeln!(
            text,
            "    {file}, row {row}  {code}{column}\n      {message}"
        )?;
    }
    let more = outcome
        .rejected
        .saturating_sub(outcome.rejections.len().min(REJECTIONS_SHOWN) as u64);
    if more > 0 {
        writeln!(text, "    and {} more", HumanCount(more))?;
    }
    Ok(())
}

fn write_links(text: &mut String, outcome: &Outcome, links: &Links) -> fmt::Result {
    let Links {
        root,
        management,
        prefix,
        email,
        password,
    } = links;
    writeln!(text, "\n  Look around")?;
    writeln!(text, "    API            {root}/api/docs")?;
    if let Some(download) = &outcome.download {
        writeln!(text, "    a certificate  {}", download.url)?;
    }
    writeln!(text, "    mails          {root}/mails")?;
    if let Some(management) = management {
        writeln!(text, "    metrics        http://{management}/metrics")?;
    }
    writeln!(
        text,
        "    log in as      {email} with the password {password}"
    )?;
    writeln!(
        text,
        "\n    curl -s {root}{prefix}/auth/login -H 'Content-Type: application/json' \\"
    )?;
    writeln!(
        text,
        "      -d '{{\"email\": \"{email}\", \"password\": \"{password}\"}}'"
    )
}

fn write_missing(text: &mut String, outcome: &Outcome) -> fmt::Result {
    let missing = outcome.missing();
    if missing.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n  Failed checks:")?;
    for line in missing {
        writeln!(text, "    - {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::good;
    use super::*;

    fn links() -> Links {
        Links {
            root: "http://127.0.0.1:3969".to_owned(),
            management: Some(([127, 0, 0, 1], 9464).into()),
            prefix: "/api/v1".to_owned(),
            email: "admin@example.com".to_owned(),
            password: "Example-1".to_owned(),
        }
    }

    #[test]
    fn summary_of_a_complete_run_matches_the_snapshot() {
        insta::assert_snapshot!(summary(&good(), Some(&links())));
    }

    #[test]
    fn summary_of_a_run_with_faults_matches_the_snapshot() {
        let mut outcome = Outcome {
            mails_accepted: 60,
            rejected: 500,
            warnings: 2,
            ..good()
        };
        outcome.rejections = outcome
            .rejections
            .iter()
            .cycle()
            .take(40)
            .cloned()
            .collect();
        insta::assert_snapshot!(summary(&outcome, None));
    }

    #[test]
    fn summary_of_a_run_without_results_matches_the_snapshot() {
        let outcome = Outcome {
            problems: vec!["the server does not answer".to_owned()],
            ..Outcome::default()
        };
        insta::assert_snapshot!(summary(&outcome, None));
    }
}

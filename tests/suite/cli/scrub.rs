//! Replaces values that differ between runs, so that a text can be compared with a snapshot.

/// Replaces ids, times, dates, digests, ports and some numbers by placeholders in brackets.
pub fn scrubbed(text: &str) -> String {
    let mut clean = String::new();
    let mut word = String::new();
    for c in text.chars() {
        // The spaces after a number are removed, because their number differs between runs too.
        if c == ' ' && word.is_empty() && clean.ends_with("[number] ") {
            continue;
        }
        if c.is_ascii_alphanumeric() || "-.:".contains(c) {
            word.push(c);
        } else {
            clean.push_str(&scrub(&std::mem::take(&mut word), &clean));
            clean.push(c);
        }
    }
    clean.push_str(&scrub(&word, &clean));
    clean
}

fn scrub(word: &str, before: &str) -> String {
    if let Some(name) = word.strip_suffix(':') {
        return format!("{}:", scrub(name, before));
    }
    if let Some(name) = word.strip_suffix(".pdf") {
        return format!("{}.pdf", scrub(name, before));
    }
    let hex = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit());
    let parts: Vec<&str> = word.split('-').collect();
    if word.len() == 36 && parts.len() == 5 && parts.iter().all(|part| hex(part)) {
        return "[id]".to_owned();
    }
    if word.starts_with("20") && word.contains('T') && word.ends_with('Z') {
        return "[time]".to_owned();
    }
    if word.len() == 10 && word.starts_with("20") && parts.len() == 3 {
        return "[date]".to_owned();
    }
    if parts.len() == 2 && word.len() >= 20 && parts.iter().all(|part| hex(part)) {
        return "[name]".to_owned();
    }
    if word.len() >= 12 && hex(word) {
        return "[hex]".to_owned();
    }
    if let Some((host, port)) = word.split_once(':')
        && host == "127.0.0.1"
        && port.parse::<u16>().is_ok()
    {
        return "127.0.0.1:[port]".to_owned();
    }
    let after = |what: &str| before.trim_end().ends_with(what);
    let is_number = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    if is_number && (after("[time]") || after(" at") || after("rendered,") || after("PostgreSQL")) {
        return "[number]".to_owned();
    }
    word.to_owned()
}

#[test]
fn values_that_differ_between_runs_are_replaced() {
    assert_eq!(
        scrubbed(
            "2026-11-21T11:46:34.449Z  12  x at 3 (a 6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6) abc 127.0.0.1:4222 2026-11-21\n"
        ),
        "[time]  [number] x at [number] (a [id]) abc 127.0.0.1:[port] [date]\n"
    );
}

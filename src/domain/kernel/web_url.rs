//! Web addresses that people give.

use url::Url;

/// Parses an absolute `http` or `https` URL without whitespace and control characters. Other
/// schemes, such as `javascript`, would be dangerous in a mail or on a page.
#[must_use]
pub fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https");
    // The parser accepts `https:example.org` and removes whitespace.
    let is_whole = text.get(url.scheme().len()..)?.starts_with("://");
    let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_web && is_whole && is_plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_web_addresses_are_accepted() {
        for text in [
            "https://example.org",
            "http://localhost:5173/a?b=c#d",
            "HTTPS://EXAMPLE.ORG/año",
            "https://[::1]/",
        ] {
            assert!(web_url(text).is_some(), "{text}");
        }
        for text in [
            "",
            "example.org",
            "/a",
            "https://",
            "https:example.org",
            "https:/example.org",
            "https://a b",
            " https://example.org",
            "https://example.org/\n",
            "https://example.org:port/",
            "javascript:alert(1)",
            "javascript://example.org/%0aalert(1)",
            "ftp://example.org",
        ] {
            assert_eq!(web_url(text), None, "{text}");
        }
    }
}

//! Security headers of responses.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::HttpState;

/// Content security policy of HTML pages: no scripts, inline styles, and images of the same origin.
const PAGES: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
                     form-action 'none'; frame-ancestors 'none'";
/// Content security policy of HTML pages with a form. The form can be sent only to the same origin.
pub const FORM_PAGES: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
                              form-action 'self'; frame-ancestors 'none'";

/// `Permissions-Policy` of HTML pages: no access to features of the device.
const NO_DEVICE: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
                         fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), \
                         payment=(), picture-in-picture=(), publickey-credentials-get=(), usb=(), \
                         xr-spatial-tracking=()";

const FIXED: [(HeaderName, &str); 14] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), NO_DEVICE),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    (HeaderName::from_static("origin-agent-cluster"), "?1"),
    (HeaderName::from_static("x-dns-prefetch-control"), "off"),
    (HeaderName::from_static("x-download-options"), "noopen"),
    (
        HeaderName::from_static("x-permitted-cross-domain-policies"),
        "none",
    ),
    // Disabled: this filter of old browsers itself caused vulnerabilities.
    (HeaderName::from_static("x-xss-protection"), "0"),
    // Search engines must not index any response, because responses can contain personal data.
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    // A response may contain personal data, so it is cached only if it sets this header itself.
    (CACHE_CONTROL, "no-store"),
];
/// Responses that other sites or mails may embed, such as designs, set another value.
pub const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Adds each security header that the response does not have yet.
pub async fn headers(State(http): State<HttpState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED.into_iter().chain([(CONTENT_SECURITY_POLICY, PAGES)]) {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if http.settings.is_https() {
        let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(value);
    }
    response
}

//! Page for setting a new password. The link in a password reset mail opens it.

use axum::extract::State;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, VARY};
use axum::http::{HeaderMap, HeaderName};
use axum::response::Html;
use minijinja::Value;
use minijinja::context;

use crate::domain::Locale;
use crate::http::api::public::verify::chosen;
use crate::http::{ApiError, HttpState};

const TEMPLATE: &str = include_str!("reset_password.html");
/// Script that reads the token from the fragment of the URL and sends it with the new password.
/// Browsers do not send the fragment to servers.
const SCRIPT: &str = include_str!("reset_password.js");

/// Shows a page for setting a new password with the link from a mail.
///
/// The token of the link is in the fragment of the URL.
#[utoipa::path(
    get, path = "/reset-password",
    params(("Accept-Language" = Option<String>, Header, description = "Preferred languages", example = "es-CO, en;q=0.5")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub async fn show_password_reset(
    State(http): State<HttpState>,
    headers: HeaderMap,
) -> Result<([(HeaderName, String); 3], Html<String>), ApiError> {
    let locale = chosen(None, &headers, http.auth.locale);
    // The path is relative to this page, so that it also works below a path prefix of a proxy.
    let action = http
        .api_path("/auth/reset-password")
        .trim_start_matches('/')
        .to_owned();
    let described = [
        (CONTENT_SECURITY_POLICY, super::policy_of(SCRIPT)),
        (CONTENT_LANGUAGE, locale.as_str().to_owned()),
        (VARY, "Accept-Language".to_owned()),
    ];
    Ok((described, page(locale, &action)?))
}

fn page(locale: Locale, action: &str) -> Result<Html<String>, ApiError> {
    let script = Value::from_safe_string(SCRIPT.to_owned());
    super::render(
        TEMPLATE,
        &context! { language => locale.as_str(), action, script, t => words(locale) },
    )
}

fn words(locale: Locale) -> Value {
    match locale {
        Locale::En => context! {
            title => "Set a new password",
            password => "New password",
            rule => "8 to 128 characters with an upper-case letter, a lower-case letter and a digit.",
            button => "Set password",
            done => "Your password is set. You can log in with it now.",
            failed => "It did not work.",
            ended => "This link was used or has expired. Ask for another.",
            noscript => "This page needs JavaScript: the link's secret is not sent to the server before you set a password.",
        },
        Locale::Es => context! {
            title => "Elige una contraseña nueva",
            password => "Contraseña nueva",
            rule => "De 8 a 128 caracteres, con una mayúscula, una minúscula y una cifra.",
            button => "Guardar contraseña",
            done => "Tu contraseña está guardada. Ya puedes entrar con ella.",
            failed => "No ha funcionado.",
            ended => "Este enlace ya se usó o ha caducado. Pide otro.",
            noscript => "Esta página necesita JavaScript: el secreto del enlace no llega al servidor hasta que eliges una contraseña.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api::public::pages::tests::assert_allowed;

    #[test]
    fn page_renders_in_both_languages_and_policy_allows_only_its_script() {
        for locale in Locale::ALL {
            let page = page(locale, "api/v1/auth/reset-password").unwrap().0;
            insta::assert_snapshot!(format!("reset_password_{locale}"), page);
            assert_allowed(&page, &super::super::policy_of(SCRIPT));
        }
    }
}

//! Query parameters.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Uri, uri::PathAndQuery};
use serde::de::DeserializeOwned;

use super::naming::camel_cased_query;
use crate::http::ApiError;
use crate::http::protocol::field_problem::{GIVEN_TWICE, code_of_serde};

/// Deserialized query parameters. Their names may be in camelCase or snake_case. `T` determines
/// whether unknown parameters are rejected.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(&parts.uri).map(Self)
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// Parses the query of a URI.
    ///
    /// # Errors
    /// 400 if a parameter is unknown, missing or given twice, or has the wrong type.
    pub fn of(uri: &Uri) -> Result<T, ApiError> {
        parse(uri.query().unwrap_or_default())
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let query = camel_cased_query(query)
        .map_err(|name| ApiError::malformed(&name, GIVEN_TWICE, "is given twice"))?;
    let malformed = || ApiError::wrong_type("query", "is not a query string");
    let path_and_query: PathAndQuery = format!("/?{query}").parse().map_err(|_| malformed())?;
    let parsed = axum::extract::Query::<T>::try_from_uri(&Uri::from(path_and_query));
    parsed.map(|query| query.0).map_err(|rejection| {
        let text = rejection.body_text();
        // The text of serde follows the text of the extractor. It starts with the name of the
        // parameter, or quotes it.
        let text = text
            .rsplit_once("query string: ")
            .map_or(text.as_str(), |(_, text)| text);
        let named = text
            .split_once(": ")
            .filter(|(name, _)| !name.contains(' '));
        match (named, text.split('`').nth(1)) {
            (Some((name, problem)), _) => {
                ApiError::malformed(name, code_of_serde(problem), problem)
            }
            (None, Some(name)) => ApiError::malformed(name, code_of_serde(text), text),
            (None, None) => ApiError::wrong_type("query", text),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::http::ErrorCode;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Sample {
        dry_run: Option<bool>,
        limit: Option<u32>,
    }

    #[test]
    fn camel_case_and_snake_case_parameters_are_accepted() {
        let expected = Sample {
            dry_run: Some(true),
            limit: None,
        };
        assert_eq!(parse::<Sample>("dryRun=true").unwrap(), expected);
        assert_eq!(parse::<Sample>("dry_run=true").unwrap(), expected);
        assert_eq!(
            parse::<Sample>("").unwrap(),
            Sample {
                dry_run: None,
                limit: None
            }
        );
    }

    #[test]
    fn invalid_parameter_is_rejected_by_name() {
        for (query, start, code) in [
            ("limit=1&limit=2", "limit: is given twice", "GIVEN_TWICE"),
            ("limit=many", "limit: ", "WRONG_TYPE"),
            ("colour=red", "colour: unknown field", "UNKNOWN_FIELD"),
        ] {
            let error = parse::<Sample>(query).expect_err(query);
            assert_eq!(
                (error.code, error.errors[0].code),
                (ErrorCode::BadRequest, code)
            );
            assert!(
                error.details[0].starts_with(start),
                "{query}: {:?}",
                error.details
            );
        }
    }
}

//! Request headers that change how a write is executed.

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::{IntoParams, PartialSchema};

use crate::commands::IfVersion;
use crate::domain::Refusal;
use crate::event_log::Position;
use crate::http::{Answer, ApiError};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Largest length of a key, in characters.
const MAX_KEY_CHARS: usize = 255;

/// Value of the header `Idempotency-Key`, if present: 1–255 visible ASCII characters.
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(IDEMPOTENCY_KEY) else {
            return Ok(Self(None));
        };
        let fits = |text: &&str| {
            (1..=MAX_KEY_CHARS).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match value.to_str().ok().filter(fits) {
            Some(key) => Ok(Self(Some(key.to_owned()))),
            None => Err(ApiError::wrong_type(
                "Idempotency-Key",
                "give 1 to 255 visible ASCII characters",
            )),
        }
    }
}

/// Entity tags in the header `If-Match` (RFC 9110 §13.1.1), if present.
///
/// The type `headers::IfMatch` does not fit: it can compare a tag but not list its tags, and a
/// command needs the versions that the tags contain.
pub struct IfMatch(Option<Vec<String>>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(IF_MATCH) {
            let text = value
                .to_str()
                .map_err(|_| ApiError::wrong_type("If-Match", "must be an entity tag"))?;
            tags.extend(text.split(',').map(|tag| tag.trim().to_owned()));
        }
        Ok(Self(Some(tags).filter(|tags| !tags.is_empty())))
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let tag = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("ETag of the version that you read"))
            .schema(Some(String::schema()));
        vec![tag.build()]
    }
}

impl IfMatch {
    /// Returns the versions that the client accepts. A command checks them.
    #[must_use]
    pub fn versions(&self) -> IfVersion {
        match &self.0 {
            Some(tags) if !tags.iter().any(|tag| tag == "*") => {
                IfVersion::one_of(tags.iter().filter_map(|tag| version(tag)).collect())
            }
            _ => IfVersion::ANY,
        }
    }

    /// Rejects the change if the client does not accept the version `position`. Use this only for a
    /// state that was loaded from the log, and only if the command then expects exactly that
    /// position. Otherwise pass [`Self::versions`] to the command.
    ///
    /// # Errors
    /// 412 if the client does not accept the version.
    pub fn check(&self, position: Position) -> Result<(), Refusal> {
        self.versions().check(position)
    }

    /// Rejects the change if the client does not accept the current `ETag`. It is for a resource
    /// whose `ETag` is not a position. `current` reads the resource and returns the response with
    /// the `ETag`. Without an `If-Match` header, the resource is not read.
    ///
    /// # Errors
    /// 412 if the client does not accept the `ETag`; or the error of `current`.
    pub async fn check_answer(
        &self,
        current: impl Future<Output = Result<Answer, ApiError>>,
    ) -> Result<(), ApiError> {
        let Some(tags) = &self.0 else { return Ok(()) };
        let current = current.await?;
        let matches = |tag: &String| tag == "*" || current.headers.get(ETAG.as_str()) == Some(tag);
        if tags.iter().any(matches) {
            return Ok(());
        }
        Err(Refusal::Stale.into())
    }
}

/// Parses the version in a strong entity tag of this API: `"7"`, or `"7-9"` if the response also
/// contains data of other aggregates. The second position is ignored, because a change of the
/// resource does not depend on it.
fn version(tag: &str) -> Option<Position> {
    let tag = tag.strip_prefix('"')?.strip_suffix('"')?;
    tag.split_once('-')
        .map_or(tag, |(version, _)| version)
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn if_match(value: &str) -> IfMatch {
        let request = axum::http::Request::builder()
            .header("if-match", value)
            .body(())
            .unwrap();
        IfMatch::from_request_parts(&mut request.into_parts().0, &())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn if_match_accepts_only_the_current_version() {
        assert!(if_match("\"7\"").await.check(7).is_ok());
        assert!(if_match("\"6\", \"7\"").await.check(7).is_ok());
        assert!(if_match("\"7-9\"").await.check(7).is_ok());
        assert!(if_match("*").await.check(7).is_ok());
        for stale in ["\"6\"", "\"6-7\"", "7", "W/\"7\"", ""] {
            assert_eq!(
                if_match(stale).await.check(7),
                Err(Refusal::Stale),
                "{stale}"
            );
        }
    }

    #[tokio::test]
    async fn idempotency_key_has_1_to_255_characters() {
        for (key, fits) in [
            ("a-1".to_owned(), true),
            (String::new(), false),
            ("a".repeat(256), false),
        ] {
            let request = axum::http::Request::builder()
                .header("idempotency-key", &key)
                .body(())
                .unwrap();
            let taken = IdempotencyKey::from_request_parts(&mut request.into_parts().0, &()).await;
            assert_eq!(taken.is_ok(), fits, "{key}");
        }
    }
}

//! Path parameters.

use axum::extract::FromRequestParts;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::http::ApiError;

/// The parameters of a path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(PathRejection::FailedToDeserializePathParams(failed)) => Err(match failed.kind() {
                ErrorKind::ParseErrorAtKey {
                    key, expected_type, ..
                } => ApiError::wrong_type(key, format!("must be a {expected_type}")),
                ErrorKind::DeserializeError { key, message, .. } if message.starts_with("UUID") => {
                    ApiError::wrong_type(key, "must be a UUID")
                }
                ErrorKind::DeserializeError { key, message, .. } => {
                    ApiError::wrong_type(key, message)
                }
                ErrorKind::WrongNumberOfParameters { .. } | ErrorKind::UnsupportedType { .. } => {
                    ApiError::internal("a route's parameters do not fit its handler")
                }
                _ => ApiError::wrong_type(
                    "path",
                    "one of its parameters is not valid; ids are UUIDs",
                ),
            }),
            Err(_) => Err(ApiError::internal(
                "a route without parameters has a handler that takes one",
            )),
        }
    }
}

//! Conversion of all internal errors to API errors.

use std::time::Duration;

use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use tower_http::timeout::TimeoutError;

use crate::commands::CommandError;
use crate::database::DatabaseError;
use crate::domain::{DecodeError, Refusal};
use crate::event_log::LogError;
use crate::http::auth::passwords::PasswordError;
use crate::http::auth::tokens::TokenError;
use crate::http::protocol::field_problem::{DUPLICATE, FieldProblem};
use crate::http::{ApiError, ErrorCode};
use crate::importing::ImportError;
use crate::projection::TimedOut;
use crate::rendering::RenderingError;
use crate::spreadsheet::SheetError;
use crate::storage::StorageError;

/// Value of `Retry-After` in all errors of this module.
const SOON: Duration = Duration::from_secs(1);

fn unavailable(what: &str, cause: impl std::fmt::Display) -> ApiError {
    let message = format!("{what} is not available at the moment; try again");
    ApiError::new(ErrorCode::Unavailable, message)
        .because(cause)
        .retry_after(SOON)
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NotFound(_) => Self::new(ErrorCode::NotFound, message),
            Refusal::AlreadyExists(_) => Self::new(ErrorCode::AlreadyExists, message),
            Refusal::Taken(kind) => {
                let problem = FieldProblem::new(kind.field(), DUPLICATE, &message);
                Self::new(ErrorCode::Duplicate, message).with_problems(vec![problem])
            }
            Refusal::Invalid(fields) => {
                let problems = fields.into_iter().map(FieldProblem::from).collect();
                Self::new(ErrorCode::ValidationError, message).with_problems(problems)
            }
            Refusal::Inactive => Self::new(ErrorCode::CertificateInactive, message),
            Refusal::WrongState(_) => Self::new(ErrorCode::WrongState, message),
            Refusal::Stale => Self::new(ErrorCode::PreconditionFailed, message),
            Refusal::SessionEnded => Self::new(ErrorCode::SessionEnded, message),
            Refusal::WrongCode => Self::new(ErrorCode::WrongCode, message),
            Refusal::LinkEnded => Self::new(ErrorCode::ResetLinkInvalid, message),
            Refusal::Forbidden(_) => Self::new(ErrorCode::Forbidden, message),
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::Busy => Self::new(ErrorCode::Busy, error.to_string()).retry_after(SOON),
            CommandError::Log(error) => error.into(),
            CommandError::Decode(error) => error.into(),
        }
    }
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(_) | LogError::NotProvisioned => {
                unavailable("the event log", error)
            }
            LogError::Undecodable { .. } | LogError::Refused { .. } => Self::internal(error),
        }
    }
}

impl From<DecodeError> for ApiError {
    /// A program of a newer version may be running beside this one and can answer the request.
    fn from(error: DecodeError) -> Self {
        if !error.is_unknown() {
            return Self::internal(error);
        }
        let message = "a newer version of this program has changed this; try again";
        Self::new(ErrorCode::Unavailable, message)
            .because(error)
            .retry_after(SOON)
    }
}

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        if error.is_missing_table() {
            // The tables of a projection are available only when the projection is complete; see
            // `/health/ready`.
            let message = "these tables are still being built; try again";
            return Self::new(ErrorCode::NotCaughtUp, message)
                .because(error)
                .retry_after(SOON);
        }
        if error.is_transient() {
            unavailable("the database", error)
        } else {
            Self::internal(error)
        }
    }
}

impl From<TimedOut> for ApiError {
    fn from(error: TimedOut) -> Self {
        let message = format!("position {} can't be read yet; try again", error.position);
        Self::new(ErrorCode::NotCaughtUp, message)
            .because(error)
            .retry_after(SOON)
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Backend(_)
            | StorageError::Folder(_)
            | StorageError::NotMounted { .. }
            | StorageError::OtherNamespace { .. } => unavailable("the file storage", error),
            StorageError::TooLarge { limit, .. } => {
                let message = format!("the stored file is larger than {limit} bytes");
                Self::new(ErrorCode::FileTooLarge, message)
            }
            StorageError::Setting(..)
            | StorageError::Key(_)
            | StorageError::Differs(_)
            | StorageError::LocalFile { .. } => Self::internal(error),
        }
    }
}

impl From<SheetError> for ApiError {
    fn from(error: SheetError) -> Self {
        if let SheetError::Io(_) = error {
            return Self::internal(error);
        }
        // The codes of `SheetError` are also codes of the API. A test checks that each of them has
        // an API code.
        let code = ErrorCode::of(error.code()).unwrap_or(ErrorCode::BrokenFile);
        let message = error.for_uploader();
        let problem = FieldProblem::new("file", error.code(), &message);
        Self::new(code, message).with_problems(vec![problem])
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Sheet(error) => error.into(),
            ImportError::Storage(error) => error.into(),
            ImportError::Command(error) => error.into(),
            ImportError::SourceGone => Self::new(ErrorCode::NotFound, error.to_string()),
            ImportError::Local(_) => Self::internal(error),
        }
    }
}

impl From<RenderingError> for ApiError {
    fn from(error: RenderingError) -> Self {
        match error {
            RenderingError::Storage(StorageError::Differs(_)) | RenderingError::Differs => {
                let message = "the stored certificate differs from the issued one and is not shown; \
                               tell the issuer the request id";
                Self::new(ErrorCode::IssuedFileDiffers, message).because(error)
            }
            RenderingError::Storage(error) => error.into(),
            RenderingError::Command(error) => error.into(),
            RenderingError::Revoked => {
                let message = "this certificate was revoked; its file is no longer available";
                Self::new(ErrorCode::CertificateRevoked, message)
            }
            RenderingError::Interrupted => unavailable("rendering", error),
            RenderingError::Render(ref render) if error.needs_newer_program() => {
                let message = "a newer version of this program has issued this; try again";
                Self::new(ErrorCode::Unavailable, message)
                    .because(render.code())
                    .retry_after(SOON)
            }
            // The text of a render error may contain a person's name, so only its code is logged.
            RenderingError::Render(error) => {
                Self::internal(format!("rendering again failed: {}", error.code()))
            }
            RenderingError::Own(error) => {
                Self::internal(format!("drawing it again failed: {}", error.code))
            }
            RenderingError::Sandbox(error) => unavailable("rendering", error),
            RenderingError::Design | RenderingError::TemplateFiles => Self::internal(error),
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => {
                let message = "too many passwords are being checked at once; try again";
                Self::new(ErrorCode::Busy, message).retry_after(SOON)
            }
            PasswordError::NotTaken(why) => {
                Self::new(ErrorCode::ValidationError, format!("the password {why}"))
            }
            PasswordError::Parameters(_) | PasswordError::List(_) | PasswordError::Hash(_) => {
                Self::internal(error)
            }
        }
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        Self::internal(error)
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        of_status(if stopped_coming(&rejection) {
            StatusCode::REQUEST_TIMEOUT
        } else {
            rejection.status()
        })
    }
}

impl From<MultipartRejection> for ApiError {
    fn from(_: MultipartRejection) -> Self {
        let message = "send the file as multipart/form-data, with a boundary";
        Self::new(ErrorCode::UnsupportedMediaType, message)
    }
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        if stopped_coming(&error) {
            return of_status(StatusCode::REQUEST_TIMEOUT);
        }
        match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => of_status(StatusCode::PAYLOAD_TOO_LARGE),
            StatusCode::INTERNAL_SERVER_ERROR => Self::internal("an upload could not be read"),
            _ => Self::new(
                ErrorCode::MalformedUpload,
                "the multipart body is broken or was cut off; send it again",
            ),
        }
    }
}

/// Returns true if reading the body failed because the client stopped sending.
fn stopped_coming(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.is::<TimeoutError>())
}

/// Returns the API error for an error response of a library that has only a status.
#[must_use]
pub fn of_status(status: StatusCode) -> ApiError {
    let (code, message) = match status {
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "there is nothing at this address"),
        StatusCode::METHOD_NOT_ALLOWED => (
            ErrorCode::MethodNotAllowed,
            "this address does not support this method; see the Allow header",
        ),
        StatusCode::REQUEST_TIMEOUT => (
            ErrorCode::RequestTimeout,
            "the request did not arrive in time",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            ErrorCode::PayloadTooLarge,
            "the body is larger than allowed",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            ErrorCode::UnsupportedMediaType,
            "this address does not accept this content type",
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            ErrorCode::TooManyRequests,
            "too many requests; try again later",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            ErrorCode::Unavailable,
            "not available at the moment; try again",
        ),
        status if status.is_client_error() => {
            (ErrorCode::BadRequest, "the request can't be understood")
        }
        _ => return ApiError::internal(format!("a library has answered with the status {status}")),
    };
    ApiError::new(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kernel::claim::ClaimKind;
    use crate::domain::{Event, FieldError, Personal};
    use crate::spreadsheet::Readings;

    #[test]
    fn refusal_is_mapped_to_its_code_and_status() {
        let refusals = [
            (Refusal::NotFound("job"), 404),
            (Refusal::AlreadyExists("job"), 409),
            (Refusal::Taken(ClaimKind::AttendeeEmail), 409),
            (Refusal::field("name", "give one"), 422),
            (Refusal::Inactive, 409),
            (Refusal::WrongState("not now".to_owned()), 409),
            (Refusal::Stale, 412),
            (Refusal::SessionEnded, 401),
            (Refusal::WrongCode, 401),
            (Refusal::Forbidden("ask an administrator"), 403),
        ];
        for (refusal, status) in refusals {
            let error = ApiError::from(refusal.clone());
            assert_eq!(
                (error.code.as_str(), error.code.status().as_u16()),
                (refusal.code(), status)
            );
        }
    }

    #[test]
    fn event_of_a_newer_program_is_unavailable_and_a_damaged_one_is_an_internal_error() {
        for (schema, body, status) in [(2, "{}", 503), (1, "[]", 500)] {
            let error = Event::decode("mail", "EmailSent", schema, body.as_bytes());
            let error = ApiError::from(error.expect_err("not decodable"));
            assert_eq!(error.code.status().as_u16(), status);
        }
    }

    #[test]
    fn every_invalid_field_is_listed_in_the_details() {
        let field = |field| FieldError {
            field,
            code: "REQUIRED",
            message: "give one".to_owned(),
        };
        let error = ApiError::from(Refusal::Invalid(vec![field("name"), field("client")]));
        assert_eq!(error.details, ["name: give one", "client: give one"]);
        let errors: Vec<_> = error
            .errors
            .iter()
            .map(|e| (e.field.as_str(), e.code))
            .collect();
        assert_eq!(errors, [("name", "REQUIRED"), ("client", "REQUIRED")]);
    }

    #[test]
    fn a_duplicate_names_its_field() {
        for (kind, field) in [
            (ClaimKind::AttendeeEmail, "email"),
            (ClaimKind::AttendeeNameAtEmail, "email"),
            (ClaimKind::AttendeeDocument, "documentNumber"),
            (ClaimKind::UserEmail, "email"),
            (ClaimKind::UserName, "userName"),
        ] {
            let error = ApiError::from(Refusal::Taken(kind));
            assert!(
                error.details[0].starts_with(&format!("{field}: ")),
                "{:?}",
                error.details
            );
        }
    }

    #[test]
    fn each_sheet_error_has_its_own_code() {
        let missing = vec!["email"];
        let recognised = Vec::new();
        let errors = [
            SheetError::Empty,
            SheetError::TooLarge { limit: 1 },
            SheetError::InflatesTooLarge { limit: 1 },
            SheetError::TooManyRows { limit: 1 },
            SheetError::TooManyColumns {
                row: 1,
                column: 1,
                limit: 1,
            },
            SheetError::UnknownFormat { what: "a PDF" },
            SheetError::Encrypted,
            SheetError::Encoding,
            SheetError::MissingColumns {
                missing,
                recognised,
                found: Personal::new(Vec::new()),
                row: 1,
                misread: None,
            },
            SheetError::MisreadText {
                assumed: "windows-1252",
                row: 2,
                column: "a".to_owned(),
                readings: Box::new(Readings {
                    read: Personal::new(String::new()),
                    others: Vec::new(),
                }),
            },
            SheetError::UnknownNameColumn {
                column: "a".to_owned(),
                key: "a".to_owned(),
                reason: "looks like a part of the name",
                proposal: "lastName",
                row: 2,
            },
            SheetError::IncompleteFullName {
                full: "a".to_owned(),
                full_key: "a".to_owned(),
                part: "b".to_owned(),
                part_key: None,
                row: 2,
            },
            SheetError::FullNameDiffers {
                full: "a".to_owned(),
                key: "a".to_owned(),
                first: "b".to_owned(),
                row: 2,
            },
            SheetError::SurnameFirst {
                column: "a".to_owned(),
                row: 2,
            },
            SheetError::UnknownColumn {
                column: "a".to_owned(),
                found: Personal::new(Vec::new()),
            },
            SheetError::UnknownSheet {
                sheet: "a".to_owned(),
                sheets: Vec::new(),
            },
            SheetError::NoHeaderRow { row: 1 },
            SheetError::InSheet {
                sheet: "a".to_owned(),
                source: Box::new(SheetError::Empty),
            },
            SheetError::DuplicateColumns {
                field: "email",
                first: "a".to_owned(),
                second: "b".to_owned(),
                key: "b".to_owned(),
                row: 2,
            },
            SheetError::RowTooLong {
                row: 1,
                limit: 4 << 20,
            },
            SheetError::UnclosedQuote { row: 1 },
            SheetError::Broken {
                reason: "x".to_owned(),
            },
        ];
        for error in errors {
            let code = error.code();
            assert_eq!(ApiError::from(error).code.as_str(), code);
        }
    }

    #[test]
    fn server_errors_contain_no_internal_details() {
        let log = || LogError::Unavailable("10.0.0.1 refused".to_owned());
        for error in [
            ApiError::from(log()),
            DatabaseError::Unavailable("10.0.0.1".to_owned()).into(),
        ] {
            assert_eq!(error.code, ErrorCode::Unavailable);
            assert!(error.retry_after.is_some() && error.cause.is_some());
            assert!(!error.message.contains("10.0.0.1"));
        }
        let missing = DatabaseError::Refused {
            sqlstate: "42P01".to_owned(),
            at: Some("jobs".to_owned()),
        };
        assert_eq!(ApiError::from(missing).code, ErrorCode::NotCaughtUp);
        let refused = LogError::Refused {
            code: 1,
            description: "secret".to_owned(),
        };
        let error = ApiError::from(CommandError::from(refused));
        assert_eq!(error.code, ErrorCode::InternalError);
        assert!(!error.message.contains("secret"));
    }
}

//! Error codes of the API and their HTTP statuses.

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $status:ident;)+) => {
        /// Stable error code for programs. The message beside it is for people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        pub enum ErrorCode {
            $(
                $(#[doc = $doc])+
                #[serde(rename = $text)]
                $name,
            )+
        }

        // Implemented by hand, because the derive macro would not see the names that this macro
        // inserts.
        impl PartialSchema for ErrorCode {
            fn schema() -> RefOr<Schema> {
                let names = Self::ALL.iter().map(|code| code.as_str());
                let about = "Stable error code for programs. The message beside it is for people.";
                let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
                schema.description(Some(about)).build().into()
            }
        }

        impl ToSchema for ErrorCode {}

        impl ErrorCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the code as it appears in responses.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// Returns the HTTP status of the code.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// Returns the code with this text, or `None` if the text is unknown.
            #[must_use]
            pub fn of(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }
    };
}

error_codes! {
    /// A field, parameter or header is unknown, missing, or has the wrong type; `errors` names it.
    BadRequest = "BAD_REQUEST", BAD_REQUEST;
    /// The body is not JSON.
    MalformedJson = "MALFORMED_JSON", BAD_REQUEST;
    /// The multipart body can't be read.
    MalformedUpload = "MALFORMED_UPLOAD", BAD_REQUEST;
    /// `X-Min-Event-Position` is beyond the end of the log; send the `X-Event-Position` of a write.
    PositionBeyondEnd = "POSITION_BEYOND_END", UNPROCESSABLE_ENTITY;
    /// The link for a new password is invalid, was used, or has expired.
    ResetLinkInvalid = "RESET_LINK_INVALID", UNPROCESSABLE_ENTITY;
    /// There is no valid access token; log in or refresh.
    Unauthenticated = "UNAUTHENTICATED", UNAUTHORIZED;
    /// The user name or the password is wrong.
    InvalidCredentials = "INVALID_CREDENTIALS", UNAUTHORIZED;
    /// The password is right, but a code of the second factor is also required.
    SecondFactorRequired = "SECOND_FACTOR_REQUIRED", UNAUTHORIZED;
    /// The code of the second factor is wrong, or was used before.
    WrongCode = "WRONG_CODE", UNAUTHORIZED;
    /// The password is right but has expired: an administrator has set it, and it was not changed
    /// in time.
    FirstPasswordExpired = "FIRST_PASSWORD_EXPIRED", UNAUTHORIZED;
    /// The session has ended or was revoked, or the refresh token was used before.
    SessionEnded = "SESSION_ENDED", UNAUTHORIZED;
    /// The role of the user, or the API key, does not allow this.
    Forbidden = "FORBIDDEN", FORBIDDEN;
    /// This requires a second factor, and the user has none yet; set one up.
    SecondFactorMissing = "SECOND_FACTOR_MISSING", FORBIDDEN;
    /// An administrator has set the password. Until it is changed, only the change, `/auth/me` and
    /// log-out work.
    PasswordChangeRequired = "PASSWORD_CHANGE_REQUIRED", FORBIDDEN;
    /// There is nothing at this path, or no resource with this id.
    NotFound = "NOT_FOUND", NOT_FOUND;
    /// The number of a certificate has a typing error, or is incomplete.
    NumberMistyped = "NUMBER_MISTYPED", NOT_FOUND;
    /// This path does not support this method; see `Allow`.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", METHOD_NOT_ALLOWED;
    /// The request was not received in time.
    RequestTimeout = "REQUEST_TIMEOUT", REQUEST_TIMEOUT;
    /// A different resource with this id exists.
    AlreadyExists = "ALREADY_EXISTS", CONFLICT;
    /// Another resource has this unique value.
    Duplicate = "DUPLICATE", CONFLICT;
    /// The resource is in use and can't be deleted; the message gives the number of uses.
    InUse = "IN_USE", CONFLICT;
    /// The certificate is deactivated for new issuances.
    CertificateInactive = "CERTIFICATE_INACTIVE", CONFLICT;
    /// The command is not possible in the current state; the message names the state.
    WrongState = "WRONG_STATE", CONFLICT;
    /// The certificate was revoked; its PDF is no longer available.
    CertificateRevoked = "CERTIFICATE_REVOKED", GONE;
    /// There is no PDF: it is not generated yet, or its generation failed.
    NotGenerated = "NOT_GENERATED", CONFLICT;
    /// `Range` requests a part that the file does not have; see `Content-Range`.
    RangeNotSatisfiable = "RANGE_NOT_SATISFIABLE", RANGE_NOT_SATISFIABLE;
    /// `If-Match` names another version; read the resource again.
    PreconditionFailed = "PRECONDITION_FAILED", PRECONDITION_FAILED;
    /// The body is larger than allowed.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", PAYLOAD_TOO_LARGE;
    /// The URL is longer than allowed.
    UriTooLong = "URI_TOO_LONG", URI_TOO_LONG;
    /// This endpoint does not accept this content type.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", UNSUPPORTED_MEDIA_TYPE;
    /// The value of a field, parameter or header is refused; `errors` names each.
    ValidationError = "VALIDATION_ERROR", UNPROCESSABLE_ENTITY;
    /// The `Idempotency-Key` was used before with another body.
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", UNPROCESSABLE_ENTITY;
    /// This client sends too many requests of this kind, or too many at once; see `Retry-After`.
    TooManyRequests = "TOO_MANY_REQUESTS", TOO_MANY_REQUESTS;
    /// The image has an unsupported format or is damaged.
    InvalidImage = "INVALID_IMAGE", UNPROCESSABLE_ENTITY;
    /// The file is empty or has only blank rows.
    EmptyFile = "EMPTY_FILE", UNPROCESSABLE_ENTITY;
    /// The file is larger than allowed.
    FileTooLarge = "FILE_TOO_LARGE", PAYLOAD_TOO_LARGE;
    /// The unpacked workbook is larger than allowed.
    FileInflatesTooLarge = "FILE_INFLATES_TOO_LARGE", PAYLOAD_TOO_LARGE;
    /// The sheet has more rows than allowed.
    TooManyRows = "TOO_MANY_ROWS", PAYLOAD_TOO_LARGE;
    /// The sheet has more columns than allowed.
    TooManyColumns = "TOO_MANY_COLUMNS", UNPROCESSABLE_ENTITY;
    /// The file is not CSV, XLSX or XLS.
    UnknownFormat = "UNKNOWN_FORMAT", UNSUPPORTED_MEDIA_TYPE;
    /// The workbook has a password.
    EncryptedFile = "ENCRYPTED_FILE", UNPROCESSABLE_ENTITY;
    /// The encoding of the text is unknown.
    UnknownEncoding = "UNKNOWN_ENCODING", UNPROCESSABLE_ENTITY;
    /// The names are not plausible in the assumed encoding; see `encoding`.
    MisreadText = "MISREAD_TEXT", UNPROCESSABLE_ENTITY;
    /// A column may be a part of the name and is not recognized; see `mapping`.
    UnknownNameColumn = "UNKNOWN_NAME_COLUMN", UNPROCESSABLE_ENTITY;
    /// The full name lacks a part that another column contains; see `mapping`.
    IncompleteFullName = "INCOMPLETE_FULL_NAME", UNPROCESSABLE_ENTITY;
    /// The full name differs from the first and last name in the same row.
    FullNameDiffers = "FULL_NAME_DIFFERS", UNPROCESSABLE_ENTITY;
    /// Full names have the surname first, but the header of their column doesn't say so.
    SurnameFirst = "SURNAME_FIRST", UNPROCESSABLE_ENTITY;
    /// The mapping names a column that the file does not have.
    UnknownColumn = "UNKNOWN_COLUMN", UNPROCESSABLE_ENTITY;
    /// The workbook has no sheet of this name.
    UnknownSheet = "UNKNOWN_SHEET", UNPROCESSABLE_ENTITY;
    /// The row that the request names as the header row is blank.
    NoHeaderRow = "NO_HEADER_ROW", UNPROCESSABLE_ENTITY;
    /// Required columns are missing in the header row.
    MissingColumns = "MISSING_COLUMNS", UNPROCESSABLE_ENTITY;
    /// Two headers mean the same column.
    DuplicateColumns = "DUPLICATE_COLUMNS", UNPROCESSABLE_ENTITY;
    /// A row is too long.
    RowTooLong = "ROW_TOO_LONG", UNPROCESSABLE_ENTITY;
    /// A quotation mark is never closed.
    UnclosedQuote = "UNCLOSED_QUOTE", UNPROCESSABLE_ENTITY;
    /// The file is damaged.
    BrokenFile = "BROKEN_FILE", UNPROCESSABLE_ENTITY;
    /// The certificate can't be drawn, for example because no font has a letter of the name.
    NotDrawable = "NOT_DRAWABLE", UNPROCESSABLE_ENTITY;
    /// The template has an error or exceeds a limit; `details` gives line and column.
    InvalidTemplate = "INVALID_TEMPLATE", UNPROCESSABLE_ENTITY;
    /// The PDF was rendered again and differs from the issued one, which is never replaced.
    IssuedFileDiffers = "ISSUED_FILE_DIFFERS", INTERNAL_SERVER_ERROR;
    /// Internal error; the request id identifies it in the log.
    InternalError = "INTERNAL_ERROR", INTERNAL_SERVER_ERROR;
    /// Too many requests at once, or too many changes of the same resource; see `Retry-After`.
    Busy = "BUSY", SERVICE_UNAVAILABLE;
    /// A dependency of the server does not answer; see `Retry-After`.
    Unavailable = "UNAVAILABLE", SERVICE_UNAVAILABLE;
    /// The tables do not contain the requested position yet; see `Retry-After`.
    NotCaughtUp = "NOT_CAUGHT_UP", SERVICE_UNAVAILABLE;
    /// The request took too long; see `Retry-After`.
    TimedOut = "TIMED_OUT", SERVICE_UNAVAILABLE;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_are_unique_and_have_an_error_status() {
        for (n, code) in ErrorCode::ALL.iter().enumerate() {
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert_eq!(ErrorCode::of(code.as_str()), Some(*code));
            assert!(!ErrorCode::ALL[..n].contains(code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}

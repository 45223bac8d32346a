//! Every error code of the API, with its HTTP status.

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $status:ident;)+) => {
        /// What went wrong, for programs; stable. The message beside it is for people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        pub enum ErrorCode {
            $(
                $(#[doc = $doc])+
                #[serde(rename = $text)]
                $name,
            )+
        }

        // Written out: the derive doesn't see a name that a macro put there.
        impl PartialSchema for ErrorCode {
            fn schema() -> RefOr<Schema> {
                let names = Self::ALL.iter().map(|code| code.as_str());
                let about = "What went wrong, for programs; stable. The message beside it is for people.";
                let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
                schema.description(Some(about)).build().into()
            }
        }

        impl ToSchema for ErrorCode {}

        impl ErrorCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code as it stands in answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The HTTP status it comes with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// The code of this text, if there is one.
            #[must_use]
            pub fn of(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }
    };
}

error_codes! {
    /// A field, parameter or header is not acceptable; `details` names each.
    ValidationError = "VALIDATION_ERROR", BAD_REQUEST;
    /// The body is not JSON.
    MalformedJson = "MALFORMED_JSON", BAD_REQUEST;
    /// The multipart body can't be read.
    MalformedUpload = "MALFORMED_UPLOAD", BAD_REQUEST;
    /// The request itself is not acceptable.
    BadRequest = "BAD_REQUEST", BAD_REQUEST;
    /// `X-Min-Event-Position` is beyond the end of the log; give the `X-Event-Position` of a write.
    PositionBeyondEnd = "POSITION_BEYOND_END", BAD_REQUEST;
    /// The link for a new password is not ours, was used, or has expired.
    ResetLinkInvalid = "RESET_LINK_INVALID", BAD_REQUEST;
    /// There is no valid access token; log in or refresh.
    Unauthenticated = "UNAUTHENTICATED", UNAUTHORIZED;
    /// User or password are wrong.
    InvalidCredentials = "INVALID_CREDENTIALS", UNAUTHORIZED;
    /// The password is right, and a code of the second factor has to come with it.
    SecondFactorRequired = "SECOND_FACTOR_REQUIRED", UNAUTHORIZED;
    /// The code of the second factor is wrong, or was used before.
    WrongCode = "WRONG_CODE", UNAUTHORIZED;
    /// The password is right but too old: somebody else has set it, and it was not changed in time.
    FirstPasswordExpired = "FIRST_PASSWORD_EXPIRED", UNAUTHORIZED;
    /// The session is over, was revoked, or the refresh token was used before.
    SessionEnded = "SESSION_ENDED", UNAUTHORIZED;
    /// The role doesn't allow this.
    Forbidden = "FORBIDDEN", FORBIDDEN;
    /// This asks for a second factor, and there is none yet; set one up.
    SecondFactorMissing = "SECOND_FACTOR_MISSING", FORBIDDEN;
    /// Somebody else has set the password; until it is changed, only that, `/auth/me` and logging out work.
    PasswordChangeRequired = "PASSWORD_CHANGE_REQUIRED", FORBIDDEN;
    /// There is nothing here, or nothing of this id.
    NotFound = "NOT_FOUND", NOT_FOUND;
    /// The number of a certificate has a typing error, or is incomplete.
    NumberMistyped = "NUMBER_MISTYPED", NOT_FOUND;
    /// This path doesn't take this method; see `Allow`.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", METHOD_NOT_ALLOWED;
    /// The request was not received in time.
    RequestTimeout = "REQUEST_TIMEOUT", REQUEST_TIMEOUT;
    /// Something of this id exists and differs.
    AlreadyExists = "ALREADY_EXISTS", CONFLICT;
    /// A unique value is held by somebody else.
    Duplicate = "DUPLICATE", CONFLICT;
    /// It is used by something that stays, so it can't be deleted; the message counts it.
    InUse = "IN_USE", CONFLICT;
    /// The certificate is switched off for new issuances.
    CertificateInactive = "CERTIFICATE_INACTIVE", CONFLICT;
    /// The command doesn't fit the state; the message says which.
    WrongState = "WRONG_STATE", CONFLICT;
    /// The certificate was revoked; its PDF is not given out any more.
    CertificateRevoked = "CERTIFICATE_REVOKED", GONE;
    /// There is no PDF: it is not generated yet, or its generation failed.
    NotGenerated = "NOT_GENERATED", CONFLICT;
    /// `Range` asks for a part that the file doesn't have; see `Content-Range`.
    RangeNotSatisfiable = "RANGE_NOT_SATISFIABLE", RANGE_NOT_SATISFIABLE;
    /// `If-Match` names another version; read it again.
    PreconditionFailed = "PRECONDITION_FAILED", PRECONDITION_FAILED;
    /// The body is larger than allowed.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", PAYLOAD_TOO_LARGE;
    /// The address is longer than allowed.
    UriTooLong = "URI_TOO_LONG", URI_TOO_LONG;
    /// The content type is not the one that this endpoint takes.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", UNSUPPORTED_MEDIA_TYPE;
    /// The key was used before with another body.
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", UNPROCESSABLE_ENTITY;
    /// This client has too many requests of this kind, or at once; see `Retry-After`.
    TooManyRequests = "TOO_MANY_REQUESTS", TOO_MANY_REQUESTS;
    /// The image is none that we take, or is damaged.
    InvalidImage = "INVALID_IMAGE", UNPROCESSABLE_ENTITY;
    /// The file has nothing but blank rows.
    EmptyFile = "EMPTY_FILE", UNPROCESSABLE_ENTITY;
    /// The file is larger than allowed.
    FileTooLarge = "FILE_TOO_LARGE", PAYLOAD_TOO_LARGE;
    /// The workbook unpacks to more than allowed.
    FileInflatesTooLarge = "FILE_INFLATES_TOO_LARGE", PAYLOAD_TOO_LARGE;
    /// The sheet has more rows than allowed.
    TooManyRows = "TOO_MANY_ROWS", PAYLOAD_TOO_LARGE;
    /// The sheet has more columns than allowed.
    TooManyColumns = "TOO_MANY_COLUMNS", UNPROCESSABLE_ENTITY;
    /// The file is neither CSV nor XLSX.
    UnknownFormat = "UNKNOWN_FORMAT", UNSUPPORTED_MEDIA_TYPE;
    /// The workbook has a password.
    EncryptedFile = "ENCRYPTED_FILE", UNPROCESSABLE_ENTITY;
    /// The text is in no encoding that we know.
    UnknownEncoding = "UNKNOWN_ENCODING", UNPROCESSABLE_ENTITY;
    /// The names can't be right in the encoding that was assumed; see `encoding`.
    MisreadText = "MISREAD_TEXT", UNPROCESSABLE_ENTITY;
    /// A column may be a part of the name and is not understood; see `mapping`.
    UnknownNameColumn = "UNKNOWN_NAME_COLUMN", UNPROCESSABLE_ENTITY;
    /// A full name lacks a part of the name that another column has; see `mapping`.
    IncompleteFullName = "INCOMPLETE_FULL_NAME", UNPROCESSABLE_ENTITY;
    /// The mapping names a column that the file doesn't have.
    UnknownColumn = "UNKNOWN_COLUMN", UNPROCESSABLE_ENTITY;
    /// The workbook has no sheet of this name.
    UnknownSheet = "UNKNOWN_SHEET", UNPROCESSABLE_ENTITY;
    /// The row that is named as the header row is blank.
    NoHeaderRow = "NO_HEADER_ROW", UNPROCESSABLE_ENTITY;
    /// Required columns are not in the header row.
    MissingColumns = "MISSING_COLUMNS", UNPROCESSABLE_ENTITY;
    /// Two headers mean the same column.
    DuplicateColumns = "DUPLICATE_COLUMNS", UNPROCESSABLE_ENTITY;
    /// A quotation mark is never closed.
    UnclosedQuote = "UNCLOSED_QUOTE", UNPROCESSABLE_ENTITY;
    /// The file is damaged.
    BrokenFile = "BROKEN_FILE", UNPROCESSABLE_ENTITY;
    /// The certificate can't be drawn, such as where no font has a letter of the name.
    NotDrawable = "NOT_DRAWABLE", UNPROCESSABLE_ENTITY;
    /// The template has an error, or takes too much; `details` has line and column.
    InvalidTemplate = "INVALID_TEMPLATE", UNPROCESSABLE_ENTITY;
    /// The PDF was made again and differs from the issued one, which is never replaced.
    IssuedFileDiffers = "ISSUED_FILE_DIFFERS", INTERNAL_SERVER_ERROR;
    /// Something broke here; the request id finds it in the log.
    InternalError = "INTERNAL_ERROR", INTERNAL_SERVER_ERROR;
    /// Too many requests at once, or many change the same thing; see `Retry-After`.
    Busy = "BUSY", SERVICE_UNAVAILABLE;
    /// Something we depend on doesn't answer; see `Retry-After`.
    Unavailable = "UNAVAILABLE", SERVICE_UNAVAILABLE;
    /// The read doesn't show the position that was asked for yet; see `Retry-After`.
    NotCaughtUp = "NOT_CAUGHT_UP", SERVICE_UNAVAILABLE;
    /// It took too long; see `Retry-After`.
    TimedOut = "TIMED_OUT", SERVICE_UNAVAILABLE;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unlike_and_come_with_an_error_status() {
        for (n, code) in ErrorCode::ALL.iter().enumerate() {
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert_eq!(ErrorCode::of(code.as_str()), Some(*code));
            assert!(!ErrorCode::ALL[..n].contains(code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}

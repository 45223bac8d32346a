//! Errors of rendering, and which of them are permanent.

use thiserror::Error;

use crate::certificate_pdf::RenderError;
use crate::commands::CommandError;
use crate::domain::Personal;
use crate::sandbox::{NotDrawn, SandboxError};
use crate::storage::StorageError;

/// Error of rendering a PDF or reading an issued one.
#[derive(Debug, Error)]
pub enum RenderingError {
    /// The certificate can't be drawn.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The object storage doesn't respond, or its bytes differ from the issued ones.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The design image or the picture of an option is missing or was replaced.
    #[error("a design image is missing or is not the one that was pinned; upload it again")]
    Design,
    /// A PDF that was rendered again differs from the issued one, so it is not returned.
    #[error("the certificate that was rendered again differs from the issued one")]
    Differs,
    /// The template of an issuer failed to draw the certificate.
    #[error(transparent)]
    Own(#[from] NotDrawn),
    /// The files of an issuer's template are missing or were replaced.
    #[error(
        "the template's files are missing or are not those that were pinned; restore the object storage"
    )]
    TemplateFiles,
    /// The sandbox process could not be started.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The log can't be read.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The certificate is revoked, so its PDF is not returned.
    #[error("the certificate was revoked")]
    Revoked,
    /// The rendering task was stopped before it had a result.
    #[error("rendering was interrupted")]
    Interrupted,
}

impl RenderingError {
    /// Returns true if the same input always fails in the same way.
    pub(crate) const fn is_permanent(&self) -> bool {
        match self {
            Self::Render(error) => error.is_permanent(),
            Self::Design
            | Self::Differs
            | Self::Revoked
            | Self::Own(_)
            | Self::TemplateFiles
            | Self::Storage(StorageError::Differs(_)) => true,
            Self::Storage(_) | Self::Sandbox(_) | Self::Command(_) | Self::Interrupted => false,
        }
    }

    /// Returns true if the certificate needs a theme or a version of the renderer that only a newer
    /// program has.
    pub(crate) const fn needs_newer_program(&self) -> bool {
        matches!(
            self,
            Self::Render(RenderError::UnknownTheme { .. } | RenderError::UnknownRenderer { .. })
        )
    }

    /// Returns a stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Own(error) => &error.code,
            Self::TemplateFiles => "TEMPLATE_FILES_MISSING",
            Self::Sandbox(_) => "SANDBOX",
            Self::Render(error) => error.code(),
            Self::Storage(StorageError::Differs(_)) | Self::Differs => "ISSUED_BYTES_DIFFER",
            Self::Storage(_) => "STORAGE",
            Self::Design => "DESIGN_MISSING",
            Self::Command(_) => "LOG",
            Self::Revoked => "REVOKED",
            Self::Interrupted => "INTERRUPTED",
        }
    }

    /// Returns the template variable whose text can't be drawn, if that is the reason.
    pub(crate) fn field(&self) -> Option<&str> {
        match self {
            Self::Render(RenderError::MissingGlyph { field, .. }) => Some(field),
            Self::Render(RenderError::Overflow { field }) => Some(field),
            _ => None,
        }
    }

    /// Returns a description of the problem, for users with permission to read the certificate.
    pub(crate) fn reason(&self) -> Personal<String> {
        match self {
            Self::Own(error) => error.lines().join("; ").into(),
            other => other.to_string().into(),
        }
    }
}

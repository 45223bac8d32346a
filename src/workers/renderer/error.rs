//! Why a PDF is not to be had, and whether to try again.

use thiserror::Error;

use crate::commands::CommandError;
use crate::domain::Personal;
use crate::render::RenderError;
use crate::sandbox::{NotDrawn, SandboxError};
use crate::storage::StorageError;

/// Why a PDF is not to be had.
#[derive(Debug, Error)]
pub enum RenderingError {
    /// It can't be drawn.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The object storage doesn't answer, or holds other bytes than were issued.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The design image, or the picture of an option, is gone or was replaced.
    #[error("a design image is missing or is not the one that was pinned; upload it again")]
    Design,
    /// What was rendered again is not what was issued; it is not served.
    #[error("the certificate that was rendered again differs from the issued one")]
    Differs,
    /// A template of an issuer's own doesn't draw it.
    #[error(transparent)]
    Own(#[from] NotDrawn),
    /// The files of a template of an issuer's own are gone or were replaced.
    #[error("the template's files are missing or are not those that were pinned; restore the object storage")]
    TemplateFiles,
    /// No process for drawing could be started.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The log can't be read.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The certificate doesn't count any more, so its PDF is not given out.
    #[error("the certificate was revoked")]
    Revoked,
    /// The rendering task was stopped.
    #[error("rendering was interrupted")]
    Interrupted,
}

impl RenderingError {
    /// Whether the same input fails the same way for ever.
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

    /// A stable code.
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

    /// Which of the certificate's texts can't be drawn, by its name in templates, if that is the reason.
    pub(crate) fn field(&self) -> Option<&str> {
        match self {
            Self::Render(RenderError::MissingGlyph { field, .. }) => Some(field),
            Self::Render(RenderError::Overflow { field }) => Some(field),
            _ => None,
        }
    }

    /// The problem, for users who may read the certificate.
    pub(crate) fn reason(&self) -> Personal<String> {
        match self {
            Self::Own(error) => error.lines().join("; ").into(),
            other => other.to_string().into(),
        }
    }
}

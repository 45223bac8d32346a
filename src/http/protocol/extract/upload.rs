//! Multipart body with one file. The file is streamed to a temporary file within limits and never
//! held in memory.

use std::collections::BTreeMap;
use std::path::Path;

use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use sha2::{Digest, Sha256};
use tempfile::TempPath;
use tokio::io::{AsyncWriteExt, BufWriter};

use super::naming::camel_case;
use crate::http::protocol::field_problem::{GIVEN_TWICE, REQUIRED, UNKNOWN_FIELD};
use crate::http::{ApiError, ErrorCode, HttpState};

/// Bytes from the start of a file that are kept to detect its format.
const HEAD_BYTES: usize = crate::spreadsheet::SNIFF_BYTES;
/// The longest text field, in bytes.
const MAX_TEXT_BYTES: usize = 4_096;
/// Largest number of bytes that field names, boundaries and texts may add to the file.
const MAX_REST_BYTES: u64 = 64 * 1024;

/// Multipart body: the file, and the text fields by their camelCase names.
pub struct Upload {
    /// The part named `file`.
    pub file: UploadedFile,
    texts: BTreeMap<String, String>,
}

/// Uploaded file. It is deleted when this value is dropped.
pub struct UploadedFile {
    path: TempPath,
    /// Name that the client gave the file.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// First bytes.
    pub head: Vec<u8>,
}

impl UploadedFile {
    /// Returns the path of the temporary file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Upload {
    /// Reads a body with a file of at most `limit` bytes and text fields with these `names`.
    ///
    /// # Errors
    /// The body is not multipart, is broken or is too large; or a part is missing, unknown or given
    /// twice.
    pub async fn read(
        http: &HttpState,
        mut request: Request,
        limit: u64,
        names: &[&str],
    ) -> Result<Self, ApiError> {
        let most = usize::try_from(limit + MAX_REST_BYTES).unwrap_or(usize::MAX);
        DefaultBodyLimit::max(most).apply(&mut request);
        let mut parts = Multipart::from_request(request, http).await?;
        let mut file = None;
        let mut texts = BTreeMap::new();
        while let Some(part) = parts.next_field().await? {
            let name = camel_case(part.name().unwrap_or_default());
            let is_new = if name == "file" {
                file.replace(receive(part, limit).await?).is_none()
            } else if names.contains(&name.as_str()) {
                texts
                    .insert(name.clone(), text(&name, part).await?)
                    .is_none()
            } else {
                let known = names.join(", ");
                return Err(ApiError::malformed(
                    &printable(&name),
                    UNKNOWN_FIELD,
                    format!("unknown field; known are file, {known}"),
                ));
            };
            if !is_new {
                return Err(ApiError::malformed(&name, GIVEN_TWICE, "is given twice"));
            }
        }
        let problem = "is missing; send the file in this part";
        let file = file.ok_or_else(|| ApiError::malformed("file", REQUIRED, problem))?;
        Ok(Self { file, texts })
    }

    /// Returns a text field. An empty field counts as absent.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts
            .get(name)
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    }

    /// Parses a text field. `what` names the expected form in the error.
    ///
    /// # Errors
    /// 400 if the text can't be parsed.
    pub fn parsed<T: std::str::FromStr>(
        &self,
        name: &str,
        what: &str,
    ) -> Result<Option<T>, ApiError> {
        let wrong = |_| ApiError::wrong_type(name, format!("must be {what}"));
        self.text(name)
            .map(|text| text.parse().map_err(wrong))
            .transpose()
    }

    /// Returns the SHA-256 of the file and texts. The body itself is not hashed, because its
    /// boundary differs from request to request.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.file.sha256);
        for (name, text) in &self.texts {
            hash.update(format!("{}:{name}={}:{text};", name.len(), text.len()));
        }
        hash.finalize().into()
    }
}

async fn text(name: &str, mut part: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await? {
        if bytes.len() + chunk.len() > MAX_TEXT_BYTES {
            return Err(ApiError::value(
                name,
                "TOO_LONG",
                format!("is longer than {MAX_TEXT_BYTES} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| ApiError::wrong_type(name, "must be UTF-8"))
}

async fn receive(mut part: Field<'_>, limit: u64) -> Result<UploadedFile, ApiError> {
    let name = printable(part.file_name().unwrap_or_default());
    let (file, path) = tempfile::NamedTempFile::new()
        .map_err(ApiError::internal)?
        .into_parts();
    let mut writer = BufWriter::new(tokio::fs::File::from_std(file));
    let mut hash = Sha256::new();
    let mut head = Vec::new();
    let mut size = 0_u64;
    while let Some(chunk) = part.chunk().await? {
        size += chunk.len() as u64;
        if size > limit {
            let message = format!("the file is larger than {} MiB", limit >> 20);
            return Err(ApiError::new(ErrorCode::FileTooLarge, message));
        }
        hash.update(&chunk);
        let missing = HEAD_BYTES - head.len();
        head.extend_from_slice(&chunk[..missing.min(chunk.len())]);
        writer.write_all(&chunk).await.map_err(ApiError::internal)?;
    }
    writer.flush().await.map_err(ApiError::internal)?;
    if size == 0 {
        return Err(ApiError::new(ErrorCode::EmptyFile, "the file is empty"));
    }
    Ok(UploadedFile {
        path,
        name,
        size,
        sha256: hash.finalize().into(),
        head,
    })
}

/// Removes control characters from a name and limits it to 200 characters.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

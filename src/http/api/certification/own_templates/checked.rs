//! Check of a submitted template: it is parsed and drawn with its sample, and only then stored.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::TemplateId;
use crate::domain::certification::manifest::{MAX_BYTES, Manifest};
use crate::domain::certification::template::TemplateFiles;
use crate::http::protocol::field_problem::{FieldProblem, INVALID_VALUE};
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::rendering::{MAX_SOURCE, NotDrawn};
use crate::storage::template_key;

/// Checks a template, then stores it under keys derived from its content, so that no object is ever
/// overwritten.
pub(super) async fn store(
    http: &HttpState,
    id: TemplateId,
    source: &str,
    manifest: &Value,
) -> Result<TemplateFiles, ApiError> {
    let written = serde_json::to_vec(manifest).map_err(ApiError::internal)?;
    let manifest = parse(&written)?;
    if source.len() > MAX_SOURCE {
        return Err(ApiError::field(
            "source",
            format!("is larger than {} KiB", MAX_SOURCE >> 10),
        ));
    }
    draw(http, source, &manifest).await?;
    let source_sha256 = HEXLOWER.encode(&Sha256::digest(source.as_bytes()));
    let manifest_sha256 = HEXLOWER.encode(&Sha256::digest(&written));
    let source_key = template_key(id.0, &source_sha256, "typ").map_err(ApiError::internal)?;
    let manifest_key = template_key(id.0, &manifest_sha256, "json").map_err(ApiError::internal)?;
    // The files are stored first, so that every version in the log has its files.
    http.storage
        .put_new(&source_key, Bytes::copy_from_slice(source.as_bytes()))
        .await?;
    http.storage
        .put_new(&manifest_key, Bytes::from(written))
        .await?;
    Ok(TemplateFiles {
        source_key: source_key.to_string(),
        source_sha256,
        source_size: source.len() as u64,
        manifest_key: manifest_key.to_string(),
        manifest_sha256,
    })
}

fn parse(manifest: &[u8]) -> Result<Manifest, ApiError> {
    if manifest.len() > MAX_BYTES {
        return Err(ApiError::field(
            "manifest",
            format!("is larger than {} KiB", MAX_BYTES >> 10),
        ));
    }
    Manifest::parse(manifest).map_err(|error| {
        // The manifest was serialized again, so the line numbers are not those of the request.
        let unplaced = |line: &str| {
            line.split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let problems = error
            .0
            .iter()
            .map(|line| FieldProblem::new("manifest", INVALID_VALUE, unplaced(line)))
            .collect();
        ApiError::new(ErrorCode::ValidationError, "the manifest is not acceptable")
            .with_problems(problems)
    })
}

/// Draws the sample. Slots limit the number of concurrent drawings.
async fn draw(http: &HttpState, source: &str, manifest: &Manifest) -> Result<(), ApiError> {
    // Released together with the end of the sandbox process, which is killed if the client
    // disconnects.
    let _slot = http.sample_slot()?;
    let drawn = http.rendering.draw_sample(source, manifest).await?;
    let wrong: Vec<String> = drawn
        .iter()
        .filter_map(|drawn| drawn.as_ref().err())
        .flat_map(NotDrawn::lines)
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let mut problems: Vec<FieldProblem> = Vec::new();
    for line in wrong {
        let problem = FieldProblem::new("source", ErrorCode::InvalidTemplate.as_str(), line);
        // Both languages usually have the same problems.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    let message = "the template doesn't draw its sample; the details say where and why";
    Err(ApiError::new(ErrorCode::InvalidTemplate, message).with_problems(problems))
}

//! Upload of a design.

use axum::extract::{Request, State};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::designs::DesignAnswer;
use crate::commands::CommandContext;
use crate::design_image::{MAX_BYTES, NotTaken, Prepared};
use crate::domain::DesignId;
use crate::domain::certification::design::{Design, DesignCommand, DesignImage};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::upload::Upload;
use crate::http::protocol::field_problem::{FieldProblem, REQUIRED};
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::protocol::intake::Place;
use crate::http::{Answer, ApiError, ErrorCode, HttpState};
use crate::rendering::RenderingError;
use crate::storage::{design_key, small_design_key};

/// Default client of a design.
const DEFAULT_CLIENT: &str = "general";
const FILE_NAME: &str = "design";

/// A design image and its metadata.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(
    dead_code,
    reason = "describes the multipart body for the OpenAPI document"
)]
pub struct DesignForm {
    /// JPEG, PNG, WebP or SVG; at most 10 MiB and 50 megapixels.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Name of the design, 1–200 characters.
    #[schema(example = "Gold frame", min_length = 1, max_length = 200)]
    name: String,
    /// Description for people, at most 1,000 characters.
    #[schema(example = "The frame of 2026", max_length = 1000)]
    description: Option<String>,
    /// Client that the design belongs to. The default is `general`.
    #[schema(example = "Acme", max_length = 200)]
    client: Option<String>,
}

/// Uploads a background image for certificates. A4 landscape is the best format.
///
/// The format is detected from the content, not from the file name. The image is rotated as its
/// metadata says, reduced to at most 3508 pixels per side (A4 at 300 dpi), and encoded again: as
/// PNG if it is transparent, otherwise as JPEG of quality 92. A result of more than 10 MiB is
/// encoded as JPEG instead, if necessary with quality 75, and its transparent parts become white.
/// Metadata is removed. SVG is converted to pixels. An SVG with scripts, with texts that are not
/// outlines, or with references to other files is rejected.
#[utoipa::path(
    post, path = "/certificates/upload-design",
    request_body(content = DesignForm, content_type = "multipart/form-data"),
    params(Repeatable),
    responses(
        (status = 201, description = "Stored", body = Envelope<DesignAnswer>),
        (status = 413, description = "FILE_TOO_LARGE, PAYLOAD_TOO_LARGE"),
        (status = 415, description = "UNKNOWN_FORMAT: neither JPEG, PNG, WebP nor SVG. UNSUPPORTED_MEDIA_TYPE: not multipart/form-data"),
        (status = 422, description = "INVALID_IMAGE, EMPTY_FILE"),
        (status = 429, description = "TOO_MANY_REQUESTS: you have too many uploads in progress"),
        (status = 503, description = "BUSY: too many uploads are in progress; see `Retry-After`"),
    )
)]
pub async fn upload_design(
    State(http): State<HttpState>,
    write: Repeatable,
    request: Request,
) -> Result<Answer, ApiError> {
    let place = http.designs.enter(write.caller.user_id)?;
    let limit = MAX_BYTES.min(http.settings.upload_limit_bytes);
    let upload = Upload::read(&http, request, limit, &["name", "description", "client"]).await?;
    write
        .once(&http, upload.sha256(), async |context| {
            store(&http, &upload, &place, &context).await
        })
        .await
}

async fn store(
    http: &HttpState,
    upload: &Upload,
    place: &Place,
    context: &CommandContext,
) -> Result<Answer, ApiError> {
    let id = DesignId(created_by(context.command_id, "design"));
    let name = bounded(upload, "name", 200)?
        .ok_or_else(|| ApiError::malformed("name", REQUIRED, "is missing"))?;
    let client = bounded(upload, "client", 200)?.unwrap_or(DEFAULT_CLIENT);
    let description = bounded(upload, "description", 1_000)?.map(str::to_owned);
    let picture = prepared(http, upload, place).await?;
    let key = design_key(
        client,
        http.now().year(),
        name,
        id.0,
        picture.kind.extension(),
    );
    let key = key.map_err(ApiError::internal)?;
    let small = small_design_key(&key).map_err(ApiError::internal)?;
    let image = DesignImage {
        key: key.to_string(),
        thumbnail_key: small.to_string(),
        sha256: HEXLOWER.encode(&Sha256::digest(&picture.bytes)),
        size: picture.bytes.len() as u64,
        mime_type: picture.kind.mime_type().to_owned(),
        width: picture.width,
        height: picture.height,
        client: client.to_owned(),
        name: name.to_owned(),
        description,
        original_name: original_name(&upload.file.name),
    };
    // The files are stored before the event is appended, so that every design in the log has its
    // files.
    http.storage
        .put_new(&key, Bytes::from(picture.bytes))
        .await?;
    http.storage
        .put_new(&small, Bytes::from(picture.small))
        .await?;
    let done = http
        .commands
        .execute::<Design>(context, id, DesignCommand::Upload(image.clone()))
        .await?;
    let history = http.commands.history::<Design>(id, done.position).await?;
    let answer = DesignAnswer::uploaded(http, id, image, &history);
    let location = http.api_path(&format!("/certificates/designs/{id}"));
    Ok(Answer::ok(&answer)?
        .created(location)
        .at(done.position)
        .version(done.position))
}

/// Converts the uploaded image to the stored one, in a sandbox process. The process is killed if
/// the client disconnects or the request takes too long.
async fn prepared(http: &HttpState, upload: &Upload, place: &Place) -> Result<Prepared, ApiError> {
    let _turn = place.turn().await?;
    let prepared = http.sandbox.prepare_design(upload.file.path()).await;
    prepared.map_err(RenderingError::from)?.map_err(refuse)
}

fn original_name(given: &str) -> String {
    if given.is_empty() {
        FILE_NAME.to_owned()
    } else {
        given.to_owned()
    }
}

fn bounded<'u>(upload: &'u Upload, name: &str, most: usize) -> Result<Option<&'u str>, ApiError> {
    match upload.text(name) {
        // A description may contain line breaks and tabs. Other control characters are rejected.
        Some(text)
            if text.chars().count() > most
                || text.chars().any(|c| {
                    c.is_control() && !(name == "description" && "\r\n\t".contains(c))
                }) =>
        {
            Err(ApiError::field(
                name,
                format!("give at most {most} characters, without control characters"),
            ))
        }
        text => Ok(text),
    }
}

fn refuse(problem: NotTaken) -> ApiError {
    let code = match problem {
        NotTaken::Unknown => ErrorCode::UnknownFormat,
        NotTaken::TooManyPixels { .. }
        | NotTaken::TooDeep
        | NotTaken::Broken
        | NotTaken::TooDetailed
        | NotTaken::TooCostly { .. }
        | NotTaken::Svg { .. } => ErrorCode::InvalidImage,
    };
    let message = problem.to_string();
    let problem = FieldProblem::new("file", code.as_str(), &message);
    ApiError::new(code, message).with_problems(vec![problem])
}

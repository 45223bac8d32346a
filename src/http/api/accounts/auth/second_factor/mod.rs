//! Second factor of the signed-in user.

pub mod begin;
pub mod confirm;
pub mod remove;
pub mod renew_recovery_codes;
pub mod state;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commands::{CommandError, Done};
use crate::domain::accounts::second_factor::{SecondFactor, SecondFactorCommand, Shown};
use crate::domain::{Personal, Refusal};
use crate::http::auth::second_factor;
use crate::http::auth::second_factor::{Code, RecoveryCode, sha256_of_all};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Examples of recovery codes.
const fn example_recovery_codes() -> [&'static str; 2] {
    ["MFRG-GZDF-MZTW-Q2LK-NNWG-23TP", "OBYX-E43U-OV3H-O6DZ-PIZD-GNBV"]
}

/// Code that proves possession of the second factor.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodeRequest {
    /// Six digits from the authenticator, or a recovery code.
    #[schema(value_type = String, max_length = 128, example = "492039")]
    code: Personal<String>,
}

/// Recovery codes. They are shown only in this answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodesAnswer {
    /// Each code replaces the authenticator once. Store the codes apart from it.
    #[schema(example = example_recovery_codes)]
    pub recovery_codes: Vec<String>,
}

/// Checks `code` and executes a command on the caller's second factor. A wrong code counts as a guess.
async fn decide(
    http: &HttpState,
    caller: &Caller,
    code: &Personal<String>,
    command: impl FnOnce(Shown) -> SecondFactorCommand,
) -> Result<Done<SecondFactor>, ApiError> {
    let id = caller.user_id;
    let code = Code::of(code)?;
    let factor = http.commands.load::<SecondFactor>(id).await?.state;
    let shown = second_factor::guess(http, id, &factor, &code).map_err(of_field)?;
    let context = caller.context(http.random_id().into());
    let done = http.commands.execute::<SecondFactor>(&context, id, command(shown)).await;
    if let Err(CommandError::Refused(refusal @ Refusal::WrongCode)) = done {
        return Err(of_field(refusal.into()));
    }
    second_factor::guessed_right(http, id);
    let done = done?;
    http.standing.heeds_user(done.position).await;
    Ok(done)
}

/// Like [`decide`], for a command that sets new recovery codes. The answer shows them.
async fn decide_with_codes(
    http: &HttpState,
    caller: &Caller,
    code: &Personal<String>,
    command: fn(Shown, Vec<String>) -> SecondFactorCommand,
) -> Result<Answer, ApiError> {
    let codes = RecoveryCode::fresh(http.random);
    let done = decide(http, caller, code, |shown| command(shown, sha256_of_all(&codes))).await?;
    let recovery_codes = codes.iter().map(RecoveryCode::reveal).collect();
    Ok(Answer::ok(&RecoveryCodesAnswer { recovery_codes })?.at(done.position))
}

/// Converts a wrong code into a 400 for the field `code`. The caller stays signed in, so 401 would be misleading.
fn of_field(error: ApiError) -> ApiError {
    match error.code {
        ErrorCode::WrongCode => {
            tracing::warn!("second factor code rejected");
            ApiError::field("code", "is wrong, or was used before")
        }
        _ => error,
    }
}

//! `GET /auth/second-factor`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::accounts::second_factor::{SecondFactor, SecondFactorState};
use crate::http::protocol::answer::Envelope;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// State of your second factor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorAnswer {
    /// State of the second factor.
    pub state: SecondFactorStanding,
    /// True if your role requires a second factor.
    #[schema(example = false)]
    pub is_required: bool,
    /// Number of unused recovery codes.
    #[schema(example = 10)]
    pub recovery_codes_left: usize,
}

/// States of a second factor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecondFactorStanding {
    /// No second factor.
    None,
    /// A secret was created, and no code has confirmed it yet.
    Begun,
    /// Enabled: log-ins need a code.
    On,
}

/// Returns the state of your second factor.
#[utoipa::path(
    get, path = "/auth/second-factor",
    responses((status = 200, description = "The state", body = Envelope<SecondFactorAnswer>))
)]
pub async fn get_second_factor(State(http): State<HttpState>, caller: Caller) -> Result<Answer, ApiError> {
    let loaded = http.commands.load::<SecondFactor>(caller.user_id).await?;
    let (state, recovery_codes_left) = match loaded.state {
        SecondFactorState::None => (SecondFactorStanding::None, 0),
        SecondFactorState::Begun { .. } => (SecondFactorStanding::Begun, 0),
        SecondFactorState::On(factor) => (SecondFactorStanding::On, factor.recovery_sha256.len()),
    };
    let is_required = http.auth.second_factor.asks(caller.role());
    Answer::ok(&SecondFactorAnswer { state, is_required, recovery_codes_left })
}

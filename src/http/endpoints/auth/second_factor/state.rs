//! `GET /auth/second-factor`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::second_factor::{SecondFactor, SecondFactorState};
use crate::http::answer::Envelope;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Where your second factor stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorAnswer {
    /// Where it stands.
    pub state: SecondFactorStanding,
    /// Whether the operator asks somebody of your role to have one.
    #[schema(example = false)]
    pub is_required: bool,
    /// How many recovery codes were not used.
    #[schema(example = 10)]
    pub recovery_codes_left: usize,
}

/// Where a second factor stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecondFactorStanding {
    /// There is none.
    None,
    /// A secret was given, and no code has confirmed it yet.
    Begun,
    /// Logging in asks for a code.
    On,
}

/// Whether you have a second factor.
#[utoipa::path(
    get, path = "/auth/second-factor",
    responses((status = 200, description = "Where it stands", body = Envelope<SecondFactorAnswer>))
)]
pub async fn handle(State(http): State<HttpState>, caller: Caller) -> Result<Answer, ApiError> {
    let loaded = http.commands.load::<SecondFactor>(caller.user_id).await?;
    let (state, recovery_codes_left) = match loaded.state {
        SecondFactorState::None => (SecondFactorStanding::None, 0),
        SecondFactorState::Begun { .. } => (SecondFactorStanding::Begun, 0),
        SecondFactorState::On(factor) => (SecondFactorStanding::On, factor.recovery_sha256.len()),
    };
    let is_required = http.auth.second_factor.asks(caller.role());
    Answer::ok(&SecondFactorAnswer { state, is_required, recovery_codes_left })
}

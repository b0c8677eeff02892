//! Somebody was sent to an identity provider and is awaited; known by the SHA-256 of the state they were sent with.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::OpenIdPurpose;
use crate::ids::{OpenIdJourneyId, SessionId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "openid_journeys", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OpenIdJourneyId,
    pub provider: String,
    pub purpose: OpenIdPurpose,
    /// Who asks, unless it is to sign in.
    pub session_id: Option<SessionId>,
    pub callback: String,
    pub state_token_hash: Secret<Vec<u8>>,
    pub browser_token_hash: Secret<Vec<u8>>,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

//! Somebody gave the right password and owes the second factor; known by the SHA-256 of the token they were given.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::user;
use crate::ids::{OauthConnectionId, SignInChallengeId, UserId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "sign_in_challenges", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SignInChallengeId,
    pub user_id: UserId,
    pub token_hash: Secret<Vec<u8>>,
    /// The identity provider that stood in for the password, as in the session to come.
    pub provider: Option<String>,
    pub provider_domain: Option<String>,
    pub oauth_connection_id: Option<OauthConnectionId>,
    /// How often a code was tried.
    pub attempts: i32,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

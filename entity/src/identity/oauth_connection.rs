//! A user's account at another identity provider. The tokens are encrypted.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::user;
use crate::ids::{OauthConnectionId, UserId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "oauth_connections", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OauthConnectionId,
    pub user_id: UserId,
    pub provider: String,
    /// Its subject: what the provider calls the person.
    pub provider_id: String,
    pub issuer: String,
    /// What the provider told last. Nobody is found by it.
    pub email: Option<String>,
    pub access_token: Option<Secret<Vec<u8>>>,
    pub refresh_token: Option<Secret<Vec<u8>>>,
    pub expires_at: Option<DateTimeUtc>,
    pub last_used_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

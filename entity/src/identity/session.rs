//! One sign-in on one device. Its refresh token is known by its SHA-256, as is the one before.

use async_graphql::SimpleObject;
use ipnetwork::IpNetwork;
use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::user;
use crate::ids::{OauthConnectionId, OrganizationId, SessionId, SpaceId, UserId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "sessions", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub user_id: UserId,
    pub token_hash: Secret<Vec<u8>>,
    pub previous_token_hash: Option<Secret<Vec<u8>>>,
    pub family_id: Uuid,
    /// The identity provider through which it was opened.
    pub provider: Option<String>,
    /// The domain of the address that the provider vouched for.
    pub provider_domain: Option<String>,
    pub oauth_connection_id: Option<OauthConnectionId>,
    /// Opened for the access tokens of another issuer.
    pub is_foreign: bool,
    pub provider_access_token: Option<Secret<Vec<u8>>>,
    pub provider_refresh_token: Option<Secret<Vec<u8>>>,
    pub user_agent: Option<String>,
    pub ip_address: Option<IpNetwork>,
    pub device_info: DeviceInfo,
    pub active_organization_id: Option<OrganizationId>,
    pub active_space_id: Option<SpaceId>,
    pub expires_at: DateTimeUtc,
    pub revoked_at: Option<DateTimeUtc>,
    /// When the previous refresh token was traded for the present one.
    pub traded_at: Option<DateTimeUtc>,
    /// When its holder last proved who they are.
    pub authenticated_at: DateTimeUtc,
    pub last_activity_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a client says about the device it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceInfo {
    /// The name its owner gave to the device; null for none.
    pub name: Option<String>,
    /// The operating system; null when it is not known.
    pub platform: Option<String>,
    /// The browser or application; null when it is not known.
    pub application: Option<String>,
    /// A text by which the client recognises the device; null when it gave none.
    pub fingerprint: Option<String>,
}

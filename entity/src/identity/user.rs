//! A person who signs in.

use ipnetwork::IpNetwork;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{UserRole, UserStatus, UserTier};
use crate::ids::UserId;
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "users", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    pub email: String,
    pub email_verified: bool,
    pub email_verified_at: Option<DateTimeUtc>,
    pub password_hash: Option<Secret<String>>,
    pub name: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub company: Option<String>,
    pub avatar_url: Option<String>,
    pub bio: Option<String>,
    pub role: UserRole,
    pub tier: UserTier,
    pub subscription_expires_at: Option<DateTimeUtc>,
    pub timezone: String,
    pub locale: String,
    pub status: UserStatus,
    pub mfa_enabled: bool,
    pub last_login_at: Option<DateTimeUtc>,
    pub last_login_ip: Option<IpNetwork>,
    pub metadata: Json,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

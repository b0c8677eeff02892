//! How a proved address is stored.

use entity::enums::UserStatus;
use entity::identity::user;
use sea_orm::ActiveValue::Set;

use crate::identity::users;
use crate::platform::errors::Result;
use crate::platform::write::Write;

/// Marks the address of the account as proved; with `email`, that one becomes its address.
pub async fn set_verified(write: &Write<'_>, user: &user::Model, email: Option<String>) -> Result<user::Model> {
    let now = write.request().now();
    let mut row = user::ActiveModel {
        id: Set(user.id),
        email_verified: Set(true),
        email_verified_at: Set(Some(now)),
        updated_at: Set(now),
        ..Default::default()
    };
    if let Some(email) = email {
        row.email = Set(email);
    }
    if user.status == UserStatus::PendingVerification {
        row.status = Set(UserStatus::Active);
    }
    let updated = write.update_below(&write.as_system("the mailed token is the grant"), row).await;
    updated.map_err(users::refused)
}

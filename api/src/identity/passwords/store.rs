//! How passwords and requests to reset them are stored.

use entity::enums::UserStatus;
use entity::identity::{password_reset_request, user};
use entity::ids::PasswordResetRequestId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::REQUESTED;
use crate::platform::authorization::{Granted, Read};
use crate::platform::errors::Result;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

pub(super) async fn set_hash(write: &Write<'_>, user: &Granted<user::Entity>, hash: String) -> Result<()> {
    let row = user::ActiveModel {
        id: Set(user.id),
        password_hash: Set(Some(hash.into())),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    write.update(user, row).await?;
    Ok(())
}

/// Sets the password of the account whose link was followed, which also proves its address.
pub(super) async fn reset_hash(write: &Write<'_>, user: &user::Model, hash: String) -> Result<()> {
    let now = write.request().now();
    let mut row = user::ActiveModel {
        id: Set(user.id),
        password_hash: Set(Some(hash.into())),
        updated_at: Set(now),
        ..Default::default()
    };
    if !user.email_verified {
        row.email_verified = Set(true);
        row.email_verified_at = Set(Some(now));
    }
    if user.status == UserStatus::PendingVerification {
        row.status = Set(UserStatus::Active);
    }
    write.update_below(&write.as_system("the mailed token is the grant"), row).await?;
    Ok(())
}

pub(super) async fn insert_request(write: &Write<'_>, email: &str) -> Result<()> {
    let request = write.request();
    let id = PasswordResetRequestId(request.new_id());
    let sealed = request.platform.sealing.seal(REQUESTED, id.uuid(), email.as_bytes())?;
    let row = password_reset_request::ActiveModel {
        id: Set(id),
        email_secret: Set(Some(sealed.into())),
        created_at: Set(request.now()),
        ..Default::default()
    };
    write.insert(&write.as_system("anybody may ask for a link to their own address"), row).await?;
    Ok(())
}

/// The request that waits longest and that no other server is at.
pub(super) async fn take_request(write: &Write<'_>) -> Result<Option<password_reset_request::Model>> {
    Ok(Read::new(Viewer::System("requests to reset a password are answered"))
        .through_granted_row::<password_reset_request::Entity>("the server's own list of work")
        .filter(password_reset_request::Column::HandledAt.is_null())
        .order_by_asc(password_reset_request::Column::CreatedAt)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(write.connection())
        .await?)
}

/// The request is answered, and its address forgotten.
pub(super) async fn set_handled(write: &Write<'_>, id: PasswordResetRequestId) -> Result<()> {
    let row = password_reset_request::ActiveModel {
        id: Set(id),
        email_secret: Set(None),
        handled_at: Set(Some(write.request().now())),
        ..Default::default()
    };
    write.update_below(&write.as_system("the request is answered"), row).await?;
    Ok(())
}

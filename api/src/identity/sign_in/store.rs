//! How a sign-in is noted.

use entity::identity::user;
use entity::ids::UserId;
use ipnetwork::IpNetwork;
use sea_orm::ActiveValue::Set;

use crate::platform::errors::Result;
use crate::platform::write::Write;

/// Notes when and from where the user last signed in.
pub async fn note_sign_in(write: &Write<'_>, id: UserId) -> Result<()> {
    let request = write.request();
    let row = user::ActiveModel {
        id: Set(id),
        last_login_at: Set(Some(request.now())),
        last_login_ip: Set(request.origin.ip.map(IpNetwork::from)),
        ..Default::default()
    };
    let authority = write.as_system("the user proved who they are");
    write.update_below(&authority, row).await?;
    Ok(())
}

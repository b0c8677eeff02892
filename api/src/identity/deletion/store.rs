//! How an account is emptied.

use entity::identity::user;
use entity::ids::UserId;
use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::platform::authorization::Granted;
use crate::platform::errors::Result;
use crate::platform::write::Write;

/// Leaves a row that says nothing of the person. Its address is one that no mail can have.
pub(super) async fn anonymize(write: &Write<'_>, user: &Granted<user::Entity>) -> Result<()> {
    let now = write.request().now();
    let row = user::ActiveModel {
        id: Set(user.id),
        email: Set(format!("{}@deleted.invalid", user.id.uuid().simple())),
        email_verified: Set(false),
        email_verified_at: Set(None),
        password_hash: Set(None),
        name: Set("Deleted account".to_owned()),
        first_name: Set(None),
        last_name: Set(None),
        company: Set(None),
        avatar_url: Set(None),
        bio: Set(None),
        timezone: Set("UTC".to_owned()),
        locale: Set("en-US".to_owned()),
        mfa_enabled: Set(false),
        last_login_at: Set(None),
        last_login_ip: Set(None),
        metadata: Set(serde_json::json!({})),
        version: Set(user.version + 1),
        updated_at: Set(now),
        deleted_at: Set(Some(now)),
        ..Default::default()
    };
    write.update(user, row).await?;
    Ok(())
}

/// Removes preferences and links to other providers. Sessions stay, ended and without the place they were used from.
pub(super) async fn remove_belongings(write: &Write<'_>, user: UserId) -> Result<()> {
    for sql in [
        "DELETE FROM identity.user_settings WHERE user_id = $1",
        "DELETE FROM identity.oauth_connections WHERE user_id = $1",
        "DELETE FROM identity.verification_tokens WHERE user_id = $1",
        "UPDATE tenancy.invitations SET email = $1::text || '@deleted.invalid' \
         WHERE lower(email) = (SELECT lower(email) FROM identity.users WHERE id = $1)",
        "UPDATE identity.sessions SET user_agent = NULL, ip_address = NULL, device_info = '{}', \
         provider_access_token = NULL, provider_refresh_token = NULL, \
         provider_domain = NULL WHERE user_id = $1",
    ] {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [user.uuid().into()]);
        write.connection().execute_raw(statement).await?;
    }
    Ok(())
}

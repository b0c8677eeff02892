//! When an account may go, and what goes with it.

use entity::identity::user;
use entity::ids::UserId;

use super::store;
use crate::identity::IdentityErrorCode as Code;
use crate::identity::events::IdentityEvent;
use crate::identity::{mailed_tokens, mfa, sessions};
use crate::platform::authorization::Action;
use crate::platform::errors::{Result, reject};
use crate::platform::mail::Letter;
use crate::platform::request::Request;
use crate::platform::write::Committed;
use crate::tenancy::departure;

/// Deletes the viewer's account for good.
pub(super) async fn delete(request: &Request) -> Result<Committed<UserId>> {
    let id = request.user_id()?;
    let mut write = request.begin_unrepeatable_write_of_grants().await?;
    let user = write.granted::<user::Entity>(id, Action::Edit).await?;
    sessions::require_recent_authentication(&write).await?;
    let owned = departure::solely_owned_now(&write, id).await?;
    if !owned.is_empty() {
        let names = owned.join("\", \"");
        let message = format!("You are the only owner of \"{names}\". Make somebody else owner, or delete it first.");
        return Err(reject("", Code::SoleOwner, message));
    }
    departure::leave_everything(&mut write, id).await?;
    sessions::revoke_others(&mut write, id, None).await?;
    mailed_tokens::end_all(&write, id, None).await?;
    mfa::end_challenges(&write, id).await?;
    mfa::remove_all(&write, id).await?;
    store::remove_belongings(&write, id).await?;
    let letter = Letter::new(&user.email, "Your account was deleted")
        .paragraph("Your Trellis account was deleted, with your personal space and everything in it.")
        .paragraph("If it was not you, ask whoever runs this server for help.");
    write.send(letter);
    store::anonymize(&write, &user).await?;
    write.record(&IdentityEvent::UserDeleted { user: id });
    let committed = write.commit(id).await?;
    request.sign_out();
    Ok(committed)
}

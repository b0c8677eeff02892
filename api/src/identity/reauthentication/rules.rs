//! What counts as a proof.

use chrono::{DateTime, Utc};
use entity::identity::user;

use crate::identity::IdentityErrorCode as Code;
use crate::identity::attempts::{self, Attempt};
use crate::identity::events::IdentityEvent;
use crate::identity::{mfa, passwords, sessions};
use crate::platform::authorization::Action;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::write::Committed;

/// Checks the proof and marks the session. An account with a second factor takes a code: a password alone, which may be
/// known to whoever has the session, would prove less than signing in did.
pub(super) async fn reauthenticate(
    request: &Request,
    password: Option<String>,
    code: Option<String>,
) -> Result<Committed<DateTime<Utc>>> {
    let id = request.user_id()?;
    let user = request.get::<user::Entity>(id).await?;
    let mut write = if user.mfa_enabled {
        let attempt = Attempt::Proof { user: id };
        attempts::count(request, attempt).await?;
        let write = request.begin_unrepeatable_write().await?;
        let user = write.granted::<user::Entity>(id, Action::Edit).await?;
        if !mfa::prove_code(&write, &user, code.as_deref().unwrap_or_default()).await? {
            return Err(reject("code", Code::CodeInvalid, "Give a code of your authenticator that was not used yet."));
        }
        attempts::forgive(request, attempt).await;
        write
    } else {
        passwords::prove(request, &user, "password", password.unwrap_or_default()).await?;
        request.begin_unrepeatable_write().await?
    };
    let authenticated_at = sessions::mark_authenticated(&write).await?;
    write.record(&IdentityEvent::Reauthenticated { user: id });
    write.commit(authenticated_at).await
}

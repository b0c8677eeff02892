//! What may happen to a session, and by whom. A session is only its user's.

use chrono::{DateTime, Duration, Utc};
use entity::identity::session;
use entity::ids::{SessionId, UserId};
use sea_orm::{ColumnTrait, Condition};

use super::{refresh_tokens, store};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::events::IdentityEvent;
use crate::platform::authorization::{Action, ActionSet, Resource, nothing};
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

impl Resource for session::Entity {
    type Id = SessionId;

    fn id(row: &session::Model) -> SessionId {
        row.id
    }

    fn id_column() -> session::Column {
        session::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &session::Model) -> ActionSet {
        if viewer.user_id() == Some(row.user_id) && row.revoked_at.is_none() {
            ActionSet::of(&[Action::Read, Action::Delete])
        } else {
            ActionSet::NONE
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.user_id().map_or_else(nothing, |id| {
            Condition::all().add(session::Column::UserId.eq(id)).add(session::Column::RevokedAt.is_null())
        })
    }
}

/// A session that was opened or renewed, with the one sight of its refresh token.
#[derive(Debug)]
pub struct OpenSession {
    pub user_id: UserId,
    pub session_id: SessionId,
    /// None when it was traded by another window at once.
    pub refresh_token: Option<String>,
}

/// Opens a session for somebody who has just proved who they are. Always a new one: nobody can bring a session along
/// and have it become another's.
pub async fn open(write: &mut Write<'_>, user_id: UserId) -> Result<OpenSession> {
    let request = write.request();
    let session_id = SessionId(request.new_id());
    let refresh_token = refresh_tokens::issue(&request.platform, session_id);
    store::insert(write, session_id, user_id, &refresh_token).await?;
    write.record(&IdentityEvent::SignedIn { user: user_id, session: session_id });
    Ok(OpenSession { user_id, session_id, refresh_token: Some(refresh_token) })
}

/// Ends one of the viewer's sessions.
pub(super) async fn revoke(request: &Request, id: SessionId) -> Result<Committed<session::Model>> {
    let mut write = request.begin_write_of_grants().await?;
    let session = write.granted::<session::Entity>(id, Action::Delete).await?;
    let is_present = write.viewer().session_id() == Some(id);
    let revoked = store::revoke(&write, session.id).await?;
    write.record(&IdentityEvent::SignedOut { user: session.user_id, session: id });
    let committed = write.commit(revoked).await?;
    if is_present {
        request.sign_out();
    }
    Ok(committed)
}

/// Ends all sessions of the viewer but the present one.
pub(super) async fn revoke_all_others(request: &Request) -> Result<Committed<u64>> {
    let user = request.user_id()?;
    let kept = request.viewer().session_id();
    let mut write = request.begin_write_of_grants().await?;
    let count = revoke_others(&mut write, user, kept).await?;
    write.commit(count).await
}

/// Ends the sessions of a user, all or all but one.
pub async fn revoke_others(write: &mut Write<'_>, user: UserId, kept: Option<SessionId>) -> Result<u64> {
    let count = store::revoke_others(write, user, kept).await?;
    write.record(&IdentityEvent::OthersSignedOut { user, count });
    Ok(count)
}

/// Refuses unless the viewer's session proved lately who holds it: before what cannot be undone, or what would lock its
/// owner out. Other domains ask for it too, so each has the code REAUTHENTICATION_REQUIRED.
pub async fn require_recent_authentication(write: &Write<'_>) -> Result<()> {
    let request = write.request();
    if write.viewer().is_system() {
        return Ok(());
    }
    let session = store::present(write).await?;
    let life = Duration::seconds(request.platform.config.reauthentication_seconds);
    if session.authenticated_at + life > request.now() {
        return Ok(());
    }
    Err(reject("", Code::ReauthenticationRequired, "Prove again who you are with reauthenticate, then repeat this."))
}

/// Notes that the viewer proved who they are.
pub async fn mark_authenticated(write: &Write<'_>) -> Result<DateTime<Utc>> {
    let session = store::present(write).await?;
    Ok(store::set_authenticated(write, session.id).await?.authenticated_at)
}

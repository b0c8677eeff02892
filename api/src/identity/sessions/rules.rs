//! What may happen to a session, and by whom. A session is only its user's.

use chrono::{DateTime, Duration, Utc};
use entity::identity::{session, sign_in_challenge};
use entity::ids::{OauthConnectionId, SessionId, UserId};
use sea_orm::{ColumnTrait, Condition};

use super::{refresh_tokens, store};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::events::IdentityEvent;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

impl Resource for session::Entity {
    type Id = SessionId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[];

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

/// The identity provider through which somebody came in.
#[derive(Clone, Debug)]
pub struct Through {
    /// The id of the provider.
    pub provider: String,
    pub connection_id: OauthConnectionId,
    /// The domain of the address it vouched for, in lower case.
    pub domain: Option<String>,
    /// When they proved to the provider who they are, if it says so.
    pub authenticated_at: Option<DateTime<Utc>>,
}

impl Through {
    /// What was kept while the second factor was awaited. It was given just now, whatever came before.
    pub fn of_challenge(challenge: &sign_in_challenge::Model) -> Option<Self> {
        Some(Self {
            provider: challenge.provider.clone()?,
            connection_id: challenge.oauth_connection_id?,
            domain: challenge.provider_domain.clone(),
            authenticated_at: None,
        })
    }
}

/// Opens a session for somebody who has just proved who they are. Always a new one: nobody can bring a session along
/// and have it become another's.
pub async fn open(write: &mut Write<'_>, user_id: UserId, through: Option<&Through>) -> Result<OpenSession> {
    let request = write.request();
    let session_id = SessionId(request.new_id());
    let refresh_token = refresh_tokens::issue(&request.platform, session_id);
    // A provider may let somebody in who proved long ago who they are. Then that is how old the proof is.
    let now = request.now();
    let authenticated_at = through.and_then(|through| through.authenticated_at).unwrap_or(now).min(now);
    let new = NewSession { id: session_id, user_id, through, authenticated_at, is_foreign: false };
    store::insert(write, new, refresh_tokens::digest(&refresh_token)).await?;
    write.record(&IdentityEvent::SignedIn { user: user_id, session: session_id });
    Ok(OpenSession { user_id, session_id, refresh_token: Some(refresh_token) })
}

/// Opens a session for the access tokens of another issuer. It has no refresh token, and proves nothing by itself: such a
/// token passes through many hands, however lately its owner gave a password for it.
pub async fn open_foreign(write: &mut Write<'_>, user_id: UserId, through: &Through) -> Result<SessionId> {
    let request = write.request();
    let id = SessionId(request.new_id());
    let authenticated_at = DateTime::UNIX_EPOCH;
    let new = NewSession { id, user_id, through: Some(through), authenticated_at, is_foreign: true };
    // The digest of a token that nobody has.
    let nobody = refresh_tokens::digest(&refresh_tokens::issue(&request.platform, id));
    store::insert(write, new, nobody).await?;
    write.record(&IdentityEvent::SignedIn { user: user_id, session: id });
    Ok(id)
}

/// What the row of a new session is made from.
pub(super) struct NewSession<'a> {
    pub id: SessionId,
    pub user_id: UserId,
    pub through: Option<&'a Through>,
    pub authenticated_at: DateTime<Utc>,
    pub is_foreign: bool,
}

/// Ends one of the viewer's sessions.
pub(super) async fn revoke(request: &Request, id: SessionId) -> Result<Committed<session::Model>> {
    let mut write = request.begin_write_of_sessions().await?;
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
    let mut write = request.begin_write_of_sessions().await?;
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
/// owner out. Other domains ask for it too, so each has the code REAUTHENTICATION_REQUIRED. A key proves nothing.
pub async fn require_recent_authentication(write: &Write<'_>) -> Result<()> {
    let request = write.request();
    if write.viewer().is_system() {
        return Ok(());
    }
    if write.viewer().key().is_some() {
        let message = "This takes a person who has proved lately who they are. No API key can do it.";
        return Err(reject("", Code::ReauthenticationRequired, message));
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

/// The session that the viewer keeps where only those are kept that were opened here.
pub async fn own_unless_foreign(write: &Write<'_>) -> Result<Option<SessionId>> {
    let session = store::present(write).await?;
    Ok((!session.is_foreign).then_some(session.id))
}

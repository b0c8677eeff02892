//! Sessions as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::identity::session::{self, DeviceInfo};
use entity::ids::SessionId;

use super::{rules, store};
use crate::identity::IdentityErrorCode;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page, count_by};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};

/// A session.
#[derive(Clone, Debug)]
pub struct Session(Arc<session::Model>);

impl Node for Session {}

impl From<session::Model> for Session {
    fn from(row: session::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Session {
    /// The session, if it is the viewer's own.
    pub async fn find(request: &Request, id: SessionId) -> Result<Option<Self>> {
        Ok(request.find::<session::Entity>(id).await?.map(Self))
    }
}

/// One sign-in of yours on one device. Nobody else sees it.
#[Object]
impl Session {
    /// The id of the session.
    pub async fn id(&self) -> SessionId {
        self.0.id
    }

    /// What the device says about itself.
    async fn device(&self) -> &DeviceInfo {
        &self.0.device_info
    }

    /// The User-Agent header it signed in with; null for none.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// The network address it signed in from; null when it is not known.
    async fn ip_address(&self) -> Option<String> {
        self.0.ip_address.map(|network| network.ip().to_string())
    }

    /// The id of the identity provider through which it signed in. Null when it was by a password.
    async fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// When it signed in.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its tokens were last renewed.
    async fn last_activity_at(&self) -> DateTime<Utc> {
        self.0.last_activity_at
    }

    /// When its holder last gave a password or a code. Dangerous changes need that to be recent. Null when they never
    /// did, as with the tokens of another issuer.
    async fn authenticated_at(&self) -> Option<DateTime<Utc>> {
        Some(self.0.authenticated_at).filter(|at| *at > DateTime::UNIX_EPOCH)
    }

    /// When it ends, unless its tokens are renewed before.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// Whether it is the one that asks.
    async fn is_current(&self, ctx: &Context<'_>) -> bool {
        ctx.request().viewer().session_id() == Some(self.0.id)
    }

    /// What you can do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<session::Entity>(&self.0).actions()
    }
}

/// The viewer's live sessions.
pub async fn of_viewer(request: &Request, page: Page) -> Result<Connection<Session>> {
    let slice = store::of_viewer(request, &page).await?;
    let count = count_by(|request| Box::pin(store::count_of_viewer(request)));
    Ok(Connection::new(slice, store::place, Session::from, count))
}

/// A session to end.
#[derive(InputObject)]
struct SessionRevokeInput {
    /// The session, which may be the present one.
    id: SessionId,
}

payload! {
    /// What ending a session ended with.
    SessionRevokePayload {
        /// The session as it was last; null when it was refused.
        session: Session, IdentityErrorCode
    }
}

payload! {
    /// What signing out everywhere else ended with.
    SessionRevokeOthersPayload {
        /// How many sessions were ended; null when it was refused.
        revoked: u64, IdentityErrorCode
    }
}

/// Changes of sessions.
#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Ends a session of yours. Its tokens stop working at once, also on sockets that are open.
    async fn session_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: SessionRevokeInput,
    ) -> Result<SessionRevokePayload> {
        Ok(Outcome::of(rules::revoke(ctx.request(), input.id).await)?.map(Session::from).into())
    }

    /// Signs you out everywhere but here.
    async fn session_revoke_others(&self, ctx: &Context<'_>) -> Result<SessionRevokeOthersPayload> {
        Ok(Outcome::of(rules::revoke_all_others(ctx.request()).await)?.into())
    }
}

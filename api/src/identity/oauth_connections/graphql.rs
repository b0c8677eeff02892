//! Accounts at identity providers as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::identity::oauth_connection;
use entity::ids::OauthConnectionId;

use super::{rules, store};
use crate::identity::IdentityErrorCode;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page, count_by};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};

/// An account at an identity provider.
#[derive(Clone, Debug)]
pub struct OauthConnection(Arc<oauth_connection::Model>);

impl Node for OauthConnection {}

impl From<oauth_connection::Model> for OauthConnection {
    fn from(row: oauth_connection::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl OauthConnection {
    /// The connection, if it is the viewer's own.
    pub async fn find(request: &Request, id: OauthConnectionId) -> Result<Option<Self>> {
        Ok(request.find::<oauth_connection::Entity>(id).await?.map(Self))
    }
}

/// An identity provider that is linked to your account: an account of yours there, by which you can sign in. Nobody else sees it.
#[Object(name = "LinkedProvider")]
impl OauthConnection {
    /// The id of the connection.
    pub async fn id(&self) -> OauthConnectionId {
        self.0.id
    }

    /// The id of the identity provider.
    async fn provider(&self) -> &str {
        &self.0.provider
    }

    /// What the identity provider is called.
    async fn provider_name(&self, ctx: &Context<'_>) -> String {
        rules::provider_name(ctx.request(), &self.0)
    }

    /// The address that the provider told last, to recognise the account by; null when it told none.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// When it was linked.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was last used to sign in.
    async fn last_used_at(&self) -> DateTime<Utc> {
        self.0.last_used_at
    }

    /// What you can do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<oauth_connection::Entity>(&self.0).actions()
    }
}

/// The viewer's accounts at identity providers.
pub async fn of_viewer(request: &Request, page: Page) -> Result<Connection<OauthConnection>> {
    let slice = store::of_viewer(request, &page).await?;
    let count = count_by(|request| Box::pin(store::count_of_viewer(request)));
    Ok(Connection::new(slice, store::place, OauthConnection::from, count))
}

/// A way to sign in to take away.
#[derive(InputObject)]
struct OauthConnectionUnlinkInput {
    /// The connection.
    id: OauthConnectionId,
}

payload! {
    /// What unlinking an account at an identity provider ended with.
    OauthConnectionUnlinkPayload {
        /// The id of the connection that is gone; null when it was refused.
        deleted_id: OauthConnectionId, IdentityErrorCode
    }
}

/// Changes of accounts at identity providers.
#[derive(Default)]
pub struct OauthConnectionMutation;

#[Object]
impl OauthConnectionMutation {
    /// Unlinks an account at an identity provider, and ends the sessions that were opened by it, but for the present one.
    /// Refused for the last way to sign in. Needs a recent proof of who you are.
    async fn oauth_connection_unlink(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The connection.")] input: OauthConnectionUnlinkInput,
    ) -> Result<OauthConnectionUnlinkPayload> {
        Ok(Outcome::of(rules::unlink(ctx.request(), input.id).await)?.into())
    }
}

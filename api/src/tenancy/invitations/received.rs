//! Invitations as those see them whom they are for: by mail, to an address that the account has confirmed.

use std::sync::Arc;

use async_graphql::Object;
use chrono::{DateTime, Utc};
use entity::enums::MemberRole;
use entity::identity::user;
use entity::ids::InvitationId;

use super::store::{self, Received};
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page, Slice, count_by};
use crate::platform::request::Request;

/// An invitation to you.
#[derive(Clone, Debug)]
pub struct ReceivedInvitation(Received);

impl Node for ReceivedInvitation {}

/// An invitation to your address. Answer it by its id.
#[Object]
impl ReceivedInvitation {
    /// The id of the invitation.
    pub async fn id(&self) -> InvitationId {
        self.0.id
    }

    /// The name of the organization.
    async fn organization_name(&self) -> &str {
        &self.0.organization_name
    }

    /// The role that accepting it gives.
    async fn role(&self) -> MemberRole {
        self.0.role
    }

    /// The name of who invites.
    async fn inviter_name(&self) -> &str {
        &self.0.inviter_name
    }

    /// When it was last sent.
    async fn last_sent_at(&self) -> DateTime<Utc> {
        self.0.last_sent_at
    }

    /// Until when it is good.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }
}

/// The viewer's own account, if its address is confirmed: only then is a letter to the address one to the viewer.
/// Not for API keys.
pub async fn confirmed_account(request: &Request) -> Result<Option<Arc<user::Model>>> {
    request.viewer().in_person()?;
    let account = request.get::<user::Entity>(request.user_id()?).await?;
    Ok(Some(account).filter(|account| account.email_verified))
}

/// The good invitations to the viewer's address, the newest first.
pub async fn of_viewer(request: &Request, page: Page) -> Result<Connection<ReceivedInvitation>> {
    let slice = match confirmed_account(request).await? {
        Some(account) => store::received(request, &account.email, &page).await?,
        None => Slice::default(),
    };
    let count = count_by(|request| {
        Box::pin(async {
            match confirmed_account(request).await? {
                Some(account) => store::count_received(request, &account.email).await,
                None => Ok(0),
            }
        })
    });
    Ok(Connection::new(slice, store::place_received, ReceivedInvitation, count))
}

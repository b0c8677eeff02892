//! Requests to join and listed spaces as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::enums::{JoinRequestState, SpaceRole};
use entity::ids::{JoinRequestId, OrganizationId, SpaceId};
use entity::tenancy::{join_request, organization, space};

use super::rules;
use super::store;
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Connection, Node, Page, count_by};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::space_members::SpaceMember;
use crate::tenancy::spaces::Space;

/// A request to join a space.
#[derive(Clone, Debug)]
pub struct JoinRequest(pub Arc<join_request::Model>);

impl Node for JoinRequest {}

impl From<join_request::Model> for JoinRequest {
    fn from(row: join_request::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl JoinRequest {
    /// The request, if the viewer may see it.
    pub async fn find(request: &Request, id: JoinRequestId) -> Result<Option<Self>> {
        Ok(request.find::<join_request::Entity>(id).await?.map(Self))
    }
}

/// A request to join a space. Whoever made it sees it, and whoever may answer it.
#[Object]
impl JoinRequest {
    /// The id of the request.
    pub async fn id(&self) -> JoinRequestId {
        self.0.id
    }

    /// The id of the space.
    async fn space_id(&self) -> SpaceId {
        self.0.space_id
    }

    /// The space; null as long as you may not see into it.
    async fn space(&self, ctx: &Context<'_>) -> Result<Option<Space>> {
        Space::find(ctx.request(), self.0.space_id).await
    }

    /// Who asks; null once the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::find_through(ctx.request(), self.0.user_id).await
    }

    /// What they say to it; null when they said nothing.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// What became of it.
    async fn state(&self) -> JoinRequestState {
        self.0.state
    }

    /// Who answered it, or took it back; null while it is open, and once that account is gone.
    async fn decided_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.decided_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When it was answered or taken back; null while it is open.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }

    /// Counts the changes of the request.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it: EDIT answers it, DELETE takes your own back.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<join_request::Entity>(&self.0).actions()
    }
}

/// A page of the open requests for a space, for those who may answer them.
pub async fn of_space(request: &Request, id: SpaceId, page: Page) -> Result<Connection<JoinRequest>> {
    let space = request.get::<space::Entity>(id).await?;
    if !request.permitted::<space::Entity>(&space).contains(Action::ManageMembers) {
        return Err(Error::Forbidden);
    }
    Connection::of::<store::BelowSpaces, store::CountBelowSpaces, _>(request, id, page, store::place, JoinRequest::from)
        .await
}

/// What is shown of a space that may be asked for.
pub struct SpaceListing(Arc<space::Model>);

impl Node for SpaceListing {}

/// A private space that you may ask to join: what is shown of it before you are in it.
#[Object]
impl SpaceListing {
    /// The id of the space.
    async fn id(&self) -> SpaceId {
        self.0.id
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is for; null when nobody wrote that down.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// An emoji or the name of an icon; null for none.
    async fn icon(&self) -> Option<&str> {
        self.0.icon.as_deref()
    }

    /// Its color, as #rrggbb; null for none.
    async fn color(&self) -> Option<&str> {
        self.0.color.as_deref()
    }

    /// Your open request to join it; null when you made none.
    async fn viewer_request(&self, ctx: &Context<'_>) -> Result<Option<JoinRequest>> {
        Ok(ctx.request().load::<store::Own>(self.0.id).await?.map(JoinRequest::from))
    }
}

/// A page of the private spaces of an organization that the viewer may ask to join.
pub async fn listed_in(request: &Request, id: OrganizationId, page: Page) -> Result<Connection<SpaceListing>> {
    request.get::<organization::Entity>(id).await?;
    let slice = store::page_listed(request, id, &page).await?;
    let count = count_by(move |request| Box::pin(store::count_listed(request, id)));
    Ok(Connection::new(slice, store::place_of_space, |row| SpaceListing(Arc::new(row)), count))
}

/// A request to join a space.
#[derive(InputObject)]
struct JoinRequestCreateInput {
    /// An id of your making (a UUIDv7 in its `jrq_` form, at most 30 days old), so that a retry cannot ask a second time.
    id: Option<JoinRequestId>,
    /// The space: one of the organization's joinableSpaces.
    space_id: SpaceId,
    /// What you want to say to it, up to 2,000 characters.
    message: Option<String>,
}

/// A request to approve.
#[derive(InputObject)]
struct JoinRequestApproveInput {
    /// The request.
    id: JoinRequestId,
    /// The role to give. Somebody who only views the organization can be no more than READER.
    #[graphql(default_with = "SpaceRole::Reader")]
    role: SpaceRole,
}

/// A request to act on.
#[derive(InputObject)]
struct JoinRequestActionInput {
    /// The request.
    id: JoinRequestId,
}

payload! {
    /// What asking to join a space ended with.
    JoinRequestCreatePayload {
        /// The request; null when it was refused.
        join_request: JoinRequest, TenancyErrorCode
    }
}

payload! {
    /// What approving a request ended with.
    JoinRequestApprovePayload {
        /// The new membership of the space; null when it was refused.
        space_member: SpaceMember, TenancyErrorCode
    }
}

payload! {
    /// What turning a request down, or taking it back, ended with.
    JoinRequestClosePayload {
        /// The request as it is now; null when that was refused.
        join_request: JoinRequest, TenancyErrorCode
    }
}

/// Changes of requests to join.
#[derive(Default)]
pub struct JoinRequestMutation;

#[Object]
impl JoinRequestMutation {
    /// Asks to be let into a listed space. For active members of its organization.
    async fn join_request_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space.")] input: JoinRequestCreateInput,
    ) -> Result<JoinRequestCreatePayload> {
        let result = rules::create_request(ctx.request(), input.id, input.space_id, input.message).await;
        Ok(Outcome::of(result)?.map(JoinRequest::from).into())
    }

    /// Lets the person into the space. For its managers, and for owners and admins of the organization.
    async fn join_request_approve(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request, and the role.")] input: JoinRequestApproveInput,
    ) -> Result<JoinRequestApprovePayload> {
        let outcome = Outcome::of(rules::approve_request(ctx.request(), input.id, input.role).await)?;
        Ok(outcome.map(SpaceMember::from).into())
    }

    /// Turns a request down. For the managers of the space, and for owners and admins of the organization.
    async fn join_request_decline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request.")] input: JoinRequestActionInput,
    ) -> Result<JoinRequestClosePayload> {
        let outcome = Outcome::of(rules::decline_request(ctx.request(), input.id).await)?;
        Ok(outcome.map(JoinRequest::from).into())
    }

    /// Takes your own request back.
    async fn join_request_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request.")] input: JoinRequestActionInput,
    ) -> Result<JoinRequestClosePayload> {
        let outcome = Outcome::of(rules::withdraw_request(ctx.request(), input.id).await)?;
        Ok(outcome.map(JoinRequest::from).into())
    }
}

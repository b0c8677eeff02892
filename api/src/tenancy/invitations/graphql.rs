//! Invitations as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::enums::MemberRole;
use entity::ids::{InvitationId, OrganizationId};
use entity::tenancy::{invitation, organization};

use super::rules::{self, Answer, Issued, NewInvitation, Preview};
use super::store;
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::{Outcome, UserError};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::members::Member;
use crate::tenancy::organizations::Organization;

/// An invitation.
#[derive(Clone, Debug)]
pub struct Invitation(pub Arc<invitation::Model>);

impl Node for Invitation {}

impl From<invitation::Model> for Invitation {
    fn from(row: invitation::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Invitation {
    /// The invitation, if the viewer may see it.
    pub async fn find(request: &Request, id: InvitationId) -> Result<Option<Self>> {
        Ok(request.find::<invitation::Entity>(id).await?.map(Self))
    }
}

/// How an invitation reaches whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
enum InvitationKind {
    /// In a letter to an address. Only an account with that address can accept.
    Mail,
    /// As a link that is passed on. The first account that accepts takes it.
    Link,
}

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
enum InvitationState {
    /// It waits for an answer.
    Open,
    /// Its time has passed. Sent again it is open again.
    Expired,
    /// Somebody became a member by it.
    Accepted,
    /// Whom it was for said no.
    Declined,
    /// It was taken back.
    Revoked,
}

/// An invitation to an organization. Its owners and admins see it.
#[Object]
impl Invitation {
    /// The id of the invitation.
    pub async fn id(&self) -> InvitationId {
        self.0.id
    }

    /// The organization; null when it is closed meanwhile.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        Organization::find(ctx.request(), self.0.organization_id).await
    }

    /// How it reaches whom it is for.
    async fn kind(&self) -> InvitationKind {
        if self.0.email.is_some() { InvitationKind::Mail } else { InvitationKind::Link }
    }

    /// The address it is for; null for a link.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// The role that accepting it gives.
    async fn role(&self) -> MemberRole {
        self.0.role
    }

    /// What became of it.
    async fn state(&self, ctx: &Context<'_>) -> InvitationState {
        match (self.0.accepted_at, self.0.declined_at, self.0.revoked_at) {
            (Some(_), _, _) => InvitationState::Accepted,
            (_, Some(_), _) => InvitationState::Declined,
            (_, _, Some(_)) => InvitationState::Revoked,
            _ if rules::is_open(&self.0, ctx.request().now()) => InvitationState::Open,
            _ => InvitationState::Expired,
        }
    }

    /// Who invites; null once that account is gone. When that person may no longer give the role, the invitation is not good until somebody sends it again.
    async fn invited_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.invited_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Who accepted it; null unless somebody did, and once that account is gone.
    async fn accepted_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.accepted_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When it was last sent, or its link last made.
    async fn last_sent_at(&self) -> DateTime<Utc> {
        self.0.last_sent_at
    }

    /// Until when it is good.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// Counts the changes of the invitation.
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

    /// What you may do with it: EDIT sends it again, DELETE takes it back.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<invitation::Entity>(&self.0).actions()
    }
}

/// A page of the invitations of an organization, for those who may invite.
pub async fn of_organization(request: &Request, id: OrganizationId, page: Page) -> Result<Connection<Invitation>> {
    let organization = request.get::<organization::Entity>(id).await?;
    if !request.permitted::<organization::Entity>(&organization).contains(Action::ManageMembers) {
        return Err(Error::Forbidden);
    }
    Connection::of::<store::BelowOrganizations, store::CountBelowOrganizations, _>(
        request,
        id,
        page,
        store::place,
        Invitation::from,
    )
    .await
}

/// What an invitation tells whoever holds its token.
#[Object(name = "InvitationPreview")]
impl Preview {
    /// The name of the organization.
    async fn organization_name(&self) -> &str {
        &self.organization_name
    }

    /// The role that accepting it gives.
    async fn role(&self) -> MemberRole {
        self.role
    }

    /// The name of who invites.
    async fn inviter_name(&self) -> &str {
        &self.inviter_name
    }
}

/// Queries of invitations.
#[derive(Default)]
pub struct InvitationQuery;

#[Object]
impl InvitationQuery {
    /// The invitation of a token, also before signing in. Null when it is not good, or not any more.
    async fn invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token: what stands behind # in the link.")] token: String,
    ) -> Result<Option<Preview>> {
        rules::preview(ctx.request(), &token).await
    }
}

/// An invitation to make.
#[derive(InputObject)]
struct InvitationCreateInput {
    /// An id of your making (a UUIDv7 in its `inv_` form, at most 30 days old), so that a retry cannot invite a second time.
    id: Option<InvitationId>,
    /// The organization.
    organization_id: OrganizationId,
    /// The address to invite by mail. Left out, the payload holds a link to pass on.
    email: Option<String>,
    /// The role to give; not above your own.
    role: MemberRole,
    /// How long it is good: 1 to 30 days. Default: 7.
    expires_in_days: Option<i32>,
}

/// An invitation to act on.
#[derive(InputObject)]
struct InvitationActionInput {
    /// The invitation.
    id: InvitationId,
}

/// An invitation to answer, by its token or by its id.
#[derive(InputObject)]
struct InvitationAnswerInput {
    /// The token: what stands behind # in the link.
    token: Option<String>,
    /// The id, for an invitation to your own confirmed address, as in `viewer.receivedInvitations`.
    id: Option<InvitationId>,
}

impl InvitationAnswerInput {
    fn answer(self) -> Result<Answer> {
        match (self.token, self.id) {
            (Some(token), None) => Ok(Answer::Token(token)),
            (None, Some(id)) => Ok(Answer::Id(id)),
            (None, None) => Err(Error::bad_input("token", "Give the token or the id.")),
            (Some(_), Some(_)) => Err(Error::bad_input("id", "Give the token or the id, not both.")),
        }
    }
}

/// What making an invitation, or sending it again, ended with.
#[derive(SimpleObject)]
pub struct InvitationIssuePayload {
    /// The invitation; null when it was refused.
    invitation: Option<Invitation>,
    /// The link to pass on, which is not shown again. Null for an invitation by mail, whose link goes to the address alone.
    link: Option<String>,
    /// Why nothing was changed; empty on success.
    user_errors: Vec<UserError<TenancyErrorCode>>,
    /// Resume a subscription after this cursor to see only what came later. Null when nothing was changed.
    commit_cursor: Option<String>,
}

impl InvitationIssuePayload {
    fn of(result: Result<Issued>) -> Result<Self> {
        let (link, result) = match result {
            Ok(issued) => (issued.link, Ok(issued.invitation)),
            Err(error) => (None, Err(error)),
        };
        let outcome: Outcome<invitation::Model, TenancyErrorCode> = Outcome::of(result)?;
        Ok(Self {
            invitation: outcome.object.map(Invitation::from),
            link,
            user_errors: outcome.user_errors,
            commit_cursor: outcome.cursor,
        })
    }
}

payload! {
    /// What taking an invitation back ended with.
    InvitationRevokePayload {
        /// The invitation; null when it was refused.
        invitation: Invitation, TenancyErrorCode
    }
}

payload! {
    /// What accepting an invitation ended with.
    InvitationAcceptPayload {
        /// Your membership; null when it was refused.
        member: Member, TenancyErrorCode
    }
}

payload! {
    /// What declining an invitation ended with.
    InvitationDeclinePayload {
        /// True once it is declined; null when that was refused.
        declined: bool, TenancyErrorCode
    }
}

/// Changes of invitations.
#[derive(Default)]
pub struct InvitationMutation;

#[Object]
impl InvitationMutation {
    /// Invites somebody to an organization, by mail or by a link; they become a member when they accept. Nothing tells whether an address has an account. For its owners and admins.
    async fn invitation_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and as what.")] input: InvitationCreateInput,
    ) -> Result<InvitationIssuePayload> {
        let new = NewInvitation {
            id: input.id,
            organization_id: input.organization_id,
            email: input.email,
            role: input.role,
            expires_in_days: input.expires_in_days,
        };
        InvitationIssuePayload::of(rules::create_invitation(ctx.request(), new).await)
    }

    /// Sends an invitation again, or makes its link anew, with a new life; the earlier link is good no more. For owners and admins.
    async fn invitation_resend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation.")] input: InvitationActionInput,
    ) -> Result<InvitationIssuePayload> {
        InvitationIssuePayload::of(rules::resend_invitation(ctx.request(), input.id).await)
    }

    /// Takes an invitation back. For owners and admins.
    async fn invitation_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation.")] input: InvitationActionInput,
    ) -> Result<InvitationRevokePayload> {
        let outcome = Outcome::of(rules::revoke_invitation(ctx.request(), input.id).await)?;
        Ok(outcome.map(Invitation::from).into())
    }

    /// Accepts an invitation: you are a member at once. One by mail is only for an account with its address.
    async fn invitation_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation.")] input: InvitationAnswerInput,
    ) -> Result<InvitationAcceptPayload> {
        let outcome = Outcome::of(rules::accept_invitation(ctx.request(), &input.answer()?).await)?;
        Ok(outcome.map(Member::from).into())
    }

    /// Declines an invitation by mail, also without an account.
    async fn invitation_decline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation.")] input: InvitationAnswerInput,
    ) -> Result<InvitationDeclinePayload> {
        let outcome = Outcome::of(rules::decline_invitation(ctx.request(), &input.answer()?).await)?;
        Ok(outcome.map(|()| true).into())
    }
}

//! Deleting an account, as a client sees it.

use async_graphql::{Context, Object};
use entity::ids::UserId;

use super::rules;
use crate::content::documents;
use crate::identity::IdentityErrorCode;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;
use crate::tenancy::departure;

/// What deleting your account would do.
pub struct AccountDeletion(pub UserId);

/// What deleting your account would do, told before it is done.
#[Object]
impl AccountDeletion {
    /// The names of the organizations of which you are the only owner. While there are any, the account cannot be deleted.
    async fn blocked_by(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        departure::solely_owned(ctx.request(), self.0).await
    }

    /// How many organizations you would leave, with your roles in their teams, spaces and projects.
    async fn organizations_left(&self, ctx: &Context<'_>) -> Result<i64> {
        departure::count_organizations(ctx.request(), self.0).await
    }

    /// How many documents would be deleted for good with your personal space.
    async fn documents_deleted(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(documents::departing(ctx.request(), self.0).await?.deleted)
    }

    /// How many of your documents would stay in the spaces of organizations and of other people, without your name.
    async fn documents_kept(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(documents::departing(ctx.request(), self.0).await?.kept)
    }
}

payload! {
    /// What deleting the account ended with.
    AccountDeletePayload {
        /// The account that is gone; null when it was refused.
        deleted_id: UserId, IdentityErrorCode
    }
}

/// The end of an account.
#[derive(Default)]
pub struct DeletionMutation;

#[Object]
impl DeletionMutation {
    /// Deletes your account for good: your personal space goes with everything in it, your documents elsewhere stay without
    /// your name, and every session ends. Refused while you are the only owner of an organization. Needs a recent proof of
    /// who you are.
    async fn account_delete(&self, ctx: &Context<'_>) -> Result<AccountDeletePayload> {
        Ok(Outcome::of(rules::delete(ctx.request()).await)?.into())
    }
}

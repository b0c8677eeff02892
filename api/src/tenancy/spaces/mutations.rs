//! What a client can do with spaces.

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use entity::enums::{DocumentVisibility, SpacePrivacy, SpaceRole};
use entity::ids::{OrganizationId, ProjectId, SpaceId};

use super::graphql::Space;
use super::rules::{self, NewSpace, SpaceChanges};
use crate::payload;
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;
use crate::tenancy::TenancyErrorCode;

/// A new space of an organization.
#[derive(InputObject)]
struct SpaceCreateInput {
    /// An id of your making (a UUIDv7 in its `spc_` form, at most 30 days old), so that a retry cannot create a second one.
    id: Option<SpaceId>,
    /// The organization it belongs to.
    organization_id: OrganizationId,
    /// A project of the organization to attach it to.
    project_id: Option<ProjectId>,
    /// Its name, 1 to 255 characters.
    name: String,
    /// Its name in addresses: 1 to 100 lower-case letters, digits and single hyphens; unique in the organization.
    slug: String,
    /// What it is for, up to 2,000 characters.
    description: Option<String>,
    /// An emoji or the name of an icon, up to 64 characters.
    icon: Option<String>,
    /// Its color, as #rrggbb.
    color: Option<String>,
    /// Whether members of the organization enter without being added. Default: OPEN.
    privacy: Option<SpacePrivacy>,
    /// The role that they then have. Default: what the organization's settings say.
    default_role: Option<SpaceRole>,
    /// Whether it shows its name to the organization while it is private, so that members may ask to join. Default: false.
    is_listed: Option<bool>,
}

/// Changes of a space. What is left out stays as it is; null removes what may be missing, and changes nothing else.
#[derive(InputObject)]
struct SpaceUpdateInput {
    /// The space.
    id: SpaceId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Its new name, 1 to 255 characters.
    name: Option<String>,
    /// Its new slug.
    slug: Option<String>,
    /// What it is for, up to 2,000 characters; null for none.
    description: MaybeUndefined<String>,
    /// An emoji or the name of an icon, up to 64 characters; null for none.
    icon: MaybeUndefined<String>,
    /// Its color, as #rrggbb; null for none.
    color: MaybeUndefined<String>,
    /// Whether members of the organization enter without being added.
    privacy: Option<SpacePrivacy>,
    /// The role that they then have.
    default_role: Option<SpaceRole>,
    /// Whether it shows its name to the organization while it is private, so that members may ask to join.
    is_listed: Option<bool>,
    /// The project to attach it to; null detaches it.
    project_id: MaybeUndefined<ProjectId>,
    /// Who may read a new document, unless its author chooses otherwise.
    default_document_visibility: Option<DocumentVisibility>,
}

/// A space to act on.
#[derive(InputObject)]
struct SpaceActionInput {
    /// The space.
    id: SpaceId,
}

payload! {
    /// What creating a space ended with.
    SpaceCreatePayload {
        /// The new space; null when it was refused.
        space: Space, TenancyErrorCode
    }
}

payload! {
    /// What changing a space ended with.
    SpaceUpdatePayload {
        /// The space as it is now, also after a CONFLICT; null when it was refused for another reason.
        space: Space, TenancyErrorCode
    }
}

payload! {
    /// What deleting a space ended with.
    SpaceDeletePayload {
        /// The id of the space that is gone; null when it was refused.
        deleted_id: SpaceId, TenancyErrorCode
    }
}

/// Changes of spaces.
#[derive(Default)]
pub struct SpaceMutation;

#[Object]
impl SpaceMutation {
    /// Creates a space of an organization. You become its manager.
    async fn space_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new space.")] input: SpaceCreateInput,
    ) -> Result<SpaceCreatePayload> {
        let new = NewSpace {
            id: input.id,
            organization_id: input.organization_id,
            project_id: input.project_id,
            name: input.name,
            slug: input.slug,
            description: input.description,
            icon: input.icon,
            color: input.color,
            privacy: input.privacy,
            default_role: input.default_role,
            is_listed: input.is_listed,
        };
        let outcome = Outcome::of(rules::create_space(ctx.request(), new).await)?;
        Ok(outcome.map(Space::from).into())
    }

    /// Changes a space's properties. For its managers and the organization's owners and admins.
    async fn space_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: SpaceUpdateInput,
    ) -> Result<SpaceUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes = SpaceChanges {
            name: input.name,
            slug: input.slug,
            description: checks::text_change(input.description),
            icon: checks::text_change(input.icon),
            color: checks::text_change(input.color),
            privacy: input.privacy,
            default_role: input.default_role,
            is_listed: input.is_listed,
            project_id: input.project_id.into(),
            default_document_visibility: input.default_document_visibility,
        };
        let result = rules::update_space(request, id, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(Space::from);
        if outcome.refused_as(TenancyErrorCode::Conflict) {
            outcome.object = Space::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Archives a space: from now on it can only be read.
    async fn space_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space.")] input: SpaceActionInput,
    ) -> Result<SpaceUpdatePayload> {
        let outcome = Outcome::of(rules::set_archived(ctx.request(), input.id, true).await)?;
        Ok(outcome.map(Space::from).into())
    }

    /// Brings an archived space back into use.
    async fn space_unarchive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space.")] input: SpaceActionInput,
    ) -> Result<SpaceUpdatePayload> {
        let outcome = Outcome::of(rules::set_archived(ctx.request(), input.id, false).await)?;
        Ok(outcome.map(Space::from).into())
    }

    /// Deletes a space with everything in it. A personal space cannot be deleted.
    async fn space_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space.")] input: SpaceActionInput,
    ) -> Result<SpaceDeletePayload> {
        let outcome = Outcome::of(rules::delete_space(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }
}

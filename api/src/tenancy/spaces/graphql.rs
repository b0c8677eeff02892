//! Spaces as a client sees them.

use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{Context, ContextSelectionSet, Object, Positioned};
use chrono::{DateTime, Utc};
use entity::enums::{SpacePrivacy, SpaceRole};
use entity::ids::{OrganizationId, SpaceId, UserId};
use entity::tenancy::space::{self, SpaceSettings};

use super::{rules, store};
use crate::content::documents::{self, Document, DocumentFilter, DocumentOrder};
use crate::content::tags::{self, Tag};
use crate::platform::authorization::Action;
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page, count_by};
use crate::platform::request::{Request, RequestContext};
use crate::platform::written::Writing;
use crate::tenancy::deletion::{self, SpaceDeletionImpact};
use crate::tenancy::join_requests::{self, JoinRequest};
use crate::tenancy::organizations::Organization;
use crate::tenancy::projects::Project;
use crate::tenancy::space_members::{self, SpaceMember};

/// A space.
#[derive(Clone, Debug)]
pub struct Space(pub Arc<space::Model>);

impl Node for Space {
    fn at_hand(
        &self,
        _ctx: &ContextSelectionSet<'_>,
        name: &str,
        _field: &Positioned<Field>,
        writing: &mut Writing,
    ) -> bool {
        match name {
            "id" => writing.plain(self.0.id),
            "name" => writing.text(self.0.name.as_str()),
            "slug" => writing.text(self.0.slug.as_str()),
            _ => return false,
        }
        true
    }
}

impl From<space::Model> for Space {
    fn from(row: space::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Space {
    /// The space, if the viewer may see it.
    pub async fn find(request: &Request, id: SpaceId) -> Result<Option<Self>> {
        Ok(request.find::<space::Entity>(id).await?.map(Self))
    }
}

/// A space: where documents and notes live. It belongs to a person or to an organization.
#[Object]
impl Space {
    /// The id of the space.
    pub async fn id(&self) -> SpaceId {
        self.0.id
    }

    /// Its name, 1 to 255 characters.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name in addresses, unique for its owner.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// What it is for; null when nobody said.
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

    /// Whether members of the organization enter without being added.
    async fn privacy(&self) -> SpacePrivacy {
        self.0.privacy
    }

    /// The role that members of the organization have in it while it is open.
    async fn default_role(&self) -> SpaceRole {
        self.0.default_role
    }

    /// Whether this is the personal space that somebody got at sign-up.
    async fn is_personal(&self) -> bool {
        self.0.is_personal
    }

    /// Whether it shows its name to the organization while it is private, so that members may ask to join.
    async fn is_listed(&self) -> bool {
        self.0.is_listed
    }

    /// What its managers have decided for it.
    async fn settings(&self) -> &SpaceSettings {
        &self.0.settings
    }

    /// The organization it belongs to; null for a space of a person.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        match self.0.organization_id {
            Some(id) => Organization::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The project it is attached to; null for none, and for one that you do not see.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        match self.0.project_id {
            Some(id) => Project::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Counts the changes of its properties; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was archived; null while it is in use. An archived space can only be read.
    async fn archived_at(&self) -> Option<DateTime<Utc>> {
        self.0.archived_at
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its properties last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<space::Entity>(&self.0).actions()
    }

    /// Your role in it: your own, your teams', or the default of an open space, whichever is highest. Null for who has none.
    async fn viewer_role(&self, ctx: &Context<'_>) -> Option<SpaceRole> {
        ctx.request().viewer().space_role(self.0.id)
    }

    /// The documents and notes of the space that you may read. Those in the trash or archive are left out unless the filter asks for them.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only documents that meet this.")] filter: Option<Box<DocumentFilter>>,
        #[graphql(desc = "The order of the list.", default)] order_by: DocumentOrder,
    ) -> Result<Connection<Document>> {
        let page = Page::new(first, after, last, before)?;
        documents::of_space(ctx.request(), self.0.id, documents::List::new(page, filter, order_by)?).await
    }

    /// The tags of the space, by name.
    async fn tags(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Tag>> {
        tags::of_space(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// The people and teams that were added to it.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SpaceMember>> {
        space_members::of_space(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// The open requests to join it, the oldest first. For its managers, and for owners and admins of the organization; null with the error FORBIDDEN for others.
    async fn join_requests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<JoinRequest>>> {
        let page = Page::new(first, after, last, before)?;
        join_requests::of_space(ctx.request(), self.0.id, page).await.map(Some)
    }

    /// What deleting it would take along. Null unless you may delete it.
    async fn deletion_impact(&self, ctx: &Context<'_>) -> Result<Option<SpaceDeletionImpact>> {
        deletion::of_space(ctx.request(), &self.0).await
    }
}

/// A page of the spaces of an organization.
pub async fn of_organization(request: &Request, id: OrganizationId, page: Page) -> Result<Connection<Space>> {
    let slice = match rules::granted_spaces(&request.viewer(), id) {
        Some(ids) => {
            let found = ids.into_iter().map(|id| request.find::<space::Entity>(id));
            let found = futures_util::future::try_join_all(found).await?;
            let mut spaces: Vec<Arc<space::Model>> = found.into_iter().flatten().collect();
            spaces.sort_unstable_by_key(|row| store::place(row));
            page.cut(spaces, |row| store::place(row))
        }
        None => request.load::<store::BelowOrganizations>((id, page)).await?,
    };
    let count = count_by(move |request| Box::pin(request.load::<store::CountBelowOrganizations>(id)));
    Ok(Connection::new(slice, |row: &Arc<space::Model>| store::place(row), Space, count))
}

/// The space of a slug, if the viewer may see it.
pub async fn by_slug(request: &Request, organization: OrganizationId, slug: String) -> Result<Option<Space>> {
    if !checks::is_slug(&slug) {
        return Ok(None);
    }
    let row = request.load::<store::BySlug>((organization, slug)).await?;
    let visible = row.filter(|row| request.permitted::<space::Entity>(row).contains(Action::Read));
    Ok(visible.map(Space))
}

/// The viewer's own personal space.
pub async fn personal(request: &Request, user: UserId) -> Result<Option<Space>> {
    let row = request.load::<store::Personal>(user).await?;
    let visible = row.filter(|row| request.permitted::<space::Entity>(row).contains(Action::Read));
    Ok(visible.map(Space))
}

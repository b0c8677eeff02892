//! The consequences of deleting as a client sees them. They count what is hidden too, so only those who may delete see them.

use async_graphql::SimpleObject;
use entity::tenancy::{organization, project, space};

use super::store;
use crate::platform::authorization::{Action, Resource};
use crate::platform::errors::Result;
use crate::platform::request::Request;

/// What would be lost with an organization. What is in the trash or was deleted before is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
pub struct OrganizationDeletionImpact {
    /// People who would lose access.
    pub members: i64,
    /// Teams.
    pub teams: i64,
    /// Projects.
    pub projects: i64,
    /// Spaces, also those that you do not see into.
    pub spaces: i64,
    /// Documents and notes in these spaces.
    pub documents: i64,
    /// Invitations that wait for an answer.
    pub invitations: i64,
}

/// What would be lost with a project. What is in the trash or was deleted before is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
pub struct ProjectDeletionImpact {
    /// People and teams with a role in it.
    pub members: i64,
    /// Spaces that would stay, attached to no project.
    pub detached_spaces: i64,
}

/// What would be lost with a space. What is in the trash is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
pub struct SpaceDeletionImpact {
    /// People and teams with a role of their own in it.
    pub members: i64,
    /// Documents and notes, also those that you may not read.
    pub documents: i64,
    /// Tags.
    pub tags: i64,
    /// Requests to join that are open.
    pub join_requests: i64,
}

fn may_delete<E: Resource>(request: &Request, row: &E::Model) -> bool {
    request.permitted::<E>(row).contains(Action::Delete)
}

/// What deleting the organization would take along, for those who may.
pub async fn of_organization(
    request: &Request,
    row: &organization::Model,
) -> Result<Option<OrganizationDeletionImpact>> {
    if !may_delete::<organization::Entity>(request, row) {
        return Ok(None);
    }
    let [members, teams, projects, spaces, documents, invitations] =
        store::count(&request.connection(), store::ORGANIZATION_SQL, row.id.uuid()).await?;
    Ok(Some(OrganizationDeletionImpact { members, teams, projects, spaces, documents, invitations }))
}

/// What deleting the project would take along, for those who may.
pub async fn of_project(request: &Request, row: &project::Model) -> Result<Option<ProjectDeletionImpact>> {
    if !may_delete::<project::Entity>(request, row) {
        return Ok(None);
    }
    let [members, detached_spaces] = store::count(&request.connection(), store::PROJECT_SQL, row.id.uuid()).await?;
    Ok(Some(ProjectDeletionImpact { members, detached_spaces }))
}

/// What deleting the space would take along, for those who may.
pub async fn of_space(request: &Request, row: &space::Model) -> Result<Option<SpaceDeletionImpact>> {
    if !may_delete::<space::Entity>(request, row) {
        return Ok(None);
    }
    let [members, documents, tags, join_requests] =
        store::count(&request.connection(), store::SPACE_SQL, row.id.uuid()).await?;
    Ok(Some(SpaceDeletionImpact { members, documents, tags, join_requests }))
}

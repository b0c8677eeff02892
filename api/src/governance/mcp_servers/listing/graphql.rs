//! Lists of servers as a client sees them.

use entity::ids::{OrganizationId, ProjectId};

use super::filter::McpServerFilter;
use super::store;
use crate::governance::mcp_servers::McpServer;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Page};
use crate::platform::request::Request;

/// A page of the servers of a project, in the order in which they were registered.
pub async fn of_project(
    request: &Request,
    id: ProjectId,
    page: Page,
    filter: Option<McpServerFilter>,
) -> Result<Connection<McpServer>> {
    let filter = filter.unwrap_or_default().check()?;
    let (place, wrap) = (store::place, McpServer::from);
    Connection::narrowed::<store::OfProjects, store::CountOfProjects, _, _, _>(request, id, page, filter, place, wrap)
        .await
}

/// A page of the servers of all projects of an organization that the viewer may see, in the order in which they were
/// registered.
pub async fn of_organization(
    request: &Request,
    id: OrganizationId,
    page: Page,
    filter: Option<McpServerFilter>,
) -> Result<Connection<McpServer>> {
    let filter = filter.unwrap_or_default().check()?;
    Connection::narrowed::<store::OfOrganizations, store::CountOfOrganizations, _, _, _>(
        request,
        id,
        page,
        filter,
        store::place,
        McpServer::from,
    )
    .await
}

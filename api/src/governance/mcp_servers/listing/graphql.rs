//! Lists of servers as a client sees them.

use entity::governance::mcp_server_version;
use entity::ids::{OrganizationId, ProjectId};

use super::filter::McpServerFilter;
use super::store;
use crate::governance::mcp_servers::McpServer;
use crate::platform::authorization::{Action, within_scopes};
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Connection, Page};
use crate::platform::request::Request;

/// The filter, checked. The transport stands in a version: whoever cannot read those cannot ask for it.
fn checked(request: &Request, filter: Option<McpServerFilter>) -> Result<McpServerFilter> {
    let filter = filter.unwrap_or_default().check()?;
    let reads_versions = within_scopes::<mcp_server_version::Entity>(&request.viewer()).contains(Action::Read);
    if filter.transports.is_some() && !reads_versions { Err(Error::Forbidden) } else { Ok(filter) }
}

/// A page of the servers of a project, in the order in which they were registered.
pub async fn of_project(
    request: &Request,
    id: ProjectId,
    page: Page,
    filter: Option<McpServerFilter>,
) -> Result<Connection<McpServer>> {
    let filter = checked(request, filter)?;
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
    let filter = checked(request, filter)?;
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

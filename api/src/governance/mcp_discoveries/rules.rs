//! Who reads a discovery, and who begins one.

use entity::governance::mcp_discovery;
use entity::ids::McpDiscoveryId;
use sea_orm::Condition;

use super::store;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::viewer::Viewer;

const READ: ActionSet = ActionSet::of(&[Action::Read]);

impl Resource for mcp_discovery::Entity {
    type Id = McpDiscoveryId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::ToolsRead, READ), (Scope::ToolsWrite, READ)];

    fn id(row: &mcp_discovery::Model) -> McpDiscoveryId {
        row.id
    }

    fn id_column() -> mcp_discovery::Column {
        mcp_discovery::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &mcp_discovery::Model) -> ActionSet {
        viewer.project_role(row.project_id).map_or(ActionSet::NONE, |_| READ)
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.projects.keys().copied().collect()))
    }
}

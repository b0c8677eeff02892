//! Who reads what was called. Nobody changes it.

use entity::enums::ProjectRole;
use entity::ids::McpCallId;
use entity::metering::mcp_usage;
use sea_orm::Condition;

use super::store;
use crate::platform::authorization::{Action, ActionSet, Dated, Resource, Scope, nothing};
use crate::platform::viewer::Viewer;

const READER: ActionSet = ActionSet::of(&[Action::Read]);

impl Resource for mcp_usage::Entity {
    type Id = McpCallId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::UsageRead, READER), (Scope::ToolsCall, READER)];

    fn id(row: &mcp_usage::Model) -> McpCallId {
        row.id
    }

    fn id_column() -> mcp_usage::Column {
        mcp_usage::Column::Id
    }

    /// A call is recorded with when it was made, and its caller may have chosen its id.
    const DATED: Dated<mcp_usage::Column> = Dated::ByCallers(mcp_usage::Column::CreatedAt);

    /// Who administers the project reads all of them, and everybody else in it their own.
    fn permitted(viewer: &Viewer, row: &mcp_usage::Model) -> ActionSet {
        let is_own = row.user_id.is_some() && row.user_id == viewer.user_id();
        match viewer.project_role(row.project_id) {
            Some(ProjectRole::Admin) => READER,
            Some(ProjectRole::Viewer | ProjectRole::Developer) if is_own => READER,
            Some(ProjectRole::Viewer | ProjectRole::Developer) | None => ActionSet::NONE,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        match (viewer.grants(), viewer.user_id()) {
            (Some(grants), Some(user)) => store::readable(grants, user),
            _ => nothing(),
        }
    }
}

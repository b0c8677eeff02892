//! Who reads what was called. Nobody changes it.

use entity::ids::McpCallId;
use entity::metering::mcp_usage;
use sea_orm::Condition;

use crate::platform::authorization::{Action, ActionSet, Dated, Resource, Scope, readable_records, reads_record};
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

    fn permitted(viewer: &Viewer, row: &mcp_usage::Model) -> ActionSet {
        if reads_record(viewer, row.project_id, row.user_id) { READER } else { ActionSet::NONE }
    }

    fn reach(viewer: &Viewer) -> Condition {
        readable_records(viewer, mcp_usage::Column::ProjectId, mcp_usage::Column::UserId)
    }
}

//! Who may read a decision. Nobody changes one.

use entity::governance::decision;
use entity::ids::DecisionId;
use sea_orm::Condition;

use crate::platform::authorization::{Action, ActionSet, Dated, Resource, Scope, readable_records, reads_record};
use crate::platform::viewer::Viewer;

const READER: ActionSet = ActionSet::of(&[Action::Read]);

impl Resource for decision::Entity {
    type Id = DecisionId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::DecisionsRead, READER)];

    fn id(row: &decision::Model) -> DecisionId {
        row.id
    }

    fn id_column() -> decision::Column {
        decision::Column::Id
    }

    /// A decision gets its id as it is made.
    const DATED: Dated<decision::Column> = Dated::Here(decision::Column::CreatedAt);

    fn permitted(viewer: &Viewer, row: &decision::Model) -> ActionSet {
        if reads_record(viewer, row.project_id, row.user_id) { READER } else { ActionSet::NONE }
    }

    fn reach(viewer: &Viewer) -> Condition {
        readable_records(viewer, decision::Column::ProjectId, decision::Column::UserId)
    }
}

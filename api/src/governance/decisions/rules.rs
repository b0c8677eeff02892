//! Who may read a decision. Nobody changes one.

use entity::enums::ProjectRole;
use entity::governance::decision;
use entity::ids::DecisionId;
use sea_orm::Condition;

use super::store;
use crate::platform::authorization::{Action, ActionSet, Dated, Resource, Scope, nothing};
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

    /// Who administers the project reads all of them, and everybody else in it those about themselves.
    fn permitted(viewer: &Viewer, row: &decision::Model) -> ActionSet {
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

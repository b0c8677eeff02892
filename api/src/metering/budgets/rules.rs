//! Who sees what is left of a budget: who administers its organization or project, and whose own use it counts.

use entity::enums::{BudgetSubject, ProjectRole};
use entity::ids::BudgetId;
use entity::metering::budget;
use sea_orm::Condition;

use super::store;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::viewer::Viewer;

const READ: ActionSet = ActionSet::of(&[Action::Read]);

impl Resource for budget::Entity {
    type Id = BudgetId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::UsageRead, READ)];

    fn id(row: &budget::Model) -> BudgetId {
        row.id
    }

    fn id_column() -> budget::Column {
        budget::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &budget::Model) -> ActionSet {
        let is_own = row.subject_type == BudgetSubject::User
            && viewer.user_id().is_some_and(|user| user.uuid() == row.subject_id);
        let of_project = row.project_id.and_then(|project| viewer.project_role(project));
        let administers = viewer.administers(row.organization_id) || of_project == Some(ProjectRole::Admin);
        if is_own || administers { READ } else { ActionSet::NONE }
    }

    fn reach(viewer: &Viewer) -> Condition {
        let (Some(grants), Some(user)) = (viewer.grants(), viewer.user_id()) else { return nothing() };
        let projects = grants.projects.iter().filter(|(_, role)| **role == ProjectRole::Admin);
        store::within(grants.administered(), projects.map(|(id, _)| *id).collect(), user)
    }
}

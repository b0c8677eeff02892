//! Who sees what is left of a budget: who administers its organization or project, and whose own use it counts. What keys
//! use is their creator's use too, but not that of the creator's other keys.

use entity::enums::{BudgetSubject, ProjectRole};
use entity::ids::{BudgetId, UserId};
use entity::metering::budget;
use sea_orm::Condition;

use super::store;
use crate::governance::decision::CountedBy;
use crate::metering::limits::Subjects;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::viewer::Viewer;

const READ: ActionSet = ActionSet::of(&[Action::Read]);

/// Whether the viewer may know what is left of a limit, as of its budget: who administers the organization, or the project
/// that it is counted in, and whose own use it counts. A key acts in its creator's name.
pub fn sees_what_is_left(viewer: &Viewer, counted_by: CountedBy, is_of_project: bool, whose: &Subjects) -> bool {
    let is_theirs = whose.user.is_some() && whose.user == viewer.user_id();
    let is_own = match counted_by {
        CountedBy::User => is_theirs,
        CountedBy::Key => is_theirs && viewer.key().is_none_or(|key| Some(key.id) == whose.key),
        CountedBy::Organization | CountedBy::Project | CountedBy::Server | CountedBy::Tool => false,
    };
    let project = if is_of_project { whose.project } else { whose.project_of(counted_by) };
    let of_project = project.and_then(|project| viewer.project_role(project));
    is_own || viewer.administers(whose.organization) || of_project == Some(ProjectRole::Admin)
}

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
        let counts = match row.subject_type {
            BudgetSubject::User => viewer.user_id().map(UserId::uuid),
            BudgetSubject::Key => match viewer.key() {
                Some(key) => Some(key.id.uuid()),
                None => viewer.user_id().filter(|user| row.key_creator_id == Some(*user)).map(|_| row.subject_id),
            },
            BudgetSubject::Organization | BudgetSubject::Project | BudgetSubject::Server | BudgetSubject::Tool => None,
        };
        let is_own = counts == Some(row.subject_id) && viewer.organization_role(row.organization_id).is_some();
        let of_project = row.project_id.and_then(|project| viewer.project_role(project));
        let administers = viewer.administers(row.organization_id) || of_project == Some(ProjectRole::Admin);
        if is_own || administers { READ } else { ActionSet::NONE }
    }

    fn reach(viewer: &Viewer) -> Condition {
        let (Some(grants), Some(user)) = (viewer.grants(), viewer.user_id()) else { return nothing() };
        let projects = grants.projects.iter().filter(|(_, role)| **role == ProjectRole::Admin);
        store::within(
            grants.organization_ids(),
            grants.administered(),
            projects.map(|(id, _)| *id).collect(),
            user,
            viewer.key().map(|key| key.id),
        )
    }
}

//! The rule of records of what people of a project did: who administers the project reads all of them, and everybody else
//! in it those about themselves.

use entity::enums::ProjectRole;
use entity::ids::{ProjectId, UserId};
use sea_orm::{ColumnTrait, Condition};

use super::nothing;
use crate::platform::viewer::{Grants, Viewer};

/// Whether the viewer reads a record of this project about this person; of nobody where that account is gone.
pub fn reads_record(viewer: &Viewer, project: ProjectId, about: Option<UserId>) -> bool {
    let is_own = about.is_some() && about == viewer.user_id();
    match viewer.project_role(project) {
        Some(ProjectRole::Admin) => true,
        Some(ProjectRole::Viewer | ProjectRole::Developer) => is_own,
        None => false,
    }
}

/// The records that the viewer reads, by the columns of the project and of the person.
pub fn readable_records<C: ColumnTrait>(viewer: &Viewer, project: C, about: C) -> Condition {
    let (Some(grants), Some(user)) = (viewer.grants(), viewer.user_id()) else { return nothing() };
    let own =
        Condition::all().add(about.eq(user)).add(project.eq_any(grants.projects.keys().copied().collect::<Vec<_>>()));
    Condition::any().add(project.eq_any(administered_projects(grants))).add(own)
}

/// The projects that somebody with these grants administers.
pub fn administered_projects(grants: &Grants) -> Vec<ProjectId> {
    grants.projects.iter().filter(|(_, role)| **role == ProjectRole::Admin).map(|(id, _)| *id).collect()
}

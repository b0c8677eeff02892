//! How the members of projects are stored.

use std::collections::HashMap;

use entity::enums::ProjectRole;
use entity::ids::{ProjectId, ProjectMemberId, TeamId};
use entity::tenancy::project_member::{self, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use crate::platform::authorization::{Authority, Granted};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::members::Grantee;

/// The members of these projects.
pub fn within(projects: Vec<ProjectId>) -> Condition {
    Condition::all().add(Column::ProjectId.eq_any(projects))
}

const BY_TIME: Sort<Column> =
    Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: false };

/// Where a row stands in a list by the time of adding.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of members below each of many projects.
pub struct BelowProjects;

impl Load for BelowProjects {
    type Key = (ProjectId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.project_id);
        children::visible_pages::<Entity, _>(context, keys, Column::ProjectId, &BY_TIME, parent).await
    }
}

/// How many members each project has.
pub struct CountBelowProjects;

impl Load for CountBelowProjects {
    type Key = ProjectId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<ProjectId>) -> Result<HashMap<ProjectId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::ProjectId, &keys).await
    }
}

/// A page of the roles of each of many teams.
pub struct OfTeams;

impl Load for OfTeams {
    type Key = (TeamId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let team = |row: &Model| row.team_id;
        children::visible_pages::<Entity, _>(context, keys, Column::TeamId, &BY_TIME, team).await
    }
}

/// How many roles each team has.
pub struct CountOfTeams;

impl Load for CountOfTeams {
    type Key = TeamId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<TeamId>) -> Result<HashMap<TeamId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::TeamId, &keys).await
    }
}

/// The member, if the viewer may read it.
pub async fn visible(write: &Write<'_>, id: ProjectMemberId) -> Result<Option<Model>> {
    let members = write.read().visible::<Entity>();
    Ok(members.filter(Column::Id.eq(id)).one(write.connection()).await?)
}

/// What the row of a new member is made from.
pub struct NewHolder {
    pub id: Option<ProjectMemberId>,
    pub project_id: ProjectId,
    pub grantee: Grantee,
    pub role: ProjectRole,
}

/// Adds a row. The database fills in the organization.
pub async fn insert(write: &Write<'_>, authority: &dyn Authority, new: NewHolder) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = project_member::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        project_id: Set(new.project_id),
        user_id: Set(new.grantee.user_id()),
        team_id: Set(new.grantee.team_id()),
        role: Set(new.role),
        added_by: Set(write.viewer().user_id()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(authority, row).await.map_err(refused)
}

pub async fn set_role(write: &Write<'_>, granted: &Granted<Entity>, role: ProjectRole) -> Result<Model> {
    let row = project_member::ActiveModel {
        id: Set(granted.id),
        role: Set(role),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    write.update(granted, row).await
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("project_members_user_key", || {
            reject("userId", Code::AlreadyMember, "This person is a member of the project already.")
        })
        .when_constraint("project_members_team_key", || {
            reject("teamId", Code::AlreadyMember, "This team is a member of the project already.")
        })
        .when_constraint("project_members_member_fkey", || {
            reject("userId", Code::NotAMember, "This person is not an active member of the organization.")
        })
        .when_constraint("project_members_team_fkey", || {
            reject("teamId", Code::UserUnknown, "The organization has no team with this id.")
        })
        .when_constraint("project_members_pkey", || checks::id_taken(Code::IdTaken))
}

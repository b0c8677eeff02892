//! How the members of teams are stored.

use std::collections::HashMap;

use entity::ids::{OrganizationId, TeamId, TeamMemberId, UserId};
use entity::tenancy::team;
use entity::tenancy::team_member::{self, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use crate::platform::authorization::Granted;
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;

/// The members of the teams of these organizations.
pub fn among(organizations: Vec<OrganizationId>) -> Condition {
    Condition::all().add(Column::OrganizationId.eq_any(organizations))
}

const BY_TIME: Sort<Column> =
    Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: false };

/// Where a row stands in a list by the time of adding.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of members below each of many teams.
pub struct BelowTeams;

impl Load for BelowTeams {
    type Key = (TeamId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.team_id);
        children::visible_pages::<Entity, _>(context, keys, Column::TeamId, &BY_TIME, parent).await
    }
}

/// How many members each team has.
pub struct CountBelowTeams;

impl Load for CountBelowTeams {
    type Key = TeamId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<TeamId>) -> Result<HashMap<TeamId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::TeamId, &keys).await
    }
}

/// The member, if the viewer may read it.
pub async fn visible(write: &Write<'_>, id: TeamMemberId) -> Result<Option<Model>> {
    let members = write.read().visible::<Entity>();
    Ok(members.filter(Column::Id.eq(id)).one(write.connection()).await?)
}

/// Adds a row. The database fills in the organization.
pub async fn insert(
    write: &Write<'_>,
    team: &Granted<team::Entity>,
    id: Option<TeamMemberId>,
    user_id: UserId,
) -> Result<Model> {
    let request = write.request();
    let row = team_member::ActiveModel {
        id: Set(checks::new_id(request, id, Code::IdTaken)?),
        team_id: Set(team.id),
        user_id: Set(user_id),
        added_by: Set(write.viewer().user_id()),
        created_at: Set(request.now()),
        ..Default::default()
    };
    write.insert(team, row).await.map_err(refused)
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("team_members_user_key", || {
            reject("userId", Code::AlreadyMember, "This person is in the team already.")
        })
        .when_constraint("team_members_member_fkey", || {
            reject("userId", Code::NotAMember, "This person is not an active member of the organization.")
        })
        .when_constraint("team_members_pkey", || checks::id_taken(Code::IdTaken))
}

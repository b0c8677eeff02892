//! How the members of spaces are stored.

use std::collections::HashMap;

use entity::enums::SpaceRole;
use entity::ids::{OrganizationId, SpaceId, SpaceMemberId, TeamId, UserId};
use entity::tenancy::space;
use entity::tenancy::space_member::{self, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait, Select, SelectExt};

use crate::platform::authorization::{Granted, Read};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::members::Grantee;

/// The members of these spaces, and of all spaces of these organizations.
pub fn within(spaces: Vec<SpaceId>, administered: Vec<OrganizationId>) -> Condition {
    let own = Condition::any().add(Column::SpaceId.eq_any(spaces));
    if administered.is_empty() { own } else { own.add(Column::OrganizationId.eq_any(administered)) }
}

const BY_TIME: Sort<Column> =
    Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: false };

/// Where a row stands in a list by the time of adding.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of members below each of many spaces.
pub struct BelowSpaces;

impl Load for BelowSpaces {
    type Key = (SpaceId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.space_id);
        children::visible_pages::<Entity, _>(context, keys, Column::SpaceId, &BY_TIME, parent).await
    }
}

/// How many members each space has.
pub struct CountBelowSpaces;

impl Load for CountBelowSpaces {
    type Key = SpaceId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<SpaceId>) -> Result<HashMap<SpaceId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::SpaceId, &keys).await
    }
}

/// The roles that the viewer may see in spaces that it may see: a role does not tell whether its space was deleted.
fn in_visible_spaces(context: &LoadContext) -> Select<Entity> {
    let read = Read::new(context.viewer.clone());
    let spaces = read.visible::<space::Entity>().select_only().column(space::Column::Id).into_query();
    read.visible::<Entity>().filter(Column::SpaceId.in_subquery(spaces))
}

/// A page of the roles of each of many teams.
pub struct OfTeams;

impl Load for OfTeams {
    type Key = (TeamId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut found = HashMap::new();
        for (page, teams) in children::by_page(keys) {
            let (query, team) = (in_visible_spaces(context), |row: &Model| row.team_id);
            let slices =
                children::pages(&context.connection, query, Column::TeamId, &teams, &page, &BY_TIME, team).await?;
            found.extend(slices.into_iter().map(|(team, slice)| ((team, page.clone()), slice)));
        }
        Ok(found)
    }
}

/// How many roles each team has.
pub struct CountOfTeams;

impl Load for CountOfTeams {
    type Key = TeamId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<TeamId>) -> Result<HashMap<TeamId, i64>> {
        children::counts(&context.connection, in_visible_spaces(context), Column::TeamId, &keys).await
    }
}

/// The member, if the viewer may read it.
pub async fn visible(write: &Write<'_>, id: SpaceMemberId) -> Result<Option<Model>> {
    let members = write.read().visible::<Entity>();
    Ok(members.filter(Column::Id.eq(id)).one(write.connection()).await?)
}

/// The role that was given to a user in a space, if one was.
pub async fn of_user(write: &Write<'_>, space: SpaceId, user: UserId) -> Result<Option<Model>> {
    let members = write.read().visible::<Entity>();
    Ok(members.filter(Column::SpaceId.eq(space)).filter(Column::UserId.eq(user)).one(write.connection()).await?)
}

/// Whether the member's space has a manager beside it, a person or a team.
pub async fn has_other_manager(write: &Write<'_>, member: &Model) -> Result<bool> {
    let members = write.read().visible::<Entity>();
    Ok(members
        .filter(Column::SpaceId.eq(member.space_id))
        .filter(Column::Role.eq(SpaceRole::Manager))
        .filter(Column::Id.ne(member.id))
        .exists(write.connection())
        .await?)
}

/// What the row of a new member is made from.
pub struct NewHolder {
    pub id: Option<SpaceMemberId>,
    pub space_id: SpaceId,
    pub grantee: Grantee,
    pub role: SpaceRole,
    /// The input field that names the grantee.
    pub named_by: &'static str,
}

/// Adds a row. The database fills in the organization.
pub async fn insert(write: &Write<'_>, space: &Granted<space::Entity>, new: NewHolder) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = space_member::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        space_id: Set(new.space_id),
        user_id: Set(new.grantee.user_id()),
        team_id: Set(new.grantee.team_id()),
        role: Set(new.role),
        added_by: Set(write.viewer().user_id()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(space, row).await.map_err(|error| refused(error, new.named_by))
}

pub async fn set_role(write: &Write<'_>, granted: &Granted<Entity>, role: SpaceRole) -> Result<Model> {
    let row = space_member::ActiveModel {
        id: Set(granted.id),
        role: Set(role),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    write.update(granted, row).await
}

fn refused(error: Error, named_by: &'static str) -> Error {
    error
        .when_constraint("space_members_user_key", || {
            reject(named_by, Code::AlreadyMember, "This person is a member of the space already.")
        })
        .when_constraint("space_members_team_key", || {
            reject(named_by, Code::AlreadyMember, "This team is a member of the space already.")
        })
        .when_constraint("space_members_user_fkey", || reject(named_by, Code::UserUnknown, "Nobody here has this id."))
        .when_constraint("space_members_member_fkey", || {
            reject(named_by, Code::NotAMember, "This person is not an active member of the organization.")
        })
        .when_constraint("space_members_team_fkey", || {
            reject(named_by, Code::UserUnknown, "The organization has no team with this id.")
        })
        .when_constraint("space_members_pkey", || checks::id_taken(Code::IdTaken))
}

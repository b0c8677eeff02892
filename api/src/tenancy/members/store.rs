//! How memberships are stored.

use std::collections::HashMap;

use entity::enums::{MemberRole, MemberStatus, UserStatus};
use entity::identity::user;
use entity::ids::{MemberId, OrganizationId, UserId};
use entity::tenancy::member::{self, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter, SelectExt};

use super::grantee::Person;
use super::rules::MemberChanges;
use crate::identity::users;
use crate::platform::authorization::{Authority, Granted, Read};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;

/// The memberships of these organizations.
pub fn among(organizations: Vec<OrganizationId>) -> Condition {
    Condition::all().add(Column::OrganizationId.eq_any(organizations))
}

const BY_TIME: Sort<Column> =
    Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: false };

/// Where a row stands in a list by the time of adding.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of members below each of many organizations.
pub struct BelowOrganizations;

impl Load for BelowOrganizations {
    type Key = (OrganizationId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut found = HashMap::new();
        for (page, parents) in children::by_page(keys) {
            let query = Read::new(context.viewer.clone()).visible::<Entity>();
            let slices = children::pages(
                &context.connection,
                query,
                Column::OrganizationId,
                &parents,
                &page,
                &BY_TIME,
                |row: &Model| Some(row.organization_id),
            )
            .await?;
            found.extend(slices.into_iter().map(|(parent, slice)| ((parent, page.clone()), slice)));
        }
        Ok(found)
    }
}

/// How many members each organization has.
pub struct CountBelowOrganizations;

impl Load for CountBelowOrganizations {
    type Key = OrganizationId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<OrganizationId>) -> Result<HashMap<OrganizationId, i64>> {
        let query = Read::new(context.viewer.clone()).visible::<Entity>();
        children::counts(&context.connection, query, Column::OrganizationId, &keys).await
    }
}

/// The membership, if the viewer may read it.
pub async fn visible(write: &Write<'_>, id: MemberId) -> Result<Option<Model>> {
    let members = write.read().visible::<Entity>();
    Ok(members.filter(Column::Id.eq(id)).one(write.connection()).await?)
}

/// A user's membership of an organization, whatever its status.
pub async fn of_user(write: &Write<'_>, organization: OrganizationId, user: UserId) -> Result<Option<Model>> {
    let members = write.read().visible::<Entity>();
    Ok(members
        .filter(Column::OrganizationId.eq(organization))
        .filter(Column::UserId.eq(user))
        .one(write.connection())
        .await?)
}

/// Whether the member's organization has an active owner beside it.
pub async fn has_other_owner(write: &Write<'_>, member: &Model) -> Result<bool> {
    let members = write.read().visible::<Entity>();
    Ok(members
        .filter(Column::OrganizationId.eq(member.organization_id))
        .filter(Column::Role.eq(MemberRole::Owner))
        .filter(Column::Status.eq(MemberStatus::Active))
        .filter(Column::Id.ne(member.id))
        .exists(write.connection())
        .await?)
}

/// The account of a person, if it may be used.
pub async fn account(write: &Write<'_>, person: &Person) -> Result<Option<UserId>> {
    let found = match person {
        Person::Email(email) => users::by_email(write.connection(), email).await?,
        Person::Id(id) => {
            let accounts = write.read().through_granted_row::<user::Entity>("who is added is named by id");
            accounts.filter(user::Column::Id.eq(*id)).one(write.connection()).await?
        }
    };
    let usable = found.filter(|user| user.deleted_at.is_none() && user.status != UserStatus::Suspended);
    Ok(usable.map(|user| user.id))
}

/// What the row of a new membership is made from.
pub struct NewMembership {
    pub id: Option<MemberId>,
    pub organization_id: OrganizationId,
    pub user_id: UserId,
    pub role: MemberRole,
    pub added_by: Option<UserId>,
}

pub async fn insert(write: &Write<'_>, authority: &dyn Authority, new: NewMembership) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = member::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        organization_id: Set(new.organization_id),
        user_id: Set(new.user_id),
        role: Set(new.role),
        permissions: Set(serde_json::json!({})),
        status: Set(MemberStatus::Active),
        invited_by: Set(new.added_by.filter(|by| *by != new.user_id)),
        joined_at: Set(Some(now)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(authority, row).await.map_err(refused)
}

pub async fn update(write: &Write<'_>, granted: &Granted<Entity>, changes: MemberChanges) -> Result<Model> {
    let row = member::ActiveModel {
        id: Set(granted.id),
        role: Set(changes.role.unwrap_or(granted.role)),
        status: Set(changes.status.unwrap_or(granted.status)),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    write.update(granted, row).await
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("members_user_key", || reject("", Code::AlreadyMember, "This person is a member already."))
        .when_constraint("members_user_fkey", || reject("userId", Code::UserUnknown, "Nobody here has this id."))
        .when_constraint("members_pkey", || checks::id_taken(Code::IdTaken))
}

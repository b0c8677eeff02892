//! How memberships are stored.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::enums::{MemberRole, MemberStatus, UserStatus};
use entity::identity::user;
use entity::ids::{MemberId, OrganizationId, UserId};
use entity::tenancy::member::{self, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Func, SelectStatement};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait, SelectExt};

use super::grantee::Person;
use super::rules::MemberChanges;
use crate::platform::authorization::{Authority, Granted, Read};
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::viewer::Viewer;
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

/// The accounts that may be used, of whom a client names.
fn accounts(person: &Person) -> SelectStatement {
    let is_named = match person {
        Person::Id(id) => user::Column::Id.eq(*id),
        Person::Email(email) => {
            let address = Func::lower(Expr::col((user::Entity, user::Column::Email)));
            ExprTrait::eq(address, email.to_lowercase())
        }
    };
    Read::new(Viewer::System("a person is looked up by the name that a client gave"))
        .visible::<user::Entity>()
        .filter(is_named)
        .filter(user::Column::DeletedAt.is_null())
        .filter(user::Column::Status.ne(UserStatus::Suspended))
        .select_only()
        .column(user::Column::Id)
        .into_query()
}

/// A person's membership of an organization, whatever its status. One statement, so that an account elsewhere makes no
/// difference in time.
pub async fn of_person(write: &Write<'_>, organization: OrganizationId, person: &Person) -> Result<Option<Model>> {
    let members = write.read().visible::<Entity>();
    Ok(members
        .filter(Column::OrganizationId.eq(organization))
        .filter(Column::UserId.in_subquery(accounts(person)))
        .one(write.connection())
        .await?)
}

/// A person who is an active member of an organization of the viewer. One statement, as above.
pub async fn acquaintance(write: &Write<'_>, person: &Person) -> Result<Option<UserId>> {
    let members = write.read().visible::<Entity>();
    let found = members
        .filter(Column::Status.eq(MemberStatus::Active))
        .filter(Column::UserId.in_subquery(accounts(person)))
        .one(write.connection())
        .await?;
    Ok(found.map(|member| member.user_id))
}

/// What the row of a new membership is made from.
pub struct NewMembership {
    pub organization_id: OrganizationId,
    pub user_id: UserId,
    pub role: MemberRole,
    /// By whom and when; none for the founder.
    pub invited: Option<(UserId, DateTime<Utc>)>,
}

/// Adds a membership: of a founder, or of somebody who wants it. Nobody is made a member by others alone.
pub async fn insert(write: &Write<'_>, authority: &dyn Authority, new: NewMembership) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = member::ActiveModel {
        id: Set(MemberId(request.new_id())),
        organization_id: Set(new.organization_id),
        user_id: Set(new.user_id),
        role: Set(new.role),
        permissions: Set(serde_json::json!({})),
        status: Set(MemberStatus::Active),
        invited_by: Set(new.invited.map(|(by, _)| by)),
        invited_at: Set(new.invited.map(|(_, at)| at)),
        accepted_at: Set(new.invited.map(|_| now)),
        joined_at: Set(Some(now)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
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
    error.when_constraint("members_user_key", || reject("", Code::AlreadyMember, "This person is a member already."))
}

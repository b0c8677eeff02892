//! How requests to join are stored, and how listed spaces are found.

use std::collections::HashMap;

use entity::enums::{JoinRequestState, SpacePrivacy};
use entity::ids::{JoinRequestId, OrganizationId, SpaceId, UserId};
use entity::tenancy::join_request::{self, Column, Entity, Model};
use entity::tenancy::space;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, Select};

use crate::platform::authorization::{Action, Authority, Granted, Read, nothing, within_scopes};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;

/// The requests for these spaces and for those of these organizations, and the user's own as a member of the others.
pub fn within(
    managed: Vec<SpaceId>,
    administered: Vec<OrganizationId>,
    user: UserId,
    member_of: Vec<OrganizationId>,
) -> Condition {
    let own = Condition::all().add(Column::UserId.eq(user)).add(Column::OrganizationId.eq_any(member_of));
    Condition::any().add(own).add(Column::SpaceId.eq_any(managed)).add(Column::OrganizationId.eq_any(administered))
}

const BY_TIME: Sort<Column> =
    Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: false };

/// Where a row stands in a list, the oldest first.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

fn open(context: &LoadContext) -> Select<Entity> {
    let all = Read::new(context.viewer.clone()).visible::<Entity>();
    all.filter(Column::State.eq(JoinRequestState::Open))
}

/// A page of the open requests for each of many spaces.
pub struct BelowSpaces;

impl Load for BelowSpaces {
    type Key = (SpaceId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut found = HashMap::new();
        for (page, spaces) in children::by_page(keys) {
            let of = |row: &Model| Some(row.space_id);
            let connection = &context.connection;
            let slices =
                children::pages(connection, open(context), Column::SpaceId, &spaces, &page, &BY_TIME, of).await?;
            found.extend(slices.into_iter().map(|(space, slice)| ((space, page.clone()), slice)));
        }
        Ok(found)
    }
}

/// How many requests for each space are open.
pub struct CountBelowSpaces;

impl Load for CountBelowSpaces {
    type Key = SpaceId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<SpaceId>) -> Result<HashMap<SpaceId, i64>> {
        children::counts(&context.connection, open(context), Column::SpaceId, &keys).await
    }
}

/// The viewer's own open request for each of many spaces.
pub struct Own;

impl Load for Own {
    type Key = SpaceId;
    type Value = Option<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<SpaceId>) -> Result<HashMap<SpaceId, Option<Model>>> {
        let Some(user) = context.viewer.user_id() else { return Ok(HashMap::new()) };
        let own = open(context).filter(Column::UserId.eq(user)).filter(Column::SpaceId.eq_any(keys));
        let rows = own.all(&context.connection).await?;
        Ok(rows.into_iter().map(|row| (row.space_id, Some(row))).collect())
    }
}

const BY_NAME: Sort<space::Column> =
    Sort { column: space::Column::Name, id: space::Column::Id, kind: SortKind::Text, descending: false };

/// Where a space stands in the list of those that may be asked for.
pub fn place_of_space(row: &space::Model) -> Cursor {
    Cursor::new(space::Column::Name, SortKey::Text(row.name.clone()), row.id)
}

/// The listed spaces, whoever sees into them.
fn listed(viewer: Viewer) -> Select<space::Entity> {
    Read::new(viewer)
        .through_granted_row::<space::Entity>("a listed space shows its name to the members of its organization")
        .filter(space::Column::IsListed.eq(true))
        .filter(space::Column::Privacy.eq(SpacePrivacy::Private))
        .filter(space::Column::DeletedAt.is_null())
        .filter(space::Column::ArchivedAt.is_null())
}

/// The listed spaces of an organization in which the viewer has no role.
fn listed_for(request: &Request, organization: OrganizationId) -> Select<space::Entity> {
    let viewer = request.viewer();
    let entered: Vec<SpaceId> = viewer.grants().map(|grants| grants.space_ids()).unwrap_or_default();
    let hidden = !within_scopes::<space::Entity>(&viewer).contains(Action::Read);
    listed(viewer)
        .filter(Condition::all().add_option(hidden.then(nothing)))
        .filter(space::Column::OrganizationId.eq(organization))
        .filter(Condition::all().not().add(space::Column::Id.eq_any(entered)))
}

/// A page of the spaces of an organization that the viewer may ask for.
pub async fn page_listed(request: &Request, organization: OrganizationId, page: &Page) -> Result<Slice<space::Model>> {
    let query = page.apply(listed_for(request, organization), &BY_NAME)?;
    Ok(page.slice(query.all(&request.connection()).await?))
}

/// How many spaces of an organization the viewer may ask for.
pub async fn count_listed(request: &Request, organization: OrganizationId) -> Result<i64> {
    request.count(listed_for(request, organization)).await
}

/// A listed space, held as it is.
pub async fn hold_listed(write: &Write<'_>, id: SpaceId) -> Result<Option<space::Model>> {
    let spaces = listed(write.viewer().clone()).filter(space::Column::Id.eq(id));
    Ok(spaces.lock_shared().one(write.connection()).await?)
}

/// The request, if the viewer may read it.
pub async fn visible(write: &Write<'_>, id: JoinRequestId) -> Result<Option<Model>> {
    let requests = write.read().visible::<Entity>();
    Ok(requests.filter(Column::Id.eq(id)).one(write.connection()).await?)
}

/// Adds a row. The database fills in the organization.
pub async fn insert(
    write: &Write<'_>,
    authority: &dyn Authority,
    id: Option<JoinRequestId>,
    space_id: SpaceId,
    user_id: UserId,
    message: Option<String>,
) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = join_request::ActiveModel {
        id: Set(checks::new_id(request, id, Code::IdTaken)?),
        space_id: Set(space_id),
        user_id: Set(user_id),
        message: Set(message),
        state: Set(JoinRequestState::Open),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(authority, row).await.map_err(refused)
}

pub async fn decide(write: &Write<'_>, granted: &Granted<Entity>, state: JoinRequestState) -> Result<Model> {
    let now = write.request().now();
    let row = join_request::ActiveModel {
        id: Set(granted.id),
        state: Set(state),
        decided_by: Set(write.viewer().user_id()),
        decided_at: Set(Some(now)),
        version: Set(granted.version + 1),
        updated_at: Set(now),
        ..Default::default()
    };
    write.update(granted, row).await
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("join_requests_open_key", || {
            reject("spaceId", Code::AlreadyRequested, "You have asked already. Wait for an answer, or withdraw.")
        })
        .when_constraint("join_requests_pkey", || checks::id_taken(Code::IdTaken))
}

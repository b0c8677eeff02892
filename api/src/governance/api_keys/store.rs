//! How API keys are stored and listed.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::governance::api_key::{self, Column, Entity, Model};
use entity::ids::{ApiKeyId, ProjectId, UserId};
use ipnetwork::IpNetwork;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, PaginatorTrait, QueryFilter, Select};

use super::filter::ApiKeyFilter;
use super::state::ApiKeyState;
use crate::governance::GovernanceErrorCode as Code;
use crate::platform::authorization::{Granted, Read, Scope};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::Result;
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::viewer::{Entrance, KeyDigest};
use crate::platform::write::Write;

/// The keys of these projects, and the user's own.
pub fn within(projects: Vec<ProjectId>, user: Option<UserId>) -> Condition {
    Condition::any().add(Column::ProjectId.eq_any(projects)).add_option(user.map(|user| Column::UserId.eq(user)))
}

const NEWEST: Sort<Column> = Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a key stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

fn filtered(read: &Read, filter: &ApiKeyFilter) -> Select<Entity> {
    let any_state = |states: &Vec<ApiKeyState>| {
        states.iter().fold(Condition::any().add(Expr::value(false)), |any, state| any.add(in_state(*state)))
    };
    let has_scope = |scope: Scope| Expr::val(scope.text()).eq(PgFunc::any(Column::Scopes.into_expr()));
    read.visible::<Entity>().filter(
        Condition::all()
            .add_option(filter.states.as_ref().map(any_state))
            .add_option(filter.name.as_ref().map(|name| name.condition(Column::Name)))
            .add_option(filter.scope.map(has_scope))
            .add_option(filter.created_by.map(|user| Column::CreatedBy.eq(user)))
            .add_option(filter.last_used_at.as_ref().map(|time| time.condition(Column::LastUsedAt)))
            .add_option(filter.expires_at.as_ref().map(|time| time.condition(Column::ExpiresAt))),
    )
}

/// Invariant: what `ApiKeyState::of` says.
fn in_state(state: ApiKeyState) -> Condition {
    let now = || Expr::cust("now()");
    let is_over =
        Condition::any().add(Column::ExpiresAt.into_expr().lte(now())).add(Column::GraceEndsAt.into_expr().lte(now()));
    let goes_on = Condition::all()
        .add(Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.into_expr().gt(now())))
        .add(Column::RevokedAt.is_null());
    match state {
        ApiKeyState::Revoked => Condition::all().add(Column::RevokedAt.is_not_null()),
        ApiKeyState::Expired => Condition::all().add(Column::RevokedAt.is_null()).add(is_over),
        ApiKeyState::Replaced => goes_on.add(Column::GraceEndsAt.into_expr().gt(now())),
        ApiKeyState::Active => goes_on.add(Column::GraceEndsAt.is_null()),
    }
}

/// A page of the keys of each of many projects.
pub struct OfProjects;

impl Load for OfProjects {
    type Key = (ProjectId, Page, Arc<ApiKeyFilter>);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut lists: HashMap<(Page, Arc<ApiKeyFilter>), Vec<ProjectId>> = HashMap::new();
        for (id, page, filter) in keys {
            lists.entry((page, filter)).or_default().push(id);
        }
        let mut found = HashMap::new();
        for ((page, filter), ids) in lists {
            let query = filtered(&Read::new(context.viewer.clone()), &filter);
            let of = |row: &Model| row.project_id;
            let slices =
                children::pages(&context.connection, query, Column::ProjectId, &ids, &page, &NEWEST, of).await?;
            found.extend(slices.into_iter().map(|(id, slice)| ((id, page.clone(), Arc::clone(&filter)), slice)));
        }
        Ok(found)
    }
}

/// Whose keys a list holds.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    Project(ProjectId),
    User(UserId),
}

fn of(read: &Read, owner: Owner, filter: &ApiKeyFilter) -> Select<Entity> {
    let keys = filtered(read, filter);
    match owner {
        Owner::Project(id) => keys.filter(Column::ProjectId.eq(id)),
        Owner::User(id) => keys.filter(Column::UserId.eq(id)),
    }
}

/// The key that asks.
pub async fn itself(request: &Request, id: ApiKeyId) -> Result<Option<Model>> {
    let keys = request.read().through_granted_row::<Entity>("a key that is good sees itself");
    Ok(keys.filter(Column::Id.eq(id)).one(&request.connection()).await?)
}

/// A page of somebody's personal keys.
pub async fn of_user(request: &Request, id: UserId, page: &Page, filter: &ApiKeyFilter) -> Result<Slice<Model>> {
    let query = page.apply(of(&request.read(), Owner::User(id), filter), &NEWEST)?;
    Ok(page.slice(query.all(&request.connection()).await?))
}

/// How many keys a list holds.
pub async fn count(request: &Request, owner: Owner, filter: &ApiKeyFilter) -> Result<i64> {
    request.count(of(&request.read(), owner, filter)).await
}

fn lasting() -> ApiKeyFilter {
    ApiKeyFilter { states: Some(vec![ApiKeyState::Active, ApiKeyState::Replaced]), ..ApiKeyFilter::default() }
}

/// How many keys of a project are not over.
pub async fn count_of_project(write: &Write<'_>, id: ProjectId) -> Result<u64> {
    Ok(of(&write.read(), Owner::Project(id), &lasting()).count(write.connection()).await?)
}

/// How many personal keys are not over.
pub async fn count_of_user(write: &Write<'_>, id: UserId) -> Result<u64> {
    Ok(of(&write.read(), Owner::User(id), &lasting()).count(write.connection()).await?)
}

/// What the row of a new key is made from.
pub struct NewRow {
    pub id: ApiKeyId,
    pub project_id: Option<ProjectId>,
    pub name: String,
    pub description: Option<String>,
    pub scopes: Vec<String>,
    pub allowed_networks: Vec<IpNetwork>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Adds a key of who writes. Whether the viewer may was asked of the project or the account.
pub async fn insert(write: &Write<'_>, new: NewRow, creator: UserId, secret: &str, prefix: &str) -> Result<Model> {
    let now = write.request().now();
    let vouched = match write.viewer().entrance() {
        Some(Entrance::Session(vouched)) => vouched.clone(),
        Some(Entrance::Operator) | None => None,
    };
    let row = api_key::ActiveModel {
        id: Set(new.id),
        user_id: Set(new.project_id.is_none().then_some(creator)),
        project_id: Set(new.project_id),
        created_by: Set(creator),
        name: Set(new.name),
        description: Set(new.description),
        key_prefix: Set(prefix.to_owned()),
        key_hash: Set(KeyDigest::of(secret).bytes().into()),
        scopes: Set(new.scopes),
        allowed_networks: Set(new.allowed_networks),
        usage_count: Set(0),
        expires_at: Set(new.expires_at),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        provider: Set(vouched.as_ref().map(|vouched| vouched.provider.clone())),
        provider_domain: Set(vouched.and_then(|vouched| vouched.domain)),
        ..Default::default()
    };
    let authority = write.as_viewer()?;
    let inserted = write.insert(&authority, row).await;
    inserted.map_err(|error| error.when_constraint("api_keys_pkey", || checks::id_taken(Code::IdTaken)))
}

/// The new values of a key; none leaves a value as it is.
pub struct KeyChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub scopes: Option<Vec<String>>,
    pub allowed_networks: Option<Vec<IpNetwork>>,
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

pub async fn update(write: &Write<'_>, granted: &Granted<Entity>, change: KeyChange) -> Result<Model> {
    let mut row = changed(write, granted);
    if let Some(name) = change.name {
        row.name = Set(name);
    }
    if let Some(description) = change.description {
        row.description = Set(Some(description).filter(|text| !text.is_empty()));
    }
    if let Some(scopes) = change.scopes {
        row.scopes = Set(scopes);
    }
    if let Some(networks) = change.allowed_networks {
        row.allowed_networks = Set(networks);
    }
    if let Some(end) = change.expires_at {
        row.expires_at = Set(end);
    }
    write.update(granted, row).await
}

pub async fn replace(
    write: &Write<'_>,
    granted: &Granted<Entity>,
    successor: ApiKeyId,
    grace_ends_at: DateTime<Utc>,
) -> Result<Model> {
    let mut row = changed(write, granted);
    row.rotated_into_id = Set(Some(successor));
    row.grace_ends_at = Set(Some(grace_ends_at));
    write.update(granted, row).await
}

pub async fn revoke(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let mut row = changed(write, granted);
    row.revoked_at = Set(Some(write.request().now()));
    row.revoked_by = Set(write.viewer().user_id());
    write.update(granted, row).await
}

fn changed(write: &Write<'_>, granted: &Granted<Entity>) -> api_key::ActiveModel {
    api_key::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    }
}

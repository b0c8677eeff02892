//! How the audit log is read.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::audit::log::{self, Column, Entity, Model};
use entity::ids::{OrganizationId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, Select};

use super::filter::{AuditAction, AuditFilter};
use super::resources::AuditResourceType;
use crate::platform::authorization::Read;
use crate::platform::children;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;

/// The entries of these organizations, and the user's own.
pub fn within(administered: Vec<OrganizationId>, user: Option<UserId>) -> Condition {
    let own = user.map(|user| Column::UserId.eq(user));
    let theirs = (own.is_none() || !administered.is_empty()).then(|| Column::OrganizationId.eq_any(administered));
    Condition::any().add_option(own).add_option(theirs)
}

const NEWEST: Sort<Column> = Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where an entry stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

fn condition(filter: &AuditFilter) -> Condition {
    Condition::all()
        .add_option(filter.actor_id.map(|id| Column::ActorId.eq(id.uuid())))
        .add_option(actions(filter))
        .add_option(filter.resource_id.map(|id| {
            let types = AuditResourceType::TABLES.iter().filter(|table| {
                let resource = AuditResourceType::of_table(table);
                resource.id(id.uuid()).is_some_and(|of_table| of_table.prefix() == id.prefix())
            });
            let types: Vec<String> = types.map(|table| (*table).to_owned()).collect();
            Condition::all().add(Column::ResourceType.eq_any(types)).add(Column::ResourceId.eq(id.uuid()))
        }))
        .add_option(filter.space_id.map(|id| Column::SpaceId.eq(id)))
        .add_option(filter.project_id.map(|id| Column::ProjectId.eq(id)))
        .add_option(filter.created_at.as_ref().map(|time| time.condition(Column::CreatedAt)))
}

/// What was done to what, spelled out wherever that can be, so that an index serves it.
fn actions(filter: &AuditFilter) -> Option<Condition> {
    if filter.actions.is_none() && filter.resource_types.is_none() {
        return None;
    }
    let verbs = filter.actions.clone().unwrap_or_else(|| AuditAction::ALL.to_vec());
    let types = filter.resource_types.clone();
    let spelled = |tables: Vec<&str>| -> Vec<String> {
        let of_table = |table: &str| verbs.iter().map(|verb| format!("{table}.{}", verb.verb())).collect::<Vec<_>>();
        tables.into_iter().flat_map(of_table).collect()
    };
    let named = match &types {
        Some(types) => types.iter().filter_map(|of| of.table()).collect(),
        None => AuditResourceType::TABLES.to_vec(),
    };
    let any = Condition::any().add(Column::Action.eq_any(spelled(named)));
    if types.is_some_and(|types| !types.contains(&AuditResourceType::Other)) {
        return Some(any);
    }
    let tables: Vec<&str> = AuditResourceType::TABLES.to_vec();
    let others = verbs.iter().fold(Condition::any().add(Expr::value(false)), |any, verb| {
        any.add(Column::Action.ends_with(format!(".{}", verb.verb())))
    });
    Some(any.add(Condition::all().add(Column::ResourceType.is_not_in(tables)).add(others)))
}

fn filtered(read: &Read, filter: &AuditFilter) -> Select<Entity> {
    read.visible::<Entity>().filter(condition(filter))
}

/// A page of entries of each of many organizations.
pub struct OfOrganizations;

impl Load for OfOrganizations {
    type Key = (OrganizationId, Page, Arc<AuditFilter>);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut lists: HashMap<(Page, Arc<AuditFilter>), Vec<OrganizationId>> = HashMap::new();
        for (id, page, filter) in keys {
            lists.entry((page, filter)).or_default().push(id);
        }
        let mut found = HashMap::new();
        for ((page, filter), ids) in lists {
            let query = filtered(&Read::new(context.viewer.clone()), &filter);
            let of = |row: &Model| row.organization_id;
            let slices =
                children::pages(&context.connection, query, Column::OrganizationId, &ids, &page, &NEWEST, of).await?;
            found.extend(slices.into_iter().map(|(id, slice)| ((id, page.clone(), Arc::clone(&filter)), slice)));
        }
        Ok(found)
    }
}

/// How many entries a list of an organization holds.
pub async fn count_of_organization(request: &Request, id: OrganizationId, filter: &AuditFilter) -> Result<i64> {
    let query = filtered(&request.read(), filter).filter(Column::OrganizationId.eq(id));
    request.count(query).await
}

/// A page of the entries that are a person's own.
pub async fn of_user(request: &Request, id: UserId, page: &Page, filter: &AuditFilter) -> Result<Slice<Model>> {
    let query = page.apply(filtered(&request.read(), filter).filter(Column::UserId.eq(id)), &NEWEST)?;
    Ok(page.slice(query.all(&request.connection()).await?))
}

/// How many entries a list of a person's own holds.
pub async fn count_of_user(request: &Request, id: UserId, filter: &AuditFilter) -> Result<i64> {
    request.count(filtered(&request.read(), filter).filter(Column::UserId.eq(id))).await
}

/// The transaction that an event of the log speaks of.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub organization: OrganizationId,
    /// As PostgreSQL writes an xid8.
    pub id: String,
    /// No entry of it is older.
    pub since: DateTime<Utc>,
}

/// The entries of one transaction in their order, from after a place on; `limit` of them at most.
pub async fn of_transaction(
    request: &Request,
    transaction: &Transaction,
    after: Option<&log::Model>,
    limit: u64,
) -> Result<Vec<Model>> {
    let place = || Expr::tuple([Column::CreatedAt.into_expr(), Column::Id.into_expr()]);
    let mut query = request
        .read()
        .visible::<Entity>()
        .filter(Column::OrganizationId.eq(transaction.organization))
        .filter(Expr::cust_with_values("transaction_id = $1::xid8", [transaction.id.as_str()]))
        .filter(Column::CreatedAt.gte(transaction.since));
    if let Some(last) = after {
        query = query.filter(place().gt(Expr::tuple([Expr::value(last.created_at), Expr::value(last.id.uuid())])));
    }
    let query = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).limit(limit);
    query.all(&request.connection()).await.map_err(Error::from)
}

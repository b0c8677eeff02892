//! How subscriptions are stored, and what their owners have, counted.

use std::collections::HashMap;
use std::sync::Arc;

use entity::enums::{BillingCycle, Plan, SubscriptionStatus};
use entity::ids::{OrganizationId, SpaceId, UserId};
use entity::tenancy::subscription::{self, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, FromQueryResult, QueryFilter, QuerySelect, Select, Statement,
    Value,
};

use super::rules::{Counted, Owner, Terms};
use crate::platform::authorization::Read;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::request::Request;
use crate::platform::write::Write;

/// The subscriptions of these organizations, and the user's own.
pub fn of_owners(administered: Vec<OrganizationId>, user: UserId) -> Condition {
    Condition::any().add(Column::UserId.eq(user)).add(Column::OrganizationId.eq_any(administered))
}

fn owned_by(read: &Read, owner: Owner) -> Select<Entity> {
    let all = read.through_granted_row::<Entity>("what may be made depends on the owner's subscription");
    match owner {
        Owner::Organization(id) => all.filter(Column::OrganizationId.eq(id)),
        Owner::User(id) => all.filter(Column::UserId.eq(id)),
    }
}

/// The subscription of the owner, if it has a row.
pub async fn of_owner(write: &Write<'_>, owner: Owner) -> Result<Option<Model>> {
    Ok(owned_by(&write.read(), owner).one(write.connection()).await?)
}

/// The subscription of the owner, locked, with a row from now on.
pub async fn locked(write: &Write<'_>, owner: Owner) -> Result<Model> {
    let lock = async || owned_by(&write.read(), owner).lock(LockType::NoKeyUpdate).one(write.connection()).await;
    if let Some(row) = lock().await? {
        return Ok(row);
    }
    let now = write.request().now();
    let (organization_id, user_id) = match owner {
        Owner::Organization(id) => (Some(id), None),
        Owner::User(id) => (None, Some(id)),
    };
    let row = subscription::ActiveModel {
        id: Set(owner.subscription_id()),
        organization_id: Set(organization_id),
        user_id: Set(user_id),
        plan: Set(plan_without_row(write.connection(), owner).await?),
        billing_cycle: Set(BillingCycle::Monthly),
        status: Set(SubscriptionStatus::Active),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    let authority = write.as_system("a subscription has a row once it is first needed");
    write.insert_missing(&authority, vec![row], OnConflict::new().do_nothing().to_owned()).await?;
    lock().await?.ok_or_else(|| Error::internal("a subscription went away"))
}

/// The subscription that the provider of payments knows by this id, locked.
pub async fn locked_by_provider_id(write: &Write<'_>, id: &str) -> Result<Option<Model>> {
    let all = write.read().through_granted_row::<Entity>("the provider of payments names it");
    let row = all.filter(Column::StripeSubscriptionId.eq(id)).lock(LockType::NoKeyUpdate).one(write.connection());
    Ok(row.await?)
}

/// The plan of somebody who has never subscribed.
pub async fn plan_without_row(connection: &impl ConnectionTrait, owner: Owner) -> Result<Plan> {
    let Owner::Organization(id) = owner else { return Ok(Plan::Free) };
    let sql = "SELECT plan FROM tenancy.organizations WHERE id = $1";
    let row = connection.query_one_raw(statement(sql, [id.uuid().into()])).await?;
    Ok(row.map(|row| row.try_get("", "plan")).transpose()?.unwrap_or(Plan::Free))
}

/// Whose personal space it is.
pub async fn owner_of_space(write: &Write<'_>, id: SpaceId) -> Result<Owner> {
    let sql = "SELECT organization_id, user_id FROM tenancy.spaces WHERE id = $1";
    let row = write.connection().query_one_raw(statement(sql, [id.uuid().into()])).await?;
    let row = row.ok_or(Error::NotFound)?;
    match (row.try_get("", "organization_id")?, row.try_get("", "user_id")?) {
        (Some(organization), _) => Ok(Owner::Organization(organization)),
        (None, Some(user)) => Ok(Owner::User(user)),
        (None, None) => Err(Error::internal("a space has no owner")),
    }
}

/// The owner that the provider of payments knows as this customer.
pub async fn owner_of_customer(write: &Write<'_>, customer: &str) -> Result<Option<Owner>> {
    let sql = "SELECT id FROM tenancy.organizations WHERE stripe_customer_id = $1 AND deleted_at IS NULL";
    let rows = write.connection().query_all_raw(statement(sql, [customer.into()])).await?;
    match rows.as_slice() {
        [row] => Ok(Some(Owner::Organization(row.try_get("", "id")?))),
        _ => Ok(None),
    }
}

/// Whether the owner is there.
pub async fn exists(write: &Write<'_>, owner: Owner) -> Result<bool> {
    let (sql, id) = match owner {
        Owner::Organization(id) => {
            ("SELECT 1 FROM tenancy.organizations WHERE id = $1 AND deleted_at IS NULL", id.uuid())
        }
        Owner::User(id) => ("SELECT 1 FROM identity.users WHERE id = $1 AND deleted_at IS NULL", id.uuid()),
    };
    Ok(write.connection().query_one_raw(statement(sql, [id.into()])).await?.is_some())
}

/// What an owner has of what is limited.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct Used {
    pub members: i64,
    pub projects: i64,
    pub mcp_servers: i64,
    pub content_bytes: i64,
}

impl Used {
    pub fn of(&self, counted: Counted) -> i64 {
        match counted {
            Counted::Members => self.members,
            Counted::Projects => self.projects,
            Counted::McpServers => self.mcp_servers,
            Counted::Content => self.content_bytes,
        }
    }
}

const USED_BY_ORGANIZATION_SQL: &str = "SELECT \
     (SELECT count(*) FROM tenancy.members WHERE organization_id = $1) AS members, \
     (SELECT count(*) FROM tenancy.projects WHERE organization_id = $1 AND deleted_at IS NULL) AS projects, \
     (SELECT count(*) FROM governance.mcp_servers s JOIN tenancy.projects p ON p.id = s.project_id \
         WHERE s.organization_id = $1 AND s.deleted_at IS NULL AND p.deleted_at IS NULL) AS mcp_servers, \
     (SELECT coalesce(sum(d.size_bytes), 0)::bigint FROM content.documents d JOIN tenancy.spaces s ON s.id = d.space_id \
         WHERE s.organization_id = $1 AND s.deleted_at IS NULL) AS content_bytes";

const USED_BY_USER_SQL: &str = "SELECT 0::bigint AS members, 0::bigint AS projects, 0::bigint AS mcp_servers, \
     (SELECT coalesce(sum(d.size_bytes), 0)::bigint FROM content.documents d JOIN tenancy.spaces s ON s.id = d.space_id \
         WHERE s.user_id = $1 AND s.deleted_at IS NULL) AS content_bytes";

pub async fn used(connection: &impl ConnectionTrait, owner: Owner) -> Result<Used> {
    let (sql, id) = match owner {
        Owner::Organization(id) => (USED_BY_ORGANIZATION_SQL, id.uuid()),
        Owner::User(id) => (USED_BY_USER_SQL, id.uuid()),
    };
    let row = connection.query_one_raw(statement(sql, [id.into()])).await?;
    let row = row.ok_or_else(|| Error::internal("an aggregate gave no row"))?;
    Ok(Used::from_query_result(&row, "")?)
}

/// Changes a locked subscription, and the plan that the organization is known by.
pub async fn update(write: &Write<'_>, held: &Model, terms: Terms) -> Result<Model> {
    let now = write.request().now();
    let authority = write.as_system("whoever may change the plan was asked before");
    let row = subscription::ActiveModel {
        id: Set(held.id),
        plan: Set(terms.plan),
        billing_cycle: Set(terms.billing_cycle),
        status: Set(terms.status),
        current_period_start: Set(terms.current_period_start),
        current_period_end: Set(terms.current_period_end),
        trial_end: Set(terms.trial_end),
        canceled_at: Set(terms.canceled_at),
        past_due_since: Set(terms.past_due_since),
        stripe_subscription_id: Set(terms.stripe_subscription_id),
        stripe_price_id: Set(terms.stripe_price_id),
        last_billing_event_at: Set(terms.last_billing_event_at),
        version: Set(held.version + 1),
        updated_at: Set(now),
        ..Default::default()
    };
    let updated = write.update_below(&authority, row).await?;
    if let Some(organization) = updated.organization_id {
        let sql = "UPDATE tenancy.organizations SET plan = $2, updated_at = $3 WHERE id = $1 AND plan <> $2";
        let values = [organization.uuid().into(), updated.plan.as_str().into(), now.into()];
        write.connection().execute_raw(statement(sql, values)).await?;
    }
    Ok(updated)
}

/// The subscription of each of many organizations, within the viewer's reach.
pub struct OfOrganizations;

impl Load for OfOrganizations {
    type Key = OrganizationId;
    type Value = Option<Arc<Model>>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<OrganizationId>) -> Result<HashMap<OrganizationId, Self::Value>> {
        let visible = Read::new(context.viewer.clone()).visible::<Entity>();
        let rows = visible.filter(Column::OrganizationId.eq_any(keys)).all(&context.connection).await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.organization_id?, Some(Arc::new(row))))).collect())
    }
}

/// The viewer's own subscription, if it has a row.
pub async fn of_user(request: &Request, id: UserId) -> Result<Option<Model>> {
    let visible = request.read().visible::<Entity>();
    Ok(visible.filter(Column::UserId.eq(id)).one(&request.connection()).await?)
}

fn statement<const N: usize>(sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

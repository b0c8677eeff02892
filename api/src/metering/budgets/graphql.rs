//! Budgets as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::enums::{BudgetMeasure, BudgetSubject};
use entity::ids::{ApiKeyId, BudgetId, McpServerId, McpToolId, OrganizationId, PolicyId, ProjectId, UserId};
use entity::metering::budget;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::store::{self, List};
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Count, Node, Page, count_by};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::organizations::Organization;
use crate::tenancy::projects::Project;

/// A budget.
#[derive(Clone, Debug)]
pub struct Budget(pub Arc<budget::Model>);

impl Node for Budget {}

impl From<budget::Model> for Budget {
    fn from(row: budget::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Budget {
    /// The budget, if the viewer may see it.
    pub async fn find(request: &Request, id: BudgetId) -> Result<Option<Self>> {
        Ok(request.find::<budget::Entity>(id).await?.map(Self))
    }
}

/// What a usage policy allows in one calendar window, in the time zone of the organization, and what of it is used. Who
/// administers the organization or the project sees it, and whose own use it counts: of a key's, who created the key.
#[Object]
impl Budget {
    /// The id of the budget.
    pub async fn id(&self) -> BudgetId {
        self.0.id
    }

    /// The organization; null when you may not see it.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        Organization::find(ctx.request(), self.0.organization_id).await
    }

    /// The project; null when it is of the whole organization, or you may not see it.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        match self.0.project_id {
            Some(id) => Project::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The id of the policy that limits.
    async fn policy_id(&self) -> PolicyId {
        self.0.policy_id
    }

    /// Which of the policy's limits it is, from 0.
    async fn limit_index(&self) -> i32 {
        self.0.limit_index
    }

    /// Whose use is counted.
    async fn subject_type(&self) -> BudgetSubject {
        self.0.subject_type
    }

    /// The id of whose use is counted.
    async fn subject_id(&self) -> async_graphql::ID {
        subject(&self.0).into()
    }

    /// What is counted.
    async fn measure(&self) -> BudgetMeasure {
        self.0.measure
    }

    /// How much is allowed: a decimal number.
    async fn amount(&self) -> String {
        self.0.amount.normalize().to_string()
    }

    /// How much is used: a decimal number.
    async fn used(&self) -> String {
        self.0.used.normalize().to_string()
    }

    /// How much is held for calls under way: a decimal number.
    async fn reserved(&self) -> String {
        self.0.reserved.normalize().to_string()
    }

    /// How much is left: a decimal number.
    async fn remaining(&self) -> String {
        (self.0.amount - self.0.used - self.0.reserved).max(Decimal::ZERO).normalize().to_string()
    }

    /// When the window began.
    async fn window_start(&self) -> DateTime<Utc> {
        self.0.window_start
    }

    /// When the window ends, and the next begins.
    async fn window_end(&self) -> DateTime<Utc> {
        self.0.window_end
    }

    /// The thresholds of this window that were told of, in percent of the amount.
    async fn thresholds_told(&self) -> &[i32] {
        &self.0.thresholds_told
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<budget::Entity>(&self.0).actions()
    }
}

/// The id of whose use is counted, which carries its type.
fn subject(row: &budget::Model) -> String {
    let id = row.subject_id;
    match row.subject_type {
        BudgetSubject::Organization => OrganizationId(id).to_string(),
        BudgetSubject::Project => ProjectId(id).to_string(),
        BudgetSubject::User => UserId(id).to_string(),
        BudgetSubject::Key => ApiKeyId(id).to_string(),
        BudgetSubject::Server => McpServerId(id).to_string(),
        BudgetSubject::Tool => McpToolId(id).to_string(),
    }
}

/// Which budgets to list; all conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct BudgetFilter {
    /// Those that count this.
    pub measure: Option<BudgetMeasure>,
    /// Those that count the use of such subjects.
    pub subject_type: Option<BudgetSubject>,
    /// Those of this policy.
    pub policy_id: Option<PolicyId>,
    /// Those whose window is under way; false for the others.
    pub is_current: Option<bool>,
}

/// A page of the budgets of an organization and its projects, the latest window first.
pub async fn of_organization(
    request: &Request,
    id: OrganizationId,
    page: Page,
    filter: Option<BudgetFilter>,
) -> Result<Connection<Budget>> {
    let list = List::new(page, filter, request.now());
    let slice = request.load::<store::OfOrganizations>((id, list.clone())).await?;
    Ok(Connection::new(slice, store::place, Budget::from, counted(budget::Column::OrganizationId, id.uuid(), list)))
}

/// A page of the budgets of a project, the latest window first.
pub async fn of_project(
    request: &Request,
    id: ProjectId,
    page: Page,
    filter: Option<BudgetFilter>,
) -> Result<Connection<Budget>> {
    let list = List::new(page, filter, request.now());
    let slice = request.load::<store::OfProjects>((id, list.clone())).await?;
    Ok(Connection::new(slice, store::place, Budget::from, counted(budget::Column::ProjectId, id.uuid(), list)))
}

fn counted(parent: budget::Column, id: Uuid, list: List) -> Count {
    count_by(move |request| {
        let list = list.clone();
        Box::pin(async move { store::count(request, parent, id, &list).await })
    })
}

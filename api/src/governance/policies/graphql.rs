//! Policies and their versions as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use entity::enums::{PolicyMode, PolicyStatus, PolicyType};
use entity::governance::{policy, policy_version};
use entity::ids::{McpServerId, OrganizationId, PolicyId, PolicyVersionId, ProjectId};
use serde_json::Value;

use super::applying::PolicyAppliesTo;
use super::filter::PolicyFilter;
use super::says::PolicyRules;
use super::store;
use crate::governance::decision::{AppliesTo, Level};
use crate::identity::users::User;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::organizations::Organization;
use crate::tenancy::projects::Project;

/// A policy.
#[derive(Clone, Debug)]
pub struct Policy(pub Arc<policy::Model>);

impl Node for Policy {}

impl From<policy::Model> for Policy {
    fn from(row: policy::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Policy {
    /// The policy, if the viewer may see it.
    pub async fn find(request: &Request, id: PolicyId) -> Result<Option<Self>> {
        Ok(request.find::<policy::Entity>(id).await?.map(Self))
    }
}

fn rules(of: PolicyType, rules: &Value) -> Result<PolicyRules> {
    let read = store::parse_rules(of, rules).map(PolicyRules::from);
    read.ok_or_else(|| Error::internal("the rules of a policy cannot be read"))
}

fn applies_to(stored: &Value) -> Result<PolicyAppliesTo> {
    let read: AppliesTo = serde_json::from_value(stored.clone()).map_err(Error::internal)?;
    Ok(PolicyAppliesTo::from(&read))
}

/// A policy: what may be done with tools and models. An organization's holds in all its projects and alone can grant; a
/// project's and a server's narrow that. Whoever is bound by it reads it once it is published.
#[Object]
impl Policy {
    /// The id of the policy.
    pub async fn id(&self) -> PolicyId {
        self.0.id
    }

    /// The organization in which it holds; null when it is closed meanwhile.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        Organization::find(ctx.request(), self.0.organization_id).await
    }

    /// The project in which it holds; null for a policy of the organization.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        match self.0.project_id {
            Some(id) => Project::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The server for whose tools it holds; null for a policy of the organization or of a project.
    async fn server_id(&self) -> Option<McpServerId> {
        self.0.server_id
    }

    /// Whose policy it is.
    async fn level(&self) -> Level {
        store::level(&self.0)
    }

    /// Its name, 1 to 255 characters.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is for; null when nobody said.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// What kind of rules it has.
    #[graphql(name = "type")]
    async fn policy_type(&self) -> PolicyType {
        self.0.r#type
    }

    /// What it says.
    async fn rules(&self) -> Result<PolicyRules> {
        rules(self.0.r#type, &self.0.rules)
    }

    /// Whom and what it applies to.
    async fn applies_to(&self) -> Result<PolicyAppliesTo> {
        applies_to(&self.0.applies_to)
    }

    /// Which of the policies that decide alike is reported: the highest. It never lets an allow beat a deny.
    async fn priority(&self) -> i32 {
        self.0.priority
    }

    /// Whether it is in use.
    async fn status(&self) -> PolicyStatus {
        self.0.status
    }

    /// Whether it has an effect while it is in use, or is only recorded.
    async fn mode(&self) -> PolicyMode {
        self.0.mode
    }

    /// Counts its versions; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Who wrote it first; null once that account is gone.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.created_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When it was written first.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What it said at each time, the newest first.
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<PolicyVersion>> {
        let page = Page::new(first, after, last, before)?;
        let (place, id) = (store::place_of_version, self.0.id);
        Connection::of::<store::Versions, store::CountVersions, _>(ctx.request(), id, page, place, PolicyVersion).await
    }

    /// What you may do with it: PUBLISH puts it into use and takes it out again.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<policy::Entity>(&self.0).actions()
    }
}

/// What a policy said at one time.
pub struct PolicyVersion(policy_version::Model);

impl Node for PolicyVersion {}

/// What a policy said from one edit to the next. It never changes.
#[Object]
impl PolicyVersion {
    /// The id of the version.
    async fn id(&self) -> PolicyVersionId {
        self.0.id
    }

    /// Its number, counted from 1.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// The policy's name then.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it said.
    async fn rules(&self) -> Result<PolicyRules> {
        rules(self.0.r#type, &self.0.rules)
    }

    /// Whom and what it applied to.
    async fn applies_to(&self) -> Result<PolicyAppliesTo> {
        applies_to(&self.0.applies_to)
    }

    /// Its priority.
    async fn priority(&self) -> i32 {
        self.0.priority
    }

    /// Whether it was in use.
    async fn status(&self) -> PolicyStatus {
        self.0.status
    }

    /// Whether it had an effect.
    async fn mode(&self) -> PolicyMode {
        self.0.mode
    }

    /// Who made this edit; null once that account is gone.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.created_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When the edit was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// A page of the policies of an organization itself.
pub async fn of_organization(
    request: &Request,
    id: OrganizationId,
    page: Page,
    filter: Option<PolicyFilter>,
) -> Result<Connection<Policy>> {
    let filter = filter.unwrap_or_default().check()?;
    Connection::narrowed::<store::OfOrganizations, store::CountOfOrganizations, _, _, _>(
        request,
        id,
        page,
        filter,
        store::place,
        Policy::from,
    )
    .await
}

/// A page of the policies of a project and its servers.
pub async fn of_project(
    request: &Request,
    id: ProjectId,
    page: Page,
    filter: Option<PolicyFilter>,
) -> Result<Connection<Policy>> {
    let filter = filter.unwrap_or_default().check()?;
    let (place, wrap) = (store::place, Policy::from);
    Connection::narrowed::<store::OfProjects, store::CountOfProjects, _, _, _>(request, id, page, filter, place, wrap)
        .await
}

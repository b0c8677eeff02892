//! Entries of the audit log as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use entity::audit::log;
use entity::enums::ActorType;
use entity::ids::{AnyId, ApiKeyId, AuditLogId, OrganizationId, UserId};

use super::changes::{self, AuditChange};
use super::filter::{AuditAction, AuditFilter};
use super::resources::AuditResourceType;
use super::{rules, store};
use crate::governance::api_keys::ApiKey;
use crate::identity::users::User;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page, count_by};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::organizations::Organization;
use crate::tenancy::projects::Project;
use crate::tenancy::spaces::Space;

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub struct AuditEntry(pub Arc<log::Model>);

impl Node for AuditEntry {}

impl From<log::Model> for AuditEntry {
    fn from(row: log::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl AuditEntry {
    /// The entry, if the viewer may see it.
    pub async fn find(request: &Request, id: AuditLogId) -> Result<Option<Self>> {
        Ok(request.find::<log::Entity>(id).await?.map(Self))
    }
}

/// An entry of the audit log: what was done, by whom and from where. Entries never change.
#[Object]
impl AuditEntry {
    /// The id of the entry.
    pub async fn id(&self) -> AuditLogId {
        self.0.id
    }

    /// When it was done.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Who did it.
    async fn actor(&self) -> AuditActor {
        AuditActor(Arc::clone(&self.0))
    }

    /// What was done.
    async fn action(&self) -> Result<AuditAction> {
        AuditAction::of(&self.0.action)
    }

    /// What it was done to.
    async fn resource(&self) -> AuditResource {
        AuditResource(Arc::clone(&self.0))
    }

    /// The organization it was done in; null for an entry of your own.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        match self.0.organization_id {
            Some(id) => Organization::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The project it was done in; null for none, and for one that is gone or that you do not see.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        match self.0.project_id {
            Some(id) => Project::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The space it was done in; null for none, and for one that is gone or that you do not see.
    async fn space(&self, ctx: &Context<'_>) -> Result<Option<Space>> {
        match self.0.space_id {
            Some(id) => Space::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// What changed, by field: of something new its first values, of something removed its last.
    async fn changes(&self, ctx: &Context<'_>) -> Result<Vec<AuditChange>> {
        let may_read = rules::may_see_values(ctx.request(), &self.0).await?;
        Ok(changes::of(&self.0, may_read))
    }

    /// The network address it was done from; null for what the server did by itself.
    async fn ip(&self) -> Option<String> {
        self.0.actor_ip.map(|network| network.ip().to_string())
    }

    /// The program it was done with, as it calls itself; null when it did not.
    async fn user_agent(&self) -> Option<&str> {
        self.0.actor_user_agent.as_deref()
    }

    /// The request it was done in; entries of one request share it. Null for what the server did by itself.
    async fn request_id(&self) -> Option<String> {
        self.0.request_id.map(|id| id.to_string())
    }

    /// Whether it concerns an account or a secret.
    async fn sensitive(&self) -> bool {
        self.0.sensitive
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<log::Entity>(&self.0).actions()
    }
}

/// Who did something.
pub struct AuditActor(Arc<log::Model>);

/// Who did something.
#[Object]
impl AuditActor {
    /// What kind of actor it was.
    async fn kind(&self) -> ActorType {
        self.0.actor_type
    }

    /// The API key; null when it was none, or the key is gone or not for you to see.
    async fn api_key(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>> {
        match self.0.actor_id.filter(|_| self.0.actor_type == ActorType::ApiKey) {
            Some(id) => ApiKey::find(ctx.request(), ApiKeyId(id)).await,
            None => Ok(None),
        }
    }

    /// The person; null when it was none, or the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.actor_id.filter(|_| self.0.actor_type == ActorType::User) {
            Some(id) => User::find_through(ctx.request(), UserId(id)).await,
            None => Ok(None),
        }
    }
}

/// What something was done to.
pub struct AuditResource(Arc<log::Model>);

impl AuditResource {
    fn of(&self) -> AuditResourceType {
        AuditResourceType::of_table(&self.0.resource_type)
    }
}

/// What something was done to.
#[Object]
impl AuditResource {
    /// What it is.
    #[graphql(name = "type")]
    async fn resource_type(&self) -> AuditResourceType {
        self.of()
    }

    /// The name of its table, such as `documents`.
    async fn table(&self) -> &str {
        &self.0.resource_type
    }

    /// Its id, for `node`. It may be gone, or not for you to see. Null for other tables.
    async fn id(&self) -> Option<AnyId> {
        self.0.resource_id.and_then(|id| self.of().id(id))
    }
}

/// A page of the log of an organization, for those who may read it.
pub async fn of_organization(
    request: &Request,
    id: OrganizationId,
    page: Page,
    filter: Option<AuditFilter>,
) -> Result<Connection<AuditEntry>> {
    rules::readable_organization(request, id).await?;
    let filter = Arc::new(filter.unwrap_or_default().check()?);
    let slice = request.load::<store::OfOrganizations>((id, page, Arc::clone(&filter))).await?;
    let count = count_by(move |request| {
        let filter = Arc::clone(&filter);
        Box::pin(async move { store::count_of_organization(request, id, &filter).await })
    });
    Ok(Connection::new(slice, store::place, AuditEntry::from, count))
}

/// A page of what is a person's own.
pub async fn of_user(
    request: &Request,
    id: UserId,
    page: Page,
    filter: Option<AuditFilter>,
) -> Result<Connection<AuditEntry>> {
    let filter = Arc::new(filter.unwrap_or_default().check()?);
    let slice = store::of_user(request, id, &page, &filter).await?;
    let count = count_by(move |request| {
        let filter = Arc::clone(&filter);
        Box::pin(async move { store::count_of_user(request, id, &filter).await })
    });
    Ok(Connection::new(slice, store::place, AuditEntry::from, count))
}

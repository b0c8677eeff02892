//! API keys as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Enum, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::governance::api_key;
use entity::ids::{ApiKeyId, ProjectId, UserId};

use super::filter::ApiKeyFilter;
use super::rules::{self, Issued, KeyChanges, NewKey};
use super::state::ApiKeyState;
use super::store::{self, Owner};
use crate::governance::GovernanceErrorCode;
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::{Action, Scope, ScopeSet};
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page, count_by};
use crate::platform::payload::{Outcome, UserError};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::projects::Project;

/// An API key.
#[derive(Clone, Debug)]
pub struct ApiKey(Arc<api_key::Model>);

impl Node for ApiKey {}

impl From<api_key::Model> for ApiKey {
    fn from(row: api_key::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl ApiKey {
    /// The key, if the viewer may see it.
    pub async fn find(request: &Request, id: ApiKeyId) -> Result<Option<Self>> {
        Ok(request.find::<api_key::Entity>(id).await?.map(Self))
    }
}

/// An API key: how a program comes in, in the name of whoever created it and never further than they reach now. A key of
/// a project is seen by everybody with a role in it, a personal key by its owner. The secret is shown once, when it is made.
#[Object]
impl ApiKey {
    /// The id of the key.
    pub async fn id(&self) -> ApiKeyId {
        self.0.id
    }

    /// Its name, 1 to 255 characters.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is for; null when nobody said.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How its secret begins, to recognise it by.
    async fn prefix(&self) -> &str {
        &self.0.key_prefix
    }

    /// The project it is for; null for a personal key.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        match self.0.project_id {
            Some(id) => Project::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Who created it, and in whose name it acts; null when the account is gone.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::find_through(ctx.request(), self.0.created_by).await
    }

    /// What it may be used for.
    async fn scopes(&self) -> Vec<Scope> {
        ScopeSet::of_texts(&self.0.scopes).scopes().collect()
    }

    /// The networks it is good from, such as 192.0.2.0/24. Empty: from everywhere.
    async fn allowed_networks(&self) -> Vec<String> {
        self.0.allowed_networks.iter().map(ToString::to_string).collect()
    }

    /// Whether it is good.
    async fn state(&self, ctx: &Context<'_>) -> ApiKeyState {
        ApiKeyState::of(&self.0, ctx.request().now())
    }

    /// When it was last used, to about a minute; null when it never was.
    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_used_at
    }

    /// The network address it was last used from; null when it never was.
    async fn last_used_ip(&self) -> Option<String> {
        self.0.last_used_ip.map(|network| network.ip().to_string())
    }

    /// How many requests and operations on sockets it was used for, to about a minute: a whole number, which may be above
    /// what an Int holds.
    async fn usage_count(&self) -> f64 {
        // Whole numbers are exact up to 2^53.
        self.0.usage_count as f64
    }

    /// When it ends by itself; null for never.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// The key that took its place; null for none, and for one that is gone.
    async fn rotated_into(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>> {
        match self.0.rotated_into_id {
            Some(id) => ApiKey::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Until when it is good beside the key that took its place; null for a key that was not replaced.
    async fn grace_ends_at(&self) -> Option<DateTime<Utc>> {
        self.0.grace_ends_at
    }

    /// When it was revoked; null unless it was.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }

    /// Who revoked it; null unless somebody did, and once that account is gone.
    async fn revoked_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.revoked_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Whether it is the one that asks.
    async fn is_current(&self, ctx: &Context<'_>) -> bool {
        ctx.request().viewer().key().is_some_and(|key| key.id == self.0.id)
    }

    /// Counts the changes of the key; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed. Being used is no change.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it: EDIT changes it, ROTATE replaces it, REVOKE ends it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<api_key::Entity>(&self.0).actions()
    }
}

/// A page of the keys of a project.
pub async fn of_project(
    request: &Request,
    id: ProjectId,
    page: Page,
    filter: Option<ApiKeyFilter>,
) -> Result<Connection<ApiKey>> {
    let filter = Arc::new(filter.unwrap_or_default().check()?);
    let slice = request.load::<store::OfProjects>((id, page, Arc::clone(&filter))).await?;
    let count = count_by(move |request| {
        let filter = Arc::clone(&filter);
        Box::pin(async move { store::count(request, Owner::Project(id), &filter).await })
    });
    Ok(Connection::new(slice, store::place, ApiKey::from, count))
}

/// A page of somebody's personal keys.
pub async fn of_user(
    request: &Request,
    id: UserId,
    page: Page,
    filter: Option<ApiKeyFilter>,
) -> Result<Connection<ApiKey>> {
    let filter = Arc::new(filter.unwrap_or_default().check()?);
    let slice = store::of_user(request, id, &page, &filter).await?;
    let count = count_by(move |request| {
        let filter = Arc::clone(&filter);
        Box::pin(async move { store::count(request, Owner::User(id), &filter).await })
    });
    Ok(Connection::new(slice, store::place, ApiKey::from, count))
}

/// The key that the viewer is. It sees itself whatever its scopes.
pub async fn of_viewer(request: &Request) -> Result<Option<ApiKey>> {
    match request.viewer().key() {
        Some(key) => Ok(store::itself(request, key.id).await?.map(ApiKey::from)),
        None => Ok(None),
    }
}

/// What an API key is marked as. Both work the same; the mark is the beginning of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
enum ApiKeyMode {
    /// For programs in use: `tr_live_…`.
    Live,
    /// For trying things out: `tr_test_…`.
    Test,
}

/// A new API key.
#[derive(InputObject)]
struct ApiKeyCreateInput {
    /// An id of your making (a UUIDv7 in its `key_` form, at most 30 days old), so that a retry cannot create a second one.
    id: Option<ApiKeyId>,
    /// The project it is for. Left out, it is a personal key.
    project_id: Option<ProjectId>,
    /// Its name, 1 to 255 characters.
    name: String,
    /// What it is for, up to 2,000 characters.
    description: Option<String>,
    /// What it may be used for, as far as you may: at least one.
    scopes: Vec<Scope>,
    /// The networks it is good from, such as 192.0.2.0/24 or 2001:db8::/32: up to 50. Left out or empty: from everywhere.
    allowed_networks: Option<Vec<String>>,
    /// When it ends by itself, within ten years; left out, it does not.
    expires_at: Option<DateTime<Utc>>,
    /// What it is marked as.
    #[graphql(default_with = "ApiKeyMode::Live")]
    mode: ApiKeyMode,
}

/// Changes of an API key. What is left out stays as it is; null removes what may be missing, and changes nothing else.
#[derive(InputObject)]
struct ApiKeyUpdateInput {
    /// The key.
    id: ApiKeyId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Its new name, 1 to 255 characters.
    name: Option<String>,
    /// What it is for, up to 2,000 characters; null for none.
    description: MaybeUndefined<String>,
    /// What it may be used for instead: at least one.
    scopes: Option<Vec<Scope>>,
    /// The networks it is good from instead: up to 50; empty for everywhere.
    allowed_networks: Option<Vec<String>>,
    /// When it ends by itself, within ten years; null for never.
    expires_at: MaybeUndefined<DateTime<Utc>>,
}

/// An API key to replace.
#[derive(InputObject)]
struct ApiKeyRotateInput {
    /// The key.
    id: ApiKeyId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// How many seconds the old key is good beside the new one: 0 to 2,592,000 (30 days). Default: 86,400 (a day).
    grace_seconds: Option<i32>,
}

/// An API key to end.
#[derive(InputObject)]
struct ApiKeyRevokeInput {
    /// The key.
    id: ApiKeyId,
}

/// What making an API key ended with.
#[derive(SimpleObject)]
pub struct ApiKeyIssuePayload {
    /// The secret, to be sent as `Authorization: Bearer …`. It is not shown again. Null when it was refused.
    secret: Option<String>,
    /// The new key; null when it was refused.
    api_key: Option<ApiKey>,
    /// Why nothing was changed; empty on success.
    user_errors: Vec<UserError<GovernanceErrorCode>>,
    /// Resume a subscription after this cursor to see only what came later. Null when nothing was changed.
    commit_cursor: Option<String>,
}

impl ApiKeyIssuePayload {
    fn of(result: Result<Issued>) -> Result<Self> {
        let (secret, result) = match result {
            Ok(issued) => (Some(issued.secret), Ok(issued.key)),
            Err(error) => (None, Err(error)),
        };
        let outcome: Outcome<api_key::Model, GovernanceErrorCode> = Outcome::of(result)?;
        Ok(Self {
            secret,
            api_key: outcome.object.map(ApiKey::from),
            user_errors: outcome.user_errors,
            commit_cursor: outcome.cursor,
        })
    }
}

payload! {
    /// What changing an API key ended with.
    ApiKeyUpdatePayload {
        /// The key as it is now, also after a CONFLICT; null when it was refused for another reason.
        api_key: ApiKey, GovernanceErrorCode
    }
}

payload! {
    /// What ending an API key ended with.
    ApiKeyRevokePayload {
        /// The key as it was last; null when it was refused.
        api_key: ApiKey, GovernanceErrorCode
    }
}

/// Changes of API keys.
#[derive(Default)]
pub struct ApiKeyMutation;

#[Object]
impl ApiKeyMutation {
    /// Makes an API key: of a project, for its admins, or a personal one. The answer holds the secret, once. For people alone, who have proved lately who they are.
    async fn api_key_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new key.")] input: ApiKeyCreateInput,
    ) -> Result<ApiKeyIssuePayload> {
        let new = NewKey {
            id: input.id,
            project_id: input.project_id,
            is_test: input.mode == ApiKeyMode::Test,
            name: input.name,
            description: input.description,
            scopes: input.scopes,
            allowed_networks: input.allowed_networks.unwrap_or_default(),
            expires_at: input.expires_at,
        };
        ApiKeyIssuePayload::of(rules::create_key(ctx.request(), new).await)
    }

    /// Changes an API key; it takes effect at once, also on what is open with it. For its owner, or the admins of its project; what it may do, from where and until when, for who has proved lately who they are.
    async fn api_key_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: ApiKeyUpdateInput,
    ) -> Result<ApiKeyUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes = KeyChanges {
            name: input.name,
            description: checks::text_change(input.description),
            scopes: input.scopes,
            allowed_networks: input.allowed_networks,
            expires_at: input.expires_at.into(),
        };
        let result = rules::update_key(request, id, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(ApiKey::from);
        if outcome.refused_as(GovernanceErrorCode::Conflict) {
            outcome.object = ApiKey::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Makes a new API key in the place of another, with the same name, scopes, networks and end; it acts in your name. The old one is good for a time of grace. The answer holds the new secret, once. For its owner, or the admins of its project, who have proved lately who they are.
    async fn api_key_rotate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key, and the grace.")] input: ApiKeyRotateInput,
    ) -> Result<ApiKeyIssuePayload> {
        let result = rules::rotate_key(ctx.request(), input.id, input.expected_version, input.grace_seconds).await;
        ApiKeyIssuePayload::of(result)
    }

    /// Ends an API key at once, also for what is open with it. For its owner, its creator, or the admins of its project.
    async fn api_key_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key.")] input: ApiKeyRevokeInput,
    ) -> Result<ApiKeyRevokePayload> {
        Ok(Outcome::of(rules::revoke_key(ctx.request(), input.id).await)?.map(ApiKey::from).into())
    }
}

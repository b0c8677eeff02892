//! Secrets as a client sees them: everything but the value.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::governance::secret;
use entity::ids::{ProjectId, SecretId};

use super::rules::{self, NewSecret};
use super::store;
use crate::governance::GovernanceErrorCode;
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::projects::Project;

/// A secret.
#[derive(Clone, Debug)]
pub struct Secret(Arc<secret::Model>);

impl Node for Secret {}

impl From<secret::Model> for Secret {
    fn from(row: secret::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Secret {
    /// The secret, if the viewer may know that it exists.
    pub async fn find(request: &Request, id: SecretId) -> Result<Option<Self>> {
        Ok(request.find::<secret::Entity>(id).await?.map(Self))
    }
}

/// A secret of a project, which tool servers are given where their settings refer to it. Its value can be set, and never
/// be read. For the project's admins and developers.
#[Object]
impl Secret {
    /// The id of the secret.
    pub async fn id(&self) -> SecretId {
        self.0.id
    }

    /// Its name: letters, digits and underscores, unique in the project.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What to write where the value is to stand: `${secrets.NAME}`.
    async fn reference(&self) -> String {
        format!("${{secrets.{}}}", self.0.name)
    }

    /// The project; null when it is deleted meanwhile.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        Project::find(ctx.request(), self.0.project_id).await
    }

    /// Who set it first; null once that account is gone.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.created_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Counts the values it had; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was set first.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its value last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it: EDIT gives it another value.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<secret::Entity>(&self.0).actions()
    }
}

/// A page of the secrets of a project.
pub async fn of_project(request: &Request, id: ProjectId, page: Page) -> Result<Connection<Secret>> {
    Connection::of::<store::OfProjects, store::CountOfProjects, _>(request, id, page, store::place, Secret::from).await
}

/// A secret to set.
#[derive(InputObject)]
struct SecretCreateInput {
    /// An id of your making (a UUIDv7 in its `sec_` form, at most 30 days old), so that a retry cannot set a second one.
    id: Option<SecretId>,
    /// The project.
    project_id: ProjectId,
    /// Its name: 1 to 100 letters of the Latin alphabet, digits and underscores, with no digit first; unique in the project.
    name: String,
    /// Its value, 1 to 32,768 bytes of UTF-8. Send it in a variable, so that it stands in no document.
    #[graphql(secret)]
    value: String,
}

/// Another value for a secret.
#[derive(InputObject)]
struct SecretUpdateInput {
    /// The secret.
    id: SecretId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Its new value, 1 to 32,768 bytes of UTF-8. Send it in a variable, so that it stands in no document.
    #[graphql(secret)]
    value: String,
}

/// A secret to delete.
#[derive(InputObject)]
struct SecretDeleteInput {
    /// The secret.
    id: SecretId,
}

payload! {
    /// What setting a secret ended with.
    SecretCreatePayload {
        /// The new secret; null when it was refused.
        secret: Secret, GovernanceErrorCode
    }
}

payload! {
    /// What changing a secret ended with.
    SecretUpdatePayload {
        /// The secret as it is now, also after a CONFLICT; null when it was refused for another reason.
        secret: Secret, GovernanceErrorCode
    }
}

payload! {
    /// What deleting a secret ended with.
    SecretDeletePayload {
        /// The id of the secret that is gone; null when it was refused.
        deleted_id: SecretId, GovernanceErrorCode
    }
}

/// Changes of secrets.
#[derive(Default)]
pub struct SecretMutation;

#[Object]
impl SecretMutation {
    /// Sets a secret of a project. For its admins.
    async fn secret_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The secret.", secret)] input: SecretCreateInput,
    ) -> Result<SecretCreatePayload> {
        let value = input.value.into();
        let new = NewSecret { id: input.id, project_id: input.project_id, name: input.name, value };
        Ok(Outcome::of(rules::create_secret(ctx.request(), new).await)?.map(Secret::from).into())
    }

    /// Gives a secret another value; the next call that refers to it takes that. For the admins of its project.
    async fn secret_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new value.", secret)] input: SecretUpdateInput,
    ) -> Result<SecretUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let result = rules::update_secret(request, id, input.expected_version, input.value.into()).await;
        let mut outcome = Outcome::of(result)?.map(Secret::from);
        if outcome.refused_as(GovernanceErrorCode::Conflict) {
            outcome.object = Secret::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Deletes a secret. What refers to it fails from then on, and says which is missing. For the admins of its project.
    async fn secret_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The secret.")] input: SecretDeleteInput,
    ) -> Result<SecretDeletePayload> {
        Ok(Outcome::of(rules::delete_secret(ctx.request(), input.id).await)?.into())
    }
}

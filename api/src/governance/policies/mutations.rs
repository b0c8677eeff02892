//! The mutations of policies.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, OneofObject};
use entity::enums::PolicyMode;
use entity::governance::policy;
use entity::ids::{McpServerId, OrganizationId, PolicyId, ProjectId};

use super::applying::PolicyAppliesToInput;
use super::graphql::Policy;
use super::input::PolicyRulesInput;
use super::rules::{self, NewPolicy, PolicyChanges, Scope};
use super::store::Written;
use crate::governance::GovernanceErrorCode;
use crate::payload;
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::platform::write::Committed;

/// Whose policy it is. Exactly one is given.
#[derive(OneofObject)]
pub enum PolicyScopeInput {
    /// An organization's: it holds in all its projects.
    OrganizationId(OrganizationId),
    /// A project's: it narrows what the organization grants.
    ProjectId(ProjectId),
    /// A server's: it narrows what the project grants, for the tools of the server.
    ServerId(McpServerId),
}

impl From<PolicyScopeInput> for Scope {
    fn from(input: PolicyScopeInput) -> Self {
        match input {
            PolicyScopeInput::OrganizationId(id) => Self::Organization(id),
            PolicyScopeInput::ProjectId(id) => Self::Project(id),
            PolicyScopeInput::ServerId(id) => Self::Server(id),
        }
    }
}

/// A new policy.
#[derive(InputObject)]
struct PolicyCreateInput {
    /// An id of your making (a UUIDv7 in its `pol_` form, at most 30 days old), so that a retry cannot create a second one.
    id: Option<PolicyId>,
    /// Whose policy it is.
    scope: PolicyScopeInput,
    /// Its name, 1 to 255 characters.
    name: String,
    /// What it is for, up to 10,000 characters.
    description: Option<String>,
    /// What it says.
    rules: PolicyRulesInput,
    /// Whom and what it applies to; everything, unless given.
    applies_to: Option<PolicyAppliesToInput>,
    /// Which of the policies that decide alike is reported: the highest. Between -1,000,000 and 1,000,000.
    #[graphql(default = 100)]
    priority: i32,
    /// Whether it will have an effect once it is in use.
    #[graphql(default_with = "PolicyMode::Enforce")]
    mode: PolicyMode,
}

/// Changes of a policy. What is left out stays as it is.
#[derive(InputObject)]
struct PolicyUpdateInput {
    /// The policy.
    id: PolicyId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Its new name, 1 to 255 characters.
    name: Option<String>,
    /// What it is for, up to 10,000 characters; null for nothing.
    description: MaybeUndefined<String>,
    /// What it says, whole and of the same type.
    rules: Option<PolicyRulesInput>,
    /// Whom and what it applies to, whole.
    applies_to: Option<PolicyAppliesToInput>,
    /// Its new priority.
    priority: Option<i32>,
    /// Whether it has an effect while it is in use.
    mode: Option<PolicyMode>,
}

/// A policy to put into use.
#[derive(InputObject)]
struct PolicyPublishInput {
    /// The policy.
    id: PolicyId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Whether it has an effect; as it says itself, unless given.
    mode: Option<PolicyMode>,
}

/// A policy to take out of use.
#[derive(InputObject)]
struct PolicyDisableInput {
    /// The policy.
    id: PolicyId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
}

/// A policy to delete.
#[derive(InputObject)]
struct PolicyDeleteInput {
    /// The policy.
    id: PolicyId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
}

payload! {
    /// What writing a policy ended with.
    PolicyCreatePayload {
        /// The new policy, a draft; null when it was refused.
        policy: Policy, GovernanceErrorCode
    }
}

payload! {
    /// What changing a policy ended with.
    PolicyUpdatePayload {
        /// The policy as it is now, also after a CONFLICT; null when it was refused for another reason.
        policy: Policy, GovernanceErrorCode
    }
}

payload! {
    /// What putting a policy into use ended with.
    PolicyPublishPayload {
        /// The policy as it is now, also after a CONFLICT; null when it was refused for another reason.
        policy: Policy, GovernanceErrorCode
    }
}

payload! {
    /// What taking a policy out of use ended with.
    PolicyDisablePayload {
        /// The policy as it is now, also after a CONFLICT; null when it was refused for another reason.
        policy: Policy, GovernanceErrorCode
    }
}

payload! {
    /// What deleting a policy ended with.
    PolicyDeletePayload {
        /// The id of the policy that is gone; null when it was refused.
        deleted_id: PolicyId, GovernanceErrorCode
    }
}

/// The outcome with the policy as it is, where another edit came first.
async fn with_present(
    request: &Request,
    id: PolicyId,
    result: Result<Committed<policy::Model>>,
) -> Result<Outcome<Policy, GovernanceErrorCode>> {
    let mut outcome = Outcome::of(result)?.map(Policy::from);
    if outcome.refused_as(GovernanceErrorCode::Conflict) {
        outcome.object = Policy::find(request, id).await?;
    }
    Ok(outcome)
}

/// Changes of policies.
#[derive(Default)]
pub struct PolicyMutation;

#[Object]
impl PolicyMutation {
    /// Writes a policy. It begins as a draft, without any effect. For owners and admins of the organization, or admins of the project.
    async fn policy_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new policy.")] input: PolicyCreateInput,
    ) -> Result<PolicyCreatePayload> {
        let mut problems = Vec::new();
        let text = Written {
            name: input.name,
            description: input.description,
            rules: input.rules.read(&mut problems),
            applies_to: input.applies_to.unwrap_or_default().read(&mut problems),
            priority: input.priority,
            mode: input.mode,
        };
        let new = NewPolicy { id: input.id, scope: input.scope.into(), text, problems };
        let outcome = Outcome::of(rules::create_policy(ctx.request(), new).await)?;
        Ok(outcome.map(Policy::from).into())
    }

    /// Changes what a policy says. Of a policy in use, it holds from the next decision on. For owners and admins of the organization, or admins of the project.
    async fn policy_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: PolicyUpdateInput,
    ) -> Result<PolicyUpdatePayload> {
        let mut problems = Vec::new();
        let changes = PolicyChanges {
            name: input.name,
            description: checks::text_change(input.description),
            rules: input.rules.map(|rules| rules.read(&mut problems)),
            applies_to: input.applies_to.map(|applies_to| applies_to.read(&mut problems)),
            priority: input.priority,
            mode: input.mode,
            problems,
        };
        let request = ctx.request();
        let result = rules::update_policy(request, input.id, input.expected_version, changes).await;
        Ok(with_present(request, input.id, result).await?.into())
    }

    /// Puts a policy into use: from the next decision on it is enforced, or monitored. For owners and admins of the organization, or admins of the project.
    async fn policy_publish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The policy.")] input: PolicyPublishInput,
    ) -> Result<PolicyPublishPayload> {
        let request = ctx.request();
        let result = rules::publish_policy(request, input.id, input.expected_version, input.mode).await;
        Ok(with_present(request, input.id, result).await?.into())
    }

    /// Takes a policy out of use. For owners and admins of the organization, or admins of the project.
    async fn policy_disable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The policy.")] input: PolicyDisableInput,
    ) -> Result<PolicyDisablePayload> {
        let request = ctx.request();
        let result = rules::disable_policy(request, input.id, input.expected_version).await;
        Ok(with_present(request, input.id, result).await?.into())
    }

    /// Deletes a policy. What it decided is kept. For owners and admins of the organization, or admins of the project.
    async fn policy_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The policy.")] input: PolicyDeleteInput,
    ) -> Result<PolicyDeletePayload> {
        let result = rules::delete_policy(ctx.request(), input.id, input.expected_version).await;
        Ok(Outcome::of(result)?.into())
    }
}

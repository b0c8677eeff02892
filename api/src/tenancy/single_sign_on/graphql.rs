//! Single sign-on as a client sees it.

use std::sync::Arc;

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use entity::ids::OrganizationId;
use entity::tenancy::organization;

use super::rules::{self, SingleSignOnChanges};
use crate::payload;
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::organizations::Organization;

/// How the members of an organization sign in.
pub struct SingleSignOn(pub Arc<organization::Model>);

/// How the members of an organization sign in.
#[Object]
impl SingleSignOn {
    /// The id of its identity provider. Null when there is none.
    async fn provider(&self) -> Option<&str> {
        self.0.sso_provider.as_deref()
    }

    /// The domains of its people's addresses, in lower case. Addresses below them do not count.
    async fn email_domains(&self) -> &[String] {
        &self.0.allowed_email_domains
    }

    /// Whether its members reach it only in sessions that its provider opened, with a verified address of one of the domains.
    async fn enforced(&self) -> bool {
        self.0.sso_enabled
    }

    /// Whether whoever its provider lets in with such an address becomes a member.
    async fn auto_join(&self) -> bool {
        self.0.sso_auto_join
    }
}

/// Changes of how members sign in. What is left out stays as it is.
#[derive(InputObject)]
struct OrganizationSingleSignOnUpdateInput {
    /// The organization.
    id: OrganizationId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// The id of the identity provider; null for none, which also ends enforcement.
    provider: MaybeUndefined<String>,
    /// The domains of your people's addresses, such as "example.com": up to 20. Addresses below them do not count.
    email_domains: Option<Vec<String>>,
    /// Whether members reach the organization only through the provider. Your own session must be one, and your account
    /// must have a second factor, so that you can end it from any session.
    enforced: Option<bool>,
    /// Whether whoever the provider lets in with an address of the domains becomes a member. Only where whoever runs this
    /// server says that the provider is the organization's own.
    auto_join: Option<bool>,
}

/// An organization whose owners are shut out.
#[derive(InputObject)]
struct OrganizationSingleSignOnReleaseInput {
    /// The slug of the organization, which you do not reach by its id.
    slug: String,
}

payload! {
    /// What changing how members sign in ended with.
    OrganizationSingleSignOnUpdatePayload {
        /// The organization as it is now, also after a CONFLICT; null when it was refused for another reason.
        organization: Organization, TenancyErrorCode
    }
}

payload! {
    /// What ending the enforcement of single sign-on ended with.
    OrganizationSingleSignOnReleasePayload {
        /// The organization as it is now; null when it was refused.
        organization: Organization, TenancyErrorCode
    }
}

/// Changes of how members sign in.
#[derive(Default)]
pub struct SingleSignOnMutation;

#[Object]
impl SingleSignOnMutation {
    /// Changes how the members of an organization sign in. For its owners; needs a recent proof of who you are.
    async fn organization_single_sign_on_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: OrganizationSingleSignOnUpdateInput,
    ) -> Result<OrganizationSingleSignOnUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes = SingleSignOnChanges {
            provider: checks::text_change(input.provider),
            email_domains: input.email_domains,
            enforced: input.enforced,
            auto_join: input.auto_join,
        };
        let result = rules::update(request, id, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(Organization::from);
        if outcome.refused_as(TenancyErrorCode::Conflict) {
            outcome.object = Organization::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Ends the enforcement of single sign-on from any session, for when the provider does not work. For owners with a
    /// second factor; needs a recent proof of who you are. All owners are told by mail.
    async fn organization_single_sign_on_release(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization.")] input: OrganizationSingleSignOnReleaseInput,
    ) -> Result<OrganizationSingleSignOnReleasePayload> {
        let outcome = Outcome::of(rules::release(ctx.request(), &input.slug).await)?;
        Ok(outcome.map(Organization::from).into())
    }
}

//! Who chooses how members sign in, and what keeps an organization from being locked.

use std::collections::BTreeSet;

use entity::enums::MemberRole;
use entity::identity::user;
use entity::ids::{OrganizationId, UserId};
use entity::tenancy::organization;

use super::store;
use crate::identity::sessions;
use crate::platform::authorization::Action;
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::mail::Letter;
use crate::platform::openid::Provider;
use crate::platform::request::Request;
use crate::platform::write::{Committed, Write};
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;
use crate::tenancy::plans::{self, Counted, Owner};

/// More than any company has.
const MOST_DOMAINS: usize = 20;

/// What may be changed; none leaves it as it is. An empty provider takes it away.
pub struct SingleSignOnChanges {
    pub provider: Option<String>,
    pub email_domains: Option<Vec<String>>,
    pub enforced: Option<bool>,
    pub auto_join: Option<bool>,
}

/// How members of an organization sign in.
pub struct Choice {
    pub provider: Option<String>,
    pub email_domains: Vec<String>,
    pub enforced: bool,
    pub auto_join: bool,
}

impl Choice {
    fn changed(row: &organization::Model, changes: SingleSignOnChanges) -> Result<Self> {
        let email_domains = match changes.email_domains {
            Some(given) => domains(given)?,
            None => row.allowed_email_domains.clone(),
        };
        let provider = match changes.provider {
            Some(given) => Some(given).filter(|given| !given.is_empty()),
            None => row.sso_provider.clone(),
        };
        let is_set = provider.is_some();
        Ok(Self {
            provider,
            email_domains,
            enforced: changes.enforced.unwrap_or(row.sso_enabled && is_set),
            auto_join: changes.auto_join.unwrap_or(row.sso_auto_join && is_set),
        })
    }
}

/// The domains in lower case, each once.
fn domains(given: Vec<String>) -> Result<Vec<String>> {
    let unfit = |message: String| reject("emailDomains", Code::DomainInvalid, message);
    let mut domains = BTreeSet::new();
    for domain in given {
        let domain = domain.trim().to_ascii_lowercase();
        let probe = checks::email("emailDomains", &format!("a@{domain}"), Code::DomainInvalid);
        if domain.len() > 255 || probe.is_err() {
            return Err(unfit("Write each domain as in \"example.com\".".to_owned()));
        }
        domains.insert(domain);
    }
    match domains.len() <= MOST_DOMAINS {
        true => Ok(domains.into_iter().collect()),
        false => Err(unfit(format!("At most {MOST_DOMAINS} domains."))),
    }
}

/// The provider, if the organization may name it.
fn provider<'a>(request: &'a Request, id: &str, organization: OrganizationId) -> Result<&'a Provider> {
    let provider = request.platform.providers.get(id).filter(|provider| {
        let owner = provider.settings.organization;
        owner.is_none_or(|owner| owner == organization)
    });
    let unknown = || reject("provider", Code::ProviderUnknown, "There is no such provider.");
    provider.map(|provider| &**provider).ok_or_else(unknown)
}

/// Changes how the members of an organization sign in.
pub(super) async fn update(
    request: &Request,
    id: OrganizationId,
    expected_version: Option<i32>,
    changes: SingleSignOnChanges,
) -> Result<Committed<organization::Model>> {
    let mut write = request.begin_write_of_grants().await?;
    let organization = write.granted::<organization::Entity>(id, Action::ManageSignIn).await?;
    sessions::require_recent_authentication(&write).await?;
    checks::version(
        expected_version,
        organization.version,
        Code::Conflict,
        "The organization changed since you read it.",
    )?;
    let choice = Choice::changed(&organization, changes)?;
    check(&write, id, &choice).await?;
    let updated = store::update(&write, &organization, choice).await?;
    write.record(&TenancyEvent::SingleSignOnChanged { organization: id });
    write.commit(updated).await
}

/// Refuses what would let strangers in, or shut out who chooses it.
async fn check(write: &Write<'_>, id: OrganizationId, choice: &Choice) -> Result<()> {
    let Some(named) = &choice.provider else {
        let message = "Choose the provider first.";
        return match choice.enforced || choice.auto_join {
            true => Err(reject("provider", Code::ProviderUnknown, message)),
            false => Ok(()),
        };
    };
    let provider = provider(write.request(), named, id)?;
    if choice.email_domains.is_empty() {
        return Err(reject("emailDomains", Code::DomainInvalid, "Name the domains of your people's addresses."));
    }
    if choice.auto_join && provider.settings.organization != Some(id) {
        let message = "Whoever runs this server must first say that the provider is your organization's own.";
        return Err(reject("autoJoin", Code::OwnProviderNeeded, message));
    }
    if choice.enforced {
        let is_let_in =
            write.viewer().entrance().is_some_and(|entrance| entrance.satisfies(named, &choice.email_domains));
        if !is_let_in {
            let message =
                "You would shut yourself out. Sign in through the provider first, with an address of the domains.";
            return Err(reject("enforced", Code::SignInNeeded, message));
        }
        require_second_factor(&own_account(write).await?)?;
    }
    Ok(())
}

async fn own_account(write: &Write<'_>) -> Result<user::Model> {
    let id = write.viewer().user_id().ok_or(Error::Unauthenticated)?;
    Ok(write.granted::<user::Entity>(id, Action::Edit).await?.into_row())
}

fn require_second_factor(user: &user::Model) -> Result<()> {
    match user.mfa_enabled {
        true => Ok(()),
        false => Err(reject("", Code::SecondFactorNeeded, "Set up a second factor for your account first.")),
    }
}

/// Ends the enforcement, for an owner whom it shuts out.
pub(super) async fn release(request: &Request, slug: &str) -> Result<Committed<organization::Model>> {
    request.user_id()?;
    if !checks::is_slug(slug) {
        return Err(Error::NotFound);
    }
    let mut write = request.begin_write_of_grants().await?;
    let user = own_account(&write).await?;
    let organization = store::lock(&write, slug).await?.ok_or(Error::NotFound)?;
    let is_shut_out = match write.viewer().organization_role(organization.id) {
        Some(MemberRole::Owner) => false,
        Some(MemberRole::Viewer | MemberRole::Member | MemberRole::Admin) => return Err(Error::Forbidden),
        None if store::is_owner(&write, organization.id, user.id).await? => true,
        None => return Err(Error::NotFound),
    };
    if !organization.sso_enabled {
        return Err(reject("", Code::NotEnforced, "Single sign-on is not enforced."));
    }
    sessions::require_recent_authentication(&write).await?;
    if is_shut_out {
        require_second_factor(&user)?;
    }
    let released = store::release(&write, &organization).await?;
    for address in store::addresses_of_owners(&write, organization.id).await? {
        let letter = Letter::new(address, "Single sign-on is no longer enforced")
            .paragraph(format!(
                "{} ended the enforcement of single sign-on for {}. Its members can reach it however they sign in.",
                user.email, organization.name
            ))
            .paragraph("If that was not meant to be, enforce it again, and look into the audit log.");
        write.send(letter);
    }
    write.record(&TenancyEvent::SingleSignOnChanged { organization: organization.id });
    write.commit(released).await
}

/// Makes somebody whom a provider lets in a member of the organizations whose own provider it is, where they want that
/// and the verified address is of one of their domains. Who was one before, suspended or not, stays what they are.
pub async fn join(write: &mut Write<'_>, user: UserId, provider: &Provider, domain: &str) -> Result<()> {
    let Some(owner) = provider.settings.organization else { return Ok(()) };
    let full = plans::check_room(write, Owner::Organization(owner), Counted::Members, 1, "").await;
    if let Err(Error::Rejected(_)) = full {
        // Signing in goes on; an owner can make room, and the next time lets them in.
        return Ok(());
    }
    full?;
    if store::join(write, owner, user, &provider.settings.id, domain).await? {
        write.record(&TenancyEvent::MemberAdded { organization: owner, user });
    }
    Ok(())
}

/// The ids of the providers that would let the viewer into organizations that this session does not reach. A key does not
/// sign in.
pub async fn providers_needed(request: &Request) -> Result<Vec<String>> {
    if request.viewer().key().is_some() {
        return Ok(Vec::new());
    }
    let Some(grants) = request.viewer().grants().map(crate::platform::viewer::Grants::organization_ids) else {
        return Ok(Vec::new());
    };
    store::providers_beyond(request, request.user_id()?, grants).await
}

//! Where an import goes, and in whose name: found by what the operator says, never guessed where there is a choice.

use entity::enums::UserStatus;
use entity::identity::user;
use entity::ids::UserId;
use entity::tenancy::space;

use super::store;
use crate::identity::users;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::request::{Origin, Platform, Request};

/// What the operator says about where to import and as whom.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// `organization/space`, or the slug of a space alone if only one has it. None is the user's personal space.
    pub space: Option<String>,
    pub organization: Option<String>,
    /// The address of the user to import as.
    pub email: Option<String>,
    /// The address of a user to prefer where none is named, if it may write there.
    pub preferred_email: Option<String>,
}

/// Where an import goes, and the request that acts for its user.
#[derive(Debug)]
pub struct Destination {
    pub request: Request,
    pub space: space::Model,
    /// `organization/space`, or the space's name where it has no organization.
    pub label: String,
    pub user: user::Model,
}

impl Destination {
    /// Finds space and user. Refusals are sentences for the operator.
    pub async fn find(platform: &Platform, named: &Named) -> Result<Self> {
        let system = Request::as_system(platform, "an operator imports files");
        let given = match (&named.email, &named.space) {
            (Some(email), _) => Some(account(&system, email).await?),
            (None, Some(_)) => None,
            (None, None) => Some(preferred(&system, named).await?),
        };
        let acting = match &given {
            Some(user) => Some(acting_as(platform, user.id).await?),
            None => None,
        };
        let (space, label) = find_space(acting.as_ref().unwrap_or(&system), named).await?;
        if space.archived_at.is_some() {
            return Err(Error::bad_input("--space", format!("{label} is archived and can only be read.")));
        }
        if let (Some(user), Some(request)) = (given, acting) {
            if !may_write(&request, &space) {
                let message = format!("{} may not create documents in {label}.", user.email);
                return Err(Error::bad_input("--as", message));
            }
            return Ok(Self { request, space, label, user });
        }
        let candidates = candidates(&system, &space, named).await?;
        let mut able = Vec::new();
        for user in candidates {
            let request = acting_as(platform, user.id).await?;
            if may_write(&request, &space) {
                let is_preferred = is_named(&user, named.preferred_email.as_deref());
                able.push((request, user));
                if is_preferred {
                    able.drain(..able.len() - 1);
                    break;
                }
            }
        }
        match (able.pop(), able.is_empty()) {
            (Some((request, user)), true) => Ok(Self { request, space, label, user }),
            (Some(_), false) => Err(Error::bad_input(
                "--as",
                format!("Several people manage {label}: say who imports, by e-mail address."),
            )),
            (None, _) => Err(Error::bad_input(
                "--as",
                format!("Nobody manages {label} alone: say who imports, by e-mail address."),
            )),
        }
    }
}

fn is_named(user: &user::Model, email: Option<&str>) -> bool {
    email.is_some_and(|email| user.email.eq_ignore_ascii_case(email))
}

async fn account(system: &Request, email: &str) -> Result<user::Model> {
    let user = users::by_email(&system.connection(), email.trim()).await?;
    user.filter(|user| user.status != UserStatus::Suspended)
        .ok_or_else(|| Error::bad_input("--as", format!("Nobody with an active account has the address {email}.")))
}

/// Who imports where neither place nor person is named.
async fn preferred(system: &Request, named: &Named) -> Result<user::Model> {
    let user = match &named.preferred_email {
        Some(email) => users::by_email(&system.connection(), email).await?,
        None => None,
    };
    user.ok_or_else(|| Error::bad_input("--space", "Say where to import with --space, or as whom with --as."))
}

async fn acting_as(platform: &Platform, user: UserId) -> Result<Request> {
    let viewer = platform.viewers.acting_as(user).await?;
    let origin = Origin { user_agent: Some("trellis import".to_owned()), ..Origin::default() };
    Ok(Request::new(platform.clone(), viewer, origin))
}

fn may_write(request: &Request, space: &space::Model) -> bool {
    request.permitted::<space::Entity>(space).contains(Action::CreateDocuments)
}

/// Who may be meant when nobody is named: the space's owner, the preferred user, its managers.
async fn candidates(system: &Request, space: &space::Model, named: &Named) -> Result<Vec<user::Model>> {
    if let Some(owner) = space.user_id {
        return store::live_users(system, vec![owner]).await;
    }
    let mut users = store::live_users(system, store::managers(system, space.id).await?).await?;
    if let Some(email) = &named.preferred_email
        && let Some(user) = users::by_email(&system.connection(), email).await?
    {
        users.retain(|other| other.id != user.id);
        users.insert(0, user);
    }
    Ok(users)
}

async fn find_space(request: &Request, named: &Named) -> Result<(space::Model, String)> {
    let Some(name) = &named.space else {
        let space = store::personal_space(request).await?;
        let space = space.ok_or_else(|| Error::bad_input("--space", "Say where to import with --space."))?;
        return Ok((space.clone(), space.name));
    };
    let (organization, slug) = match name.split_once('/') {
        Some((organization, slug)) => (Some(organization), slug),
        None => (named.organization.as_deref(), name.as_str()),
    };
    let mut found = store::spaces_named(request, slug, organization).await?;
    let label = |space: &space::Model, organization: &Option<String>| match organization {
        Some(organization) => format!("{organization}/{}", space.slug),
        None => space.name.clone(),
    };
    match (found.pop(), found.is_empty()) {
        (Some((space, organization)), true) => {
            let label = label(&space, &organization);
            Ok((space, label))
        }
        (Some(last), false) => {
            found.push(last);
            let mut labels: Vec<String> =
                found.iter().map(|(space, organization)| label(space, organization)).collect();
            labels.sort();
            labels.dedup();
            labels.truncate(5);
            let message = format!(
                "{} spaces have the slug {slug} ({}): write organization/space, or say who imports with --as.",
                found.len(),
                labels.join(", ")
            );
            Err(Error::bad_input("--space", message))
        }
        (None, _) => Err(Error::bad_input("--space", format!("There is no space {name}."))),
    }
}

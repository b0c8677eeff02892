//! What may happen to an API key, and by whom. Keys are made, widened and replaced by people who have proved lately who
//! they are; no key makes another.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use entity::enums::ProjectRole;
use entity::governance::api_key;
use entity::identity::user;
use entity::ids::{ApiKeyId, ProjectId};
use entity::tenancy::project;
use ipnetwork::IpNetwork;
use sea_orm::Condition;

use super::events::{ApiKeyEvent, Kind};
use super::state::ApiKeyState;
use super::store::{self, KeyChange, NewRow};
use crate::governance::GovernanceErrorCode as Code;
use crate::identity::sessions;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::clock::random_token;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Committed;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const END: ActionSet = READ.and(ActionSet::of(&[Action::Revoke]));
const MANAGE: ActionSet = END.and(ActionSet::of(&[Action::Edit, Action::Rotate]));

/// Keys of one project, or of one person, that are not over.
const MOST: u64 = 200;
/// Networks of one key.
const MOST_NETWORKS: usize = 50;
/// How far ahead a key may end: ten years.
const LONGEST_LIFE: Duration = Duration::days(3_653);
/// How long a replaced key may still be good: thirty days.
const LONGEST_GRACE_SECONDS: i32 = 2_592_000;
/// How long it is, unless somebody says otherwise: a day.
const GRACE_SECONDS: i32 = 86_400;
/// Characters of a key's text that are kept to recognise it by: `tr_live_` and eight more.
const SHOWN: usize = 16;

impl Resource for api_key::Entity {
    type Id = ApiKeyId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::KeysRead, READ)];

    fn id(row: &api_key::Model) -> ApiKeyId {
        row.id
    }

    fn id_column() -> api_key::Column {
        api_key::Column::Id
    }

    /// A personal key is its owner's alone. Whoever created a key of a project can always end it.
    fn permitted(viewer: &Viewer, row: &api_key::Model) -> ActionSet {
        let role = row.project_id.and_then(|id| viewer.project_role(id));
        let is_creator = viewer.account_id() == Some(row.created_by);
        let actions = match (row.user_id, role) {
            (Some(owner), _) if viewer.account_id() == Some(owner) => MANAGE,
            (None, Some(ProjectRole::Admin)) => MANAGE,
            (None, Some(ProjectRole::Viewer | ProjectRole::Developer)) if is_creator => END,
            (None, Some(ProjectRole::Viewer | ProjectRole::Developer)) => READ,
            (Some(_), _) | (None, None) => ActionSet::NONE,
        };
        if row.revoked_at.is_some() {
            actions.only(READ)
        } else if row.grace_ends_at.is_some() {
            actions.only(END)
        } else {
            actions
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| {
            store::within(grants.projects.keys().copied().collect(), viewer.account_id())
        })
    }
}

/// What a new key is made from.
pub struct NewKey {
    pub id: Option<ApiKeyId>,
    /// None for a personal key.
    pub project_id: Option<ProjectId>,
    pub is_test: bool,
    pub name: String,
    pub description: Option<String>,
    pub scopes: Vec<Scope>,
    pub allowed_networks: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key that was made, with the one sight of its secret.
pub struct Issued {
    pub key: Committed<api_key::Model>,
    pub secret: String,
}

/// A new text of a key. The audit trail, the log and the database never see it.
fn new_secret(request: &Request, is_test: bool) -> String {
    let beginning = if is_test { "tr_test_" } else { "tr_live_" };
    format!("{beginning}{}", random_token(&*request.platform.clock))
}

/// Makes a key of a project, for its admins, or a personal one.
pub async fn create_key(request: &Request, new: NewKey) -> Result<Issued> {
    let creator = request.user_id()?;
    let name = checked_name(&new.name)?;
    let description = checks::optional_text("description", new.description, 2_000, Code::TextInvalid)?;
    let scopes = checked_scopes(new.scopes)?;
    let allowed_networks = checked_networks(&new.allowed_networks)?;
    check_end(request, new.expires_at)?;
    let mut write = request.begin_unrepeatable_write().await?;
    // Locked, so that keys are counted one after the other.
    let is_room = match new.project_id {
        Some(id) => {
            write.granted::<project::Entity>(id, Action::CreateKeys).await?;
            store::count_of_project(&write, id).await? < MOST
        }
        None => {
            write.granted::<user::Entity>(creator, Action::Edit).await?;
            store::count_of_user(&write, creator).await? < MOST
        }
    };
    sessions::require_recent_authentication(&write).await?;
    if !is_room {
        return Err(reject("", Code::TooMany, format!("There are {MOST} keys already. Revoke some first.")));
    }
    let secret = new_secret(request, new.is_test);
    let row = NewRow {
        id: checks::new_id(request, new.id, Code::IdTaken)?,
        project_id: new.project_id,
        name,
        description,
        scopes,
        allowed_networks,
        expires_at: new.expires_at,
    };
    let key = store::insert(&write, row, creator, &secret, &secret[..SHOWN]).await?;
    write.record(&ApiKeyEvent::of(Kind::Created, &key));
    Ok(Issued { key: write.commit(key).await?, secret })
}

/// What may be changed; none leaves it as it is.
#[derive(Default)]
pub struct KeyChanges {
    pub name: Option<String>,
    /// An empty text removes it.
    pub description: Option<String>,
    pub scopes: Option<Vec<Scope>>,
    pub allowed_networks: Option<Vec<String>>,
    /// Some(None) for a key without an end.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// Changes a key. What it may do, from where and until when is changed only by who proved lately who they are.
pub async fn update_key(
    request: &Request,
    id: ApiKeyId,
    expected_version: Option<i32>,
    changes: KeyChanges,
) -> Result<Committed<api_key::Model>> {
    check_end(request, changes.expires_at.flatten())?;
    let is_delicate = changes.scopes.is_some() || changes.allowed_networks.is_some() || changes.expires_at.is_some();
    let change = KeyChange {
        name: changes.name.as_deref().map(checked_name).transpose()?,
        description: changes
            .description
            .map(|text| checks::limited_text("description", text.trim(), 2_000, Code::TextInvalid))
            .transpose()?,
        scopes: changes.scopes.map(checked_scopes).transpose()?,
        allowed_networks: changes.allowed_networks.as_deref().map(checked_networks).transpose()?,
        expires_at: changes.expires_at,
    };
    let mut write = request.begin_write().await?;
    let key = write.granted::<api_key::Entity>(id, Action::Edit).await?;
    checks::version(expected_version, key.version, Code::Conflict, "The key changed since you read it.")?;
    if is_delicate {
        sessions::require_recent_authentication(&write).await?;
    }
    let updated = store::update(&write, &key, change).await?;
    write.record(&ApiKeyEvent::of(Kind::Updated, &updated));
    write.commit(updated).await
}

/// Makes a new key in the place of another, which is good for some time still. The new one is whose who makes it: nobody
/// is given a secret that acts in another's name.
pub async fn rotate_key(
    request: &Request,
    id: ApiKeyId,
    expected_version: Option<i32>,
    grace_seconds: Option<i32>,
) -> Result<Issued> {
    let creator = request.user_id()?;
    let grace_seconds = grace_seconds.unwrap_or(GRACE_SECONDS);
    if !(0..=LONGEST_GRACE_SECONDS).contains(&grace_seconds) {
        let message = format!("The old key stays good for 0 to {LONGEST_GRACE_SECONDS} seconds.");
        return Err(reject("graceSeconds", Code::OutOfRange, message));
    }
    let mut write = request.begin_unrepeatable_write().await?;
    let key = write.granted::<api_key::Entity>(id, Action::Rotate).await?;
    checks::version(expected_version, key.version, Code::Conflict, "The key changed since you read it.")?;
    sessions::require_recent_authentication(&write).await?;
    if ApiKeyState::of(&key, request.now()) != ApiKeyState::Active {
        return Err(reject("id", Code::WrongState, "The key is over. Give it a later end first, or create another."));
    }
    let secret = new_secret(request, key.key_prefix.starts_with("tr_test_"));
    let row = NewRow {
        id: request.new_id().into(),
        project_id: key.project_id,
        name: key.name.clone(),
        description: key.description.clone(),
        scopes: key.scopes.clone(),
        allowed_networks: key.allowed_networks.clone(),
        expires_at: key.expires_at,
    };
    let successor = store::insert(&write, row, creator, &secret, &secret[..SHOWN]).await?;
    let grace_ends_at = request.now() + Duration::seconds(grace_seconds.into());
    let replaced = store::replace(&write, &key, successor.id, grace_ends_at).await?;
    write.record(&ApiKeyEvent::of(Kind::Rotated, &replaced));
    write.record(&ApiKeyEvent::of(Kind::Created, &successor));
    Ok(Issued { key: write.commit(successor).await?, secret })
}

/// Ends a key at once, also for what is open with it.
pub async fn revoke_key(request: &Request, id: ApiKeyId) -> Result<Committed<api_key::Model>> {
    let mut write = request.begin_write().await?;
    let key = write.granted::<api_key::Entity>(id, Action::Revoke).await?;
    let revoked = store::revoke(&write, &key).await?;
    write.record(&ApiKeyEvent::of(Kind::Revoked, &revoked));
    write.commit(revoked).await
}

fn checked_name(name: &str) -> Result<String> {
    checks::required_text("name", name, 255, Code::NameRequired, Code::TextInvalid)
}

/// The scopes as they are stored, each once.
fn checked_scopes(scopes: Vec<Scope>) -> Result<Vec<String>> {
    let scopes: BTreeSet<Scope> = scopes.into_iter().collect();
    if scopes.is_empty() {
        return Err(reject("scopes", Code::ScopesRequired, "Choose at least one scope."));
    }
    Ok(scopes.into_iter().map(|scope| scope.text().to_owned()).collect())
}

/// The networks, each once. A single address is a network of one.
fn checked_networks(networks: &[String]) -> Result<Vec<IpNetwork>> {
    if networks.len() > MOST_NETWORKS {
        return Err(reject("allowedNetworks", Code::NetworkInvalid, format!("Name at most {MOST_NETWORKS} networks.")));
    }
    let unfit = |text: &str| {
        let shown: String = text.chars().take(50).collect();
        reject("allowedNetworks", Code::NetworkInvalid, format!("{shown:?} is no network, such as 192.0.2.0/24."))
    };
    let read = |text: &String| -> Result<IpNetwork> {
        let network: IpNetwork = text.trim().parse().map_err(|_| unfit(text))?;
        IpNetwork::new(network.network(), network.prefix()).map_err(|_| unfit(text))
    };
    let networks: Result<BTreeSet<IpNetwork>> = networks.iter().map(read).collect();
    Ok(networks?.into_iter().collect())
}

fn check_end(request: &Request, end: Option<DateTime<Utc>>) -> Result<()> {
    let now = request.now();
    match end {
        Some(end) if end <= now || end > now + LONGEST_LIFE => {
            Err(reject("expiresAt", Code::TimeInvalid, "A key ends in the future, within ten years."))
        }
        Some(_) | None => Ok(()),
    }
}

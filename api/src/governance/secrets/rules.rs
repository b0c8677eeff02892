//! What may happen to a secret, and by whom. Nobody reads its value: not even who set it.

use entity::enums::ProjectRole;
use entity::governance::secret;
use entity::ids::{ProjectId, SecretId};
use entity::secret::Secret;
use entity::tenancy::project;
use sea_orm::Condition;

use super::events::{Kind, SecretEvent};
use super::references::is_name;
use super::store;
use crate::governance::GovernanceErrorCode as Code;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Committed;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const MANAGE: ActionSet = READ.and(ActionSet::of(&[Action::Edit, Action::Delete]));

/// Secrets of one project.
const MOST: u64 = 500;
/// Bytes of one value: 32 KiB, enough for a chain of certificates.
const MOST_BYTES: usize = 32 * 1024;

impl Resource for secret::Entity {
    type Id = SecretId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::SecretsRead, READ), (Scope::SecretsWrite, MANAGE)];

    fn id(row: &secret::Model) -> SecretId {
        row.id
    }

    fn id_column() -> secret::Column {
        secret::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &secret::Model) -> ActionSet {
        match viewer.project_role(row.project_id) {
            None | Some(ProjectRole::Viewer) => ActionSet::NONE,
            Some(ProjectRole::Developer) => READ,
            Some(ProjectRole::Admin) => MANAGE,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| {
            let seen = grants.projects.iter().filter(|(_, role)| **role >= ProjectRole::Developer);
            store::within(seen.map(|(id, _)| *id).collect())
        })
    }
}

/// What a new secret is made from.
pub struct NewSecret {
    pub id: Option<SecretId>,
    pub project_id: ProjectId,
    pub name: String,
    pub value: Secret<String>,
}

/// Sets a secret of a project.
pub async fn create_secret(request: &Request, new: NewSecret) -> Result<Committed<secret::Model>> {
    if !is_name(&new.name) {
        let message = "Use 1 to 100 letters of the Latin alphabet, digits and underscores, with no digit first.";
        return Err(reject("name", Code::NameInvalid, message));
    }
    check_value(&new.value)?;
    // Unrepeatable, or a digest of the input, and so of the value, would lie in a table.
    let mut write = request.begin_unrepeatable_write().await?;
    // Locked, so that secrets are counted one after the other.
    let project = write.granted::<project::Entity>(new.project_id, Action::ManageSecrets).await?;
    if store::count(&write, project.id).await? >= MOST {
        return Err(reject("", Code::TooMany, format!("A project has at most {MOST} secrets.")));
    }
    let id = checks::new_id(request, new.id, Code::IdTaken)?;
    let secret = store::insert(&write, &project, id, new.name, &new.value).await?;
    write.record(&SecretEvent::of(Kind::Created, &secret));
    write.commit(secret).await
}

/// Gives a secret another value.
pub async fn update_secret(
    request: &Request,
    id: SecretId,
    expected_version: Option<i32>,
    value: Secret<String>,
) -> Result<Committed<secret::Model>> {
    check_value(&value)?;
    let mut write = request.begin_unrepeatable_write().await?;
    let secret = write.granted::<secret::Entity>(id, Action::Edit).await?;
    checks::version(expected_version, secret.version, Code::Conflict, "The secret changed since you read it.")?;
    let updated = store::set_value(&write, &secret, &value).await?;
    write.record(&SecretEvent::of(Kind::Updated, &updated));
    write.commit(updated).await
}

/// Deletes a secret. What refers to it fails from then on, and names it.
pub async fn delete_secret(request: &Request, id: SecretId) -> Result<Committed<SecretId>> {
    let mut write = request.begin_write().await?;
    let secret = write.granted::<secret::Entity>(id, Action::Delete).await?;
    write.record(&SecretEvent::of(Kind::Deleted, &secret));
    write.delete(secret).await?;
    write.commit(id).await
}

/// The refusals say nothing of the value.
fn check_value(value: &Secret<String>) -> Result<()> {
    let value = value.expose();
    if value.is_empty() || value.len() > MOST_BYTES {
        return Err(reject("value", Code::ValueInvalid, format!("A value has 1 to {MOST_BYTES} bytes.")));
    }
    if value.contains('\0') {
        return Err(reject("value", Code::ValueInvalid, "A value holds no NUL character."));
    }
    Ok(())
}

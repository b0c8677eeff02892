//! How secrets are stored: sealed, each in an envelope of its own.

use std::collections::{HashMap, HashSet};

use entity::governance::secret::{self, Column, Entity, Model};
use entity::ids::{ProjectId, SecretId};
use entity::secret::Secret;
use entity::tenancy::project;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, PaginatorTrait, QueryFilter, QuerySelect};

use crate::governance::GovernanceErrorCode as Code;
use crate::platform::authorization::{Granted, Read};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::envelopes::{Envelope, EnvelopeColumns};
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::sealing::SealedColumn;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

/// Where secrets are kept.
pub const COLUMNS: EnvelopeColumns = EnvelopeColumns {
    value: SealedColumn { table: "governance.secrets", column: "sealed_secret" },
    key: SealedColumn { table: "governance.secrets", column: "wrapped_secret_key" },
};

/// The secrets of these projects.
pub fn within(projects: Vec<ProjectId>) -> Condition {
    Condition::all().add(Column::ProjectId.eq_any(projects))
}

const BY_NAME: Sort<Column> = Sort { column: Column::Name, id: Column::Id, kind: SortKind::Text, descending: false };

/// Where a secret stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::Name, SortKey::Text(row.name.clone()), row.id)
}

/// A page of the secrets of each of many projects.
pub struct OfProjects;

impl Load for OfProjects {
    type Key = (ProjectId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.project_id);
        children::visible_pages::<Entity, _>(context, keys, Column::ProjectId, &BY_NAME, parent).await
    }
}

/// How many secrets each project has.
pub struct CountOfProjects;

impl Load for CountOfProjects {
    type Key = ProjectId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<ProjectId>) -> Result<HashMap<ProjectId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::ProjectId, &keys).await
    }
}

pub async fn count(write: &Write<'_>, project: ProjectId) -> Result<u64> {
    let secrets = write.read().through_granted_row::<Entity>("the project was granted");
    Ok(secrets.filter(Column::ProjectId.eq(project)).count(write.connection()).await?)
}

fn enclosed(write: &Write<'_>, id: SecretId, value: &Secret<String>) -> Result<Envelope> {
    write.request().platform.sealing.enclose(COLUMNS, id.uuid(), value.expose().as_bytes())
}

/// Adds a secret. The database fills in the organization, and by which key the envelope is wrapped.
pub async fn insert(
    write: &Write<'_>,
    project: &Granted<project::Entity>,
    id: SecretId,
    name: String,
    value: &Secret<String>,
) -> Result<Model> {
    let now = write.request().now();
    let envelope = enclosed(write, id, value)?;
    let row = secret::ActiveModel {
        id: Set(id),
        project_id: Set(project.id),
        name: Set(name),
        sealed_secret: Set(envelope.value.into()),
        wrapped_secret_key: Set(envelope.key.into()),
        created_by: Set(write.viewer().user_id()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(project, row).await.map_err(refused)
}

pub async fn set_value(write: &Write<'_>, granted: &Granted<Entity>, value: &Secret<String>) -> Result<Model> {
    let envelope = enclosed(write, granted.id, value)?;
    let row = secret::ActiveModel {
        id: Set(granted.id),
        sealed_secret: Set(envelope.value.into()),
        wrapped_secret_key: Set(envelope.key.into()),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    write.update(granted, row).await
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("secrets_name_key", || {
            reject("name", Code::NameTaken, "The project has a secret of this name already.")
        })
        .when_constraint("secrets_pkey", || checks::id_taken(Code::IdTaken))
}

fn of_names(project: ProjectId, names: Vec<String>) -> sea_orm::Select<Entity> {
    Read::new(Viewer::System("secrets are put where they are used"))
        .visible::<Entity>()
        .filter(Column::ProjectId.eq(project))
        .filter(Column::Name.eq_any(names))
}

/// Which of these secrets there are.
pub async fn found(request: &Request, project: ProjectId, names: Vec<String>) -> Result<HashSet<String>> {
    let found = of_names(project, names).select_only().column(Column::Name);
    Ok(found.into_tuple::<String>().all(&request.connection()).await?.into_iter().collect())
}

/// The values of those of these secrets that there are.
pub async fn values(
    request: &Request,
    project: ProjectId,
    names: Vec<String>,
) -> Result<HashMap<String, Secret<String>>> {
    let mut values = HashMap::with_capacity(names.len());
    for row in of_names(project, names).all(&request.connection()).await? {
        let (value, key) = (row.sealed_secret.expose().clone(), row.wrapped_secret_key.expose().clone());
        let value = request.platform.sealing.disclose(COLUMNS, row.id.uuid(), &Envelope { value, key })?;
        let value = String::from_utf8(value).map_err(|_| Error::internal(format!("{} holds no text", row.id)))?;
        values.insert(row.name, Secret::new(value));
    }
    Ok(values)
}

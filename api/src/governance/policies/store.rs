//! How policies and their versions are stored, and how they are read back into what decisions are made from.

use std::collections::HashMap;

use entity::enums::{PolicyMode, PolicyStatus, PolicyType};
use entity::governance::policy::{self, Column, Entity, Model};
use entity::governance::{mcp_server, policy_version};
use entity::ids::{McpServerId, OrganizationId, PolicyId, PolicyVersionId, ProjectId};
use entity::tenancy::organization::OrganizationSettings;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::filter::PolicyFilter;
use super::rules::Owner;
use crate::governance::GovernanceErrorCode as Code;
use crate::governance::decision::{AppliesTo, CustomRules, Defaults, Level, Mode, Policy, Rules};
use crate::platform::authorization::{Authority, Granted, Read};
use crate::platform::checks;
use crate::platform::children::{self, Narrowed, NarrowedCount};
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::viewer::Grants;
use crate::platform::write::Write;

/// The policies that somebody with these grants may read: drafts only where they manage.
pub fn readable(grants: &Grants) -> Condition {
    use entity::enums::ProjectRole;
    let managed = grants.projects.iter().filter(|(_, role)| **role == ProjectRole::Admin).map(|(id, _)| *id);
    let published = || Condition::all().add(Column::Status.ne(PolicyStatus::Draft));
    let of_organization = || Condition::all().add(Column::ProjectId.is_null());
    Condition::all().add(Column::DeletedAt.is_null()).add(
        Condition::any()
            .add(of_organization().add(Column::OrganizationId.eq_any(grants.administered())))
            .add(of_organization().add(Column::OrganizationId.eq_any(grants.organization_ids())).add(published()))
            .add(Column::ProjectId.eq_any(managed.collect::<Vec<_>>()))
            .add(published().add(Column::ProjectId.eq_any(grants.projects.keys().copied().collect::<Vec<_>>()))),
    )
}

const BY_TIME: Sort<Column> =
    Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: false };

/// Where a policy stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

fn condition(filter: &PolicyFilter) -> Condition {
    Condition::all()
        .add_option(filter.types.clone().map(|types| Column::Type.is_in(types)))
        .add_option(filter.statuses.clone().map(|statuses| Column::Status.is_in(statuses)))
        .add_option(filter.mode.map(|mode| Column::Mode.eq(mode)))
        .add_option(filter.level.map(at_level))
        .add_option(filter.server_id.map(|id| Column::ServerId.eq(id)))
        .add_option(filter.name.as_ref().map(|name| name.condition(Column::Name)))
        .add_option(filter.created_at.as_ref().map(|time| time.condition(Column::CreatedAt)))
        .add_option(filter.updated_at.as_ref().map(|time| time.condition(Column::UpdatedAt)))
}

/// Invariant: what `level` says.
fn at_level(level: Level) -> Condition {
    match level {
        Level::Organization => Condition::all().add(Column::ProjectId.is_null()),
        Level::Project => Condition::all().add(Column::ProjectId.is_not_null()).add(Column::ServerId.is_null()),
        Level::Server => Condition::all().add(Column::ServerId.is_not_null()),
    }
}

/// Without those of the projects.
fn condition_of_organization(filter: &PolicyFilter) -> Condition {
    condition(filter).add(Column::ProjectId.is_null())
}

/// A page of the policies of each of many organizations, without those of their projects.
pub struct OfOrganizations;

impl Load for OfOrganizations {
    type Key = Narrowed<OrganizationId, PolicyFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (column, organization) = (Column::OrganizationId, |row: &Model| Some(row.organization_id));
        let condition = condition_of_organization;
        children::narrowed_pages::<Entity, _, _>(context, keys, column, &BY_TIME, condition, organization).await
    }
}

/// How many policies each list of an organization holds, without those of its projects.
pub struct CountOfOrganizations;

impl Load for CountOfOrganizations {
    type Key = NarrowedCount<OrganizationId, PolicyFilter>;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        let column = Column::OrganizationId;
        children::narrowed_counts::<Entity, _, _>(context, keys, column, condition_of_organization).await
    }
}

/// A page of the policies of each of many projects and their servers.
pub struct OfProjects;

impl Load for OfProjects {
    type Key = Narrowed<ProjectId, PolicyFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (column, project) = (Column::ProjectId, |row: &Model| row.project_id);
        children::narrowed_pages::<Entity, _, _>(context, keys, column, &BY_TIME, condition, project).await
    }
}

/// How many policies each list of a project holds.
pub struct CountOfProjects;

impl Load for CountOfProjects {
    type Key = NarrowedCount<ProjectId, PolicyFilter>;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        children::narrowed_counts::<Entity, _, _>(context, keys, Column::ProjectId, condition).await
    }
}

const NEWEST: Sort<policy_version::Column> = Sort {
    column: policy_version::Column::Number,
    id: policy_version::Column::Id,
    kind: SortKind::Number,
    descending: true,
};

/// Where a version stands in the list of its policy.
pub fn place_of_version(row: &policy_version::Model) -> Cursor {
    Cursor::new(policy_version::Column::Number, SortKey::Number(row.number.into()), row.id)
}

/// A page of the versions of each of many policies.
pub struct Versions;

impl Load for Versions {
    type Key = (PolicyId, Page);
    type Value = Slice<policy_version::Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut found = HashMap::new();
        for (page, parents) in children::by_page(keys) {
            let query = versions(context);
            let of = |row: &policy_version::Model| Some(row.policy_id);
            let column = policy_version::Column::PolicyId;
            let slices = children::pages(&context.connection, query, column, &parents, &page, &NEWEST, of).await?;
            found.extend(slices.into_iter().map(|(parent, slice)| ((parent, page.clone()), slice)));
        }
        Ok(found)
    }
}

/// How many versions each policy has.
pub struct CountVersions;

impl Load for CountVersions {
    type Key = PolicyId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<PolicyId>) -> Result<HashMap<PolicyId, i64>> {
        children::counts(&context.connection, versions(context), policy_version::Column::PolicyId, &keys).await
    }
}

fn versions(context: &LoadContext) -> sea_orm::Select<policy_version::Entity> {
    Read::new(context.viewer.clone()).through_granted_row("the versions of a policy that the viewer may read")
}

/// The server, if there is one; whether the viewer may know of it is for its project to say.
pub async fn server(write: &Write<'_>, id: McpServerId) -> Result<Option<mcp_server::Model>> {
    let servers = write.read().through_granted_row::<mcp_server::Entity>("its project is asked for next");
    let live = mcp_server::Column::DeletedAt.is_null();
    Ok(servers.filter(mcp_server::Column::Id.eq(id)).filter(live).one(write.connection()).await?)
}

/// How many policies stand beside those of the owner.
pub async fn count_beside(write: &Write<'_>, owner: &Owner) -> Result<u64> {
    let policies = write.read().through_granted_row::<Entity>("counts what its owner has, drafts included");
    let of_owner = match owner.project_id {
        Some(project) => Column::ProjectId.eq(project),
        None => Column::ProjectId.is_null(),
    };
    let policies = policies.filter(Column::OrganizationId.eq(owner.organization_id)).filter(of_owner);
    Ok(policies.filter(Column::DeletedAt.is_null()).count(write.connection()).await?)
}

/// What a policy says, ready to be stored.
#[derive(Clone, Debug)]
pub struct Written {
    pub name: String,
    pub description: Option<String>,
    pub rules: Rules,
    pub applies_to: AppliesTo,
    pub priority: i32,
    pub mode: PolicyMode,
}

/// The type and the content of rules, as two columns hold them.
fn stored(rules: &Rules) -> Result<(PolicyType, Value)> {
    let of = match rules {
        Rules::Usage(_) => PolicyType::Usage,
        Rules::Access(_) => PolicyType::Access,
        Rules::Compliance(_) => PolicyType::Compliance,
        Rules::Custom(_) => PolicyType::Custom,
    };
    let mut value = serde_json::to_value(rules).map_err(Error::internal)?;
    Ok((of, value["rules"].take()))
}

/// The rules of two columns. None where this version cannot read them.
pub fn parse_rules(of: PolicyType, rules: &Value) -> Option<Rules> {
    serde_json::from_value(json!({ "type": of.as_str(), "rules": rules })).ok()
}

/// A stored policy as decisions take it. One that cannot be read any more denies wherever it applies: it becomes a custom
/// policy without a text, which does not compile, and applies to everything.
pub fn as_decided(row: &Model, server: Option<String>) -> Policy {
    let mode = match (row.status, row.mode) {
        (PolicyStatus::Draft | PolicyStatus::Disabled, _) => Mode::Disabled,
        (PolicyStatus::Active, PolicyMode::Monitor) => Mode::Monitor,
        (PolicyStatus::Active, PolicyMode::Enforce) => Mode::Enforce,
    };
    let read = parse_rules(row.r#type, &row.rules).zip(serde_json::from_value(row.applies_to.clone()).ok());
    let (rules, applies_to) = read.unwrap_or_else(|| (Rules::Custom(CustomRules::default()), AppliesTo::default()));
    Policy {
        id: row.id.uuid(),
        version: row.version,
        name: row.name.clone(),
        level: level(row),
        server,
        mode,
        priority: row.priority,
        applies_to,
        rules,
    }
}

pub fn level(row: &Model) -> Level {
    match (row.project_id, row.server_id) {
        (_, Some(_)) => Level::Server,
        (Some(_), None) => Level::Project,
        (None, None) => Level::Organization,
    }
}

/// What holds where no policy says anything.
pub fn defaults_of(settings: &OrganizationSettings) -> Defaults {
    Defaults { tools: settings.default_tool_outcome.into(), models: settings.default_model_outcome.into() }
}

pub async fn insert(
    write: &Write<'_>,
    authority: &dyn Authority,
    owner: &Owner,
    id: Option<PolicyId>,
    text: Written,
) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let (of, rules) = stored(&text.rules)?;
    let row = policy::ActiveModel {
        id: Set(checks::new_id(request, id, Code::IdTaken)?),
        organization_id: Set(owner.organization_id),
        project_id: Set(owner.project_id),
        server_id: Set(owner.server_id),
        name: Set(text.name),
        description: Set(text.description),
        r#type: Set(of),
        rules: Set(rules),
        applies_to: Set(serde_json::to_value(&text.applies_to).map_err(Error::internal)?),
        priority: Set(text.priority),
        status: Set(PolicyStatus::Draft),
        mode: Set(text.mode),
        created_by: Set(write.viewer().user_id()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    let taken = |error: Error| error.when_constraint("policies_pkey", || checks::id_taken(Code::IdTaken));
    let policy = write.insert(authority, row).await.map_err(taken)?;
    insert_version(write, authority, &policy).await?;
    Ok(policy)
}

/// Keeps what the policy says now.
async fn insert_version(write: &Write<'_>, authority: &dyn Authority, policy: &Model) -> Result<()> {
    let row = policy_version::ActiveModel {
        id: Set(PolicyVersionId(write.request().new_id())),
        organization_id: Set(policy.organization_id),
        project_id: Set(policy.project_id),
        policy_id: Set(policy.id),
        number: Set(policy.version),
        name: Set(policy.name.clone()),
        r#type: Set(policy.r#type),
        rules: Set(policy.rules.clone()),
        applies_to: Set(policy.applies_to.clone()),
        priority: Set(policy.priority),
        status: Set(policy.status),
        mode: Set(policy.mode),
        created_by: Set(write.viewer().user_id()),
        created_at: Set(policy.updated_at),
    };
    write.insert_many(authority, vec![row]).await
}

/// Replaces what the policy says, and keeps it as a version.
pub async fn rewrite(write: &Write<'_>, granted: &Granted<Entity>, text: Written) -> Result<Model> {
    let (of, rules) = stored(&text.rules)?;
    let row = policy::ActiveModel {
        name: Set(text.name),
        description: Set(text.description),
        r#type: Set(of),
        rules: Set(rules),
        applies_to: Set(serde_json::to_value(&text.applies_to).map_err(Error::internal)?),
        priority: Set(text.priority),
        mode: Set(text.mode),
        ..changed(write, granted)
    };
    let policy = write.update(granted, row).await?;
    insert_version(write, granted, &policy).await?;
    Ok(policy)
}

/// Switches the policy on or off, and keeps that as a version.
pub async fn set_status(
    write: &Write<'_>,
    granted: &Granted<Entity>,
    status: PolicyStatus,
    mode: PolicyMode,
) -> Result<Model> {
    let row = policy::ActiveModel { status: Set(status), mode: Set(mode), ..changed(write, granted) };
    let policy = write.update(granted, row).await?;
    insert_version(write, granted, &policy).await?;
    Ok(policy)
}

pub async fn mark_deleted(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let row = policy::ActiveModel { deleted_at: Set(Some(write.request().now())), ..changed(write, granted) };
    write.update(granted, row).await
}

fn changed(write: &Write<'_>, granted: &Granted<Entity>) -> policy::ActiveModel {
    policy::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    }
}

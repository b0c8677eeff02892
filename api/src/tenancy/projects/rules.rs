//! What may happen to a project, and by whom.

use entity::enums::{ProjectRole, ProjectStatus};
use entity::ids::{OrganizationId, ProjectId};
use entity::tenancy::project::{ProjectQuotas, ProjectSettings};
use entity::tenancy::{organization, project};
use sea_orm::Condition;

use super::store::{self, ProjectUpdate};
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Committed;
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;
use crate::tenancy::plans::{self, Counted, Owner};
use crate::tenancy::project_members;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const VIEWER: ActionSet = READ.and(ActionSet::of(&[Action::ReadMembers]));
const DEVELOPER: ActionSet = VIEWER.and(ActionSet::of(&[Action::ReadSecrets]));
const ADMIN: ActionSet = DEVELOPER.and(ActionSet::of(&[
    Action::Edit,
    Action::Archive,
    Action::ManageMembers,
    Action::AttachSpaces,
    Action::RegisterServers,
    Action::ManagePolicies,
    Action::CreateKeys,
    Action::ManageSecrets,
    Action::Delete,
]));
/// What remains of a role in an archived project.
const ARCHIVED: ActionSet = VIEWER.and(ActionSet::of(&[Action::Archive, Action::ManageMembers, Action::Delete]));

impl Resource for project::Entity {
    type Id = ProjectId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[
        (Scope::ProjectsRead, READ),
        (
            Scope::ProjectsWrite,
            READ.and(ActionSet::of(&[Action::Edit, Action::Archive, Action::AttachSpaces, Action::Delete])),
        ),
        (Scope::MembersRead, VIEWER),
        (Scope::MembersWrite, VIEWER.and(ActionSet::of(&[Action::ManageMembers]))),
        (Scope::KeysRead, READ),
        (Scope::SecretsRead, READ.and(ActionSet::of(&[Action::ReadSecrets]))),
        (Scope::SecretsWrite, READ.and(ActionSet::of(&[Action::ReadSecrets, Action::ManageSecrets]))),
        (Scope::ToolsRead, READ),
        (Scope::ToolsWrite, READ.and(ActionSet::of(&[Action::RegisterServers]))),
        (Scope::ToolsCall, READ),
        (Scope::PoliciesRead, READ),
        (Scope::PoliciesWrite, READ.and(ActionSet::of(&[Action::ManagePolicies]))),
        (Scope::DecisionsRead, READ),
        (Scope::ApprovalsRead, READ),
        (Scope::ApprovalsWrite, READ),
        (Scope::UsageRead, READ),
    ];

    fn id(row: &project::Model) -> ProjectId {
        row.id
    }

    fn id_column() -> project::Column {
        project::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &project::Model) -> ActionSet {
        if row.deleted_at.is_some() {
            return ActionSet::NONE;
        }
        let actions = match viewer.project_role(row.id) {
            None => ActionSet::NONE,
            Some(ProjectRole::Viewer) => VIEWER,
            Some(ProjectRole::Developer) => DEVELOPER,
            Some(ProjectRole::Admin) => ADMIN,
        };
        match row.status {
            ProjectStatus::Active | ProjectStatus::Paused => actions,
            ProjectStatus::Archived => actions.only(ARCHIVED),
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::among(grants.projects.keys().copied().collect()))
    }
}

/// What a new project is made from.
pub struct NewProject {
    pub id: Option<ProjectId>,
    pub organization_id: OrganizationId,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
}

/// Creates a project of an organization. Its creator becomes its admin.
pub async fn create_project(request: &Request, new: NewProject) -> Result<Committed<project::Model>> {
    let creator = request.user_id()?;
    let new = NewProject {
        name: checks::required_text("name", &new.name, 255, Code::NameRequired, Code::TextInvalid)?,
        slug: checks::slug("slug", &new.slug, 100, Code::SlugInvalid)?,
        description: checks::optional_text("description", new.description, 2_000, Code::TextInvalid)?,
        ..new
    };
    let mut write = request.begin_write_of_grants().await?;
    let organization =
        write.granted_parent::<organization::Entity>(new.organization_id, Action::CreateProjects).await?;
    let owner = Owner::Organization(organization.id);
    plans::check_room(&write, owner, Counted::Projects, 1, "organizationId").await?;
    let project = store::insert(&write, &organization, new, creator).await?;
    project_members::add_first_admin(&write, &organization, project.id, creator).await?;
    write.record(&TenancyEvent::ProjectCreated { project: project.id, organization: organization.id });
    write.commit(project).await
}

/// What may be changed; none leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectChanges {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub status: Option<ProjectStatus>,
    pub allowed_models: Option<Vec<String>>,
    pub default_model: Option<String>,
    pub mcp_auto_approve: Option<bool>,
    pub mcp_private_addresses: Option<bool>,
    /// Some(None) lifts the limit, here and below.
    /// A whole number.
    pub max_tokens_per_day: Option<Option<f64>>,
    pub max_cost_per_day_usd: Option<Option<f64>>,
    pub max_requests_per_minute: Option<Option<i32>>,
    pub max_members: Option<Option<i32>>,
    pub max_documents: Option<Option<i32>>,
    /// A whole number.
    pub max_content_bytes: Option<Option<f64>>,
}

impl ProjectChanges {
    /// An archived project is brought back by a change of its status alone.
    fn action(&self) -> Action {
        let status_alone = Self { status: self.status, ..Self::default() };
        if self.status.is_some() && *self == status_alone { Action::Archive } else { Action::Edit }
    }
}

/// Changes a project's properties, settings, quotas and status.
pub async fn update_project(
    request: &Request,
    id: ProjectId,
    expected_version: Option<i32>,
    changes: ProjectChanges,
) -> Result<Committed<project::Model>> {
    let changes = check(changes)?;
    let mut write = request.begin_write_of_grants().await?;
    let project = write.granted::<project::Entity>(id, changes.action()).await?;
    checks::version(expected_version, project.version, Code::Conflict, "The project changed since you read it.")?;
    let update = ProjectUpdate {
        settings: changed_settings(&project.settings, &changes)?,
        quotas: changed_quotas(&project.quotas, &changes),
        name: changes.name,
        slug: changes.slug,
        description: changes.description,
        status: changes.status,
    };
    let updated = store::update(&write, &project, update).await?;
    write.record(&TenancyEvent::ProjectUpdated { project: id, organization: updated.organization_id });
    write.commit(updated).await
}

fn check(changes: ProjectChanges) -> Result<ProjectChanges> {
    let model = |field, name: String| checks::required_text(field, &name, 100, Code::NameRequired, Code::TextInvalid);
    if changes.allowed_models.as_ref().is_some_and(|models| !(1..=100).contains(&models.len())) {
        return Err(reject("allowedModels", Code::OutOfRange, "Allow 1 to 100 models."));
    }
    check_whole_limit("maxTokensPerDay", changes.max_tokens_per_day)?;
    check_whole_limit("maxContentBytes", changes.max_content_bytes)?;
    check_limit("maxMembers", changes.max_members, 1_000_000)?;
    check_limit("maxDocuments", changes.max_documents, 1_000_000_000)?;
    check_limit("maxCostPerDayUsd", changes.max_cost_per_day_usd, 1_000_000_000.0)?;
    check_limit("maxRequestsPerMinute", changes.max_requests_per_minute, 1_000_000)?;
    Ok(ProjectChanges {
        name: changes
            .name
            .map(|name| checks::required_text("name", &name, 255, Code::NameRequired, Code::TextInvalid))
            .transpose()?,
        slug: changes.slug.map(|slug| checks::slug("slug", &slug, 100, Code::SlugInvalid)).transpose()?,
        description: changes
            .description
            .map(|text| checks::limited_text("description", text.trim(), 2_000, Code::TextInvalid))
            .transpose()?,
        allowed_models: changes
            .allowed_models
            .map(|models| models.into_iter().map(|name| model("allowedModels", name)).collect())
            .transpose()?,
        default_model: changes.default_model.map(|name| model("defaultModel", name)).transpose()?,
        ..changes
    })
}

/// A limit is zero or more and not above the most; none is no limit.
fn check_limit<N: PartialOrd + Default + std::fmt::Display>(
    field: &'static str,
    limit: Option<Option<N>>,
    most: N,
) -> Result<()> {
    match limit.flatten() {
        Some(number) if !(N::default()..=most).contains(&number) => {
            Err(reject(field, Code::OutOfRange, format!("{number} is outside the limits of this number.")))
        }
        Some(_) | None => Ok(()),
    }
}

/// The same of a number that is whole and may be above what an Int holds.
fn check_whole_limit(field: &'static str, limit: Option<Option<f64>>) -> Result<()> {
    check_limit(field, limit, 1_000_000_000_000.0)?;
    if limit.flatten().is_some_and(|number| number.fract() != 0.0) {
        return Err(reject(field, Code::OutOfRange, "This is a whole number."));
    }
    Ok(())
}

fn changed_settings(held: &ProjectSettings, changes: &ProjectChanges) -> Result<ProjectSettings> {
    let settings = ProjectSettings {
        allowed_models: changes.allowed_models.clone().unwrap_or_else(|| held.allowed_models.clone()),
        default_model: changes.default_model.clone().unwrap_or_else(|| held.default_model.clone()),
        mcp_auto_approve: changes.mcp_auto_approve.unwrap_or(held.mcp_auto_approve),
        mcp_private_addresses: changes.mcp_private_addresses.unwrap_or(held.mcp_private_addresses),
    };
    let are_models_changed = changes.allowed_models.is_some() || changes.default_model.is_some();
    if are_models_changed && !settings.allowed_models.contains(&settings.default_model) {
        return Err(reject("defaultModel", Code::OutOfRange, "The default model is not among the allowed ones."));
    }
    Ok(settings)
}

fn changed_quotas(held: &ProjectQuotas, changes: &ProjectChanges) -> ProjectQuotas {
    ProjectQuotas {
        max_tokens_per_day: match changes.max_tokens_per_day {
            Some(limit) => limit.map(whole),
            None => held.max_tokens_per_day,
        },
        max_cost_per_day_usd: changes.max_cost_per_day_usd.unwrap_or(held.max_cost_per_day_usd),
        max_requests_per_minute: changes.max_requests_per_minute.unwrap_or(held.max_requests_per_minute),
        max_members: changes.max_members.unwrap_or(held.max_members),
        max_documents: changes.max_documents.unwrap_or(held.max_documents),
        max_content_bytes: match changes.max_content_bytes {
            Some(limit) => limit.map(whole),
            None => held.max_content_bytes,
        },
    }
}

/// The integer of a number that was checked to be whole and at most 10^12.
fn whole(number: f64) -> i64 {
    number as i64
}

/// Deletes a project. What it held stays in the database until it is removed for good.
pub async fn delete_project(request: &Request, id: ProjectId) -> Result<Committed<ProjectId>> {
    let mut write = request.begin_write_of_grants().await?;
    let project = write.granted::<project::Entity>(id, Action::Delete).await?;
    store::mark_deleted(&write, &project).await?;
    write.record(&TenancyEvent::ProjectDeleted { project: id, organization: project.organization_id });
    write.commit(id).await
}

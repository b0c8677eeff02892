//! What may happen to an organization, and by whom.

use entity::enums::{DecisionOutcome, MemberRole, OrganizationStatus, SpaceRole};
use entity::ids::OrganizationId;
use entity::tenancy::organization;
use sea_orm::Condition;

use super::store;
use crate::identity::sessions;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Committed;
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;
use crate::tenancy::members;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const VIEWER: ActionSet = READ.and(ActionSet::of(&[Action::ReadMembers, Action::Leave]));
const MEMBER: ActionSet = VIEWER;
const ADMIN: ActionSet = MEMBER.and(ActionSet::of(&[
    Action::Edit,
    Action::ManageMembers,
    Action::ManageTeams,
    Action::CreateSpaces,
    Action::CreateProjects,
    Action::ReadAudit,
    Action::ManagePolicies,
]));
const OWNER: ActionSet = ADMIN.and(ActionSet::of(&[Action::Transfer, Action::ManageSignIn, Action::Delete]));

impl Resource for organization::Entity {
    type Id = OrganizationId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[
        (Scope::OrganizationsRead, READ),
        (Scope::OrganizationsWrite, READ.and(ActionSet::of(&[Action::Edit]))),
        (Scope::MembersRead, READ.and(ActionSet::of(&[Action::ReadMembers]))),
        (
            Scope::MembersWrite,
            READ.and(ActionSet::of(&[Action::ReadMembers, Action::ManageMembers, Action::ManageTeams])),
        ),
        (Scope::ProjectsWrite, READ.and(ActionSet::of(&[Action::CreateProjects]))),
        (Scope::SpacesWrite, READ.and(ActionSet::of(&[Action::CreateSpaces]))),
        (Scope::AuditRead, READ.and(ActionSet::of(&[Action::ReadAudit]))),
        (Scope::PoliciesRead, READ),
        (Scope::PoliciesWrite, READ.and(ActionSet::of(&[Action::ManagePolicies]))),
        (Scope::DecisionsRead, READ),
        (Scope::UsageRead, READ),
    ];

    fn id(row: &organization::Model) -> OrganizationId {
        row.id
    }

    fn id_column() -> organization::Column {
        organization::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &organization::Model) -> ActionSet {
        if row.deleted_at.is_some() || row.status != OrganizationStatus::Active {
            return ActionSet::NONE;
        }
        match viewer.organization_role(row.id) {
            None => ActionSet::NONE,
            Some(MemberRole::Viewer) => VIEWER,
            Some(MemberRole::Member) => MEMBER.and(member_extras(row)),
            Some(MemberRole::Admin) => ADMIN,
            Some(MemberRole::Owner) => OWNER,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::among(grants.organization_ids()))
    }
}

/// What the organization's settings allow its members.
fn member_extras(row: &organization::Model) -> ActionSet {
    let mut extras = ActionSet::NONE;
    if row.settings.members_may_create_spaces {
        extras = extras.and(ActionSet::of(&[Action::CreateSpaces]));
    }
    if row.settings.members_may_create_projects {
        extras = extras.and(ActionSet::of(&[Action::CreateProjects]));
    }
    extras
}

/// What a new organization is made from.
pub struct NewOrganization {
    pub id: Option<OrganizationId>,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
}

/// Creates an organization whose owner is the viewer.
pub async fn create_organization(request: &Request, new: NewOrganization) -> Result<Committed<organization::Model>> {
    let founder = request.user_id()?;
    let new = NewOrganization {
        id: new.id,
        name: checks::required_text("name", &new.name, 255, Code::NameRequired, Code::TextInvalid)?,
        slug: checks::slug("slug", &new.slug, 100, Code::SlugInvalid)?,
        description: checks::optional_text("description", new.description, 2_000, Code::TextInvalid)?,
    };
    let mut write = request.begin_write_of_grants().await?;
    let authority = write.as_viewer()?;
    let organization = store::insert(&write, &authority, new, founder).await?;
    members::add_founder(&write, &authority, organization.id, founder).await?;
    write.record(&TenancyEvent::OrganizationCreated { organization: organization.id });
    write.commit(organization).await
}

/// What may be changed; none leaves it as it is, an empty text removes it.
#[derive(Default)]
pub struct OrganizationChanges {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub billing_email: Option<String>,
    pub support_email: Option<String>,
    pub members_may_create_spaces: Option<bool>,
    pub members_may_create_projects: Option<bool>,
    pub default_space_role: Option<SpaceRole>,
    pub require_mcp_approval: Option<bool>,
    pub require_other_mcp_approver: Option<bool>,
    pub audit_retention_days: Option<i32>,
    pub default_model: Option<String>,
    pub default_tool_outcome: Option<DecisionOutcome>,
    pub default_model_outcome: Option<DecisionOutcome>,
    pub recorded_allows_percent: Option<i32>,
    pub approval_minutes: Option<i32>,
    pub timezone: Option<String>,
}

/// Changes an organization's properties and settings.
pub async fn update_organization(
    request: &Request,
    id: OrganizationId,
    expected_version: Option<i32>,
    changes: OrganizationChanges,
) -> Result<Committed<organization::Model>> {
    let changes = check(changes)?;
    let mut write = request.begin_write_of_grants().await?;
    let organization = write.granted::<organization::Entity>(id, Action::Edit).await?;
    checks::version(
        expected_version,
        organization.version,
        Code::Conflict,
        "The organization changed since you read it.",
    )?;
    // The log tells what was done, also by whoever would now shorten it.
    if changes.audit_retention_days.is_some_and(|days| days < organization.settings.audit_retention_days) {
        sessions::require_recent_authentication(&write).await?;
    }
    let updated = store::update(&write, &organization, changes).await?;
    write.record(&TenancyEvent::OrganizationUpdated { organization: id });
    write.commit(updated).await
}

fn check(changes: OrganizationChanges) -> Result<OrganizationChanges> {
    if changes.audit_retention_days.is_some_and(|days| !(1..=3_650).contains(&days)) {
        return Err(reject("auditRetentionDays", Code::OutOfRange, "Keep the audit log for 1 to 3650 days."));
    }
    if changes.recorded_allows_percent.is_some_and(|percent| !(0..=100).contains(&percent)) {
        return Err(reject("recordedAllowsPercent", Code::OutOfRange, "Record 0 to 100 of a hundred."));
    }
    if changes.approval_minutes.is_some_and(|minutes| !(1..=10_080).contains(&minutes)) {
        return Err(reject("approvalMinutes", Code::OutOfRange, "An approval is good for 1 to 10080 minutes."));
    }
    if changes.default_space_role == Some(SpaceRole::Manager) {
        return Err(reject("defaultSpaceRole", Code::RoleTooHigh, "A space cannot make everyone its manager."));
    }
    if changes.timezone.as_ref().is_some_and(|name| name.parse::<chrono_tz::Tz>().is_err()) {
        return Err(reject("timezone", Code::TextInvalid, "This is no IANA time zone such as Europe/Berlin."));
    }
    let name = changes
        .name
        .map(|name| checks::required_text("name", &name, 255, Code::NameRequired, Code::TextInvalid))
        .transpose()?;
    let slug = changes.slug.map(|slug| checks::slug("slug", &slug, 100, Code::SlugInvalid)).transpose()?;
    let email = |field, address: Option<String>| {
        let check = |address: String| match address.is_empty() {
            true => Ok(address),
            false => checks::email(field, &address, Code::EmailInvalid),
        };
        address.map(check).transpose()
    };
    Ok(OrganizationChanges {
        name,
        slug,
        billing_email: email("billingEmail", changes.billing_email)?,
        support_email: email("supportEmail", changes.support_email)?,
        default_model: changes
            .default_model
            .map(|name| checks::required_text("defaultModel", &name, 100, Code::TextInvalid, Code::TextInvalid))
            .transpose()?,
        description: changes
            .description
            .map(|text| checks::limited_text("description", text.trim(), 2_000, Code::TextInvalid))
            .transpose()?,
        ..changes
    })
}

/// Deletes an organization. Its content stays in the database until it is removed for good.
pub async fn delete_organization(request: &Request, id: OrganizationId) -> Result<Committed<OrganizationId>> {
    let mut write = request.begin_write_of_grants().await?;
    let organization = write.granted::<organization::Entity>(id, Action::Delete).await?;
    sessions::require_recent_authentication(&write).await?;
    store::mark_deleted(&write, &organization).await?;
    write.record(&TenancyEvent::OrganizationDeleted { organization: id });
    write.commit(id).await
}

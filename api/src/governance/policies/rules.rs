//! What may happen to a policy, and by whom.

use entity::enums::{PolicyMode, PolicyStatus, ProjectRole};
use entity::governance::policy;
use entity::ids::{McpServerId, OrganizationId, PolicyId, ProjectId};
use entity::tenancy::{organization, project};
use sea_orm::Condition;

use super::cedar;
use super::events::{PolicyChange, PolicyEvent};
use super::store::{self, Written};
use crate::governance::GovernanceErrorCode as Code;
use crate::governance::decision::{AppliesTo, Level, Mode, Policy, Rules, validate};
use crate::platform::authorization::{Action, ActionSet, Authority, Granted, Resource, Scope as KeyScope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject, reject_all};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

const READER: ActionSet = ActionSet::of(&[Action::Read]);
const MANAGER: ActionSet = READER.and(ActionSet::of(&[Action::Edit, Action::Publish, Action::Delete]));

/// Policies of one organization, or of one project with its servers.
const MOST: u64 = 1_000;
const MOST_PRIORITY: i32 = 1_000_000;

impl Resource for policy::Entity {
    type Id = PolicyId;
    const SCOPES: &'static [(KeyScope, ActionSet)] =
        &[(KeyScope::PoliciesRead, READER), (KeyScope::PoliciesWrite, MANAGER)];

    fn id(row: &policy::Model) -> PolicyId {
        row.id
    }

    fn id_column() -> policy::Column {
        policy::Column::Id
    }

    /// Whoever a policy binds may read it once it is published; drafts are their makers' own business.
    fn permitted(viewer: &Viewer, row: &policy::Model) -> ActionSet {
        if row.deleted_at.is_some() {
            return ActionSet::NONE;
        }
        let (is_manager, is_bound) = match row.project_id {
            Some(project) => {
                let role = viewer.project_role(project);
                (role == Some(ProjectRole::Admin), role.is_some())
            }
            None => (viewer.administers(row.organization_id), viewer.organization_role(row.organization_id).is_some()),
        };
        match (is_manager, is_bound, row.status) {
            (true, _, _) => MANAGER,
            (false, true, PolicyStatus::Active | PolicyStatus::Disabled) => READER,
            (false, true, PolicyStatus::Draft) | (false, false, _) => ActionSet::NONE,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, store::readable)
    }
}

/// Whose policy it is to be.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    Organization(OrganizationId),
    Project(ProjectId),
    Server(McpServerId),
}

/// Whose policy it is.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    pub organization_id: OrganizationId,
    pub project_id: Option<ProjectId>,
    pub server_id: Option<McpServerId>,
}

/// What a new policy is made from.
pub struct NewPolicy {
    pub id: Option<PolicyId>,
    pub scope: Scope,
    pub text: Written,
    /// What of the input could not even be read.
    pub problems: Vec<(String, String)>,
}

/// Writes a policy as a draft, which has no effect yet.
pub async fn create_policy(request: &Request, new: NewPolicy) -> Result<Committed<policy::Model>> {
    request.user_id()?;
    let text = check(new.text, new.problems)?;
    let mut write = request.begin_write().await?;
    let (owner, authority) = owner(&write, new.scope).await?;
    if store::count_beside(&write, &owner).await? >= MOST {
        return Err(reject("", Code::TooMany, format!("There are at most {MOST} policies side by side.")));
    }
    let policy = store::insert(&write, &*authority, &owner, new.id, text).await?;
    write.record(&PolicyEvent::new(PolicyChange::Created, &policy));
    write.commit(policy).await
}

/// Whose the policy will be, and the leave to add it there.
async fn owner(write: &Write<'_>, scope: Scope) -> Result<(Owner, Box<dyn Authority + Send>)> {
    let of_project = async |id: ProjectId, server_id: Option<McpServerId>| {
        let project = write.granted_parent::<project::Entity>(id, Action::ManagePolicies).await?;
        let organization_id = project.organization_id;
        let authority: Box<dyn Authority + Send> = Box::new(project);
        Ok((Owner { organization_id, project_id: Some(id), server_id }, authority))
    };
    match scope {
        Scope::Organization(organization_id) => {
            let organization =
                write.granted_parent::<organization::Entity>(organization_id, Action::ManagePolicies).await?;
            Ok((Owner { organization_id, project_id: None, server_id: None }, Box::new(organization)))
        }
        Scope::Project(id) => of_project(id, None).await,
        Scope::Server(id) => {
            write.as_viewer()?;
            let server = store::server(write, id).await?.ok_or(Error::NotFound)?;
            of_project(server.project_id, Some(id)).await
        }
    }
}

/// What may be changed; none leaves it as it is.
#[derive(Default)]
pub struct PolicyChanges {
    pub name: Option<String>,
    /// An empty text removes it.
    pub description: Option<String>,
    pub rules: Option<Rules>,
    pub applies_to: Option<AppliesTo>,
    pub priority: Option<i32>,
    pub mode: Option<PolicyMode>,
    /// What of the input could not even be read.
    pub problems: Vec<(String, String)>,
}

/// Changes what a policy says. Of an active one, it holds from the next decision on.
pub async fn update_policy(
    request: &Request,
    id: PolicyId,
    expected_version: Option<i32>,
    changes: PolicyChanges,
) -> Result<Committed<policy::Model>> {
    request.user_id()?;
    let mut write = request.begin_write().await?;
    let policy = lock(&write, id, Action::Edit, expected_version).await?;
    let held = store::as_decided(&policy, None);
    if changes.rules.as_ref().is_some_and(|rules| kind(rules) != kind(&held.rules)) {
        let message = "The type of a policy never changes. Make another one.";
        return Err(reject("rules", Code::PolicyInvalid, message));
    }
    let text = Written {
        name: changes.name.unwrap_or_else(|| policy.name.clone()),
        description: changes.description.or_else(|| policy.description.clone()),
        rules: changes.rules.unwrap_or(held.rules),
        applies_to: changes.applies_to.unwrap_or(held.applies_to),
        priority: changes.priority.unwrap_or(policy.priority),
        mode: changes.mode.unwrap_or(policy.mode),
    };
    let updated = store::rewrite(&write, &policy, check(text, changes.problems)?).await?;
    write.record(&PolicyEvent::new(PolicyChange::Updated, &updated));
    write.commit(updated).await
}

/// Puts a policy into use, enforced or only monitored.
pub async fn publish_policy(
    request: &Request,
    id: PolicyId,
    expected_version: Option<i32>,
    mode: Option<PolicyMode>,
) -> Result<Committed<policy::Model>> {
    let mut write = request.begin_write().await?;
    let policy = lock(&write, id, Action::Publish, expected_version).await?;
    let mode = mode.unwrap_or(policy.mode);
    if policy.status == PolicyStatus::Active && policy.mode == mode {
        return Err(reject("id", Code::AlreadySo, "The policy is in use already."));
    }
    // What was valid when it was written may not be to this version of the server.
    let held = store::as_decided(&policy, None);
    problems_of(&policy.name, &held.rules, &held.applies_to, Vec::new())?;
    let published = store::set_status(&write, &policy, PolicyStatus::Active, mode).await?;
    write.record(&PolicyEvent::new(PolicyChange::Published, &published));
    write.commit(published).await
}

/// Takes a policy out of use.
pub async fn disable_policy(
    request: &Request,
    id: PolicyId,
    expected_version: Option<i32>,
) -> Result<Committed<policy::Model>> {
    let mut write = request.begin_write().await?;
    let policy = lock(&write, id, Action::Publish, expected_version).await?;
    if policy.status == PolicyStatus::Disabled {
        return Err(reject("id", Code::AlreadySo, "The policy is switched off already."));
    }
    let disabled = store::set_status(&write, &policy, PolicyStatus::Disabled, policy.mode).await?;
    write.record(&PolicyEvent::new(PolicyChange::Disabled, &disabled));
    write.commit(disabled).await
}

/// Deletes a policy. What it decided is kept, with its versions.
pub async fn delete_policy(
    request: &Request,
    id: PolicyId,
    expected_version: Option<i32>,
) -> Result<Committed<PolicyId>> {
    let mut write = request.begin_write().await?;
    let policy = lock(&write, id, Action::Delete, expected_version).await?;
    let deleted = store::mark_deleted(&write, &policy).await?;
    write.record(&PolicyEvent::new(PolicyChange::Deleted, &deleted));
    write.commit(id).await
}

/// Holds the policy, and with it the project, whose policies cannot be changed once it is archived.
async fn lock(
    write: &Write<'_>,
    id: PolicyId,
    action: Action,
    expected_version: Option<i32>,
) -> Result<Granted<policy::Entity>> {
    let policy = write.granted::<policy::Entity>(id, action).await?;
    if let Some(project) = policy.project_id {
        write.granted_parent::<project::Entity>(project, Action::ManagePolicies).await?;
    }
    checks::version(expected_version, policy.version, Code::Conflict, "The policy changed since you read it.")?;
    Ok(policy)
}

fn check(text: Written, problems: Vec<(String, String)>) -> Result<Written> {
    if !(-MOST_PRIORITY..=MOST_PRIORITY).contains(&text.priority) {
        let message = format!("A priority is between -{MOST_PRIORITY} and {MOST_PRIORITY}.");
        return Err(reject("priority", Code::OutOfRange, message));
    }
    problems_of(&text.name, &text.rules, &text.applies_to, problems)?;
    Ok(Written {
        name: checks::required_text("name", &text.name, 255, Code::NameRequired, Code::TextInvalid)?,
        description: checks::optional_text("description", text.description, 10_000, Code::TextInvalid)?,
        ..text
    })
}

fn problems_of(name: &str, rules: &Rules, applies_to: &AppliesTo, mut problems: Vec<(String, String)>) -> Result<()> {
    if let Err(found) = check_text(name, rules, applies_to) {
        problems.extend(found);
    }
    if problems.is_empty() { Ok(()) } else { Err(reject_all(Code::PolicyInvalid, problems)) }
}

/// Checks what a policy says: every problem with its path in the input.
pub fn check_text(name: &str, rules: &Rules, applies_to: &AppliesTo) -> std::result::Result<(), Vec<(String, String)>> {
    let policy = Policy {
        id: uuid::Uuid::nil(),
        version: 1,
        name: name.to_owned(),
        level: Level::Organization,
        server: None,
        mode: Mode::Enforce,
        priority: 0,
        applies_to: applies_to.clone(),
        rules: rules.clone(),
    };
    let in_input = |path: String| match path.strip_prefix("rules") {
        Some(rest) => format!("rules.{}{rest}", kind(rules)),
        None => path,
    };
    validate(&policy, &cedar::compile)
        .map_err(|problems| problems.into_iter().map(|problem| (in_input(problem.path), problem.message)).collect())
}

/// The field of the input that holds such rules.
fn kind(rules: &Rules) -> &'static str {
    match rules {
        Rules::Usage(_) => "usage",
        Rules::Access(_) => "access",
        Rules::Compliance(_) => "compliance",
        Rules::Custom(_) => "custom",
    }
}

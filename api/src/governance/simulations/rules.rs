//! Who may simulate, and what a draft may be.

use chrono::{DateTime, TimeDelta, Utc};
use entity::enums::{ProjectRole, SimulationState};
use entity::governance::{mcp_server, policy_simulation};
use entity::ids::{McpServerId, OrganizationId, PolicyId, PolicySimulationId, ProjectId};
use entity::tenancy::{organization, project};
use sea_orm::Condition;

use super::draft::{Change, Reach, Text};
use super::events::SimulationEvent;
use super::{running, store};
use crate::governance::GovernanceErrorCode as Code;
use crate::governance::decision::{Level, Mode, Policy};
use crate::governance::policies::{as_decided, check_text};
use crate::platform::authorization::{Action, ActionSet, Authority, Resource, Scope as KeyScope, nothing};
use crate::platform::errors::{Result, reject, reject_all};
use crate::platform::filters::is_storable;
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

const READER: ActionSet = ActionSet::of(&[Action::Read]);
const RUNNING: ActionSet = READER.and(ActionSet::of(&[Action::Withdraw]));

/// Changes of one draft.
const MOST_CHANGES: usize = 100;
/// Simulations of one organization that run at once.
const MOST_RUNNING: u64 = 3;
const LONGEST: TimeDelta = TimeDelta::days(366);

impl Resource for policy_simulation::Entity {
    type Id = PolicySimulationId;
    const SCOPES: &'static [(KeyScope, ActionSet)] =
        &[(KeyScope::PoliciesRead, READER), (KeyScope::PoliciesWrite, RUNNING)];

    fn id(row: &policy_simulation::Model) -> PolicySimulationId {
        row.id
    }

    fn id_column() -> policy_simulation::Column {
        policy_simulation::Column::Id
    }

    /// Whoever manages the policies.
    fn permitted(viewer: &Viewer, row: &policy_simulation::Model) -> ActionSet {
        let manages = match row.project_id {
            Some(project) => viewer.project_role(project) == Some(ProjectRole::Admin),
            None => viewer.administers(row.organization_id),
        };
        match (manages, row.state) {
            (false, _) => ActionSet::NONE,
            (true, SimulationState::Running) => RUNNING,
            (true, SimulationState::Succeeded | SimulationState::Failed | SimulationState::Canceled) => READER,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, store::readable)
    }
}

/// Which decisions are decided again.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    Organization(OrganizationId),
    Project(ProjectId),
}

/// One change of a draft, as it is asked for.
pub enum Asked {
    Remove(PolicyId),
    Replace(PolicyId, Text),
    Add { project: Option<ProjectId>, server: Option<McpServerId>, text: Text },
}

/// What a simulation is made from.
pub struct NewSimulation {
    pub id: Option<PolicySimulationId>,
    pub scope: Scope,
    pub changes: Vec<Asked>,
    pub since: DateTime<Utc>,
    pub before: DateTime<Utc>,
    /// What of the input could not even be read.
    pub problems: Vec<(String, String)>,
}

/// Begins a simulation, which goes on in the background.
pub async fn simulate(request: &Request, mut new: NewSimulation) -> Result<Committed<policy_simulation::Model>> {
    request.user_id()?;
    if new.changes.is_empty() || new.changes.len() > MOST_CHANGES {
        return Err(reject("changes", Code::OutOfRange, format!("Try 1 to {MOST_CHANGES} changes.")));
    }
    let is_window = is_storable(&new.since) && new.before > new.since && new.before - new.since <= LONGEST;
    if !is_window {
        return Err(reject("since", Code::OutOfRange, "The window is up to 366 days long, and ends after it begins."));
    }
    let mut write = request.begin_write().await?;
    let (reach, authority) = reach(&write, new.scope).await?;
    if store::count_running(&write, reach.organization).await? >= MOST_RUNNING {
        return Err(reject("", Code::TooMany, format!("At most {MOST_RUNNING} simulations run at once.")));
    }
    let asked = std::mem::take(&mut new.changes);
    let draft = draft(&write, reach, asked, std::mem::take(&mut new.problems)).await?;
    let simulation = store::insert(&write, &*authority, reach, &new, &draft).await?;
    write.record(&SimulationEvent::of(&simulation));
    let committed = write.commit(simulation).await?;
    running::begin(&request.platform, &committed.outcome, draft);
    Ok(committed)
}

async fn reach(write: &Write<'_>, scope: Scope) -> Result<(Reach, Box<dyn Authority + Send>)> {
    match scope {
        Scope::Organization(id) => {
            let organization = write.granted_parent::<organization::Entity>(id, Action::ManagePolicies).await?;
            Ok((Reach { organization: id, project: None }, Box::new(organization)))
        }
        Scope::Project(id) => {
            let project = write.granted_parent::<project::Entity>(id, Action::ManagePolicies).await?;
            Ok((Reach { organization: project.organization_id, project: Some(id) }, Box::new(project)))
        }
    }
}

async fn draft(
    write: &Write<'_>,
    reach: Reach,
    asked: Vec<Asked>,
    mut problems: Vec<(String, String)>,
) -> Result<Vec<Change>> {
    let mut draft = Vec::with_capacity(asked.len());
    for (index, change) in asked.into_iter().enumerate() {
        let unknown = || {
            reject_all(
                Code::PolicyInvalid,
                [(
                    format!("changes[{index}].policyId"),
                    "The organization has no such policy that you may see.".to_owned(),
                )],
            )
        };
        let change = match change {
            Asked::Remove(id) => {
                let row = store::policy(write, id).await?.filter(|row| row.organization_id == reach.organization);
                row.map(|_| Change::Remove { id }).ok_or_else(unknown)?
            }
            Asked::Replace(id, text) => {
                let row = store::policy(write, id).await?.filter(|row| row.organization_id == reach.organization);
                let row = row.ok_or_else(unknown)?;
                let server = server_name(write, row.server_id).await?;
                Change::Replace { policy: text.over(as_decided(&row, server)), project: row.project_id }
            }
            Asked::Add { project, server, text } => {
                let level = match (project, server) {
                    (_, Some(_)) => Level::Server,
                    (Some(_), None) => Level::Project,
                    (None, None) => Level::Organization,
                };
                let server = server_name(write, server).await?;
                let blank = Policy {
                    id: write.request().new_id(),
                    version: 1,
                    name: "A draft".to_owned(),
                    level,
                    server,
                    mode: Mode::Enforce,
                    priority: 100,
                    applies_to: Default::default(),
                    rules: text.rules.clone().ok_or_else(|| {
                        reject_all(
                            Code::PolicyInvalid,
                            [(format!("changes[{index}].rules"), "A new policy has rules.".to_owned())],
                        )
                    })?,
                };
                Change::Add { policy: text.over(blank), project: project.or(reach.project) }
            }
        };
        if let Change::Replace { policy, .. } | Change::Add { policy, .. } = &change
            && let Err(found) = check_text(&policy.name, &policy.rules, &policy.applies_to)
        {
            problems.extend(found.into_iter().map(|(path, message)| (format!("changes[{index}].{path}"), message)));
        }
        draft.push(change);
    }
    if problems.is_empty() { Ok(draft) } else { Err(reject_all(Code::PolicyInvalid, problems)) }
}

async fn server_name(write: &Write<'_>, id: Option<McpServerId>) -> Result<Option<String>> {
    let Some(id) = id else { return Ok(None) };
    Ok(Some(write.request().get::<mcp_server::Entity>(id).await?.name.clone()))
}

/// Ends a simulation before its time.
pub async fn cancel(request: &Request, id: PolicySimulationId) -> Result<Committed<policy_simulation::Model>> {
    let mut write = request.begin_write().await?;
    let simulation = write.granted::<policy_simulation::Entity>(id, Action::Withdraw).await?;
    let canceled = store::cancel(&write, &simulation).await?;
    write.record(&SimulationEvent::of(&canceled));
    write.commit(canceled).await
}

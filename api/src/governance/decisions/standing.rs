//! What decisions in a project stand on: its policies, compiled once for each version of the set, the gates of the
//! organization, and who asks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use entity::ids::{ApiKeyId, OrganizationId, ProjectId, UserId};
use tokio::sync::OnceCell;

use super::deciding::{Tool, Use};
use super::store::{self, Ground};
use crate::governance::decision::{
    Action, CompiledPolicies, Decision, Defaults, Input, MayCall, OrganizationGates, Policy, decide,
};
use crate::governance::mcp_servers;
use crate::governance::policies::{PolicyRole, cedar};
use crate::platform::errors::{Error, Result};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;

/// Projects whose policies one process keeps ready.
const REMEMBERED: usize = 2_000;

/// Which state of a project's policies this is: the version of the set, and the organization's defaults.
type Fingerprint = (i64, Defaults);

/// The policies of a project, compiled by whoever needs them first.
type Ready = Arc<OnceCell<Arc<CompiledPolicies>>>;

/// The policies that were compiled last, by project.
#[derive(Debug, Default)]
pub(super) struct Compiled(Mutex<HashMap<ProjectId, (Fingerprint, Ready)>>);

impl Compiled {
    fn at(&self, project: ProjectId, fingerprint: Fingerprint) -> Ready {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get(&project) {
            Some((known, ready)) if *known == fingerprint => Arc::clone(ready),
            _ => {
                if held.len() >= REMEMBERED {
                    held.clear();
                }
                let ready = Ready::default();
                held.insert(project, (fingerprint, Arc::clone(&ready)));
                ready
            }
        }
    }
}

/// Who asks, in the words of decisions.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user_id: Option<UserId>,
    pub key_id: Option<ApiKeyId>,
    pub roles: Vec<PolicyRole>,
    pub address: Option<IpAddr>,
    pub may_call: MayCall,
    /// True where no key is used. Whoever comes with one that is not good is nobody, and asks for nothing.
    pub key_valid: bool,
}

impl Caller {
    pub(super) fn of(viewer: &Viewer, address: Option<IpAddr>, ground: &Ground) -> Self {
        Self {
            key_valid: true,
            user_id: viewer.user_id(),
            key_id: viewer.key().map(|key| key.id),
            roles: PolicyRole::held_by(viewer, ground.organization_id, ground.project_id),
            address,
            may_call: mcp_servers::may_call(viewer, ground.project_id),
        }
    }
}

/// What decisions in one project stand on at this moment.
#[derive(Clone, Debug)]
pub struct Standing {
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub policies: Arc<CompiledPolicies>,
    pub caller: Caller,
    pub(super) ground: Ground,
}

impl Standing {
    /// Of a project in which the viewer has a role; `NotFound` for others.
    pub async fn of(request: &Request, project: ProjectId) -> Result<Self> {
        // By the grants alone: a key that may call tools need not be one that may read projects.
        if request.viewer().project_role(project).is_none() {
            return Err(Error::NotFound);
        }
        let ground = request.load::<store::Grounds>(project).await?.ok_or(Error::NotFound)?;
        let caller = Caller::of(&request.viewer(), request.origin.ip, &ground);
        let policies = compiled(request, &ground).await?;
        let (organization_id, project_id) = (ground.organization_id, ground.project_id);
        Ok(Self { organization_id, project_id, policies, caller, ground })
    }

    /// Everything that a decision looks at. Nothing is known of the arguments yet, and no approval is held.
    pub fn input(&self, request: &Request, asked: &Use, tool: Option<&Tool>) -> Input {
        let action = match asked {
            Use::Tool { server, tool, model } => {
                Action::CallTool { server: server.clone(), tool: tool.clone(), model: model.clone() }
            }
            Use::Model { model } => Action::UseModel { model: model.clone() },
        };
        Input {
            action,
            project_id: self.project_id.uuid(),
            user_id: self.caller.user_id.map(UserId::uuid),
            key_id: self.caller.key_id.map(ApiKeyId::uuid),
            roles: self.caller.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            address: self.caller.address,
            at: request.now(),
            arguments: None,
            approval_id: None,
            organization_gates: self.gates(request),
            may_call: self.caller.may_call,
            server_gates: tool.map(|tool| tool.gates),
        }
    }

    fn gates(&self, request: &Request) -> OrganizationGates {
        let settings = &request.platform.config.plans;
        OrganizationGates {
            key_valid: self.caller.key_valid,
            organization_active: self.ground.organization_active,
            project_active: self.ground.project_active,
            subscription_in_good_standing: self
                .ground
                .payment
                .is_none_or(|payment| payment.is_good(settings, request.now())),
        }
    }

    /// For how many minutes an approval is asked for.
    pub fn approval_minutes(&self) -> i32 {
        self.ground.approval_minutes
    }

    /// What would be decided, without a trace of it: for lists.
    pub fn decide(&self, input: &Input) -> Decision {
        decide(&self.policies, input)
    }
}

/// The policies of a project as they are written.
#[derive(Clone, Debug)]
pub struct PolicySet {
    pub policies: Vec<Policy>,
    version: i64,
    defaults: Defaults,
}

impl PolicySet {
    pub async fn compiled(&self) -> Result<Arc<CompiledPolicies>> {
        self.with(self.policies.clone()).await
    }

    /// Other policies in the place of these.
    pub async fn with(&self, policies: Vec<Policy>) -> Result<Arc<CompiledPolicies>> {
        compile(self.version, self.defaults, policies).await
    }
}

/// The policies that hold in a project. None where it is gone.
pub async fn policies_of(
    request: &Request,
    organization: OrganizationId,
    project: ProjectId,
) -> Result<Option<PolicySet>> {
    // Asked for directly: nobody collects what work in the background would load.
    let Some(ground) = store::grounds(&request.connection(), &[project]).await?.pop() else { return Ok(None) };
    let (version, policies) = store::policies(request, organization, project).await?;
    Ok(Some(PolicySet { policies, version, defaults: ground.defaults }))
}

async fn compiled(request: &Request, ground: &Ground) -> Result<Arc<CompiledPolicies>> {
    let ready = request.platform.kept.of::<Compiled>().at(ground.project_id, (ground.version, ground.defaults));
    let compile = async || {
        let (version, policies) = store::policies(request, ground.organization_id, ground.project_id).await?;
        compile(version, ground.defaults, policies).await
    };
    Ok(Arc::clone(ready.get_or_try_init(compile).await?))
}

/// Compiles away from those who answer requests: a thousand policies take a while.
pub(super) async fn compile(version: i64, defaults: Defaults, policies: Vec<Policy>) -> Result<Arc<CompiledPolicies>> {
    let compiling = tokio::task::spawn_blocking(move || {
        Arc::new(CompiledPolicies::new(version, defaults, &policies, &cedar::compile))
    });
    compiling.await.map_err(Error::internal)
}

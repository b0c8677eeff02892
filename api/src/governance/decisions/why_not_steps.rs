//! The changes that could help against what stands in the way of an action, and how a copy looks once one is made.

use uuid::Uuid;

use super::why_not::Supposed;
use crate::governance::decision::{
    AccessRules, Action, AppliesTo, Decision, Effect, Gate, Input, Level, Mode, Policy, Reason, Rules, Selection,
    ServerGates, ToolGlob, Tried,
};
use crate::governance::policies::PolicyRole;

/// Policies of one kind that are tried as the place of an edit.
const MOST_PLACES: usize = 8;

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Approve,
    Grant(PolicyRole),
    Open(Gate),
    Register,
    Edit { policy: Uuid, edits: Vec<Edit> },
    Add { path: &'static str, value: String },
}

/// One change of what a policy says.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Removes an entry of a list of an access policy.
    Unblock { list: &'static str, index: usize, pattern: String },
    /// Adds an entry to an allowed list.
    Allow { list: &'static str, value: String },
    /// Lets the policy not apply to this.
    Exclude { dimension: &'static str, value: String },
    /// Lets the policy apply to this.
    Include { dimension: &'static str, value: String },
    /// Lets a monitored policy have its effect.
    Enforce,
}

impl Edit {
    pub fn path(&self) -> String {
        match self {
            Self::Unblock { list, index, .. } => format!("rules.access.{list}[{index}]"),
            Self::Allow { list, .. } => format!("rules.access.{list}"),
            Self::Exclude { dimension, .. } => format!("appliesTo.{dimension}.exclude"),
            Self::Include { dimension, .. } => format!("appliesTo.{dimension}.include"),
            Self::Enforce => "mode".to_owned(),
        }
    }

    /// None where something is removed.
    pub fn value(&self) -> Option<String> {
        match self {
            Self::Unblock { .. } => None,
            Self::Allow { value, .. } | Self::Exclude { value, .. } | Self::Include { value, .. } => {
                Some(value.clone())
            }
            Self::Enforce => Some("ENFORCE".to_owned()),
        }
    }

    pub fn summary(&self) -> String {
        match self {
            Self::Unblock { list, pattern, .. } => format!("{pattern} is removed from {list}"),
            Self::Allow { list, value } => format!("{value} is added to {list}"),
            Self::Exclude { dimension, value } => format!("{value} is excluded from its {dimension}"),
            Self::Include { dimension, value } => format!("{value} is included in its {dimension}"),
            Self::Enforce => "the mode is made ENFORCE".to_owned(),
        }
    }

    fn make(&self, policy: &mut Policy, input: &Input) {
        match (self, &mut policy.rules) {
            (Self::Unblock { list, index, .. }, Rules::Access(rules)) => {
                if let Some(list) = blocked_list(rules, list).filter(|list| *index < list.len()) {
                    list.remove(*index);
                }
            }
            (Self::Allow { list, value }, Rules::Access(rules)) => match *list {
                "allowedTools" => rules.allowed_tools.push(value.clone()),
                "allowedServers" => rules.allowed_servers.push(value.clone()),
                _ => rules.allowed_models.push(value.clone()),
            },
            (Self::Exclude { dimension, value }, _) => match *dimension {
                "tools" => policy.applies_to.tools.exclude.push(value.clone()),
                _ => policy.applies_to.models.exclude.push(value.clone()),
            },
            (Self::Include { dimension, value }, _) => {
                include(&mut policy.applies_to, dimension, value, input);
            }
            (Self::Enforce, _) => policy.mode = Mode::Enforce,
            (Self::Unblock { .. } | Self::Allow { .. }, _) => {}
        }
    }
}

fn blocked_list<'a>(rules: &'a mut AccessRules, list: &str) -> Option<&'a mut Vec<String>> {
    match list {
        "blockedTools" => Some(&mut rules.blocked_tools),
        "blockedServers" => Some(&mut rules.blocked_servers),
        "blockedModels" => Some(&mut rules.blocked_models),
        "approvedTools" => Some(&mut rules.approved_tools),
        _ => None,
    }
}

fn include(applies_to: &mut AppliesTo, dimension: &str, value: &str, input: &Input) {
    fn add<T: PartialEq + Clone>(selection: &mut Selection<T>, value: &T) {
        selection.exclude.retain(|excluded| excluded != value);
        if !selection.include.is_empty() {
            selection.include.push(value.clone());
        }
    }
    match dimension {
        "users" => input.user_id.iter().for_each(|id| add(&mut applies_to.users, id)),
        "keys" => input.key_id.iter().for_each(|id| add(&mut applies_to.keys, id)),
        "projects" => add(&mut applies_to.projects, &input.project_id),
        "models" => add(&mut applies_to.models, &value.to_owned()),
        "servers" => add(&mut applies_to.servers, &value.to_owned()),
        _ => add(&mut applies_to.tools, &value.to_owned()),
    }
}

impl Step {
    /// Things as they would be after the step. None where it changes nothing.
    pub fn taken(&self, before: &Supposed) -> Option<Supposed> {
        if before.steps.contains(self) {
            return None;
        }
        let mut after = before.clone();
        let input = &mut after.input;
        match self {
            Self::Approve => input.approval_id = Some(Uuid::nil()),
            Self::Grant(role) => {
                grant(&mut input.roles, *role);
                input.may_call.by_role |= roles_call(input);
            }
            Self::Open(gate) => open(input, *gate),
            Self::Register => {
                let all =
                    ServerGates { server_approved: true, scan_passed: true, tool_enabled: true, pin_matches: true };
                input.server_gates = Some(all);
            }
            Self::Edit { policy, edits } => {
                let policy = after.policies.iter_mut().find(|held| held.id == *policy)?;
                edits.iter().for_each(|edit| edit.make(policy, &before.input));
            }
            Self::Add { path, value } => after.policies.push(allowing(path, value)),
        }
        after.steps.push(self.clone());
        Some(after)
    }
}

/// Takes the place of the role that the person has there. Who administers the organization administers its projects.
fn grant(roles: &mut Vec<String>, role: PolicyRole) {
    let replaces = |held: &String| {
        PolicyRole::parse(held).is_none_or(|held| held.is_of_organization() == role.is_of_organization())
    };
    roles.retain(|held| !replaces(held));
    roles.push(role.as_str().to_owned());
    if matches!(role, PolicyRole::OrganizationOwner | PolicyRole::OrganizationAdmin) {
        grant(roles, PolicyRole::ProjectAdmin);
    }
}

/// Whether roles that were granted let somebody call tools. Who only views the organization only reads; a key of a project
/// is seen as such a viewer, and its creator is not.
fn roles_call(input: &Input) -> bool {
    let holds = |role: PolicyRole| input.roles.iter().any(|held| held == role.as_str());
    let calls = holds(PolicyRole::ProjectDeveloper) || holds(PolicyRole::ProjectAdmin);
    calls && (input.key_id.is_some() || !holds(PolicyRole::OrganizationViewer))
}

/// What lets somebody call tools at all: first the role, then the scope of the key.
fn allowed_to_call(input: &Input) -> Step {
    let is_viewer = input.roles.iter().any(|held| held == PolicyRole::OrganizationViewer.as_str());
    match input.may_call.by_role {
        true => Step::Open(Gate::MayCall),
        false if is_viewer && input.key_id.is_none() => Step::Grant(PolicyRole::OrganizationMember),
        false => Step::Grant(PolicyRole::ProjectDeveloper),
    }
}

fn open(input: &mut Input, gate: Gate) {
    let about = &mut input.organization_gates;
    match gate {
        Gate::KeyValid => about.key_valid = true,
        Gate::MayCall => input.may_call.by_key = true,
        Gate::OrganizationActive => about.organization_active = true,
        Gate::ProjectActive => about.project_active = true,
        Gate::SubscriptionInGoodStanding => about.subscription_in_good_standing = true,
        Gate::ServerApproved | Gate::ScanPassed | Gate::ToolEnabled | Gate::PinMatches => {
            if let Some(server) = &mut input.server_gates {
                match gate {
                    Gate::ServerApproved => server.server_approved = true,
                    Gate::ScanPassed => server.scan_passed = true,
                    Gate::ToolEnabled => server.tool_enabled = true,
                    _ => server.pin_matches = true,
                }
            }
        }
    }
}

/// A new policy of the organization that allows just this.
fn allowing(path: &str, value: &str) -> Policy {
    let mut rules = AccessRules::default();
    match path {
        "rules.access.allowedTools" => rules.allowed_tools.push(value.to_owned()),
        _ => rules.allowed_models.push(value.to_owned()),
    }
    Policy {
        id: Uuid::max(),
        version: 1,
        name: String::new(),
        level: Level::Organization,
        server: None,
        mode: Mode::Enforce,
        priority: 0,
        applies_to: AppliesTo::default(),
        rules: Rules::Access(rules),
    }
}

/// The changes that could help against what stands in the way first, the mildest first.
pub(super) fn candidates(supposed: &Supposed, decision: &Decision) -> Vec<Step> {
    let mut steps = Vec::new();
    if decision.reason == Reason::Gate(Gate::MayCall) {
        return vec![allowed_to_call(&supposed.input)];
    }
    if let Reason::Gate(gate) = decision.reason {
        let is_unknown = supposed.input.action.tool().is_some() && supposed.input.server_gates.is_none();
        let is_of_server =
            matches!(gate, Gate::ServerApproved | Gate::ScanPassed | Gate::ToolEnabled | Gate::PinMatches);
        return vec![if is_unknown && is_of_server { Step::Register } else { Step::Open(gate) }];
    }
    if decision.outcome == Effect::RequireApproval {
        steps.push(Step::Approve);
    }
    steps.extend(grants(&supposed.input));
    let enforced = |tried: &&Tried| tried.matched && tried.mode == Mode::Enforce;
    // Every other that says so stands in the way as well, and has its turn once this one does not any more.
    let blocker = decision.tried.iter().filter(enforced).find(|tried| tried.effect == Some(decision.outcome));
    if decision.reason == Reason::Policy
        && let Some(policy) = blocker.and_then(|tried| find(supposed, tried.policy_id))
    {
        steps.extend(against(policy, &supposed.input));
    }
    match decision.reason {
        Reason::OutsideAllowed(level) => {
            let places = decision.tried.iter().filter(enforced).filter(|tried| tried.level == level);
            let edits = places.filter_map(|tried| widened(find(supposed, tried.policy_id)?, &supposed.input));
            steps.extend(edits.take(MOST_PLACES));
        }
        Reason::Default => steps.extend(granting(supposed, decision)),
        Reason::Gate(_) | Reason::Policy | Reason::Approved(_) | Reason::Limit => {}
    }
    steps
}

fn find(supposed: &Supposed, id: Uuid) -> Option<&Policy> {
    supposed.policies.iter().find(|policy| policy.id == id)
}

/// The roles above those that the person has.
fn grants(input: &Input) -> Vec<Step> {
    let held: Vec<PolicyRole> = input.roles.iter().filter_map(|role| PolicyRole::parse(role)).collect();
    let rank = |role: PolicyRole| PolicyRole::ALL.iter().position(|one| *one == role);
    let is_above = |role: &PolicyRole| {
        let same_kind = held.iter().filter(|held| held.is_of_organization() == role.is_of_organization());
        same_kind.max_by_key(|held| rank(**held)).is_none_or(|held| rank(*held) < rank(*role))
    };
    PolicyRole::ALL.into_iter().filter(is_above).map(Step::Grant).collect()
}

/// What the action is about, as a value of a dimension.
fn subject(input: &Input) -> (&'static str, String) {
    match &input.action {
        Action::CallTool { server, tool, .. } => ("tools", format!("{server}/{tool}")),
        Action::UseModel { model } => ("models", model.clone()),
    }
}

/// Changes of a policy that stands in the way: the entry that names just this is removed, or this is excluded.
fn against(policy: &Policy, input: &Input) -> Vec<Step> {
    let edit = |edits| Step::Edit { policy: policy.id, edits };
    if let Rules::Access(rules) = &policy.rules
        && let Some(edits) = unblocked(rules, input)
    {
        return vec![edit(edits)];
    }
    let (dimension, value) = subject(input);
    vec![edit(vec![Edit::Exclude { dimension, value }])]
}

/// The entries to remove, where all that block this name it exactly. From the end, so that the places stay right.
fn unblocked(rules: &AccessRules, input: &Input) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    let mut collect = |list: &'static str, patterns: &[String], blocks: &dyn Fn(&str) -> bool| {
        for (index, pattern) in patterns.iter().enumerate().rev().filter(|(_, pattern)| blocks(pattern)) {
            edits.push(Edit::Unblock { list, index, pattern: pattern.clone() });
        }
    };
    if let Some((server, tool)) = input.action.tool() {
        let names_tool = |pattern: &str| ToolGlob::new(pattern).is_ok_and(|glob| glob.matches(server, tool));
        collect("blockedTools", &rules.blocked_tools, &names_tool);
        collect("approvedTools", &rules.approved_tools, &names_tool);
    }
    let is_exact = edits.iter().all(|edit| matches!(edit, Edit::Unblock { pattern, .. } if !pattern.contains('*')));
    Some(edits).filter(|edits| is_exact && !edits.is_empty())
}

/// The allowed lists of a policy with this in them.
fn widened(policy: &Policy, input: &Input) -> Option<Step> {
    let Rules::Access(rules) = &policy.rules else { return None };
    let mut edits = Vec::new();
    if let Some((server, tool)) = input.action.tool() {
        let name = format!("{server}/{tool}");
        if !rules.allowed_servers.is_empty() {
            edits.push(Edit::Allow { list: "allowedServers", value: server.to_owned() });
        }
        if !rules.allowed_tools.is_empty() {
            edits.push(Edit::Allow { list: "allowedTools", value: name });
        }
    }
    if let Some(model) = input.action.model().filter(|_| !rules.allowed_models.is_empty()) {
        edits.push(Edit::Allow { list: "allowedModels", value: model.to_owned() });
    }
    // What holds the name already needs no entry.
    edits.retain(|edit| !already(rules, edit, input));
    Some(Step::Edit { policy: policy.id, edits })
        .filter(|step| !matches!(step, Step::Edit { edits, .. } if edits.is_empty()))
}

fn already(rules: &AccessRules, edit: &Edit, input: &Input) -> bool {
    use crate::governance::decision::Glob;
    let names = |patterns: &[String], name: &str| {
        patterns.iter().any(|pattern| Glob::new(pattern).is_ok_and(|glob| glob.matches(name)))
    };
    match edit {
        Edit::Allow { list: "allowedServers", value } => names(&rules.allowed_servers, value),
        Edit::Allow { list: "allowedTools", .. } => input.action.tool().is_some_and(|(server, tool)| {
            rules
                .allowed_tools
                .iter()
                .any(|pattern| ToolGlob::new(pattern).is_ok_and(|glob| glob.matches(server, tool)))
        }),
        Edit::Allow { value, .. } => names(&rules.allowed_models, value),
        _ => false,
    }
}

/// Ways to a grant where the organization grants nothing: a policy that would, if it applied or were enforced, and a new
/// one.
fn granting(supposed: &Supposed, decision: &Decision) -> Vec<Step> {
    let mut steps = Vec::new();
    let of_organization = decision.tried.iter().filter(|tried| tried.level == Level::Organization);
    for tried in of_organization.take(10 * MOST_PLACES) {
        let edit = if tried.matched {
            (tried.mode == Mode::Monitor && tried.effect == Some(Effect::Allow)).then_some(Edit::Enforce)
        } else {
            tried.checks.last().and_then(|check| including(check.field, &supposed.input))
        };
        let says_more = find(supposed, tried.policy_id)
            .is_some_and(|policy| matches!(policy.rules, Rules::Access(_) | Rules::Custom(_)));
        if let Some(edit) = edit.filter(|_| says_more) {
            steps.push(Step::Edit { policy: tried.policy_id, edits: vec![edit] });
        }
    }
    steps.truncate(MOST_PLACES);
    let (dimension, value) = subject(&supposed.input);
    let path = if dimension == "tools" { "rules.access.allowedTools" } else { "rules.access.allowedModels" };
    steps.push(Step::Add { path, value });
    steps
}

/// Lets a policy apply that fails in this dimension.
fn including(field: &str, input: &Input) -> Option<Edit> {
    use entity::ids::{ApiKeyId, ProjectId, UserId};
    let include = |dimension, value| Some(Edit::Include { dimension, value });
    match field {
        "users" => include("users", UserId(input.user_id?).to_string()),
        "keys" => include("keys", ApiKeyId(input.key_id?).to_string()),
        "projects" => include("projects", ProjectId(input.project_id).to_string()),
        "models" => include("models", input.action.model()?.to_owned()),
        "servers" => include("servers", input.action.server()?.to_owned()),
        "tools" => input.action.tool().and_then(|(server, tool)| include("tools", format!("{server}/{tool}"))),
        _ => None,
    }
}

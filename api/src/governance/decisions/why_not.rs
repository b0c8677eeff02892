//! What would have to change for something to be allowed. Nothing here is guessed: the changes that could help are made to
//! a copy, it is decided again, and only what ends in an allow is told. Breadth first, so that the smallest comes first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use chrono::{DateTime, SecondsFormat, Utc};
use entity::ids::PolicyId;
use uuid::Uuid;

use super::asking::Question;
use super::explanation::DecisionExplanation;
use super::store;
use super::why_not_steps::{Edit, Step, candidates};
use crate::governance::decision::{
    AppliedLimit, CompiledPolicies, Decision, Defaults, Effect, Gate, Input, Matcher, Policy, decide,
};
use crate::governance::policies::{Policy as PolicyObject, PolicyRole, cedar};
use crate::metering::limits::LimitStanding;
use crate::platform::errors::{Error, Result};
use crate::platform::request::{Request, RequestContext};

/// Changes of one way at most.
const MOST_STEPS: usize = 6;
/// Ways of the same size that are told.
const MOST_WAYS: usize = 5;
/// How often it is decided again before the search ends.
const MOST_DECISIONS: usize = 400;

/// What would have to change.
#[derive(SimpleObject)]
pub struct WhyNot {
    /// What would be decided as things are.
    explanation: DecisionExplanation,
    /// Whether it is allowed as things are.
    is_allowed: bool,
    /// The ways in which the fewest changes would allow it, up to 5; any one of them is enough. Empty when it is allowed, and when no way of up to 6 changes was found.
    ways: Vec<WhyNotWay>,
}

/// Changes that would allow it together.
#[derive(SimpleObject)]
pub struct WhyNotWay {
    /// The changes; all of them are needed.
    changes: Vec<WhyNotChange>,
}

/// What kind of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WhyNotKind {
    /// Somebody approves this use.
    Approval,
    /// The person gets a role.
    Grant,
    /// A policy is changed.
    PolicyEdit,
    /// The organization gets another policy.
    NewPolicy,
    /// A gate is opened.
    Gate,
    /// The server and its tool are registered, and what they are is approved.
    Registration,
    /// A limit has room again, or is raised.
    Limit,
}

/// One change.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct WhyNotChange {
    /// What kind of change it is.
    kind: WhyNotKind,
    /// What to change in the policy, as a path of policyCreate and policyUpdate; null for other kinds of changes.
    path: Option<String>,
    /// What to put there; null for other kinds of changes, and where something is to be removed.
    value: Option<String>,
    /// The gate; null for other kinds of changes.
    gate: Option<Gate>,
    /// The role; null for other kinds of changes.
    role: Option<PolicyRole>,
    /// When all of the limit is there again; null for other kinds of changes.
    resets_at: Option<DateTime<Utc>>,
    /// The change as a sentence.
    summary: String,
    #[graphql(skip)]
    policy_id: Option<PolicyId>,
}

/// One change.
#[ComplexObject]
impl WhyNotChange {
    /// The policy; null for other kinds of changes.
    async fn policy(&self, ctx: &Context<'_>) -> Result<Option<PolicyObject>> {
        match self.policy_id {
            Some(id) => PolicyObject::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }
}

impl WhyNotChange {
    fn of(step: &Step, policies: &[Policy]) -> Self {
        let name = |id: &Uuid| policies.iter().find(|policy| policy.id == *id).map_or("", |policy| &policy.name);
        let change = Self {
            kind: WhyNotKind::Gate,
            path: None,
            value: None,
            gate: None,
            role: None,
            resets_at: None,
            summary: String::new(),
            policy_id: None,
        };
        match step {
            Step::Approve => {
                Self { kind: WhyNotKind::Approval, summary: "Somebody else approves this use.".to_owned(), ..change }
            }
            Step::Grant(role) => Self {
                kind: WhyNotKind::Grant,
                role: Some(*role),
                summary: format!("The person gets the role {}.", role.as_str().replace('_', " ")),
                ..change
            },
            Step::Open(gate) => Self { gate: Some(*gate), summary: opening(*gate).to_owned(), ..change },
            Step::Register => Self {
                kind: WhyNotKind::Registration,
                summary: "The project registers the server with this tool, and somebody approves it.".to_owned(),
                ..change
            },
            Step::Edit { policy, edits } => {
                let told: Vec<String> = edits.iter().map(Edit::summary).collect();
                let (path, value) = edits.first().map(|edit| (edit.path(), edit.value())).unzip();
                Self {
                    kind: WhyNotKind::PolicyEdit,
                    path,
                    value: value.flatten(),
                    summary: format!("In the policy “{}”, {}.", name(policy), told.join(" and ")),
                    policy_id: Some(PolicyId(*policy)),
                    ..change
                }
            }
            Step::Add { path, value } => Self {
                kind: WhyNotKind::NewPolicy,
                path: Some((*path).to_owned()),
                value: Some(value.clone()),
                summary: format!("The organization gets an access policy that allows {value}."),
                ..change
            },
        }
    }
}

impl From<&LimitStanding> for WhyNotChange {
    /// To wait for a limit, or to raise it.
    fn from(standing: &LimitStanding) -> Self {
        let LimitStanding { limit, resets_at, .. } = standing;
        let amount = limit.limit.amount.normalize();
        let until = resets_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self {
            kind: WhyNotKind::Limit,
            path: Some(format!("rules.usage.limits[{}].amount", limit.index)),
            value: None,
            gate: None,
            role: None,
            resets_at: Some(*resets_at),
            summary: format!("The limit of {amount} has room again, at {until} at the latest, or is raised."),
            policy_id: Some(PolicyId(limit.policy_id)),
        }
    }
}

fn opening(gate: Gate) -> &'static str {
    match gate {
        Gate::KeyValid => "The API key is made good.",
        Gate::MayCall => "The API key gets the scope tools:call.",
        Gate::OrganizationActive => "The organization is made active again.",
        Gate::ProjectActive => "The project is made active again.",
        Gate::ServerApproved => "Somebody approves the server, and it is switched on.",
        Gate::ScanPassed => "The scan of the server passes, or somebody looks at what it found.",
        Gate::ToolEnabled => "The tool is switched on.",
        Gate::PinMatches => "Somebody approves the tool as it is now.",
        Gate::SubscriptionInGoodStanding => "The organization's subscription is paid for.",
    }
}

/// What would be decided, and what would have to change for it to be allowed.
pub async fn answer(request: &Request, question: Question) -> Result<WhyNot> {
    let explanation = DecisionExplanation::of(request, &question).await?;
    if explanation.made.outcome == Effect::Allow {
        return Ok(WhyNot { explanation, is_allowed: true, ways: Vec::new() });
    }
    let (standing, input) = (&question.standing, question.input.clone());
    let (version, policies) = store::policies(request, standing.organization_id, standing.project_id).await?;
    let defaults = standing.ground.defaults;
    let searching = tokio::task::spawn_blocking(move || {
        let search = Search { version, defaults, matchers: Mutex::default() };
        let ways = search.ways(&input, &policies);
        let told = ways
            .into_iter()
            .map(|(steps, limits)| (steps.iter().map(|step| WhyNotChange::of(step, &policies)).collect(), limits));
        told.collect::<Vec<(Vec<WhyNotChange>, Vec<AppliedLimit>)>>()
    });
    let mut ways = Vec::new();
    for (mut changes, limits) in searching.await.map_err(Error::internal)? {
        // Whatever else is changed, a limit without room refuses all the same.
        let standings = question.standings(request, &limits).await?;
        let missing = standings.iter().filter(|standing| standing.refuses());
        changes.extend(missing.map(WhyNotChange::from));
        ways.push(WhyNotWay { changes });
    }
    ways.sort_by_key(|way| way.changes.len());
    Ok(WhyNot { explanation, is_allowed: false, ways })
}

/// A copy of things as they would be.
#[derive(Clone, Debug)]
pub(super) struct Supposed {
    pub input: Input,
    pub policies: Vec<Policy>,
    pub steps: Vec<Step>,
}

/// A text in Cedar as it is understood, or why it is not.
type Read = Result<Arc<dyn Matcher>, String>;

/// The search for the smallest change.
struct Search {
    version: i64,
    defaults: Defaults,
    /// The texts that were read before.
    matchers: Mutex<HashMap<String, Read>>,
}

impl Search {
    fn decide(&self, supposed: &Supposed) -> Decision {
        let read = |text: &str| {
            let mut known = self.matchers.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(text.to_owned()).or_insert_with(|| cedar::compile(text)).clone()
        };
        decide(&CompiledPolicies::new(self.version, self.defaults, &supposed.policies, &read), &supposed.input)
    }

    /// The ways with the fewest steps, each with the limits that apply then.
    fn ways(&self, input: &Input, policies: &[Policy]) -> Vec<(Vec<Step>, Vec<AppliedLimit>)> {
        let start = Supposed { input: input.clone(), policies: policies.to_vec(), steps: Vec::new() };
        let mut queue = VecDeque::from([start]);
        let mut ways: Vec<(Vec<Step>, Vec<AppliedLimit>)> = Vec::new();
        let mut decisions = 0;
        while let Some(supposed) = queue.pop_front() {
            let is_longer = ways.first().is_some_and(|(way, _)| way.len() < supposed.steps.len());
            if decisions == MOST_DECISIONS || ways.len() == MOST_WAYS || is_longer {
                break;
            }
            decisions += 1;
            let decision = self.decide(&supposed);
            if decision.outcome == Effect::Allow {
                ways.push((supposed.steps, decision.limits));
                continue;
            }
            if supposed.steps.len() == MOST_STEPS || !ways.is_empty() {
                continue;
            }
            for step in candidates(&supposed, &decision) {
                queue.extend(step.taken(&supposed));
            }
        }
        ways
    }
}

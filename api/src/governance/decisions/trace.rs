//! The trace of a decision, as it is written down and as a client reads it.

use std::collections::HashSet;

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use entity::enums::{DecisionOutcome, PolicyMode};
use entity::ids::{ApprovalId, PolicyId};
use serde::{Deserialize, Serialize};

use crate::governance::decision::{
    AppliedLimit, Check, ComplianceFinding, CountedBy, Decision, Enforcement, Gate, GateTried, Level, Measure, Mode,
    Reason, Response, Tried, Window, enforced_unless_said,
};
use crate::metering::budgets;
use crate::metering::limits::{LimitStanding, Subjects};
use crate::platform::viewer::Viewer;

/// Policies without a say that a trace names.
const MOST_UNMATCHED: usize = 100;

/// Why a decision is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "DecisionReasonKind")]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// A gate is closed, which no policy opens.
    Gate,
    /// A policy says so: the winner.
    Policy,
    /// No allowed list of a level holds the name.
    OutsideAllowed,
    /// An approval is needed and is held.
    Approved,
    /// No policy says anything, and the organization's default holds.
    Default,
    /// It is allowed, and a limit of the winner leaves no room for it.
    Limit,
}

impl ReasonKind {
    pub const fn of(reason: Reason) -> Self {
        match reason {
            Reason::Gate(_) => Self::Gate,
            Reason::Policy => Self::Policy,
            Reason::OutsideAllowed(_) => Self::OutsideAllowed,
            Reason::Approved(_) => Self::Approved,
            Reason::Default => Self::Default,
            Reason::Limit => Self::Limit,
        }
    }

    /// How the database spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Policy => "policy",
            Self::OutsideAllowed => "outside_allowed",
            Self::Approved => "approved",
            Self::Default => "default",
            Self::Limit => "limit",
        }
    }
}

/// Why a decision is what it is.
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(name = "DecisionReason")]
pub struct ReasonGiven {
    /// The kind of reason.
    kind: ReasonKind,
    /// The first gate that is closed; null for other reasons.
    gate: Option<Gate>,
    /// The level whose allowed lists do not hold the name; null for other reasons.
    level: Option<Level>,
    /// The approval that is held; null for other reasons.
    approval_id: Option<ApprovalId>,
}

impl From<Reason> for ReasonGiven {
    fn from(reason: Reason) -> Self {
        let given = Self { kind: ReasonKind::of(reason), gate: None, level: None, approval_id: None };
        match reason {
            Reason::Gate(gate) => Self { gate: Some(gate), ..given },
            Reason::OutsideAllowed(level) => Self { level: Some(level), ..given },
            Reason::Approved(id) => Self { approval_id: Some(ApprovalId(id)), ..given },
            Reason::Policy | Reason::Default | Reason::Limit => given,
        }
    }
}

/// How a decision came about: every gate and policy that was tried.
#[derive(Clone, Debug, Serialize, Deserialize, SimpleObject)]
#[graphql(name = "DecisionTrace")]
pub struct Trace {
    #[graphql(skip)]
    pub reason: Reason,
    /// The gates, in the order in which they are tried.
    gates: Vec<TracedGate>,
    /// The policies that were tried: all that apply, and up to 100 others.
    tried: Vec<TracedPolicy>,
    /// How many policies that do not apply are left out above.
    left_out: i32,
    /// The limits that are to be consumed, the tightest first; none where it is denied.
    limits: Vec<TracedLimit>,
    /// What compliance policies found in the arguments.
    findings: Vec<TracedFinding>,
    /// The organization's default; null where it did not make the outcome.
    default_applied: Option<DecisionOutcome>,
}

/// A gate that was tried.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, SimpleObject)]
#[graphql(name = "DecisionGateTried")]
struct TracedGate {
    /// The gate.
    gate: Gate,
    /// Whether it is open.
    open: bool,
}

/// A policy that was tried.
#[derive(Clone, Debug, Serialize, Deserialize, SimpleObject)]
#[graphql(name = "DecisionPolicyTried")]
struct TracedPolicy {
    /// The id of the policy, which may be gone by now.
    policy_id: PolicyId,
    /// Its version then.
    policy_version: i32,
    /// Its name then.
    name: String,
    /// Whose policy it is.
    level: Level,
    /// Whether it had an effect.
    mode: PolicyMode,
    /// Whether it applies. Where it does not, the last check says why.
    matched: bool,
    /// What was compared, in order.
    checks: Vec<TracedCheck>,
    /// What it says; null where it leaves the matter to others.
    effect: Option<DecisionOutcome>,
    /// What went wrong in it; null where nothing did. A policy that could deny does, then.
    error: Option<String>,
}

/// One comparison.
#[derive(Clone, Debug, Serialize, Deserialize, SimpleObject)]
#[graphql(name = "DecisionCheck")]
struct TracedCheck {
    /// What was compared.
    field: String,
    /// What the policy says.
    expected: String,
    /// What was found.
    actual: String,
    /// Whether the two agree.
    holds: bool,
}

/// A limit of a usage policy that applies.
#[derive(Clone, Debug, Serialize, Deserialize, SimpleObject)]
#[graphql(name = "DecisionLimit")]
pub struct TracedLimit {
    /// The id of the policy.
    policy_id: PolicyId,
    /// Which of the policy's limits, counted from 0.
    index: i32,
    /// What is counted.
    measure: Measure,
    /// How much, as a decimal number.
    amount: String,
    /// In which window.
    window: Window,
    /// For whom it is counted apart.
    counted_by: CountedBy,
    /// What happens when it is reached.
    enforcement: Enforcement,
    /// Whether it refuses anything; a monitored one is only counted.
    enforced: bool,
    /// How much is left, as a decimal number: with this use counted where one was made. Null where that was not looked at. Of a limit that is counted for more than one person, it is told to who administers the project or the organization that the policy is of; null for others.
    #[serde(default)]
    remaining: Option<String>,
    /// When all of it is there again; null where that was not looked at.
    #[serde(default)]
    resets_at: Option<DateTime<Utc>>,
    /// Whether it had room for this use; null where that was not looked at.
    #[serde(default)]
    has_room: Option<bool>,
}

/// Something that a compliance policy found. What was found is not told, only its place.
#[derive(Clone, Debug, Serialize, Deserialize, SimpleObject)]
#[graphql(name = "DecisionFinding")]
struct TracedFinding {
    /// The id of the policy.
    policy_id: PolicyId,
    /// The detector, or the place of the pattern in the policy.
    rule: String,
    /// Where in the arguments, as a JSON pointer.
    place: String,
    /// What the policy does about what is found, or would do if it were enforced.
    response: Response,
    /// Whether the response is carried out; false where the policy is only monitored and nothing is done.
    #[serde(default = "enforced_unless_said")]
    enforced: bool,
}

impl Trace {
    pub fn of(decision: &Decision) -> Self {
        let mut unmatched = 0;
        let tried = decision.tried.iter().filter(|tried| {
            unmatched += usize::from(!tried.matched);
            tried.matched || unmatched <= MOST_UNMATCHED
        });
        let tried = tried.map(TracedPolicy::from).collect();
        Self {
            reason: decision.reason,
            gates: decision
                .gates
                .iter()
                .map(|GateTried { gate, open }| TracedGate { gate: *gate, open: *open })
                .collect(),
            tried,
            left_out: i32::try_from(unmatched.saturating_sub(MOST_UNMATCHED)).unwrap_or(i32::MAX),
            limits: decision.limits.iter().map(TracedLimit::from).collect(),
            findings: decision.findings.iter().map(TracedFinding::from).collect(),
            default_applied: decision.default_applied.map(Into::into),
        }
    }
}

impl Trace {
    /// Adds where its limits stand, once they were consumed, looked at or had no room.
    #[must_use]
    pub fn with_standings(mut self, standings: &[LimitStanding]) -> Self {
        for standing in standings {
            let traced = TracedLimit::from(standing);
            let known = self.limits.iter_mut().find(|known| known.is_of(&traced));
            match known {
                Some(known) => *known = traced,
                None => self.limits.push(traced),
            }
        }
        self
    }

    /// Leaves out how much is left of limits whose budgets the viewer may not see.
    #[must_use]
    pub fn told_to(mut self, viewer: &Viewer, whose: &Subjects) -> Self {
        let of_projects: HashSet<PolicyId> =
            self.tried.iter().filter(|tried| tried.level != Level::Organization).map(|tried| tried.policy_id).collect();
        for limit in &mut self.limits {
            limit.tell(viewer, of_projects.contains(&limit.policy_id), whose);
        }
        self
    }
}

impl TracedLimit {
    /// Leaves out how much is left, where the viewer may not see the budget.
    pub fn tell(&mut self, viewer: &Viewer, is_of_project: bool, whose: &Subjects) {
        if !budgets::sees_what_is_left(viewer, self.counted_by, is_of_project, whose) {
            self.remaining = None;
        }
    }

    fn is_of(&self, other: &Self) -> bool {
        (self.policy_id, self.index) == (other.policy_id, other.index)
    }
}

impl From<&Tried> for TracedPolicy {
    fn from(tried: &Tried) -> Self {
        Self {
            policy_id: PolicyId(tried.policy_id),
            policy_version: tried.policy_version,
            name: tried.name.to_string(),
            level: tried.level,
            mode: match tried.mode {
                Mode::Enforce => PolicyMode::Enforce,
                Mode::Monitor | Mode::Disabled => PolicyMode::Monitor,
            },
            matched: tried.matched,
            checks: tried.checks.iter().map(TracedCheck::from).collect(),
            effect: tried.effect.map(Into::into),
            error: tried.error.as_deref().map(str::to_owned),
        }
    }
}

impl From<&Check> for TracedCheck {
    fn from(check: &Check) -> Self {
        Self {
            field: check.field.to_owned(),
            expected: check.expected.to_string(),
            actual: check.actual.to_string(),
            holds: check.holds,
        }
    }
}

impl From<&LimitStanding> for TracedLimit {
    fn from(standing: &LimitStanding) -> Self {
        Self {
            remaining: Some(standing.remaining.normalize().to_string()),
            resets_at: Some(standing.resets_at),
            has_room: Some(standing.has_room),
            ..Self::from(&standing.limit)
        }
    }
}

impl From<&AppliedLimit> for TracedLimit {
    fn from(applied: &AppliedLimit) -> Self {
        Self {
            policy_id: PolicyId(applied.policy_id),
            index: i32::try_from(applied.index).unwrap_or(i32::MAX),
            measure: applied.limit.measure,
            amount: applied.limit.amount.to_string(),
            window: applied.limit.window,
            counted_by: applied.limit.counted_by,
            enforcement: applied.limit.enforcement,
            enforced: applied.enforced,
            remaining: None,
            resets_at: None,
            has_room: None,
        }
    }
}

impl From<&ComplianceFinding> for TracedFinding {
    fn from(finding: &ComplianceFinding) -> Self {
        Self {
            policy_id: PolicyId(finding.policy_id),
            rule: finding.rule.clone(),
            place: finding.place.clone(),
            response: finding.response,
            enforced: finding.enforced,
        }
    }
}

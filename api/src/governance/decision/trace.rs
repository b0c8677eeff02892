//! A decision and how it came about: every gate and policy that was tried, with the values expected and found.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::{AppliedLimit, ComplianceFinding, Effect, Gate, Level, Mode};

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub field: &'static str,
    #[serde(serialize_with = "text")]
    pub expected: Arc<str>,
    #[serde(serialize_with = "text")]
    pub actual: Arc<str>,
    pub holds: bool,
}

/// One gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GateTried {
    pub gate: Gate,
    pub open: bool,
}

/// One policy that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tried {
    pub policy_id: Uuid,
    pub policy_version: i32,
    #[serde(serialize_with = "text")]
    pub name: Arc<str>,
    pub level: Level,
    pub mode: Mode,
    /// Whether the policy applies to the action. Where it does not, the last check says why.
    pub matched: bool,
    pub checks: Vec<Check>,
    /// What it says; nothing where it leaves the matter to others.
    pub effect: Option<Effect>,
    #[serde(serialize_with = "optional_text")]
    pub error: Option<Arc<str>>,
}

/// Why the outcome is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The first gate that is closed.
    Gate(Gate),
    /// A policy says so: the winner.
    Policy,
    /// No allowed list of this level holds the name.
    OutsideAllowed(Level),
    /// An approval is needed and is held.
    Approved(Uuid),
    /// No policy says anything, and the organization's default holds.
    Default,
    /// It is allowed, and a limit of the policy that is reported leaves no room for it. Found when limits are consumed.
    Limit,
}

/// What may happen, and the whole trace of why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    pub outcome: Effect,
    pub reason: Reason,
    /// The policy that is reported.
    pub winner: Option<Uuid>,
    /// What the outcome would be if the monitored policies were enforced, where that differs.
    pub would_be: Option<Effect>,
    /// What is to be consumed before the action happens, the tightest first. None where it is denied.
    pub limits: Vec<AppliedLimit>,
    /// What compliance policies found in the arguments and want blocked, redacted or flagged, also those only monitored.
    pub findings: Vec<ComplianceFinding>,
    pub policy_set_version: i64,
    pub gates: Vec<GateTried>,
    pub tried: Vec<Tried>,
    /// The default, where it made the outcome.
    pub default_applied: Option<Effect>,
}

impl Decision {
    /// The same once a limit of this policy leaves no room.
    #[must_use]
    pub fn limited_by(self, policy: Uuid) -> Self {
        Self { outcome: Effect::Deny, reason: Reason::Limit, winner: Some(policy), ..self }
    }
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn optional_text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}

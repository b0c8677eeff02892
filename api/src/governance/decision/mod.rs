//! What may happen: `decide` is one pure function for live calls, for filtering lists, for explanations, simulation and
//! replay. Policies are written as `Policy`, checked by `validate` when saved, and compiled once into `CompiledPolicies`.
//! What consumes (rates, budgets, approvals) comes after: a decision only names the limits that apply.

mod access;
mod applies_to;
mod compile;
mod compliance;
mod custom;
mod decide;
mod glob;
mod input;
mod policy;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod trace;
#[cfg(test)]
mod truth;
mod usage;
mod votes;

pub use access::{AccessRules, Hours};
pub use applies_to::{AppliesTo, Selection};
pub use compile::{CompiledPolicies, CustomCompiler, Problem, validate};
pub use compliance::{
    ComplianceFinding, ComplianceRules, Detector, FoundInResult, Response, enforced_unless_said, redact,
};
pub use custom::{CustomRules, Matcher};
pub use decide::decide;
pub use glob::{Glob, ToolGlob};
pub use input::{Action, Gate, Input, MayCall, OrganizationGates, ServerGates};
pub use policy::{Defaults, Effect, Level, Mode, Policy, Rules};
pub use trace::{Check, Decision, GateTried, Reason, Tried};
pub use usage::{AppliedLimit, CountedBy, Enforcement, Measure, UsageLimit, UsageRules, WhenRedisAway, Window};

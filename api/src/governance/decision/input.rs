//! What a decision is about: who acts, on what, from where and when, and the facts that no policy overrides.

use std::{net::IpAddr, sync::Arc};

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What somebody wants to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    CallTool {
        server: String,
        tool: String,
        /// The model on whose behalf, where it is known.
        model: Option<String>,
    },
    UseModel {
        model: String,
    },
}

impl Action {
    /// The model, where one is known.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::CallTool { model, .. } => model.as_deref(),
            Self::UseModel { model } => Some(model),
        }
    }

    /// The server whose tool is called.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.tool().map(|(server, _)| server)
    }

    /// The server and the tool that is called.
    #[must_use]
    pub fn tool(&self) -> Option<(&str, &str)> {
        match self {
            Self::CallTool { server, tool, .. } => Some((server, tool)),
            Self::UseModel { .. } => None,
        }
    }
}

/// What holds about who asks, apart from any policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationGates {
    /// True where no key was used.
    pub key_valid: bool,
    pub organization_active: bool,
    pub project_active: bool,
    pub subscription_in_good_standing: bool,
}

/// Whether the caller may call tools at all, apart from any policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MayCall {
    /// The role in the project is one of those that call.
    pub by_role: bool,
    /// The API key has the scope. True where no key was used.
    pub by_key: bool,
}

impl MayCall {
    #[must_use]
    pub const fn holds(self) -> bool {
        self.by_role && self.by_key
    }
}

/// What was recorded without it was recorded of those who could call.
impl Default for MayCall {
    fn default() -> Self {
        Self { by_role: true, by_key: true }
    }
}

/// What holds about the server and its tool, apart from any policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerGates {
    pub server_approved: bool,
    pub scan_passed: bool,
    pub tool_enabled: bool,
    pub pin_matches: bool,
}

/// A gate, in the order in which they are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "DecisionGate")]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The API key, where one is used, is good.
    KeyValid,
    /// The caller's role in the project and the API key, where one is used, may call tools at all.
    MayCall,
    /// The organization is in use.
    OrganizationActive,
    /// The project is neither paused nor archived.
    ProjectActive,
    /// Somebody approved the server, and it is switched on.
    ServerApproved,
    /// The scan found nothing that matters in the server, or somebody looked at it.
    ScanPassed,
    /// The tool is there and switched on.
    ToolEnabled,
    /// The tool is the one that was approved.
    PinMatches,
    /// The organization's subscription is paid for.
    SubscriptionInGoodStanding,
}

impl Gate {
    /// How the trace of a decision spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyValid => "key_valid",
            Self::MayCall => "may_call",
            Self::OrganizationActive => "organization_active",
            Self::ProjectActive => "project_active",
            Self::ServerApproved => "server_approved",
            Self::ScanPassed => "scan_passed",
            Self::ToolEnabled => "tool_enabled",
            Self::PinMatches => "pin_matches",
            Self::SubscriptionInGoodStanding => "subscription_in_good_standing",
        }
    }
}

/// Everything a decision looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    pub action: Action,
    pub project_id: Uuid,
    pub user_id: Option<Uuid>,
    pub key_id: Option<Uuid>,
    /// The names of the roles that the caller has in the project and its organization.
    pub roles: Vec<String>,
    pub address: Option<IpAddr>,
    pub at: DateTime<Utc>,
    /// None where a list is filtered: then nothing is said about arguments.
    pub arguments: Option<Value>,
    /// An approval that was checked to be bound to just this call and is unused. Consuming it is a later step.
    pub approval_id: Option<Uuid>,
    pub organization_gates: OrganizationGates,
    /// Whether the caller may call tools at all. Asked of calls alone.
    #[serde(default)]
    pub may_call: MayCall,
    /// A call without them is refused: nothing is known of the server.
    pub server_gates: Option<ServerGates>,
}

impl Input {
    /// The gates of this action, in order, and whether each is open.
    pub(super) fn gates(&self) -> Vec<(Gate, bool)> {
        let about = &self.organization_gates;
        let mut gates = Vec::with_capacity(9);
        gates.push((Gate::KeyValid, about.key_valid));
        if self.action.tool().is_some() {
            gates.push((Gate::MayCall, self.may_call.holds()));
        }
        gates.extend([
            (Gate::OrganizationActive, about.organization_active),
            (Gate::ProjectActive, about.project_active),
        ]);
        if self.action.tool().is_some() {
            let server = self.server_gates;
            let open = |pick: fn(&ServerGates) -> bool| server.as_ref().is_some_and(pick);
            gates.extend([
                (Gate::ServerApproved, open(|gates| gates.server_approved)),
                (Gate::ScanPassed, open(|gates| gates.scan_passed)),
                (Gate::ToolEnabled, open(|gates| gates.tool_enabled)),
                (Gate::PinMatches, open(|gates| gates.pin_matches)),
            ]);
        }
        gates.push((Gate::SubscriptionInGoodStanding, about.subscription_in_good_standing));
        gates
    }
}

/// The actual values as the trace shows them, written once for all policies.
pub(super) struct Facts {
    pub user: Arc<str>,
    pub project: Arc<str>,
    pub key: Arc<str>,
    pub roles: Arc<str>,
    pub model: Arc<str>,
    pub server: Arc<str>,
    pub tool: Arc<str>,
    pub address: Arc<str>,
    pub at: Arc<str>,
    /// Where there is nothing to show.
    pub none: Arc<str>,
}

impl Facts {
    pub(super) fn new(input: &Input) -> Self {
        let none: Arc<str> = "none".into();
        let id = |id: Option<Uuid>| id.map_or_else(|| none.clone(), |id| id.to_string().into());
        let text = |text: Option<&str>| text.map_or_else(|| none.clone(), Into::into);
        Self {
            user: id(input.user_id),
            project: id(Some(input.project_id)),
            key: id(input.key_id),
            roles: if input.roles.is_empty() { none.clone() } else { input.roles.join(", ").into() },
            model: text(input.action.model()),
            server: text(input.action.server()),
            tool: input.action.tool().map_or_else(|| none.clone(), |(server, tool)| format!("{server}/{tool}").into()),
            address: input.address.map_or_else(|| none.clone(), |address| address.to_string().into()),
            at: input.at.to_rfc3339().into(),
            none,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::resolver_utils::EnumType;

    use super::*;

    #[test]
    fn a_gate_is_spelled_as_traces_spell_it() {
        for gate in Gate::items() {
            assert_eq!(serde_json::to_value(gate.value).expect("a text"), gate.value.as_str());
        }
    }
}

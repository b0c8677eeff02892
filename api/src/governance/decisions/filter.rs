//! How lists of decisions may be narrowed.

use async_graphql::InputObject;
use entity::enums::DecisionOutcome;
use entity::ids::{ApiKeyId, McpServerId, PolicyId, UserId};

use super::trace::ReasonKind;
use crate::governance::decision::Gate;
use crate::platform::errors::Result;
use crate::platform::filters::{TimeFilter, check_choices, check_name};

/// Which decisions a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct DecisionFilter {
    /// One of these was decided; up to 3.
    pub outcomes: Option<Vec<DecisionOutcome>>,
    /// One of these would be decided if the monitored policies were enforced; up to 3. Decisions to which that makes no
    /// difference are left out, so DENY alone finds what they would deny beside what is denied already.
    pub would_be: Option<Vec<DecisionOutcome>>,
    /// For a reason of one of these kinds; up to 6.
    pub reasons: Option<Vec<ReasonKind>>,
    /// Because one of these gates was the first that is closed; up to 9.
    pub gates: Option<Vec<Gate>>,
    /// Because of this policy.
    pub winner_id: Option<PolicyId>,
    /// About tools of this server.
    pub server_id: Option<McpServerId>,
    /// About tools with this name, of whatever server.
    pub tool_name: Option<String>,
    /// About this model: used, or named by who called a tool.
    pub model: Option<String>,
    /// About this person, or a key of theirs.
    pub user_id: Option<UserId>,
    /// About a use of this API key.
    pub api_key_id: Option<ApiKeyId>,
    /// At this time.
    pub created_at: Option<TimeFilter>,
}

impl DecisionFilter {
    /// Refuses what cannot be meant, and what the database cannot compare with.
    pub fn check(self) -> Result<Self> {
        check_choices("outcomes", self.outcomes.as_deref(), 3)?;
        check_choices("wouldBe", self.would_be.as_deref(), 3)?;
        check_choices("reasons", self.reasons.as_deref(), 6)?;
        check_choices("gates", self.gates.as_deref(), 9)?;
        check_name("toolName", self.tool_name.as_deref(), "No tool has such a name.")?;
        check_name("model", self.model.as_deref(), "No model has such a name.")?;
        self.created_at.as_ref().map_or(Ok(()), |time| time.check("createdAt"))?;
        Ok(self)
    }
}

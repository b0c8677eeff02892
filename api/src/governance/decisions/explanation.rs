//! What would be decided, as a client sees it: as a call would find it, with where the limits stand.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entity::enums::DecisionOutcome;
use entity::ids::PolicyId;

use super::asking::Question;
use super::trace::{ReasonGiven, Trace};
use crate::governance::decision::{Decision as Made, Effect};
use crate::governance::policies::Policy;
use crate::metering::limits;
use crate::platform::errors::Result;
use crate::platform::request::{Request, RequestContext};

/// What would be decided.
#[derive(Clone, Debug)]
pub struct DecisionExplanation {
    pub made: Arc<Made>,
    trace: Trace,
}

impl DecisionExplanation {
    /// Decides, and looks at the limits: where one that refuses has no room, a call is denied for it.
    pub async fn of(request: &Request, question: &Question) -> Result<Self> {
        let mut made = question.standing.decide(&question.input);
        let standings = question.standings(request, &made.limits).await?;
        if let Some(reached) = limits::reached(&standings).filter(|_| made.outcome == Effect::Allow) {
            made = made.limited_by(reached.limit.policy_id);
        }
        let trace = Trace::of(&made).with_standings(&standings).told_to(&request.viewer(), &question.subjects);
        Ok(Self { made: Arc::new(made), trace })
    }
}

/// What would be decided at this moment, and why. It leaves no trace.
#[Object]
impl DecisionExplanation {
    /// What would be decided.
    async fn outcome(&self) -> DecisionOutcome {
        self.made.outcome.into()
    }

    /// What would be decided if the monitored policies were enforced; null where that makes no difference.
    async fn would_be(&self) -> Option<DecisionOutcome> {
        self.made.would_be.map(Into::into)
    }

    /// Why.
    async fn reason(&self) -> ReasonGiven {
        self.made.reason.into()
    }

    /// The policy that is reported; null where none makes the outcome.
    async fn winner(&self, ctx: &Context<'_>) -> Result<Option<Policy>> {
        match self.made.winner {
            Some(id) => Policy::find(ctx.request(), PolicyId(id)).await,
            None => Ok(None),
        }
    }

    /// The version of the organization's set of policies.
    async fn policy_set_version(&self) -> i64 {
        self.made.policy_set_version
    }

    /// Every gate and policy that is tried, and where the limits stand.
    async fn trace(&self) -> &Trace {
        &self.trace
    }
}

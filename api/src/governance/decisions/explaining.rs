//! What would be decided, without doing it.

use async_graphql::{Context, Object};
use entity::ids::DecisionId;

use super::asking::ExplainDecisionInput;
use super::explanation::DecisionExplanation;
use super::graphql::Decision;
use super::why_not::{self, WhyNot};
use crate::platform::errors::Result;
use crate::platform::request::RequestContext;

/// Queries of decisions.
#[derive(Default)]
pub struct ExplanationQuery;

#[Object]
impl ExplanationQuery {
    /// The decision with this id; null when there is none that you may see. It is recorded a moment after it was made.
    async fn decision(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the decision.")] id: DecisionId,
    ) -> Result<Option<Decision>> {
        Decision::find(ctx.request(), id).await
    }

    /// What would be decided at this moment, and why, as a call would find it: also who may not call at all, and a limit without room, are told; null only with an error. Nothing is recorded or consumed. For everybody with a role in the project.
    async fn explain_decision(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What would be decided about.")] input: ExplainDecisionInput,
    ) -> Result<DecisionExplanation> {
        let request = ctx.request();
        DecisionExplanation::of(request, &input.read(request).await?).await
    }

    /// The smallest change that would allow it, found by deciding again with each change that could help. Nothing is recorded or changed. For everybody with a role in the project.
    async fn why_not(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What would be decided about.")] input: ExplainDecisionInput,
    ) -> Result<WhyNot> {
        let request = ctx.request();
        why_not::answer(request, input.read(request).await?).await
    }
}
